"""Levels of a promise are told exactly once: by the enforcer or, of a broken one, by the late answer itself, whichever comes first."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.exc import OperationalError

from app.accounts.viewer import SYSTEM
from app.core import clock
from app.core.database import insert_all_new
from app.core.extensions import db
from app.core.outbox import Outbox
from app.sla import policies
from app.sla.models import METRIC_LABELS, SlaClock, SlaFired
from app.sla.promises import WHOLE
from app.tickets.models import Ticket
from app.tickets.timeline import Did

log = logging.getLogger(__name__)

BATCH = 40
AGAIN = dt.timedelta(minutes=10)


def enforce() -> bool:
    """Tell of the clocks that reached a level, one batch; True when there may be more.

    Two enforcers share the work: what one holds, the other skips. A clock that cannot be told of does not keep the others waiting.
    """
    late: SlaClock | None = None
    now = clock.now()
    rows = db.session.execute(_due(now)).all()
    try:
        for late, ticket in rows:
            _advance(late, ticket, now)
        db.session.flush()
    except OperationalError:  # the database's fault and no clock's: the job tries all of them again
        raise
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
    log.exception("the levels of clock %s could not be told; again in %s", clock_id, AGAIN)
    db.session.rollback()
    db.session.execute(update(SlaClock).where(SlaClock.id == clock_id).values(next_fire_at=clock.now() + AGAIN))


def _advance(late: SlaClock, ticket: Ticket, now: dt.datetime) -> None:
    """To the highest level that was reached; of several nobody looked at in time it alone acts and is told, but to everybody whom any of them names."""
    levels, told = late.levels, late.told_level
    passed = [code for code, at in levels if told < code and at < now]
    late.next_fire_at = next((at for code, at in levels if code > told and at >= now), None)
    if not passed:
        return
    known = policies.in_force().levels(late.policy_id)
    people = list(dict.fromkeys(person for code in passed if code in known for person in known[code].tell))
    late.told_level = highest = passed[-1]
    if WHOLE in passed:
        late.breached_at, late.detected_at = late.due_at, now
    new = _fired(late, passed, now)
    if WHOLE in new:
        _tell_breach(late, ticket, people if highest == WHOLE else ())
    if highest in new:
        if highest != WHOLE:
            _tell_level(late, ticket, highest, people, broken=WHOLE in new)
        _act(late, ticket, known[highest].act if highest in known else "", now)


def tell(late: SlaClock, ticket: Ticket) -> bool:
    """The promise was kept too late, or stands still when it was broken already. True for the one who told it first."""
    late.detected_at, late.told_level = clock.now(), max(late.told_level or 0, WHOLE)
    db.session.flush()  # a clock that starts and ends late in one transaction has no id yet
    first = WHOLE in _fired(late, [WHOLE], late.detected_at)
    if first:
        known = policies.in_force().levels(late.policy_id).get(WHOLE)
        _tell_breach(late, ticket, known.tell if known else ())
    return first


def _fired(late: SlaClock, codes: Sequence[int], now: dt.datetime) -> set[int]:
    """Those that nobody told before. All but the highest, and the breach itself, were passed over."""
    rows = [
        {"clock_id": late.id, "epoch": late.epoch, "level": code, "at": now, "skipped": code not in (WHOLE, codes[-1])}
        for code in codes
    ]
    return {level for _clock, _epoch, level in insert_all_new(SlaFired, rows)}


def _tell_breach(late: SlaClock, ticket: Ticket, people: Sequence[str]) -> None:
    due_at = late.breached_at or late.due_at
    ticket.record(
        Did.BREACHED,
        SYSTEM,
        **_particulars(late),
        due_at=due_at.isoformat() if due_at else None,
        tell=list(people),
    )


def _tell_level(late: SlaClock, ticket: Ticket, code: int, people: Sequence[str], broken: bool) -> None:
    """`broken`: nobody heard of the breach itself, as this level was reached before anybody looked."""
    what = Did.PROMISE_NEAR if code < WHOLE else Did.PROMISE_LATE
    level = code if code < WHOLE else code - WHOLE
    ticket.record(what, SYSTEM, **_particulars(late), level=level, tell=list(people), broken=broken)


def _particulars(late: SlaClock) -> dict[str, Any]:
    return {"metric": late.metric.value, "metric_name": str(METRIC_LABELS[late.metric])}


def _act(late: SlaClock, ticket: Ticket, act: str, now: dt.datetime) -> None:
    """By a job: it takes its turn with whoever works on the ticket. The priority that is meant is named, so that a second run changes nothing."""
    if act == "raise":
        Outbox.put("sla.act", clock_id=late.id, act=act, rank=ticket.priority_rank + 1, since=now.isoformat())
    elif act:
        Outbox.put("sla.act", clock_id=late.id, act=act, since=now.isoformat())
