"""What both databases do alike with the rows of items: decode them for a fold."""

from collections.abc import Iterable

from authenticity.detection.alerts import Alert
from authenticity.detection.findings import FindingKind
from authenticity.detection.item_state import KnownItem
from authenticity.gs1.item import ItemId
from authenticity.history.history import decode_history
from ledger.queries.signal_rows import decode_signals
from ledger.records import decode_alert, from_key


def known_items(
    items: Iterable[tuple[str, bytes, int, bytes | None]], alerts: Iterable[tuple[str, bytes]]
) -> dict[ItemId, KnownItem]:
    """From rows (key, history, version, signals) of items, and rows (key, alert) of theirs."""
    published: dict[str, dict[FindingKind, Alert]] = {}
    for key, encoded in alerts:
        alert = decode_alert(encoded)
        published.setdefault(key, {})[alert.kind] = alert
    return {
        (item := from_key(key)): KnownItem(
            decode_history(history),
            version,
            published.get(key, {}),
            decode_signals(item, signals) if signals else (),
        )
        for key, history, version, signals in items
    }
