"""Ordered SLA policies: conditions, more targets, levels, and the rebuilding of their clocks"""

import datetime as dt

import sqlalchemy as sa
from alembic import op

from app.core.model import UTCDateTime

revision = "0029"
down_revision = "0030"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
AT = UTCDateTime()
TARGETS = ("next_response_business_days", "periodic_update_minutes", "periodic_update_business_days")
LEVELS = [
    {"code": 80, "tell": ["assignee"]},
    {"code": 100, "tell": ["assignee", "supervisors"]},
    {"code": 160, "tell": ["lead"]},
]
"""What every desk has told so far, and a warning before."""


def upgrade() -> None:
    op.add_column("sla_policy", sa.Column("conditions", sa.JSON, nullable=False, server_default="{}"))
    op.add_column("sla_policy", sa.Column("levels", sa.JSON, nullable=False, server_default="[]"))
    op.add_column("sla_policy", sa.Column("new_cycle_on_reopen", sa.Boolean, nullable=False, server_default=sa.false()))
    if op.get_bind().dialect.name == "sqlite":
        op.execute("ALTER TABLE sla_policy ADD COLUMN calendar_id INTEGER REFERENCES calendar (id)")
    else:
        op.add_column("sla_policy", sa.Column("calendar_id", BIG, sa.ForeignKey("calendar.id")))
    for name in TARGETS:
        op.add_column("sla_target", sa.Column(name, sa.Integer))
    op.add_column("sla_clock", sa.Column("schedule", sa.JSON))
    op.add_column("sla_clock", sa.Column("told_level", sa.Integer, nullable=False, server_default="0"))
    op.add_column("sla_fired", sa.Column("skipped", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_table(
        "sla_rebuild",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("started_at", AT, nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("moved", sa.Integer, nullable=False),
        sa.Column("ended_at", AT),
    )
    op.execute(sa.update(sa.table("sla_policy", sa.column("levels", sa.JSON))).values(levels=LEVELS))
    _leave_one_for_all()
    _go_on_from_here(dt.datetime.now(dt.UTC))


def _leave_one_for_all() -> None:
    """So far the first active one held for every ticket; the others, which never held, would be asked now. It goes to the end."""
    policy = sa.table("sla_policy", sa.column("id"), sa.column("position"), sa.column("active"))
    bind = op.get_bind()
    order = sa.select(policy.c.id, policy.c.position).order_by(policy.c.position, policy.c.id)
    first = bind.execute(order.where(policy.c.active.is_(sa.true()))).first()
    if first is not None:
        last = max(row.position for row in bind.execute(order))
        bind.execute(sa.update(policy).where(policy.c.id != first.id).values(active=False))
        bind.execute(sa.update(policy).where(policy.c.id == first.id).values(position=last + 1))


def _go_on_from_here(now: dt.datetime) -> None:
    """A lead was told by a job of its own, an hour after: what waits for that is told by the clocks, which a job completes at once."""
    clocks = sa.table("sla_clock", sa.column("detected_at", AT), sa.column("told_level"))
    names = ("job", "queue", "tries")
    outbox = sa.table("outbox", *map(sa.column, names), sa.column("arguments", sa.JSON), sa.column("created_at", AT), sa.column("due_at", AT), sa.column("done_at", AT))  # fmt: skip
    told = sa.case((clocks.c.detected_at < now - dt.timedelta(hours=1), 160), else_=100)
    bind = op.get_bind()
    bind.execute(sa.update(clocks).where(clocks.c.detected_at.is_not(None)).values(told_level=told))
    waits = sa.update(outbox).where(outbox.c.job == "notifications.tell_lead", outbox.c.done_at.is_(None))
    bind.execute(waits.values(done_at=now))
    if bind.scalar(sa.select(sa.func.count()).select_from(sa.table("sla_clock"))) == 0:
        return
    check = {"job": "sla.check", "queue": "bulk", "arguments": {}, "tries": 0, "created_at": now, "due_at": now}
    bind.execute(sa.insert(outbox).values(check))


def downgrade() -> None:
    op.drop_table("sla_rebuild")
    op.drop_column("sla_fired", "skipped")
    op.drop_column("sla_clock", "told_level")
    op.drop_column("sla_clock", "schedule")
    for name in TARGETS:
        op.drop_column("sla_target", name)
    for name in ("calendar_id", "new_cycle_on_reopen", "levels", "conditions"):
        op.drop_column("sla_policy", name)
