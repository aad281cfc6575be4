"""Signals ordered by kind; items reassessed, for what is alerted once a batch from now on."""

import importlib

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SIGNALS = importlib.import_module("ledger.migrations.versions.0002_clues")


def order_by(*columns) -> None:
    """The primary key of the signals; a table of SQLite is made anew for it."""
    if op.get_bind().dialect.name == 'postgresql':
        op.drop_constraint('clues_pkey', 'clues')
        op.create_primary_key('clues_pkey', 'clues', columns)
        return
    op.rename_table('clues', 'clues_before')
    op.create_table('clues',
    sa.Column('subject', SIGNALS.key(), nullable=False),
    sa.Column('item', SIGNALS.key(), nullable=False),
    sa.Column('sign', SIGNALS.key(), nullable=False),
    sa.Column('rest', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint(*columns),
    sqlite_with_rowid=False
    )
    op.execute('INSERT INTO clues (subject, item, sign, rest)'
               ' SELECT subject, item, sign, rest FROM clues_before')
    op.drop_table('clues_before')


def upgrade() -> None:
    order_by('subject', 'sign', 'item')
    # Alerts about items that are not released or diverted are retracted, and their batches
    # alerted: have all items reassessed.
    op.execute('UPDATE catalogue SET version = version + 1 WHERE EXISTS (SELECT 1 FROM items)')
    op.execute(SIGNALS.EVERY_PRODUCT)


def downgrade() -> None:
    order_by('subject', 'item', 'sign')
