"""Tickets that belong together: each says of the other what it is to it, to whoever sees both."""

from __future__ import annotations

from typing import NamedTuple

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, delete, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from app.accounts import rights
from app.accounts.viewer import Actor
from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.core.shipped import shown
from app.tickets.models import LinkType, Ticket, TicketLink
from app.tickets.timeline import Did
from app.tickets.turns import take
from app.tickets.visibility import visible_to

PLAIN = TicketLink.kind != "incident"
"""A ticket of an incident and that incident are no pair; incidents.py says what they are."""


class CannotLink(HelpdeskError):
    """These two are linked already, or are one."""


class Linked(NamedTuple):
    """The other ticket, and what this one is to it, in the reader's words."""

    words: str
    ticket: Ticket
    type: LinkType | None
    """None: the desk linked them itself, when a reply to a closed ticket opened a new one."""
    reverse: bool


def types() -> list[LinkType]:
    """That may be chosen."""
    wanted = select(LinkType).where(LinkType.active.is_(True)).order_by(LinkType.position, LinkType.id)
    return list(db.session.scalars(wanted))


def link(ticket: Ticket, other: Ticket, kind: LinkType, by: Actor, reverse: bool = False) -> TicketLink:
    """`ticket` blocks `other`, for instance; with `reverse` it is blocked by it."""
    _take_both(ticket, other, by)
    if ticket.id == other.id:
        raise CannotLink(_("A ticket cannot be linked with itself."))
    if db.session.scalar(select(TicketLink).where(_between(ticket, other))) is not None:
        raise CannotLink(_("Tickets %(number)s and %(other)s are linked already.", number=ticket.display, other=other.display))  # fmt: skip
    from_, to = (other, ticket) if reverse else (ticket, other)
    made = TicketLink(ticket_id=from_.id, other_id=to.id, kind="typed", type_id=kind.id)
    db.session.add(made)
    from_.record(Did.LINKED, by, number=to.display, other_id=to.id, type=kind.name)
    to.record(Did.LINKED, by, number=from_.display, other_id=from_.id, type=kind.reverse_name)
    return made


def unlink(ticket: Ticket, other: Ticket, by: Actor) -> None:
    """Whichever of the two was linked with the other. Does nothing when they are not."""
    _take_both(ticket, other, by)
    gone = delete(TicketLink).where(_between(ticket, other), PLAIN).execution_options(synchronize_session="fetch")
    if db.session.execute(gone).rowcount:
        ticket.record(Did.UNLINKED, by, number=other.display, other_id=other.id)
        other.record(Did.UNLINKED, by, number=ticket.display, other_id=ticket.id)


def links_of(ticket_id: int, actor: Actor) -> list[Linked]:
    """Of a ticket this actor sees; the other ones only if they see those too."""
    wanted = (
        select(TicketLink, LinkType, Ticket)
        .join(Ticket, or_(_of(TicketLink.other_id, ticket_id), _of(TicketLink.ticket_id, ticket_id)))
        .outerjoin(LinkType, LinkType.id == TicketLink.type_id)
        .where(or_(TicketLink.ticket_id == ticket_id, TicketLink.other_id == ticket_id), PLAIN, visible_to(actor))
        .order_by(Ticket.number)
    )
    return [_told(made, kind, other, ticket_id) for made, kind, other in db.session.execute(wanted)]


def _of(end: InstrumentedAttribute[int], ticket_id: int) -> ColumnElement[bool]:
    """The ticket at the other end."""
    return and_(Ticket.id == end, Ticket.id != ticket_id)


def _told(made: TicketLink, kind: LinkType | None, other: Ticket, ticket_id: int) -> Linked:
    reverse = made.other_id == ticket_id
    if kind is None:
        return Linked(_("is followed by") if reverse else _("follows"), other, None, reverse)
    return Linked(shown(kind.reverse_name if reverse else kind.name), other, kind, reverse)


def _between(ticket: Ticket, other: Ticket) -> ColumnElement[bool]:
    ids = (ticket.id, other.id)
    return and_(TicketLink.ticket_id.in_(ids), TicketLink.other_id.in_(ids))


def _take_both(ticket: Ticket, other: Ticket, by: Actor) -> None:
    for each in sorted((ticket, other), key=lambda one: one.id):
        take(each)
    for each in (ticket, other):
        rights.demand(by, "link", each)
