"""The standing of an item: the one word of an answer."""

from enum import StrEnum


class Standing(StrEnum):
    """See docs/reference/verdicts.md for the sentences that go with each."""

    VERIFIED = "verified"
    SEEN_BEFORE = "seen-before"
    CAUTION = "caution"
    SUSPECT = "suspect"
    NOT_ISSUED = "not-issued"
    UNREADABLE = "unreadable"
