"""Hands out what is nobody's: at once when a ticket comes, and whenever somebody has room again."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable

from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, func, or_, select, update

from app.accounts.models import StaffProfile, customer_staff, department_member
from app.accounts.viewer import SYSTEM, Kind, viewer
from app.assignment.choosing import Choice, choose
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
        desk.current().auto_assignment
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
    if desk.current().auto_assignment and event.ticket.assignee_id is None:
        give(event.ticket, _previous(event.ticket))


def assign_on_wish(ticket: Ticket) -> None:
    """Reaction: somebody leaves the choice to the rules, whether the desk assigns new tickets by them or not."""
    if ticket.live and ticket.assignee_id is None:
        give(ticket)


def assign_moved(event: TicketEvent) -> None:
    """Reaction: after the transfer is complete, as it may take the ticket from who has no access there."""
    if desk.current().auto_assignment and event.ticket.live:
        Outbox.put("assignment.assign", ticket_id=event.ticket.id)


def fill_room(_happened: object) -> None:
    """Reaction: somebody came, or has a ticket less."""
    if desk.current().auto_assignment and db.session.scalar(select(Ticket.id).where(queued()).limit(1)) is not None:
        Outbox.put("assignment.drain", queue="bulk")


def hand_back(profile: StaffProfile) -> None:
    """Reaction: somebody went away. What becomes of their tickets is a job, and the desk's choice."""
    if desk.current().tickets_of_absent != "keep":
        Outbox.put("assignment.hand_back", queue="bulk", staff_id=profile.user_id)


def release_of_absent(staff_id: int) -> int:
    """Their tickets are nobody's again and wait for whoever is there: those that wait for our answer, or all that are open. Commits after each.

    Whoever came back meanwhile keeps theirs.
    """
    settings, profile = desk.current(), db.session.get(StaffProfile, staff_id, populate_existing=True)
    if settings.tickets_of_absent == "keep" or profile is None or profile.available(clock.now()):
        return 0
    theirs = select(Ticket.id).where(Ticket.assignee_id == staff_id, Ticket.live.is_(True), Ticket.state.in_(WEIGHS))
    if settings.tickets_of_absent == "unanswered":
        theirs = theirs.where(Ticket.awaiting_since.is_not(None))
    ids = list(db.session.scalars(theirs.order_by(Ticket.id)))
    given = sum(_alone(ticket_id, lambda each: _release_from(each, staff_id)) for ticket_id in ids)
    if given and settings.auto_assignment:
        Outbox.put("assignment.drain", queue="bulk")
        db.session.commit()
    return given


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
    return choice.agent


def give_queued(ticket_id: int) -> User | None:
    """Only if it is still nobody's: a person's choice meanwhile stands. One in another's hands is left to the next round."""
    _wait_for_turn()
    still = select(Ticket).where(Ticket.id == ticket_id, queued()).with_for_update(skip_locked=True, of=Ticket)
    ticket = db.session.scalar(still.execution_options(populate_existing=True))
    return give(ticket, tell_refusal=False) if ticket is not None else None


def hand_out(ticket_ids: list[int]) -> int:
    """These, in this order, as far as they find somebody; returns how many did. Commits after each."""
    return sum(_alone(each, lambda ticket_id: give_queued(ticket_id) is not None) for each in ticket_ids)


SERVED = (Ticket.priority_rank.desc(), Ticket.created_at, Ticket.id)
"""The order in which what is queued is served."""


def queued() -> ColumnElement[bool]:
    return (Ticket.assignee_id.is_(None)) & Ticket.live.is_(True) & Ticket.state.in_(WEIGHS)


def drain() -> int:
    """Hand out what is queued, the most urgent first, then the oldest; returns how many found somebody. Commits after each."""
    given, room = 0, sum(free().values())
    for ticket_id in waiting_for(list(free())) if room else []:
        given += _alone(ticket_id, lambda each: give_queued(each) is not None)
        if given >= room:
            break
    return given


def free() -> dict[int, int]:
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
    reachable = or_(
        Ticket.department_id.in_(theirs), Ticket.department_id.not_in(staffed), Ticket.requester_id.in_(clients)
    )
    return list(db.session.scalars(select(Ticket.id).where(queued(), reachable).order_by(*SERVED)))


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
    had = (
        select(TicketEvent.particulars)
        .where(TicketEvent.ticket_id == ticket.id, TicketEvent.what == Did.ASSIGNED)
        .order_by(TicketEvent.id.desc())
    )
    return next((given["now_id"] for given in db.session.scalars(had) if given.get("now_id")), None)


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
    latest = max(each.last_assigned_at for each in choice.candidates)
    at = max(clock.now(), latest + dt.timedelta(microseconds=1))
    stamp = update(StaffProfile).where(StaffProfile.user_id == choice.agent.id).values(last_assigned_at=at)
    db.session.execute(stamp.execution_options(synchronize_session=False))
