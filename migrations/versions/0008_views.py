"""lists as each person wants them"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "saved_view",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("owner_id", sa.Integer, sa.ForeignKey("ab_user.id", ondelete="CASCADE"), nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("columns", sa.Text, nullable=False),
        sa.Column("audience", sa.String(32), nullable=False),
        sa.Column("role_id", sa.Integer, sa.ForeignKey("ab_role.id", ondelete="CASCADE")),
        sa.Column("department_id", BIG, sa.ForeignKey("department.id", ondelete="CASCADE")),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("created_at", AT, nullable=False),
    )
    op.create_index("ix_saved_view_owner_id", "saved_view", ["owner_id"])
    op.create_table(
        "list_choice",
        sa.Column("staff_id", sa.Integer, sa.ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("columns", sa.Text, nullable=False),
        sa.Column("default_view_id", BIG, sa.ForeignKey("saved_view.id", ondelete="SET NULL")),
    )
    _bulk()


def _bulk() -> None:
    op.create_table(
        "bulk_change",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("staff_id", sa.Integer, sa.ForeignKey("ab_user.id", ondelete="CASCADE"), nullable=False),
        sa.Column("deed", sa.String(255), nullable=False),
        sa.Column("value", sa.JSON, nullable=False),
        sa.Column("words", sa.String(255), nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("undoing", sa.Boolean, nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("finished_at", AT),
    )
    op.create_index("ix_bulk_change_staff_id", "bulk_change", ["staff_id"])
    op.create_table(
        "bulk_step",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("change_id", BIG, sa.ForeignKey("bulk_change.id", ondelete="CASCADE"), nullable=False),
        sa.Column("ticket_id", BIG, nullable=False),
        sa.Column("number", BIG, nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("before", sa.JSON),
    )
    op.create_index("ix_bulk_step_change", "bulk_step", ["change_id", "outcome", "id"])


def downgrade() -> None:
    for table in ("bulk_step", "bulk_change", "list_choice", "saved_view"):
        op.drop_table(table)
