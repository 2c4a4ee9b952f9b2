"""Two tickets about one thing become one, and can be taken apart again: everything goes back to where it came from."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import and_, delete, func, or_, select, update

from app.accounts import rights
from app.accounts.viewer import SYSTEM, Actor
from app.core import clock
from app.core.database import is_postgresql
from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.tickets import setaside, tasks
from app.tickets.mergeable import Merge, SharedMessage, within
from app.tickets.models import Participant, ParticipantRole, Ticket
from app.tickets.recounting import recount
from app.tickets.thread import Attachment, Message, MessageKind
from app.tickets.timeline import Did
from app.tickets.turns import take

LOCK = 8_161_102
"""Of PostgreSQL's advisory locks: merges and un-merges wait for each other, so that none makes a circle."""
COPIES = (ParticipantRole.CC, ParticipantRole.BCC, ParticipantRole.TO)
"""Get mails about their own ticket still, and see nothing of the other."""


class CannotMerge(HelpdeskError):
    """These two, as they are now, make no one ticket."""


def merge(duplicate: Ticket, into: Ticket, by: Actor) -> Merge:
    """`duplicate` is closed and goes on in `into`, with all its entries. Raises CannotMerge or Forbidden."""
    one_at_a_time()
    take(duplicate)
    take(into)
    _refuse(duplicate, into)
    for ticket in (duplicate, into):
        rights.demand(by, "merge", ticket)
    done = Merge(
        ticket_id=duplicate.id, into_id=into.id, at=clock.now(), by_name=by.name, before=setaside.before(duplicate), undone_at=None
    )  # fmt: skip
    db.session.add(done)
    state_was = duplicate.state.value
    _bring(duplicate, into)
    _copy_participants(duplicate, into)
    setaside.end(duplicate)
    duplicate.merged_into_id = into.id
    into.merged_in += 1 + duplicate.merged_in
    into.time_spent_minutes += duplicate.time_spent_minutes
    recount(into)
    duplicate.record(Did.MERGED, by, at=done.at, number=into.display, other_id=into.id, state_was=state_was)
    into.record(Did.TOOK_IN, by, at=done.at, number=duplicate.display, other_id=duplicate.id)
    return done


def unmerge(ticket: Ticket, by: Actor) -> Ticket:
    """Take the ticket out of the one it goes on in, with what came for it meanwhile. Returns that other one."""
    one_at_a_time()
    take(ticket)
    if not ticket.merged:
        raise CannotMerge(_("Ticket %(number)s is not merged.", number=ticket.display))
    above = _above(ticket)
    place = above[-1]
    for each in (ticket, place):
        rights.demand(by, "merge", each)
    own = within(ticket.id)
    rest = [each for each in within(place.id) if each not in own]
    _give_back(ticket, place, own)
    _part(ticket, place, own, rest)
    for each in above:
        each.merged_in -= 1 + ticket.merged_in
        each.time_spent_minutes -= ticket.time_spent_minutes
    done = _latest(ticket)
    done.undone_at, ticket.merged_into_id = clock.now(), None
    state_was = setaside.resume(ticket, done.before, done.at)
    for each in (ticket, place):
        recount(each)
    ticket.record(Did.UNMERGED, by, number=place.display, other_id=place.id, state_was=state_was)
    place.record(Did.GAVE_BACK, by, number=ticket.display, other_id=ticket.id)
    _catch_up(ticket, done.at)
    return place


def separate(ticket: Ticket) -> None:
    """Before a ticket is erased: it goes on in no other, and no other in it."""
    if ticket.merged:
        unmerge(ticket, SYSTEM)
    while ticket.merged_in:
        member = select(Ticket).where(Ticket.merged_into_id == ticket.id).order_by(Ticket.id).limit(1)
        unmerge(db.session.scalars(member).one(), SYSTEM)


def one_at_a_time() -> None:
    """SQLite lets only one transaction write anyway."""
    if is_postgresql():
        db.session.execute(select(func.pg_advisory_xact_lock(LOCK)))


def _refuse(duplicate: Ticket, into: Ticket) -> None:
    if duplicate.id == into.id:
        raise CannotMerge(_("A ticket cannot be merged into itself."))
    for ticket in (duplicate, into):
        if ticket.merged:
            raise CannotMerge(
                _(
                    "Ticket %(number)s was merged into %(other)s already.",
                    number=ticket.display,
                    other=ticket.place().display,
                )
            )


def _bring(duplicate: Ticket, into: Ticket) -> None:
    """Its own entries are marked as its own; those of tickets merged into it are marked already."""
    here = Message.ticket_id == duplicate.id
    _do(update(Message).where(here, Message.origin_ticket_id.is_(None)).values(origin_ticket_id=duplicate.id))
    _do(update(Message).where(here).values(ticket_id=into.id))
    _do(update(Attachment).where(Attachment.ticket_id == duplicate.id).values(ticket_id=into.id))
    tasks.bring(duplicate.id, into.id)
    _read_anew(duplicate, into)


def _copy_participants(duplicate: Ticket, into: Ticket) -> None:
    """Staff and departments who had part in the one have part in both."""
    theirs = select(Participant).where(Participant.ticket_id == duplicate.id, Participant.role.not_in(COPIES))
    present = db.session.scalars(select(Participant).where(Participant.ticket_id == into.id)).all()
    known = {(part.role, part.staff_id, part.department_id) for part in present}
    for part in db.session.scalars(theirs.order_by(Participant.id)).all():
        if (part.role, part.staff_id, part.department_id) not in known:
            db.session.add(
                Participant(
                    ticket_id=into.id, role=part.role, staff_id=part.staff_id, department_id=part.department_id, approved=part.approved,
                    merged_from_id=part.merged_from_id or duplicate.id,
                )
            )  # fmt: skip


def _above(ticket: Ticket) -> list[Ticket]:
    """The ticket it goes on in, the one that goes on in, and so on; taken in that order."""
    found = []
    while ticket.merged_into_id is not None:
        ticket = db.session.get_one(Ticket, ticket.merged_into_id)
        take(ticket)
        found.append(ticket)
    return found


def _give_back(ticket: Ticket, place: Ticket, own: list[int]) -> None:
    entries = and_(Message.ticket_id == place.id, Message.origin_ticket_id.in_(own))
    files = select(Message.id).where(entries)
    _do(update(Attachment).where(Attachment.message_id.in_(files)).values(ticket_id=ticket.id))
    _do(update(Message).where(entries).values(ticket_id=ticket.id))
    home = and_(Message.ticket_id == ticket.id, Message.origin_ticket_id == ticket.id)
    _do(update(Message).where(home).values(origin_ticket_id=None))
    tasks.give_back(place.id, ticket.id, own)
    _read_anew(ticket, place)


def _part(ticket: Ticket, place: Ticket, own: list[int], rest: list[int]) -> None:
    """Nobody of the one reads or sees the other any more."""
    came = and_(Participant.merged_from_id.in_(own), Participant.ticket_id.in_(rest))
    _do(delete(Participant).where(came))
    of_ticket = select(Message.id).where(Message.ticket_id == ticket.id)
    of_place = select(Message.id).where(Message.ticket_id == place.id)
    crossed = or_(
        and_(SharedMessage.ticket_id.in_(rest), SharedMessage.message_id.in_(of_ticket)),
        and_(SharedMessage.ticket_id.in_(own), SharedMessage.message_id.in_(of_place)),
    )
    _do(delete(SharedMessage).where(crossed))


def _latest(ticket: Ticket) -> Merge:
    done = select(Merge).where(Merge.ticket_id == ticket.id, Merge.undone_at.is_(None)).order_by(Merge.id.desc())
    return db.session.scalars(done.limit(1)).one()


def _catch_up(ticket: Ticket, since: dt.datetime) -> None:
    """A customer who wrote for it meanwhile wrote to a ticket that was merged: now the reply does what replies do."""
    came = select(Message.id).where(
        Message.ticket_id == ticket.id, Message.created_at >= since, Message.kind == MessageKind.REPLY, Message.trusted.is_(True), Message.customer_id.is_not(None)
    )  # fmt: skip
    if ticket.needs_response and db.session.scalar(came.limit(1)) is not None:
        ticket._follow_customer_reply(SYSTEM)
    ticket.release_if_lost()


def _read_anew(*tickets: Ticket) -> None:
    """The rows went past the session."""
    for ticket in tickets:
        db.session.expire(ticket, ["messages"])


def _do(statement: Any) -> None:
    db.session.flush()
    db.session.execute(statement.execution_options(synchronize_session="fetch"))
