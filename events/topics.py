"""The topics of the pipeline: names, keys, values, how long they are kept. For both engines."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct

from authenticity.detection.alerts import Alert
from authenticity.gs1.item import ItemId, text_id
from authenticity.records.batch import Batch
from authenticity.records.dead_letter import DeadLetter
from authenticity.records.scan import Scan
from authenticity.records.serial_parts import SerialPart


class CleanupPolicy(StrEnum):
    """When an old record may go."""

    BY_TIME = "by time"
    COMPACTED = "compacted"
    COMPACTED_AND_BY_TIME = "compacted, and by time"


class AlertChange(Struct, frozen=True):
    """One change of an alert. `number` counts changes in the order in which the ledger committed
    them, `at` is when (UTC). Of each alert the highest version stands."""

    number: int
    at: datetime
    alert: Alert


TRUST_KEY: Final = b"trust-list"


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. `value` is None where the value is no JSON of ours (the trust list: a JWS).

    `most_bytes` bounds one record, `timed_by_log` has the log say when a record arrived, not
    its publisher. `kept_days` is how long Kafka keeps one (None: until a
    newer one of its key replaces it). `signed`: the record is a JWS in compact form, and
    `value` is its payload, or `or_value` is, as the `typ` of its header says.
    """

    name: str
    value: type | None
    keyed_by: str
    kept: CleanupPolicy
    partitions: int
    about: str
    kept_days: int | None = None
    most_bytes: int = 2**20
    signed: bool = False
    or_value: type | None = None
    timed_by_log: bool = False

    @property
    def compacted(self) -> bool:
        """Whether the newest record of a key is never dropped."""
        return self.kept is not CleanupPolicy.BY_TIME


SCANS: Final = Topic(
    "scans", Scan, "item id; for text that names no item, a hash of it", CleanupPolicy.BY_TIME, 24,
    "Every reading of a code, by whomever.", kept_days=30,
)  # fmt: skip
BATCHES: Final = Topic(
    "batches", Batch, "issuer / batch id; of a part: / number / issuer / batch id",
    CleanupPolicy.COMPACTED, 4,
    "What was minted, what its issuer has declared of it since, and the parts of the serial "
    "lists of large batches, signed by the issuer.",
    most_bytes=2 * 2**20, signed=True, or_value=SerialPart, timed_by_log=True,
)  # fmt: skip
TRUST: Final = Topic(
    "trust", None, "constant", CleanupPolicy.COMPACTED, 1,
    "The signed trust list (JWS, general JSON serialization).", most_bytes=6 * 2**20,
)  # fmt: skip
ALERTS: Final = Topic(
    "alerts", AlertChange, "alert id", CleanupPolicy.COMPACTED_AND_BY_TIME, 24,
    "Alert changes from the feed, at least once and in order; the highest version stands.",
    kept_days=365,
)  # fmt: skip
SCANS_DEAD: Final = Topic(
    "scans-dead", DeadLetter, "as the scan", CleanupPolicy.BY_TIME, 4,
    "Records that could not be processed, with the reason.", kept_days=90, most_bytes=2 * 2**20,
)  # fmt: skip
TOPICS: Final = (SCANS, BATCHES, TRUST, ALERTS, SCANS_DEAD)


def scan_key(item: ItemId | None, code: str) -> bytes:
    """Key of a scan: the item its code names, so that one item's scans stay in one partition."""
    return (item or text_id(code)).encode()


def batch_key(batch: Batch) -> bytes:
    """Key of a batch header. A slash in an issuer's id cannot make two batches one."""
    return _of_batch(batch.issuer, batch.batch_id).encode()


def part_key(part: SerialPart) -> bytes:
    """Key of a part of a serial list, so that compaction keeps each. No header has it: theirs
    do not begin with a slash."""
    return f"/{part.number}/{_of_batch(part.issuer, part.batch_id)}".encode()


def _of_batch(issuer: str, batch_id: str) -> str:
    return f"{issuer.replace('/', '%2F')}/{batch_id}"
