"""The second stage: signals (`clues`) of items about batches and scanners, and pending entities."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# One search of the index for each product, rather than one for each item. "}" is above every
# key that begins with a GTIN, "0" follows "/".
EVERY_PRODUCT = """
    WITH RECURSIVE products (gtin) AS (
        SELECT substr(min(item), 1, 14) FROM items WHERE item < '}'
        UNION ALL
        SELECT (
            SELECT substr(min(item), 1, 14) FROM items
            WHERE item > products.gtin || '0' AND item < '}'
        ) FROM products WHERE gtin IS NOT NULL
    )
    INSERT INTO reassessments (gtin, passed, catalogue_version)
    SELECT gtin, '', version FROM products, catalogue WHERE gtin IS NOT NULL
    ON CONFLICT (gtin) DO UPDATE SET passed = '', catalogue_version = excluded.catalogue_version
"""


def key(characters=None):
    """Ordered by bytes in both databases."""
    ordered = sa.String(characters, collation="C")
    return sa.String(characters).with_variant(ordered, "postgresql")


def upgrade() -> None:
    op.add_column('items', sa.Column('clues', sa.LargeBinary(), nullable=True))
    op.create_table('clues',
    sa.Column('subject', key(), nullable=False),
    sa.Column('item', key(), nullable=False),
    sa.Column('sign', key(), nullable=False),
    sa.Column('rest', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('subject', 'item', 'sign'),
    sqlite_with_rowid=False
    )
    op.create_table('subjects_due',
    sa.Column('number', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('subject', key(), nullable=False),
    sa.PrimaryKeyConstraint('number'),
    sqlite_autoincrement=True
    )
    # Histories that are there already give signals: have all of them reassessed.
    op.execute('UPDATE catalogue SET version = version + 1 WHERE EXISTS (SELECT 1 FROM items)')
    op.execute(EVERY_PRODUCT)


def downgrade() -> None:
    op.execute("DELETE FROM items WHERE item >= '}' AND item < '~' OR substr(item, 15, 4) = '/10/'")
    op.drop_table('subjects_due')
    op.drop_table('clues')
    op.drop_column('items', 'clues')
