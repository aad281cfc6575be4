"""Parts of serial lists, asked for one serial after another: kept while there is room.

A part is named by the digest of its content, so what is kept is never taken for what another
header names. That the ledger still holds it, the version of the batch registry says
(`ledger.batch_cache.CachedBatchRegistry`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Final

from cachetools import LRUCache

from authenticity.records.batch_registry import Question
from authenticity.records.serial_filter import may_hold
from authenticity.records.serial_parts import PartName

PARTS_KEPT_BYTES: Final = 64 * 2**20
PARTS_READ_AT_ONCE: Final = 32
UNCLAIMED_PARTS: Final = """
    SELECT count(*) FROM serial_parts AS p WHERE p.issuer = $1 AND NOT EXISTS (
        SELECT 1 FROM batches AS b WHERE b.issuer = p.issuer AND b.batch_id = p.batch_id
    )
"""
"""Of the issuer `$1`. Reads the index and the small columns alone."""

Asked = Mapping[PartName, Sequence[Question]]
ReadParts = Callable[[str, str, Sequence[int]], Iterable[tuple[bytes, bytes]]]
"""The rows (digest, content) of these numbers of a batch."""


class PartCache:
    """At most `most_bytes` of parts, those used last. Several threads may use it.

    What is kept are contents by their digest; whether the ledger holds a part is not.
    """

    def __init__(self, most_bytes: int = PARTS_KEPT_BYTES) -> None:
        self._kept: LRUCache[bytes, bytes] = LRUCache(most_bytes, getsizeof=len)
        self._lock = Lock()

    def ask(self, questions: Iterable[Question]) -> tuple[dict[Question, bool], Asked]:
        """Answers from the parts that are kept, and what the others must be read for."""
        answers: dict[Question, bool] = {}
        missing: dict[PartName, list[Question]] = {}
        for question in set(questions):
            with self._lock:
                content = self._kept.get(question.part.digest)
            if content is None:
                missing.setdefault(question.part, []).append(question)
            else:
                answers[question] = may_hold(content, question.serial)
        return answers, missing

    def answer(self, digest: bytes, content: bytes, asked: Asked) -> dict[Question, bool]:
        """Answers from a part that was read, to those who asked for this digest. Keeps it."""
        answers = {
            question: may_hold(content, question.serial)
            for part, questions in asked.items()
            if part.digest == digest
            for question in questions
        }
        if answers and len(content) <= self._kept.maxsize:
            with self._lock:
                self._kept[digest] = content
        return answers

    @property
    def kept_bytes(self) -> int:
        """How much is kept."""
        with self._lock:
            return int(self._kept.currsize)


def in_groups(asked: Asked) -> Iterator[tuple[str, str, dict[PartName, Sequence[Question]]]]:
    """Some parts of one batch at a time: issuer, batch id and at most `PARTS_READ_AT_ONCE`."""
    of_batch: dict[tuple[str, str], list[PartName]] = {}
    for part in sorted(asked):
        of_batch.setdefault((part.issuer, part.batch_id), []).append(part)
    for (issuer, batch_id), parts in of_batch.items():
        for start in range(0, len(parts), PARTS_READ_AT_ONCE):
            some = parts[start : start + PARTS_READ_AT_ONCE]
            yield issuer, batch_id, {part: asked[part] for part in some}


class LazyMembership:
    """`Membership` that reads parts when it is asked."""

    def __init__(self, read: ReadParts, cache: PartCache) -> None:
        self._read = read
        self._cache = cache

    def get(self, question: Question, /) -> bool | None:
        """See `Membership.get`."""
        answers, missing = self._cache.ask([question])
        for issuer, batch_id, asked in in_groups(missing):
            for digest, content in self._read(issuer, batch_id, [part.number for part in asked]):
                answers |= self._cache.answer(digest, content, asked)
        return answers.get(question)
