"""A rule acts: once for each cause, never on and on, with everything it did and why kept with the ticket."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from flask_babel import gettext as _
from sqlalchemy import delete, func, select, update

from app.accounts.viewer import Kind
from app.automation import conditions, deeds, rules
from app.automation.deeds import Automated
from app.automation.models import On, Rule, RuleRun
from app.automation.rules import Ready
from app.core import clock
from app.core.database import insert_new
from app.core.events import publish
from app.core.extensions import db
from app.core.outbox import Outbox
from app.tickets.because import because
from app.tickets.models import Ticket
from app.tickets.timeline import Did, TicketEvent

log = logging.getLogger(__name__)

DEEPEST = 5
"""Rules that may start one another in a row."""
MOST_AN_HOUR = 20
"""Runs of one rule on one ticket: more is a rule that runs away."""

HEARD: dict[Did, On] = {
    Did.OPENED: On.CREATED,
    Did.RECEIVED: On.CUSTOMER_MESSAGE,
    Did.REPLIED: On.STAFF_REPLY,
    Did.NOTED: On.NOTE,
    Did.STATUS_CHANGED: On.STATUS,
    Did.RESOLVED: On.STATUS,
    Did.CLOSED: On.STATUS,
    Did.REOPENED: On.STATUS,
    Did.ASSIGNED: On.ASSIGNED,
    Did.PRIORITY_CHANGED: On.UPDATED,
    Did.CATEGORY_CHANGED: On.UPDATED,
    Did.DEPARTMENT_CHANGED: On.UPDATED,
    Did.FIELD_CHANGED: On.UPDATED,
    Did.TAGGED: On.UPDATED,
    Did.UNTAGGED: On.UPDATED,
    Did.PROMISE_NEAR: On.SLA_WARNING,
    Did.BREACHED: On.SLA_BREACHED,
}

_chain: ContextVar[tuple[int, ...]] = ContextVar("chain", default=())


class Cause(NamedTuple):
    key: str
    basis_at: dt.datetime | None = None
    by_machine: bool = False
    """What happened was a machine's doing: no reply is sent to that."""


def hear(event: TicketEvent) -> None:
    """Something happened: a job asks the rules after the commit. Without a rule that listens it costs nothing."""
    on = HEARD.get(event.what)
    if on is None or len(_chain.get()) >= DEEPEST or not rules.triggers(on):
        return
    db.session.flush()
    chain = " ".join(map(str, _chain.get()))
    Outbox.put("automation.run", queue="bulk", ticket_id=event.ticket_id, event_id=event.id, chain=chain)


def run(ticket_id: int, event_id: int, chain: Sequence[int]) -> None:
    """Ask every rule that listens to this event, in their order; each sees what those before it changed."""
    event = db.session.get(TicketEvent, event_id)
    ticket = _held(ticket_id)
    if event is None or ticket is None or ticket.merged:
        return
    by_machine = event.actor_kind is Kind.SYSTEM
    for rule in rules.triggers(HEARD[event.what]):
        if rule.id not in chain and act(rule, ticket, Cause(f"event {event_id}", by_machine=by_machine), chain):
            if rule.stop:
                break


def act(rule: Ready, ticket: Ticket, cause: Cause, chain: Sequence[int] = ()) -> bool:
    """True when the rule acted: its condition holds, and it has not acted for this cause, nor too often or too lately."""
    holds, told = conditions.holds(rule.condition, ticket)
    if not holds or not _may_again(rule, ticket):
        return False
    row = {
        "rule_id": rule.id, "name": rule.name, "version": rule.version, "ticket_id": ticket.id, "cause": cause.key, "basis_at": cause.basis_at,
        "chain": " ".join(map(str, chain)), "held": [{**one.leaf.written, "held": one.held} for one in told], "did": [], "changed": False, "at": clock.now(),
    }  # fmt: skip
    if not insert_new(RuleRun, row):
        return False
    with because(rule=rule.name), _in_chain((*chain, rule.id)):
        did = [deeds.do(action, ticket, cause.by_machine) for action in rule.steps]
    db.session.flush()
    changed = any(one.changed for one in did)
    mine = (RuleRun.rule_id == rule.id) & (RuleRun.ticket_id == ticket.id) & (RuleRun.cause == cause.key)
    kept = {"did": [one.written for one in did], "changed": changed}
    db.session.execute(update(RuleRun).where(mine).values(**kept).execution_options(synchronize_session=False))
    if _runs(rule, ticket, dt.timedelta(hours=1)) > MOST_AN_HOUR:
        _stop(rule, ticket)
    return True


def forget(tickets: Sequence[int]) -> None:
    """Their customer is erased: what rules read and wrote there goes. Does not commit."""
    gone = delete(RuleRun).where(RuleRun.ticket_id.in_(tickets))
    db.session.execute(gone.execution_options(synchronize_session=False))


def of_ticket(ticket: Ticket, most: int = 50) -> Sequence[RuleRun]:
    """The newest first."""
    wanted = select(RuleRun).where(RuleRun.ticket_id == ticket.id).order_by(RuleRun.id.desc()).limit(most)
    return db.session.scalars(wanted).all()


def _held(ticket_id: int) -> Ticket | None:
    wanted = select(Ticket).where(Ticket.id == ticket_id).with_for_update(of=Ticket)
    return db.session.scalar(wanted.execution_options(populate_existing=True))


def _may_again(rule: Ready, ticket: Ticket) -> bool:
    if rule.most_runs and _runs(rule, ticket) >= rule.most_runs:
        return False
    return not (rule.pause and _runs(rule, ticket, rule.pause))


def _runs(rule: Ready, ticket: Ticket, within: dt.timedelta | None = None) -> int:
    counted = select(func.count(RuleRun.id)).where(RuleRun.rule_id == rule.id, RuleRun.ticket_id == ticket.id)
    if within is not None:
        counted = counted.where(RuleRun.at > clock.now() - within)
    return db.session.scalar(counted) or 0


def _stop(rule: Ready, ticket: Ticket) -> None:
    """It runs away: better no rule than one that never ends."""
    row = db.session.get(Rule, rule.id)
    if row is None or not row.active:
        return
    row.active = False
    row.stopped_why = _("It acted more than %(most)s times within an hour on %(ticket)s.", most=MOST_AN_HOUR, ticket=ticket.display)  # fmt: skip
    log.warning("the rule %s was switched off: it ran away on ticket %s", rule.id, ticket.number)
    publish(Automated.STOPPED, row)


@contextmanager
def _in_chain(chain: tuple[int, ...]) -> Iterator[None]:
    token = _chain.set(chain)
    try:
        yield
    finally:
        _chain.reset(token)
