"""What reports add up: closings, durations, promises, whole weeks and months, words that are written more often"""

import sqlalchemy as sa
from alembic import op

from app.core.model import UTCDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
AT = UTCDateTime()
FIGURES = (("opened", sa.Integer), ("resolved", sa.Integer), ("closed", sa.Integer), ("reopened", sa.Integer), ("resolution_seconds", BIG), ("first_responses", sa.Integer), ("first_response_seconds", BIG), ("merged", sa.Integer))  # fmt: skip
AGENTS = (("replies", sa.Integer), ("resolved", sa.Integer), ("resolution_seconds", BIG), ("first_responses", sa.Integer), ("first_response_seconds", BIG))  # fmt: skip
DURATIONS = (("resolved", sa.Integer), ("first_responses", sa.Integer))
PROMISES = (("met", sa.Integer), ("missed", sa.Integer))


def _key(name, kind):
    return sa.Column(name, kind, primary_key=True, autoincrement=False, nullable=False)


def _sums(columns):
    return [sa.Column(name, kind, nullable=False, server_default="0") for name, kind in columns]


def upgrade() -> None:
    op.add_column("daily_figure", sa.Column("closed", sa.Integer, nullable=False, server_default="0"))
    op.add_column("daily_agent_figure", sa.Column("resolution_seconds", BIG, nullable=False, server_default="0"))
    by, of_what = ("by", sa.Integer), (("department_id", BIG), ("value", BIG))
    durations, promises = (*of_what, ("span", sa.Integer)), (*of_what, ("metric", sa.String(255)))
    filed = (("department_id", BIG), ("category_id", BIG), ("priority_rank", sa.Integer))
    _table("daily_duration", (by, ("day", sa.Date), *durations), DURATIONS)
    _table("daily_promise", (by, ("day", sa.Date), *promises), PROMISES)
    kind, starts = ("kind", sa.Integer), ("starts_on", sa.Date)
    span = (kind, starts)
    _table("summed_span", span, ())
    _table("summed_figure", (*span, *filed), FIGURES)
    _table("summed_agent_figure", (*span, ("department_id", BIG), ("staff_id", BIG)), AGENTS)
    _table("summed_duration", (kind, by, starts, *durations), DURATIONS)
    _table("summed_promise", (kind, by, starts, *promises), PROMISES)
    _trends()
    op.create_table(
        "summary_mailed",
        _key("month", sa.Date),
        _key("staff_id", BIG),
        sa.Column("at", AT, nullable=False),
    )
    _clocks()


def _table(name, keys, sums) -> None:
    op.create_table(name, *(_key(*each) for each in keys), *_sums(sums))


def _trends() -> None:
    op.create_table(
        "trend_word",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("days", sa.Integer, nullable=False),
        sa.Column("last_on", sa.Date, nullable=False),
        sa.Column("department_id", BIG, nullable=False),
        sa.Column("word", sa.String(255), nullable=False),
        sa.Column("tickets", sa.Integer, nullable=False),
        sa.Column("before", sa.Integer, nullable=False),
    )
    op.create_index("ix_trend_word_days", "trend_word", ["days"])


def _clocks() -> None:
    """Promises are judged when they end or break: the last days' are found by that."""
    for name in ("ended_at", "breached_at"):
        some = sa.text(f"{name} IS NOT NULL")
        op.create_index(f"ix_sla_clock_{name}", "sla_clock", [name], sqlite_where=some, postgresql_where=some)


def downgrade() -> None:
    for name in ("ended_at", "breached_at"):
        op.drop_index(f"ix_sla_clock_{name}", "sla_clock")
    for name in ("summary_mailed", "trend_word", "summed_promise", "summed_duration", "summed_agent_figure", "summed_figure", "summed_span", "daily_promise", "daily_duration"):  # fmt: skip
        op.drop_table(name)
    op.drop_column("daily_agent_figure", "resolution_seconds")
    op.drop_column("daily_figure", "closed")
