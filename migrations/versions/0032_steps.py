"""Which changes of status a role may make by hand; a role without rows may make every one"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0029"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "status_step",
        sa.Column("role_id", sa.Integer, sa.ForeignKey("ab_role.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("from_id", BIG, sa.ForeignKey("status.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("to_id", BIG, sa.ForeignKey("status.id", ondelete="CASCADE"), primary_key=True),
    )


def downgrade() -> None:
    op.drop_table("status_step")
