"""The tables. What they hold is decided by `authenticity`; here it only gets columns.

All are keyed by item or entity, or small. Names of tables and columns are older than the words
of the code: `clues` are signals, a `subject` is an entity, one that is `due` is pending, the
`catalogue` is the batch registry. Times are milliseconds since 1970 UTC, so that both
databases order and compare them alike.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    false,
)

metadata = MetaData()

# SQLite numbers rows by itself only where the type is INTEGER.
Number = BigInteger().with_variant(Integer, "sqlite")


def _key(characters: int | None = None) -> String:
    """Text that is ordered, ranged or compared: by its bytes in both databases, whatever
    the language of the server."""
    ordered = String(characters, collation="C")
    return String(characters).with_variant(ordered, "postgresql")


items = Table(
    "items",
    metadata,
    Column("item", _key(), primary_key=True),  # see ledger.records.to_key
    Column("history", LargeBinary, nullable=False),
    Column("version", Integer, nullable=False),
    Column("clues", LargeBinary),  # see ledger.queries.signal_rows; NULL for none, as usual
    sqlite_with_rowid=False,
    postgresql_with={"fillfactor": 70},  # room beside a row for its next version
)

# What items say about batches and scanners: the column above once more, by entity.
clues = Table(
    "clues",
    metadata,
    Column("subject", _key(), nullable=False),
    Column("item", _key(), nullable=False),
    Column("sign", _key(), nullable=False),
    Column("rest", LargeBinary, nullable=False),
    PrimaryKeyConstraint("subject", "sign", "item"),  # the first items of each kind are read
    sqlite_with_rowid=False,
)

# Entities whose signals changed. One may be in it many times, so that no writer waits for another.
subjects_due = Table(
    "subjects_due",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("subject", _key(), nullable=False),
    sqlite_autoincrement=True,  # a number given twice would acknowledge what nobody read
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", _key(32), primary_key=True),
    Column("item", _key(), nullable=False),
    Column("kind", _key(), nullable=False),
    Column("severity", String, nullable=False),
    Column("retracted", Boolean, nullable=False),
    Column("alert", LargeBinary, nullable=False),  # JSON of authenticity.detection.alerts.Alert
    Column("raised_number", BigInteger, nullable=False),  # of the feed; the order of lists
    Column("raised_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Column("case_state", String, nullable=False, server_default="new"),
    UniqueConstraint("item", "kind"),
)
Index("alerts_in_order", alerts.c.raised_number)

# Every version of every alert, in the order the ledger knew them: feed and audit trail.
feed = Table(
    "feed",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("item", _key(), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("alert", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)

case_steps = Table(
    "case_steps",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("alert_id", _key(32), ForeignKey("alerts.id"), nullable=False, index=True),
    Column("state", String, nullable=False),
    Column("reason", String),
    Column("by", String, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)

batches = Table(
    "batches",
    metadata,
    Column("issuer", _key(), nullable=False),
    Column("batch_id", _key(), nullable=False),
    Column("gtin", _key(14), nullable=False),
    Column("header", LargeBinary, nullable=False),  # see ledger.batch_cache.read_row
    PrimaryKeyConstraint("issuer", "batch_id"),
)

# Parts of the serial lists of large batches: of each number the one of the highest rank,
# whether or not the header names its digest. See docs/decisions/0013.
serial_parts = Table(
    "serial_parts",
    metadata,
    Column("issuer", _key(), nullable=False),
    Column("batch_id", _key(), nullable=False),
    Column("number", Integer, nullable=False),
    Column("key_slot", Integer, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("content", LargeBinary, nullable=False),  # see authenticity.records.serial_filter
    PrimaryKeyConstraint("issuer", "batch_id", "number"),
)

# One row: grows with every change of `batches`, or of a part that one of them names. A fold
# that read another one is refused.
catalogue = Table("catalogue", metadata, Column("version", BigInteger, nullable=False))

# Products whose batches changed: items up to and including `passed` have been reassessed.
reassessments = Table(
    "reassessments",
    metadata,
    Column("gtin", _key(14), primary_key=True),
    Column("passed", _key(), nullable=False),
    Column("catalogue_version", BigInteger, nullable=False),
)

trust_lists = Table(
    "trust_lists",
    metadata,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("document", LargeBinary, nullable=False),
    Column("accepted_ms", BigInteger, nullable=False),
)

positions = Table(
    "positions",
    metadata,
    Column("source", _key(), primary_key=True),
    Column("position", BigInteger, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", _key(), primary_key=True),
    Column("sha256", LargeBinary, nullable=False, unique=True),
    Column("role", String, nullable=False),
    Column("name", String, nullable=False),
    Column("prefixes", String),  # JSON list; NULL for all
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
    Column("gateway", Boolean, nullable=False, server_default=false()),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("source", _key(), nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("reason", String, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("bytes", Integer, nullable=False),
    UniqueConstraint("source", "position"),
)

installation = Table(
    "installation",
    metadata,
    Column("name", _key(), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
