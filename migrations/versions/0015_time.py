"""time spent with its activity types and budgets"""

import sqlalchemy as sa
from alembic import op

from app.core.model import UTCDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
AT = UTCDateTime()
ACTIVITIES = (
    ("Support", "blue", True, True),
    ("Analysis", "violet", True, False),
    ("Phone call", "green", True, False),
    ("On site", "amber", True, False),
    ("Internal", "grey", False, False),
)
RUNNING = sa.text("started_at IS NOT NULL")


def upgrade() -> None:
    _activities()
    _entries()
    _figures()
    _timers()
    op.add_column("ticket", sa.Column("budget_told", sa.Integer, nullable=False, server_default="0"))
    op.create_index("ix_ticket_time", "ticket", ["time_spent_minutes", "id"])
    op.add_column("organization", sa.Column("budget_minutes", sa.Integer))
    op.add_column("organization", sa.Column("budget_told", sa.String(255), nullable=False, server_default=""))
    op.add_column("message", sa.Column("activity_id", BIG))
    op.add_column("draft", sa.Column("activity_id", BIG))


def _activities() -> None:
    table = op.create_table(
        "activity_type",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("name", sa.String(255), nullable=False, unique=True),
        sa.Column("colour", sa.String(255), nullable=False),
        sa.Column("billable", sa.Boolean, nullable=False),
        sa.Column("initial", sa.Boolean, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
    )
    op.bulk_insert(
        table,
        [
            {
                "name": name,
                "colour": colour,
                "billable": billable,
                "initial": initial,
                "active": True,
                "position": place,
            }
            for place, (name, colour, billable, initial) in enumerate(ACTIVITIES)
        ],
    )


def _entries() -> None:
    op.create_table(
        "time_entry",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("ticket_id", BIG, sa.ForeignKey("ticket.id", ondelete="CASCADE"), nullable=False),
        sa.Column("staff_id", sa.Integer, sa.ForeignKey("ab_user.id", ondelete="SET NULL")),
        sa.Column("staff_name", sa.String(255), nullable=False),
        sa.Column("made_by_id", sa.Integer, sa.ForeignKey("ab_user.id", ondelete="SET NULL")),
        sa.Column("activity_id", BIG, sa.ForeignKey("activity_type.id")),
        sa.Column("billable", sa.Boolean, nullable=False),
        sa.Column("minutes", sa.Integer, nullable=False),
        sa.Column("spent_on", sa.Date, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("department_id", BIG, nullable=False),
        sa.Column("customer_id", BIG, nullable=False),
        sa.Column("organization_id", BIG),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("updated_at", AT, nullable=False),
    )
    op.create_index("ix_time_entry_ticket", "time_entry", ["ticket_id", "spent_on", "id"])
    op.create_index("ix_time_entry_staff", "time_entry", ["staff_id", "spent_on", "ticket_id", "minutes", "billable"])
    op.create_index("ix_time_entry_day", "time_entry", ["spent_on", "id"])
    op.create_index("ix_time_entry_activity", "time_entry", ["activity_id"])
    op.create_index("ix_time_entry_made_by", "time_entry", ["made_by_id"])


def _figures() -> None:
    op.create_table(
        "time_figure",
        sa.Column("by", sa.String(32), primary_key=True),
        sa.Column("department_id", BIG, primary_key=True, autoincrement=False),
        sa.Column("period", sa.String(32), primary_key=True),
        sa.Column("key_id", BIG, primary_key=True, autoincrement=False),
        sa.Column("minutes", sa.Integer, nullable=False, server_default="0"),
        sa.Column("billable_minutes", sa.Integer, nullable=False, server_default="0"),
        sa.Column("entries", sa.Integer, nullable=False, server_default="0"),
    )
    op.create_index("ix_time_figure_largest", "time_figure", ["by", "department_id", "period", "minutes", "key_id"])


def _timers() -> None:
    op.create_table(
        "timer",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("staff_id", sa.Integer, sa.ForeignKey("ab_user.id", ondelete="CASCADE"), nullable=False),
        sa.Column("ticket_id", BIG, sa.ForeignKey("ticket.id", ondelete="CASCADE"), nullable=False),
        sa.Column("seconds", sa.Integer, nullable=False),
        sa.Column("started_at", AT),
        sa.Column("forgotten", sa.Boolean, nullable=False),
        sa.UniqueConstraint("staff_id", "ticket_id"),
    )
    op.create_index("ix_timer_ticket", "timer", ["ticket_id"])
    op.create_index(
        "ix_timer_running", "timer", ["staff_id"], unique=True, sqlite_where=RUNNING, postgresql_where=RUNNING
    )


def downgrade() -> None:
    op.drop_index("ix_ticket_time", "ticket")
    for table, name in (
        ("draft", "activity_id"),
        ("message", "activity_id"),
        ("organization", "budget_told"),
        ("organization", "budget_minutes"),
        ("ticket", "budget_told"),
    ):
        op.drop_column(table, name)
    for table in ("timer", "time_figure", "time_entry", "activity_type"):
        op.drop_table(table)
