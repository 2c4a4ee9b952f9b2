"""A broken promise is told exactly once, by the enforcer or by the late answer itself, whichever comes first."""

from __future__ import annotations

import datetime as dt
import logging

from sqlalchemy import Select, select, update

from app.accounts.viewer import SYSTEM
from app.core import clock
from app.core.database import insert_new
from app.core.extensions import db
from app.sla.models import METRIC_LABELS, SlaClock, SlaFired
from app.tickets.models import Ticket
from app.tickets.timeline import Did

log = logging.getLogger(__name__)

BATCH = 100
AGAIN = dt.timedelta(minutes=10)
WHOLE = 100
"""Per cent of the allowance: the promise is broken."""


def enforce() -> bool:
    """Tell of the clocks that ran out, one batch; True when there may be more.

    Two enforcers share the work: what one holds, the other skips. A clock that cannot be told of does not keep the others waiting.
    """
    late: SlaClock | None = None
    rows = db.session.execute(_due(clock.now())).all()
    try:
        for late, ticket in rows:
            late.breached_at, late.next_fire_at = late.due_at, None
            tell(late, ticket)
        db.session.flush()
    except Exception:  # one clock does not keep the others from being noted
        assert late is not None
        _put_off(late.id)
        return True
    return len(rows) == BATCH


def _due(now: dt.datetime) -> Select[SlaClock, Ticket]:
    due = select(SlaClock, Ticket).join(Ticket, Ticket.id == SlaClock.ticket_id).where(SlaClock.next_fire_at < now)
    ordered = due.order_by(SlaClock.next_fire_at, SlaClock.id).limit(BATCH)
    return ordered.with_for_update(skip_locked=True, of=SlaClock).execution_options(populate_existing=True)


def _put_off(clock_id: int) -> None:
    """The batch is undone and told anew without this one."""
    log.exception("the breach of clock %s could not be told; again in %s", clock_id, AGAIN)
    db.session.rollback()
    db.session.execute(update(SlaClock).where(SlaClock.id == clock_id).values(next_fire_at=clock.now() + AGAIN))


def tell(late: SlaClock, ticket: Ticket) -> bool:
    """True for the one who told it first."""
    now = clock.now()
    late.detected_at = now
    db.session.flush()  # a clock that starts and ends late in one transaction has no id yet
    fired = {"clock_id": late.id, "epoch": late.epoch, "level": WHOLE, "at": now}
    first = insert_new(SlaFired, fired)
    if first:
        due_at = late.breached_at or late.due_at
        ticket.record(
            Did.BREACHED,
            SYSTEM,
            metric=late.metric.value,
            metric_name=str(METRIC_LABELS[late.metric]),
            due_at=due_at.isoformat() if due_at else None,
        )
    return first
