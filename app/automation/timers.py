"""Rules that act when time has passed: found by one filter, and once for each stay, whoever looks and however often."""

from __future__ import annotations

import datetime as dt
import logging
import time
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, select

from app.automation import conditions, rules
from app.automation.models import Basis, Hours, RuleRun
from app.automation.rules import Ready
from app.automation.running import Cause, act
from app.core import clock
from app.core.extensions import db
from app.hours.business import BusinessHours
from app.hours.weeks import working_week
from app.settings import desk
from app.tickets.choices import State
from app.tickets.models import Ticket

log = logging.getLogger(__name__)

BATCH = 200
LONGEST_SECONDS = 20.0
"""One job; what is left waits for the next, a minute later."""

INSTANTS: dict[Basis, Any] = {
    Basis.CREATED: Ticket.created_at,
    Basis.STATUS: Ticket.status_since,
    Basis.CUSTOMER: Ticket.last_customer_at,
    Basis.STAFF: Ticket.last_staff_at,
    Basis.ACTIVITY: Ticket.last_activity_at,
    Basis.DUE: Ticket.next_due_at,
}


def tick() -> int:
    """Act on every ticket whose time has come; each in a transaction of its own. Returns how many runs there were."""
    ends, ran = time.monotonic() + LONGEST_SECONDS, 0
    for rule in rules.timers():
        after = 0
        while time.monotonic() < ends:
            ids = db.session.scalars(due(rule, clock.now()).where(Ticket.id > after).limit(BATCH)).all()
            db.session.commit()
            ran += sum(_fire(rule, ticket_id) for ticket_id in ids)
            if len(ids) < BATCH:
                break
            after = ids[-1]
    return ran


def due(rule: Ready, now: dt.datetime) -> Select[int]:
    """Ids of the tickets on which it is time."""
    return select(Ticket.id).where(_over(rule, now), conditions.filter_of(rule.condition, now)).order_by(Ticket.id)


def _over(rule: Ready, now: dt.datetime) -> ColumnElement[bool]:
    assert rule.basis is not None
    instant = INSTANTS[rule.basis]
    came = instant <= _line(rule, now)
    acted = exists().where(RuleRun.rule_id == rule.id, RuleRun.ticket_id == Ticket.id, RuleRun.basis_at == instant)
    return and_(came, ~acted.correlate(Ticket), Ticket.state != State.CLOSED, Ticket.merged_into_id.is_(None))


def came_within(rule: Ready, since: dt.datetime, now: dt.datetime) -> ColumnElement[bool]:
    """Whether its time came between the two, had the rule been there."""
    assert rule.basis is not None
    instant = INSTANTS[rule.basis]
    return and_(instant <= _line(rule, now), instant > _line(rule, since))


def _line(rule: Ready, now: dt.datetime) -> dt.datetime:
    """What counts from here or before is due: so long ago, or before what is to come, by the clock or in business hours."""
    hours = working_week(desk.current().time_zone) if rule.hours is Hours.BUSINESS else BusinessHours.always()
    return hours.add(now, rule.wait) if rule.basis is Basis.DUE else hours.subtract(now, rule.wait)


def _fire(rule: Ready, ticket_id: int) -> bool:
    now = clock.now()
    still = select(Ticket).where(Ticket.id == ticket_id, _over(rule, now)).with_for_update(skip_locked=True, of=Ticket)
    try:
        ticket = db.session.scalar(still.execution_options(populate_existing=True))
        acted = ticket is not None and act(rule, ticket, _cause(rule, ticket))
        db.session.commit()
    except Exception:  # one ticket does not keep the others waiting
        db.session.rollback()
        log.exception("the rule %s could not act on the ticket with id %s", rule.id, ticket_id)
        return False
    return acted


def _instant(rule: Ready, ticket: Ticket) -> dt.datetime:
    assert rule.basis is not None
    found: dt.datetime = getattr(ticket, INSTANTS[rule.basis].key)
    return found


def _cause(rule: Ready, ticket: Ticket) -> Cause:
    at = _instant(rule, ticket)
    return Cause(f"{rule.basis} {at.isoformat()}", basis_at=at)
