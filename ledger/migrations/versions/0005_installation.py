"""What the ledger knows of the installation that it is of."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def key(characters=None):
    """Ordered by bytes in both databases."""
    ordered = sa.String(characters, collation="C")
    return sa.String(characters).with_variant(ordered, "postgresql")


def upgrade() -> None:
    op.create_table('installation',
    sa.Column('name', key(), nullable=False),
    sa.Column('value', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('name')
    )


def downgrade() -> None:
    op.drop_table('installation')
