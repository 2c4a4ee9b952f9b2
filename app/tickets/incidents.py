"""One disturbance that many report: a ticket stands for it, the others are its tickets, and each belongs to one incident at most."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, ForeignKey, Integer, Select, and_, cast, delete, func, or_, select
from sqlalchemy.orm import Mapped, joinedload, mapped_column

from app.accounts import rights
from app.accounts.viewer import Actor
from app.core import clock
from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.core.model import Base, intpk
from app.tickets.models import Ticket, TicketLink
from app.tickets.timeline import Did
from app.tickets.turns import demand, take
from app.tickets.visibility import visible_to

KIND = "incident"
"""Of a ticket_link: the first ticket is the incident, the other belongs to it."""
MOST_RUNNING = 50
"""Incidents that are offered to be chosen from."""


class NoIncident(HelpdeskError):
    """What was asked for does not fit what is an incident and what is not."""


class Incident(Base):
    """That a ticket stands for a disturbance, and what customers are told of it."""

    __tablename__ = "incident"

    id: Mapped[intpk]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"), unique=True)
    declared_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    title: Mapped[str] = mapped_column(default="")
    sentence: Mapped[str] = mapped_column(default="")
    published_at: Mapped[dt.datetime | None]
    """While customers see the title and the sentence, and nothing else of it."""


class Reach(NamedTuple):
    """The tickets of an incident that somebody sees."""

    tickets: int
    live: int
    customers: int


def of(ticket: Ticket) -> Incident | None:
    """What this ticket stands for."""
    return db.session.scalar(select(Incident).where(Incident.ticket_id == ticket.id))


def declare(ticket: Ticket, by: Actor) -> Incident:
    """Declaring it twice does nothing."""
    demand(by, "incident", ticket)
    found = of(ticket)
    if found is None:
        if part_of(ticket) is not None:
            raise NoIncident(_("Ticket %(number)s belongs to an incident. Take it out first.", number=ticket.display))
        if not ticket.live:
            raise NoIncident(_("Ticket %(number)s has ended. Reopen it first.", number=ticket.display))
        found = Incident(ticket_id=ticket.id)
        db.session.add(found)
        db.session.flush()
        ticket.record(Did.INCIDENT_DECLARED, by)
    return found


def call_off(ticket: Ticket, by: Actor) -> None:
    """It was none: its tickets stand for themselves again, also those that this person does not see."""
    demand(by, "incident", ticket)
    if of(ticket) is not None:
        for one in db.session.scalars(select(Ticket).join(TicketLink, _belongs(ticket.id)).order_by(Ticket.id)).all():
            _leave(one, ticket, by)
        ticket.record(Did.INCIDENT_CALLED_OFF, by)  # first: what customers read of it is withdrawn by this event
        db.session.execute(delete(Incident).where(Incident.ticket_id == ticket.id))


def add(ticket: Ticket, to: Ticket, by: Actor) -> None:
    """It is one of this incident's tickets from now on. Adding it twice does nothing."""
    _take_both(ticket, to, by)
    if ticket.id == to.id or of(ticket) is not None:
        raise NoIncident(_("Ticket %(number)s is an incident itself.", number=ticket.display))
    if of(to) is None:
        raise NoIncident(_("Ticket %(number)s is no incident.", number=to.display))
    before = part_of(ticket)
    if before == to.id:
        return
    if before is not None:
        raise NoIncident(_("Ticket %(number)s belongs to another incident.", number=ticket.display))
    join(ticket, to, by)


def join(ticket: Ticket, to: Ticket, by: Actor) -> None:
    """The row and its events, for who asked already whether it may be. What else linked the two gives way."""
    both = (ticket.id, to.id)
    db.session.execute(delete(TicketLink).where(TicketLink.ticket_id.in_(both), TicketLink.other_id.in_(both)))
    db.session.add(TicketLink(ticket_id=to.id, other_id=ticket.id, kind=KIND))
    db.session.flush()
    ticket.record(Did.INCIDENT_JOINED, by, number=to.display, other_id=to.id)
    to.record(Did.INCIDENT_GREW, by, number=ticket.display, other_id=ticket.id)


def take_out(ticket: Ticket, of_incident: Ticket, by: Actor) -> None:
    """It stands for itself again. Does nothing when it does already."""
    _take_both(ticket, of_incident, by)
    if part_of(ticket) == of_incident.id:
        _leave(ticket, of_incident, by)


def part_of(ticket: Ticket) -> int | None:
    """The ticket that stands for its incident."""
    wanted = select(TicketLink.ticket_id).where(TicketLink.other_id == ticket.id, TicketLink.kind == KIND)
    return db.session.scalar(wanted.limit(1))


def taken(ids: Sequence[int]) -> set[int]:
    """Those among them that are an incident or belong to one."""
    own = select(Incident.ticket_id).where(Incident.ticket_id.in_(ids))
    belong = select(TicketLink.other_id).where(TicketLink.other_id.in_(ids), TicketLink.kind == KIND)
    return set(db.session.scalars(own)) | set(db.session.scalars(belong))


def running(by: Actor) -> list[Ticket]:
    """Incidents that go on and that this actor sees, the newest first."""
    wanted = select(Ticket).join(Incident, Incident.ticket_id == Ticket.id).where(Ticket.live, visible_to(by))
    newest = wanted.order_by(Incident.declared_at.desc(), Ticket.id.desc()).limit(MOST_RUNNING)
    return list(db.session.scalars(newest.options(joinedload(Ticket.status), joinedload(Ticket.requester))))


def tickets_of(incident_id: int, by: Actor) -> Select[Ticket]:
    """Those that this actor sees, open ones first."""
    wanted = select(Ticket).join(TicketLink, _belongs(incident_id)).where(visible_to(by))
    return wanted.order_by(Ticket.live.desc(), Ticket.id.desc())


def reach(incident_id: int, by: Actor) -> Reach:
    seen = tickets_of(incident_id, by).order_by(None)
    live = func.coalesce(func.sum(cast(Ticket.live, Integer)), 0)
    counted = seen.with_only_columns(func.count(), live, func.count(Ticket.requester_id.distinct()))
    row = db.session.execute(counted).one()
    return Reach(int(row[0]), int(row[1]), int(row[2]))


def reached(incident: Ticket, by: Actor) -> list[int]:
    """The open tickets in which this actor's words find its customers: of a merged one the ticket in which it goes on."""
    found = db.session.scalars(tickets_of(incident.id, by)).all()
    places = [place for one in found if one.merged and (place := one.place()).live and place.seen_by(by)]
    ids = dict.fromkeys(one.id for one in (*found, *places) if one.live and not one.merged)
    return [id for id in ids if id != incident.id]


def customers_of(ids: Sequence[int]) -> int:
    """Those who read what is written in these tickets, and in those that go on in them."""
    theirs = or_(Ticket.id.in_(ids), Ticket.merged_into_id.in_(ids))
    counted = select(func.count(Ticket.requester_id.distinct())).where(theirs, Ticket.hidden_from_client.is_(False))
    return db.session.scalar(counted) or 0


def seen(incident_id: int, by: Actor) -> Ticket | None:
    """The one that a ticket belongs to."""
    return db.session.scalar(select(Ticket).where(Ticket.id == incident_id, visible_to(by)))


def _belongs(incident_id: int) -> ColumnElement[bool]:
    return and_(TicketLink.other_id == Ticket.id, TicketLink.ticket_id == incident_id, TicketLink.kind == KIND)


def _leave(ticket: Ticket, incident: Ticket, by: Actor) -> None:
    gone = delete(TicketLink).where(TicketLink.ticket_id == incident.id, TicketLink.other_id == ticket.id, TicketLink.kind == KIND)  # fmt: skip
    db.session.execute(gone)
    ticket.record(Did.INCIDENT_LEFT, by, number=incident.display, other_id=incident.id)
    incident.record(Did.INCIDENT_SHRANK, by, number=ticket.display, other_id=ticket.id)


def _take_both(ticket: Ticket, other: Ticket, by: Actor) -> None:
    for each in sorted((ticket, other), key=lambda one: one.id):
        take(each)
    for each in (ticket, other):
        rights.demand(by, "link", each)
