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

    @property
    def is_good(self) -> bool:
        """Whether the code is genuine, and nothing is known against it."""
        return self in (Standing.VERIFIED, Standing.SEEN_BEFORE)
