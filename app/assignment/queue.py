"""Hands out what is nobody's: at once when a ticket comes, and whenever somebody has room again."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from typing import Any

from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, case, func, or_, select, update
from sqlalchemy.orm import joinedload

from app.accounts.models import Department, StaffProfile, customer_staff, department_member
from app.accounts.viewer import SYSTEM, Kind, viewer
from app.assignment import pools
from app.assignment.choosing import LONG_AGO, Choice, choose
from app.assignment.crew import Crew
from app.assignment.load import WEIGHS, open_tickets
from app.assignment.models import AssignmentLog
from app.core import clock
from app.core.database import is_postgresql
from app.core.extensions import db
from app.core.outbox import Outbox
from app.settings import desk
from app.tickets.models import Ticket
from app.tickets.tally import NOBODY, Tally
from app.tickets.thread import Channel
from app.tickets.timeline import Did, TicketEvent
from app.tickets.visibility import visible_to

log = logging.getLogger(__name__)

LOCK = 7_201_301
"""Of PostgreSQL's advisory locks. One for all departments: people may work in several, and a new ticket's number is a lock of the same width anyway."""


def assign_new(event: TicketEvent) -> None:
    """Reaction: a new ticket arrives already assigned. Where staff typed it in, they may name somebody first."""
    if (
        automatic(event.ticket)
        and event.ticket.assignee_id is None
        and event.ticket.live
        and not event.particulars.get("spam")
    ):
        if event.actor_kind is Kind.STAFF and event.ticket.channel is Channel.STAFF:
            Outbox.put("assignment.assign", ticket_id=event.ticket.id)
        else:
            give(event.ticket)


def assign_again(event: TicketEvent) -> None:
    """Reaction: a reopened ticket that is nobody's goes back to whoever had it."""
    if automatic(event.ticket) and event.ticket.assignee_id is None:
        give(event.ticket, _previous(event.ticket))


def assign_on_wish(ticket: Ticket) -> None:
    """Reaction: somebody leaves the choice to the rules, whether the desk assigns new tickets by them or not."""
    if ticket.live and ticket.assignee_id is None:
        give(ticket)


def assign_moved(event: TicketEvent) -> None:
    """Reaction: after the transfer is complete, as it may take the ticket from who has no access there."""
    if automatic(event.ticket) and event.ticket.live:
        Outbox.put("assignment.assign", ticket_id=event.ticket.id)


def fill_room(_happened: object) -> None:
    """Reaction: somebody came, or has a ticket less."""
    if pools.any_automatic() and db.session.scalar(select(Ticket.id).where(queued()).limit(1)) is not None:
        Outbox.put("assignment.drain", queue="bulk")


def hand_back(profile: StaffProfile) -> None:
    """Reaction: somebody went away. What becomes of their tickets is a job, and the desk's choice."""
    if any(rules.absent != "keep" for rules in pools.all_rules()):
        Outbox.put("assignment.hand_back", queue="bulk", staff_id=profile.user_id)


def release_of_absent(staff_id: int) -> int:
    """Their tickets are nobody's again and wait for whoever is there: those that wait for our answer, or all that are open. Commits after each.

    Whoever came back meanwhile keeps theirs.
    """
    profile = db.session.get(StaffProfile, staff_id, populate_existing=True)
    if profile is None or profile.available(clock.now()):
        return 0
    held = select(Ticket.id, Ticket.department_id, Ticket.category_id, Ticket.awaiting_since)
    theirs = held.where(Ticket.assignee_id == staff_id, Ticket.live.is_(True), Ticket.state.in_(WEIGHS))
    rows = db.session.execute(theirs.order_by(Ticket.id)).all()
    ids = [row.id for row in rows if _given_back(row)]
    given = sum(_alone(ticket_id, lambda each: _release_from(each, staff_id)) for ticket_id in ids)
    if given and pools.any_automatic():
        Outbox.put("assignment.drain", queue="bulk")
        db.session.commit()
    return given


def _given_back(row: Any) -> bool:
    """As the rules of its place say of who goes away."""
    rule = pools.rules_for(row.department_id, row.category_id).absent
    return rule == "open" or (rule == "unanswered" and row.awaiting_since is not None)


def _release_from(ticket_id: int, staff_id: int) -> bool:
    held = select(Ticket).where(Ticket.id == ticket_id, Ticket.assignee_id == staff_id).with_for_update(of=Ticket)
    ticket = db.session.scalar(held.execution_options(populate_existing=True))
    if ticket is not None:
        ticket.assign_to(None, by=SYSTEM, reason=_("went away"))
    return ticket is not None


def give(ticket: Ticket, previous_id: int | None = None, tell_refusal: bool = True) -> User | None:
    """Choose and hand over. Picks wait for each other, so that each sees what the last one did."""
    _wait_for_turn()
    choice = choose(ticket, previous_id)
    if choice.agent is not None or tell_refusal:
        _log(ticket, choice)
    if choice.agent is not None:
        _stamp(choice)
        ticket.assign_to(choice.agent, by=SYSTEM, reason=choice.reason)
    elif not choice.asleep:
        _move_on(ticket)
    return choice.agent


def automatic(ticket: Ticket) -> bool:
    """Whether tickets of this place are handed out without being asked."""
    return pools.rules_for(ticket.department_id, ticket.category_id).automatic


def _move_on(ticket: Ticket) -> None:
    """To the department that the pool names for what nobody here can take; a ticket is sent on once, or two pools would send it to and fro."""
    rules = pools.rules_for(ticket.department_id, ticket.category_id)
    if rules.fallback_department_id is None or not rules.automatic or ticket.id is None:
        return
    there = db.session.get(Department, rules.fallback_department_id)
    sent = select(AssignmentLog.id).where(AssignmentLog.ticket_id == ticket.id, AssignmentLog.method == "moved")
    if there is not None and there.active and there.id != ticket.department_id and db.session.scalar(sent.limit(1)) is None:  # fmt: skip
        _log(ticket, Choice(None, _("Nobody here can take it: moved to %(department)s.", department=there), "moved"))
        ticket.move_to(there, by=SYSTEM)


def give_queued(ticket_id: int, ask_place: bool = False) -> User | None:
    """Only if it is still nobody's: a person's choice meanwhile stands. One in another's hands is left to the next round.

    `ask_place`: only where tickets are handed out without being asked.
    """
    _wait_for_turn()
    still = select(Ticket).where(Ticket.id == ticket_id, queued()).with_for_update(skip_locked=True, of=Ticket)
    ticket = db.session.scalar(still.execution_options(populate_existing=True))
    if ticket is None or (ask_place and not automatic(ticket)):
        return None
    return give(ticket, tell_refusal=False)


def hand_out(ticket_ids: list[int]) -> int:
    """These, in this order, as far as they find somebody; returns how many did. Commits after each."""
    return sum(_alone(each, lambda ticket_id: give_queued(ticket_id) is not None) for each in ticket_ids)


def served() -> tuple[ColumnElement[Any], ...]:
    """The order in which what is queued is served: by priority, then age. After each so many hours a ticket counts as one priority more urgent."""
    hours, now = desk.current().assignment_ageing_hours, clock.now()
    urgency: ColumnElement[Any] = Ticket.priority_rank.expression
    for step in range(1, STEPS + 1) if hours else ():
        urgency = urgency + case((Ticket.created_at <= now - dt.timedelta(hours=hours * step), 1), else_=0)
    return urgency.desc(), Ticket.created_at.asc(), Ticket.id.asc()


STEPS = 3
"""From the lowest priority to the highest."""


def queued() -> ColumnElement[bool]:
    return (Ticket.assignee_id.is_(None)) & Ticket.live.is_(True) & Ticket.state.in_(WEIGHS)


def drain() -> int:
    """Hand out what is queued, the most urgent first, then the oldest; returns how many found somebody. Commits after each."""
    given, room, named = 0, sum(free().values()), any(rules.fallback_id for rules in pools.all_rules())
    waiting = waiting_for(list(free())) if room or named else []
    for start in range(0, len(waiting), CHUNK):
        for ticket_id in _takeable(waiting[start : start + CHUNK]):
            given += _alone(ticket_id, lambda each: give_queued(each) is not None)
            if given >= room and not named:
                return given
    return given


CHUNK = 200
"""Tickets judged at once before any of them is locked."""


def _takeable(ticket_ids: list[int]) -> list[int]:
    """Without those that nobody could take as things stand: they wait for somebody, and cost nothing meanwhile."""
    wanted = select(Ticket).where(Ticket.id.in_(ticket_ids)).options(joinedload(Ticket.requester, innerjoin=True))
    tickets = {each.id: each for each in db.session.scalars(wanted.execution_options(populate_existing=True))}
    crew = Crew.read(tickets.values(), whole=True)
    found = {each: choose(ticket, crew=crew) for each, ticket in tickets.items()}
    return [
        each
        for each in ticket_ids
        if each in found and (found[each].agent is not None or _leads_on(tickets[each], found[each]))
    ]


def _leads_on(ticket: Ticket, choice: Choice) -> bool:
    """Somewhere else than here."""
    return not choice.asleep and pools.rules_for(ticket.department_id, ticket.category_id).fallback_department_id is not None  # fmt: skip


def free() -> dict[int, float]:
    """Staff id -> how many more tickets they can take."""
    loads, default, now = open_tickets(), desk.current().default_capacity, clock.now()
    people = db.session.scalars(
        select(StaffProfile)
        .join(StaffProfile.user)
        .where(User.active.is_(True))
        .execution_options(populate_existing=True)
    ).all()
    room = {
        each.user_id: (default if each.capacity is None else each.capacity) - loads[each.user_id]
        for each in people
        if each.available(now)
    }
    return {staff_id: places for staff_id, places in room.items() if places > 0}


def waiting_for(staff_ids: list[int]) -> list[int]:
    """Queued tickets that one of these people might get, in the order in which they are served."""
    theirs = select(department_member.c.department_id).where(department_member.c.staff_id.in_(staff_ids))
    staffed = select(department_member.c.department_id)
    clients = select(customer_staff.c.customer_id).where(customer_staff.c.staff_id.in_(staff_ids))
    named = [row.fallback_id for row in pools.all_rules() if row.fallback_id]
    reachable = or_(
        Ticket.department_id.in_(theirs), Ticket.department_id.not_in(staffed), Ticket.requester_id.in_(clients)
    )
    wanted = select(Ticket.id, Ticket.department_id, Ticket.category_id).where(queued())
    rows = db.session.execute((wanted if named else wanted.where(reachable)).order_by(*served())).all()
    return [row.id for row in rows if pools.rules_for(row.department_id, row.category_id).automatic]


def take_back() -> int:
    """Whoever was switched off or lost access keeps nothing: those live tickets are queued again. Commits after each."""
    lost = [ticket_id for staff_id in _holders() for ticket_id in db.session.scalars(_lost_by(staff_id))]
    return sum(_alone(ticket_id, _release) for ticket_id in lost)


def _release(ticket_id: int) -> bool:
    held = select(Ticket).where(Ticket.id == ticket_id).with_for_update(of=Ticket)
    ticket = db.session.scalar(held.execution_options(populate_existing=True))
    if ticket is not None:
        ticket.release_if_lost()
    return ticket is not None and not ticket.assigned


def _alone(ticket_id: int, deed: Callable[[int], bool]) -> bool:
    """In a transaction of its own; a ticket that fails does not keep the others waiting."""
    try:
        done = deed(ticket_id)
        db.session.commit()
    except Exception:  # one ticket does not keep the others in the queue
        db.session.rollback()
        log.exception("ticket with id %s could not be handed on", ticket_id)
        return False
    return done


def _holders() -> list[int]:
    return list(
        db.session.scalars(select(Tally.assignee_id).where(Tally.assignee_id != NOBODY, Tally.tickets > 0).distinct())
    )


def _lost_by(staff_id: int) -> Select[int]:
    agent = viewer(staff_id)
    theirs = select(Ticket.id).where(Ticket.assignee_id == staff_id, Ticket.live.is_(True))
    return theirs.where(~visible_to(agent)) if agent is not None else theirs


def _wait_for_turn() -> None:
    """SQLite lets only one transaction write anyway."""
    if is_postgresql():
        db.session.execute(select(func.pg_advisory_xact_lock(LOCK)))


def _previous(ticket: Ticket) -> int | None:
    """Whoever had it, if it did not rest for too long."""
    days = pools.rules_for(ticket.department_id, ticket.category_id).previous_days
    told = select(TicketEvent.what, TicketEvent.particulars, TicketEvent.at).where(
        TicketEvent.ticket_id == ticket.id, TicketEvent.what.in_(REST)
    )
    events = db.session.execute(told.order_by(TicketEvent.id.desc())).all()
    ended = next((row.at for row in events if row.what is not Did.ASSIGNED), None)
    if ended is not None and ended < clock.now() - dt.timedelta(days=days):
        return None
    return next((row.particulars["now_id"] for row in events if row.what is Did.ASSIGNED and row.particulars.get("now_id")), None)  # fmt: skip


REST = (Did.ASSIGNED, Did.RESOLVED, Did.CLOSED)


def _log(ticket: Ticket, choice: Choice) -> None:
    log = AssignmentLog(
        ticket_id=ticket.id,
        agent_id=choice.agent.id if choice.agent else None,
        method=choice.method,
        reason=choice.reason,
    )
    log.candidates = {"considered": [each.told() for each in choice.candidates]}
    db.session.add(log)


def _stamp(choice: Choice) -> None:
    """Later than every other's, so that "longest without" has one answer also within one tick of the clock."""
    assert choice.agent is not None
    latest = max((each.last_assigned_at for each in choice.candidates), default=LONG_AGO)
    at = max(clock.now(), latest + dt.timedelta(microseconds=1))
    stamp = update(StaffProfile).where(StaffProfile.user_id == choice.agent.id).values(last_assigned_at=at)
    db.session.execute(stamp.execution_options(synchronize_session=False))
