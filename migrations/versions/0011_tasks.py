"""tasks and the tickets they belong to"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _task()
    _ticket_task()
    _task_event()
    for table in ("notification", "delivery"):
        op.add_column(table, sa.Column("task_id", BIG))


def _task() -> None:
    op.create_table(
        "task",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("title", sa.String(255), nullable=False),
        sa.Column("details", sa.Text),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("assignee_id", sa.Integer, sa.ForeignKey("ab_user.id", ondelete="SET NULL")),
        sa.Column("department_id", BIG, sa.ForeignKey("department.id", ondelete="SET NULL")),
        sa.Column("made_by_id", sa.Integer, sa.ForeignKey("ab_user.id", ondelete="SET NULL")),
        sa.Column("due_on", sa.Date),
        sa.Column("told", sa.String(32)),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("updated_at", AT, nullable=False),
        sa.Column("done_at", AT),
    )
    op.create_index("ix_task_state_due", "task", ["state", "due_on", "id"])
    op.create_index("ix_task_assignee", "task", ["assignee_id", "state"])
    op.create_index("ix_task_made_by", "task", ["made_by_id"])
    op.create_index("ix_task_department", "task", ["department_id", "state"])


def _ticket_task() -> None:
    op.create_table(
        "ticket_task",
        sa.Column("task_id", BIG, sa.ForeignKey("task.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("home_id", BIG, sa.ForeignKey("ticket.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("ticket_id", BIG, sa.ForeignKey("ticket.id", ondelete="CASCADE"), nullable=False),
        sa.Column("created_at", AT, nullable=False),
    )
    op.create_index("ix_ticket_task_ticket", "ticket_task", ["ticket_id", "task_id"])
    op.create_index("ix_ticket_task_home", "ticket_task", ["home_id"])


def _task_event() -> None:
    op.create_table(
        "task_event",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("task_id", BIG, sa.ForeignKey("task.id", ondelete="CASCADE"), nullable=False),
        sa.Column("ticket_id", BIG, sa.ForeignKey("ticket.id", ondelete="CASCADE")),
        sa.Column("what", sa.String(32), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("actor_kind", sa.String(32), nullable=False),
        sa.Column("actor_name", sa.String(255), nullable=False),
        sa.Column("staff_id", sa.Integer, sa.ForeignKey("ab_user.id", ondelete="SET NULL")),
        sa.Column("particulars", sa.JSON, nullable=False),
    )
    op.create_index("ix_task_event_task", "task_event", ["task_id", "at", "id"])
    op.create_index("ix_task_event_ticket", "task_event", ["ticket_id"])


def downgrade() -> None:
    for table in ("notification", "delivery"):
        op.drop_column(table, "task_id")
    for table in ("task_event", "ticket_task", "task"):
        op.drop_table(table)
