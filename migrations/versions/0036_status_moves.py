"""Statuses that give their tickets to another one, or mean something else from now on"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0034"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "status_move",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("status_id", BIG, sa.ForeignKey("status.id", ondelete="SET NULL")),
        sa.Column("target_id", BIG, sa.ForeignKey("status.id", ondelete="SET NULL")),
        sa.Column("was", sa.String(255), nullable=False),
        sa.Column("now", sa.String(255), nullable=False),
        sa.Column("state_was", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("told", sa.Boolean, nullable=False),
        sa.Column("staff_id", sa.Integer, sa.ForeignKey("ab_user.id", ondelete="SET NULL")),
        sa.Column("staff_name", sa.String(255), nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("moved", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
    )
    for column in ("status_id", "target_id", "staff_id"):
        op.create_index(f"ix_status_move_{column}", "status_move", [column])


def downgrade() -> None:
    op.drop_table("status_move")
