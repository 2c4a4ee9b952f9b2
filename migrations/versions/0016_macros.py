"""Macros, and what each run of one changed"""

import sqlalchemy as sa
from alembic import op

from app.core.model import UTCDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
AT = UTCDateTime()


def upgrade() -> None:
    op.create_table(
        "macro",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("owner_id", sa.Integer, sa.ForeignKey("ab_user.id", ondelete="CASCADE"), nullable=False),
        sa.Column("audience", sa.String(32), nullable=False),
        sa.Column("role_id", sa.Integer, sa.ForeignKey("ab_role.id", ondelete="CASCADE")),
        sa.Column("department_id", BIG, sa.ForeignKey("department.id", ondelete="CASCADE")),
        sa.Column("actions", sa.JSON, nullable=False),
        sa.Column("conditions", sa.JSON, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("uses", sa.Integer, nullable=False),
        sa.Column("created_at", AT, nullable=False),
    )
    op.create_index("ix_macro_owner_id", "macro", ["owner_id"])
    op.create_table(
        "macro_run",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("macro_id", BIG, sa.ForeignKey("macro.id", ondelete="SET NULL")),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("ticket_id", BIG, sa.ForeignKey("ticket.id", ondelete="CASCADE"), nullable=False),
        sa.Column("staff_id", sa.Integer, sa.ForeignKey("ab_user.id", ondelete="CASCADE"), nullable=False),
        sa.Column("was", sa.JSON, nullable=False),
        sa.Column("now", sa.JSON, nullable=False),
        sa.Column("draft_ids", sa.String(255), nullable=False),
        sa.Column("last_event_id", BIG, nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("undone_at", AT),
    )
    op.create_index("ix_macro_run_ticket", "macro_run", ["ticket_id", "id"])


def downgrade() -> None:
    op.drop_table("macro_run")
    op.drop_table("macro")
