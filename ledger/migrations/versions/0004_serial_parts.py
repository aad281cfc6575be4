"""Parts of the serial lists of large batches."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def key(characters=None):
    """Ordered by bytes in both databases."""
    ordered = sa.String(characters, collation="C")
    return sa.String(characters).with_variant(ordered, "postgresql")


def upgrade() -> None:
    op.create_table('serial_parts',
    sa.Column('issuer', key(), nullable=False),
    sa.Column('batch_id', key(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('key_slot', sa.Integer(), nullable=False),
    sa.Column('revision', sa.BigInteger(), nullable=False),
    sa.Column('sha256', sa.LargeBinary(), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('issuer', 'batch_id', 'number')
    )
    if op.get_bind().dialect.name == 'postgresql':
        # Fingerprints look random: compressing them costs time and saves nothing.
        op.execute('ALTER TABLE serial_parts ALTER COLUMN content SET STORAGE EXTERNAL')


def downgrade() -> None:
    op.drop_table('serial_parts')
