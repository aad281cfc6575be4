"""The statements of `ledger.postgres.store`. Columns come as arrays: one statement a table."""

from typing import Final

from ledger.postgres.server import BATCH_REGISTRY_LOCK, FEED_LOCK, LOCKS

BEGIN: Final = "BEGIN ISOLATION LEVEL READ COMMITTED;"
BEGIN_FOLD: Final = f"{BEGIN} SELECT pg_advisory_xact_lock_shared({LOCKS}, {BATCH_REGISTRY_LOCK})"
BEGIN_BATCHES: Final = f"{BEGIN} SELECT pg_advisory_xact_lock({LOCKS}, {BATCH_REGISTRY_LOCK})"
ORDER_FEED: Final = f"SELECT pg_advisory_xact_lock({LOCKS}, {FEED_LOCK})"

REGISTRY_VERSION: Final = "SELECT version FROM catalogue"

# One statement, one snapshot: histories, and under version 0 the alerts.
KNOWN: Final = """
    SELECT item, history AS bytes, version, clues FROM items WHERE item = ANY($1::text[])
    UNION ALL
    SELECT item, alert, 0, NULL FROM alerts WHERE item = ANY($1::text[])
"""

WRITE_ITEMS: Final = """
    INSERT INTO items (item, history, version, clues)
    SELECT item, history, version, clues
    FROM unnest($1::text[], $2::bytea[], $3::integer[], $4::bytea[])
        AS new (item, history, version, clues)
    ORDER BY item
    ON CONFLICT (item) DO UPDATE SET history = excluded.history, version = excluded.version,
        clues = excluded.clues
    WHERE items.version = excluded.version - 1
    RETURNING item
"""

DELETE_SIGNALS: Final = """
    DELETE FROM clues USING unnest($1::text[], $2::text[], $3::text[]) AS gone (subject, item, sign)
    WHERE clues.subject = gone.subject AND clues.item = gone.item AND clues.sign = gone.sign
"""

WRITE_SIGNALS: Final = """
    WITH due AS (INSERT INTO subjects_due (subject) SELECT unnest($1::text[]))
    INSERT INTO clues (subject, item, sign, rest)
    SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::bytea[])
"""

SIGNALS_ABOUT: Final = """
    SELECT item, sign, rest FROM unnest($2::text[]) AS kinds (kind)
    CROSS JOIN LATERAL (
        SELECT item, sign, rest FROM clues WHERE subject = $1 AND sign = kind
        ORDER BY item LIMIT $3
    ) AS first
"""

WRITE_ALERTS: Final = """
    WITH new AS (
        SELECT nextval('feed_number_seq') AS number, given.*
        FROM (
            SELECT * FROM unnest(
                $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::bytea[]
            ) WITH ORDINALITY AS a (id, item, kind, severity, retracted, alert, place)
            ORDER BY place
        ) AS given
    ), fed AS (
        INSERT INTO feed (number, item, at_ms, alert) SELECT number, item, $1, alert FROM new
    )
    INSERT INTO alerts
        (id, item, kind, severity, retracted, alert, raised_number, raised_ms, updated_ms)
    SELECT id, item, kind, severity, retracted, alert, number, $1, $1 FROM new
    ORDER BY id
    ON CONFLICT (id) DO UPDATE SET severity = excluded.severity,
        retracted = excluded.retracted, alert = excluded.alert, updated_ms = excluded.updated_ms
"""

ACKNOWLEDGE: Final = "DELETE FROM subjects_due WHERE number = ANY($1::bigint[])"

KNOWN_BATCHES: Final = """
    SELECT header FROM batches WHERE (issuer, batch_id)
    IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""

STATED: Final = """
    SELECT issuer, batch_id FROM batches WHERE (issuer, batch_id)
    IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""

KNOWN_PARTS: Final = """
    SELECT issuer, batch_id, number, key_slot, revision, sha256 FROM serial_parts
    WHERE (issuer, batch_id, number)
    IN (SELECT * FROM unnest($1::text[], $2::text[], $3::integer[]))
"""

PARTS: Final = """
    SELECT sha256, content FROM serial_parts
    WHERE issuer = $1 AND batch_id = $2 AND number = ANY($3::integer[])
"""

WRITE_PARTS: Final = """
    INSERT INTO serial_parts (issuer, batch_id, number, key_slot, revision, sha256, content)
    SELECT * FROM unnest($1::text[], $2::text[], $3::integer[], $4::integer[], $5::bigint[],
        $6::bytea[], $7::bytea[])
    ON CONFLICT (issuer, batch_id, number) DO UPDATE SET key_slot = excluded.key_slot,
        revision = excluded.revision, sha256 = excluded.sha256, content = excluded.content
"""

WRITE_BATCHES: Final = """
    INSERT INTO batches (issuer, batch_id, gtin, header)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[])
    ON CONFLICT (issuer, batch_id) DO UPDATE SET gtin = excluded.gtin, header = excluded.header
"""

REASSESS: Final = """
    WITH next AS (UPDATE catalogue SET version = version + 1 RETURNING version)
    INSERT INTO reassessments (gtin, passed, catalogue_version)
    SELECT gtin, '', next.version FROM next, unnest($1::text[]) AS changed (gtin)
    ON CONFLICT (gtin) DO UPDATE SET passed = '', catalogue_version = excluded.catalogue_version
"""

WRITE_TRUST_LIST: Final = """
    INSERT INTO trust_lists (version, document, accepted_ms) VALUES ($1, $2, $3)
    ON CONFLICT (version) DO NOTHING
"""

WRITE_POSITION: Final = """
    INSERT INTO positions (source, position) VALUES ($1, $2) ON CONFLICT (source)
    DO UPDATE SET position = greatest(positions.position, excluded.position)
"""

WRITE_DEAD_LETTERS: Final = """
    INSERT INTO dead_letters (source, position, reason, at_ms, raw, bytes)
    SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::bigint[], $5::bytea[], $6::integer[])
    ON CONFLICT (source, position) DO NOTHING
"""
