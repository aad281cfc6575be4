"""Alerts with their cases, as statements that read the same on either database."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Row,
    bindparam,
    case,
    false,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.sql import Select

from authenticity.records.scan import from_epoch_ms, to_epoch_ms
from authenticity.trust.entitlement import Entitlement
from ledger import schema
from ledger.records import (
    BEYOND_PRODUCTS,
    CASE_MOVES,
    AlertFilter,
    AlertRecord,
    CaseChange,
    CaseError,
    CaseState,
    CaseStep,
    decode_alert,
    to_key,
)


def owned(
    column: ColumnElement[str], entitlement: Entitlement | None
) -> Sequence[ColumnElement[bool]]:
    """`Entitlement.opens` as a condition on a key (`to_key`), or `holds` on a GTIN.

    Scanners, and texts whose hash happens to look like a GTIN, are no company's. Prefixes are
    digits (checked when a token is made and when a list is read), and stand in the statement
    itself: a range may be sold in more parts than a statement has parameters.
    """
    if entitlement is None:
        return ()
    steps: list[tuple[ColumnElement[bool], bool]] = []
    for length in entitlement.lengths:
        begins_with = func.substr(column, 2, length)
        for prefixes, opens in ((entitlement.held, True), (entitlement.sold, False)):
            if these := sorted(prefix for prefix in prefixes if len(prefix) == length):
                listed: BindParameter[list[str]] = bindparam(
                    None, these, expanding=True, literal_execute=True
                )
                steps.append((begins_with.in_(listed), opens))
    if not steps:
        return (false(),)
    return (case(*steps, else_=False), column < BEYOND_PRODUCTS)


def conditions_of(where: AlertFilter) -> list[ColumnElement[bool]]:
    """What narrows the alerts to those that are asked for."""
    table = schema.alerts
    conditions = [*owned(table.c.item, where.entitlement)]
    for column, wanted in (
        (table.c.kind, where.kinds),
        (table.c.severity, where.severities),
        (table.c.case_state, where.cases),
    ):
        if wanted:
            conditions.append(column.in_([str(value) for value in wanted]))
    if where.retracted is not None:
        conditions.append(table.c.retracted == where.retracted)
    if where.item is not None:
        conditions.append(table.c.item == to_key(where.item))
    if where.since is not None:
        conditions.append(table.c.updated_ms >= to_epoch_ms(where.since))
    return conditions


def find_alert(
    connection: Connection,
    alert_id: str,
    entitlement: Entitlement | None,
    *,
    to_change: bool = False,
) -> AlertRecord | None:
    """One alert; `to_change` holds back others who would change its case."""
    table = schema.alerts
    if not storable(alert_id):
        return None
    statement: Select[Any] = select(table).where(
        table.c.id == alert_id, *owned(table.c.item, entitlement)
    )
    if to_change:
        statement = statement.with_for_update()
    records = records_of(connection, connection.execute(statement).all())
    return records[0] if records else None


def records_of(connection: Connection, rows: Sequence[Row[Any]]) -> tuple[AlertRecord, ...]:
    """These rows of `alerts`, with the steps of their cases."""
    table = schema.case_steps
    steps: dict[str, list[CaseStep]] = {}
    of_these = table.c.alert_id.in_([row.id for row in rows])
    for step in connection.execute(select(table).where(of_these).order_by(table.c.number)):
        steps.setdefault(step.alert_id, []).append(
            CaseStep(CaseState(step.state), step.reason, step.by, from_epoch_ms(step.at_ms))
        )
    return tuple(
        AlertRecord(
            decode_alert(row.alert),
            from_epoch_ms(row.raised_ms),
            from_epoch_ms(row.updated_ms),
            CaseState(row.case_state),
            tuple(steps.get(row.id, ())),
        )
        for row in rows
    )


def change_case(
    connection: Connection, alert_id: str, change: CaseChange, entitlement: Entitlement | None
) -> AlertRecord | None:
    """See `LedgerReader.change_case`."""
    record = find_alert(connection, alert_id, entitlement, to_change=True)
    if record is None:
        return None
    if change.state not in CASE_MOVES[record.case]:
        allowed = ", ".join(sorted(CASE_MOVES[record.case]))
        raise CaseError(
            f"a case that is {record.case} cannot become {change.state}",
            next_step=f"from here it may become: {allowed}",
        )
    if change.state is CaseState.CLOSED and not (change.reason or "").strip():
        raise CaseError("closing a case needs a reason", next_step="say what was found out")
    if not storable(change.reason or ""):
        raise CaseError("a reason is text without NUL characters", next_step="leave them out")
    connection.execute(
        insert(schema.case_steps).values(
            alert_id=alert_id,
            state=change.state,
            reason=change.reason,
            by=change.by,
            at_ms=to_epoch_ms(datetime.now(UTC)),
        )
    )
    connection.execute(
        update(schema.alerts).where(schema.alerts.c.id == alert_id).values(case_state=change.state)
    )
    return find_alert(connection, alert_id, entitlement)


def storable(text: str) -> bool:
    """Whether both databases could hold this text; what they could not, they do not have."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False
