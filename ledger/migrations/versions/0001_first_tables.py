"""The first tables: histories, alerts with their feed and cases, batches, trust, tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def key(characters=None):
    """Ordered by bytes in both databases."""
    ordered = sa.String(characters, collation="C")
    return sa.String(characters).with_variant(ordered, "postgresql")


def upgrade() -> None:
    op.create_table('alerts',
    sa.Column('id', key(32), nullable=False),
    sa.Column('item', key(), nullable=False),
    sa.Column('kind', key(), nullable=False),
    sa.Column('severity', sa.String(), nullable=False),
    sa.Column('retracted', sa.Boolean(), nullable=False),
    sa.Column('alert', sa.LargeBinary(), nullable=False),
    sa.Column('raised_number', sa.BigInteger(), nullable=False),
    sa.Column('raised_ms', sa.BigInteger(), nullable=False),
    sa.Column('updated_ms', sa.BigInteger(), nullable=False),
    sa.Column('case_state', sa.String(), server_default='new', nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('item', 'kind')
    )
    op.create_index('alerts_in_order', 'alerts', ['raised_number'], unique=False)
    op.create_table('batches',
    sa.Column('issuer', key(), nullable=False),
    sa.Column('batch_id', key(), nullable=False),
    sa.Column('gtin', key(14), nullable=False),
    sa.Column('header', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('issuer', 'batch_id')
    )
    op.create_table('catalogue',
    sa.Column('version', sa.BigInteger(), nullable=False)
    )
    op.create_table('dead_letters',
    sa.Column('number', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('source', key(), nullable=False),
    sa.Column('position', sa.BigInteger(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('at_ms', sa.BigInteger(), nullable=False),
    sa.Column('raw', sa.LargeBinary(), nullable=False),
    sa.Column('bytes', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('number'),
    sa.UniqueConstraint('source', 'position')
    )
    op.create_table('feed',
    sa.Column('number', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('item', key(), nullable=False),
    sa.Column('at_ms', sa.BigInteger(), nullable=False),
    sa.Column('alert', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('number'),
    sqlite_autoincrement=True
    )
    op.create_table('items',
    sa.Column('item', key(), nullable=False),
    sa.Column('history', sa.LargeBinary(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('item'),
    sqlite_with_rowid=False,
    postgresql_with={'fillfactor': 70}
    )
    op.create_table('positions',
    sa.Column('source', key(), nullable=False),
    sa.Column('position', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('source')
    )
    op.create_table('reassessments',
    sa.Column('gtin', key(14), nullable=False),
    sa.Column('passed', key(), nullable=False),
    sa.Column('catalogue_version', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('gtin')
    )
    op.create_table('tokens',
    sa.Column('id', key(), nullable=False),
    sa.Column('sha256', sa.LargeBinary(), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('prefixes', sa.String(), nullable=True),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.Column('expires_ms', sa.BigInteger(), nullable=False),
    sa.Column('revoked_ms', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('sha256')
    )
    op.create_table('trust_lists',
    sa.Column('version', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('document', sa.LargeBinary(), nullable=False),
    sa.Column('accepted_ms', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('version')
    )
    op.create_table('case_steps',
    sa.Column('number', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('alert_id', key(32), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('by', sa.String(), nullable=False),
    sa.Column('at_ms', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['alert_id'], ['alerts.id'], ),
    sa.PrimaryKeyConstraint('number')
    )
    op.create_index(op.f('ix_case_steps_alert_id'), 'case_steps', ['alert_id'], unique=False)
    op.execute('INSERT INTO catalogue (version) VALUES (0)')


def downgrade() -> None:
    op.drop_index(op.f('ix_case_steps_alert_id'), table_name='case_steps')
    op.drop_table('case_steps')
    op.drop_table('trust_lists')
    op.drop_table('tokens')
    op.drop_table('reassessments')
    op.drop_table('positions')
    op.drop_table('items')
    op.drop_table('feed')
    op.drop_table('dead_letters')
    op.drop_table('catalogue')
    op.drop_table('batches')
    op.drop_index('alerts_in_order', table_name='alerts')
    op.drop_table('alerts')
