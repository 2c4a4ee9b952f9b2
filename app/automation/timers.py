"""Rules that act when time has passed: found by one filter, and once for each stay, whoever looks and however often."""

from __future__ import annotations

import datetime as dt
import logging
import time
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, literal, select

from app.automation import conditions, rules
from app.automation.models import Basis, Hours, RuleRun
from app.automation.rules import Ready
from app.automation.running import Cause, act
from app.core import clock
from app.core.extensions import db
from app.hours import calendars
from app.hours.business import BusinessHours, NoWorkingTime
from app.hours.opening import LONGEST_WALK_DAYS
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


def _line(rule: Ready, now: dt.datetime) -> ColumnElement[Any]:
    """What counts from here or before is due; where business hours count, by the calendar of each ticket's department."""
    if rule.hours is not Hours.BUSINESS:
        return _at(rule, BusinessHours.always(), now)
    known = calendars.in_force()
    usual = _at(rule, known.standard.hours, now)
    own = [(Ticket.department_id.in_(ids), _at(rule, kept.hours, now)) for kept, ids in known.apart().items()]
    return case(*own, else_=usual) if own else usual


def _at(rule: Ready, hours: BusinessHours, now: dt.datetime) -> ColumnElement[Any]:
    """So long ago, or before what is to come. A calendar with less time than that in ten years ends there."""
    ahead = rule.basis is Basis.DUE
    try:
        at = hours.add(now, rule.wait) if ahead else hours.subtract(now, rule.wait)
    except NoWorkingTime:
        at = now + dt.timedelta(days=LONGEST_WALK_DAYS if ahead else -LONGEST_WALK_DAYS)
    return literal(at, Ticket.created_at.type)


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
