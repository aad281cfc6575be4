"""What is known of an item between two assessments, and what to write after one."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from authenticity.detection.alerts import Alert
from authenticity.detection.findings import FindingKind
from authenticity.detection.signals import Signal
from authenticity.gs1.item import ItemId
from authenticity.history.history import EMPTY, History


class KnownItem(NamedTuple):
    """What is known of an item, a batch or a scanner. `version` 0: nothing yet.

    `published` holds the newest alert of every kind ever published for it; `signals` are
    those that its history gave, sorted. A batch or a scanner has neither history nor
    signals of its own.
    """

    history: History
    version: int
    published: Mapping[FindingKind, Alert]
    signals: tuple[Signal, ...] = ()


UNKNOWN = KnownItem(EMPTY, 0, {})


class ItemChange(NamedTuple):
    """What to write of an item, a batch or a scanner, if its version is still the one that
    was read.

    `history` is encoded; `alerts` are those that changed. `signals` are all that the history
    gives, `signals_before` those that were read: whatever the two differ about is assessed
    again.
    """

    item: ItemId
    version: int
    history: bytes
    alerts: Sequence[Alert]
    signals: tuple[Signal, ...] = ()
    signals_before: tuple[Signal, ...] = ()
