"""Who may see which tickets, messages, files and events. The list, the API, search, exports, the portal and jobs all ask here."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, false, or_, select, true

from app.accounts.models import Customer, Scope
from app.accounts.viewer import Actor, CustomerActor, Kind, Viewer
from app.core.extensions import db
from app.core.filtering import among
from app.settings import desk
from app.tickets.choices import CannedResponse
from app.tickets.mergeable import SharedMessage, written_in
from app.tickets.models import Participant, ParticipantRole, Ticket
from app.tickets.reach import (
    OF_A_TICKET,
    in_departments,
    in_scope,
    open_scope,
    where_in_departments,
    where_in_scope,
)
from app.tickets.thread import Attachment, Message, MessageKind
from app.tickets.timeline import PUBLIC, TicketEvent


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """The one row rule on tickets.

    Staff: the widest scope of their roles, cut with their departments, or a part of their own in the ticket.
    Customers: their own and their organization's, neither hidden nor unproven.
    """
    if actor.kind is Kind.SYSTEM:
        return true()
    if isinstance(actor, Viewer):
        return _visible_to_staff(actor, desk.current().agents_see_departments)
    return _visible_to_customer(actor) if isinstance(actor, CustomerActor) else false()


@lru_cache(1024)
def _visible_to_staff(viewer: Viewer, agents_see_departments: bool) -> ColumnElement[bool]:
    """Built once for each viewer, as a page asks for it several times; each change of theirs makes a new Viewer, and the setting is in the key."""
    if not viewer.can("show"):
        return false()
    if sees_all(viewer):
        return true()
    within = and_(where_in_scope(viewer, OF_A_TICKET), _departments(viewer))
    mine = select(Participant.ticket_id).where(Participant.staff_id == viewer.id)
    return or_(within, Ticket.id.in_(mine))


def arms_of(viewer: Viewer) -> tuple[ColumnElement[bool], ...]:
    """The same rule on live tickets in arms, each of which an index answers in the order of the list; one OR of them makes SQLite walk
    all open tickets to find an agent's few. A ticket may be in several. Empty where one walk over the list is as good."""
    restricted = open_scope(viewer) or Scope.MINE_AND_UNASSIGNED in viewer.scopes
    if not viewer.can("show") or not viewer.departments or not restricted or Scope.CATEGORIES in viewer.scopes:
        return ()
    return _arms(viewer, desk.current().agents_see_departments)


@lru_cache(1024)
def _arms(viewer: Viewer, agents_see_departments: bool) -> tuple[ColumnElement[bool], ...]:
    own = sorted(viewer.departments)
    mine = Ticket.id.in_(select(Participant.ticket_id).where(Participant.staff_id == viewer.id))
    shared = Ticket.id.in_(select(Participant.ticket_id).where(among(Participant.department_id, own)))
    if open_scope(viewer):
        return (*(and_(Ticket.department_id == each, Ticket.live.is_(True)) for each in own), shared, mine)
    in_own = (and_(Ticket.department_id == each, Ticket.assignee_id.is_(None)) for each in own)
    shared_of_nobody = and_(shared, OF_A_TICKET.nobodys)  # the few shared ones are the way to them
    return (and_(Ticket.assignee_id == viewer.id, _departments(viewer)), *in_own, shared_of_nobody, mine)


def sees_all(viewer: Viewer) -> bool:
    """No scope and no department keeps any ticket from them."""
    return viewer.can("show") and open_scope(viewer) and not viewer.departments


def sees_whole_departments(viewer: Viewer) -> bool:
    """All of their departments' tickets, so that sums a department may stand for sums of what they see."""
    return viewer.can("show") and open_scope(viewer)


def _departments(viewer: Viewer) -> ColumnElement[bool]:
    if not viewer.departments:
        return true()
    further = select(Participant.ticket_id).where(among(Participant.department_id, viewer.departments))
    return or_(where_in_departments(viewer, OF_A_TICKET), Ticket.id.in_(further))


def _visible_to_customer(customer: CustomerActor) -> ColumnElement[bool]:
    requester: ColumnElement[bool] = Ticket.requester_id == customer.customer_id
    if customer.organization_id is not None:  # one list of people, not "or": PostgreSQL would read all tickets for that
        mine = or_(Customer.organization_id == customer.organization_id, Customer.id == customer.customer_id)
        requester = Ticket.requester_id.in_(select(Customer.id).where(mine))
    return and_(requester, Ticket.hidden_from_client.is_(False), Ticket.proven.is_(True))


ANSWERED = (ParticipantRole.CC, ParticipantRole.TO)
"""Who besides the requester was asked for an answer."""


class Parts(NamedTuple):
    """Staff and departments that were added to a ticket."""

    staff: frozenset[int | None]
    departments: frozenset[int | None]


def parts_of(ticket: Ticket) -> Parts:
    """For whoever asks of many people whether they see it: one statement instead of two for each."""
    wanted = select(Participant.staff_id, Participant.department_id).where(Participant.ticket_id == ticket.id)
    rows = db.session.execute(wanted).all()
    return Parts(frozenset(row.staff_id for row in rows), frozenset(row.department_id for row in rows))


def sees(actor: Actor, ticket: Ticket, parts: Parts | None = None) -> bool:
    """The same rule for one loaded ticket, without a statement where its columns, or the parts at hand, decide."""
    if actor.kind is Kind.SYSTEM:
        return True
    if isinstance(actor, Viewer):
        return actor.can("show") and (_within(actor, ticket, False, parts) or _takes_part(actor, ticket, parts))
    if not isinstance(actor, CustomerActor) or ticket.hidden_from_client or not ticket.proven:
        return False
    return ticket.requester_id == actor.customer_id or (
        actor.organization_id is not None and ticket.requester.organization_id == actor.organization_id
    )


def may_write(customer: Actor, ticket: Ticket) -> bool:
    """Whether what they write belongs to the thread: whoever sees it, its requester always, a CC an agent accepted, and to whom a reply was written."""
    if sees(customer, ticket) or (customer.customer_id is not None and customer.customer_id == ticket.requester_id):
        return True
    if not isinstance(customer, CustomerActor):
        return False
    part = select(Participant.id).where(
        Participant.ticket_id == ticket.id, Participant.role.in_(ANSWERED), Participant.approved.is_(True),
        or_(Participant.customer_id == customer.customer_id, Participant.email == customer.email.strip().casefold()),
    )  # fmt: skip
    return db.session.scalar(part.limit(1)) is not None


def may_work_on(viewer: Viewer, ticket: Ticket, parts: Parts | None = None) -> bool:
    """Whether they would see it if it were theirs: the rule of assignment."""
    return viewer.can("show") and viewer.can("reply") and _within(viewer, ticket, assigned=True, parts=parts)


def _within(viewer: Viewer, ticket: Ticket, assigned: bool, parts: Parts | None = None) -> bool:
    return in_scope(viewer, ticket, assigned) and (
        in_departments(viewer, ticket) or _shared_with(viewer, ticket, parts)
    )


def _shared_with(viewer: Viewer, ticket: Ticket, parts: Parts | None) -> bool:
    if parts is not None:
        return not viewer.departments.isdisjoint(parts.departments)
    shared = select(Participant.id).where(
        Participant.ticket_id == ticket.id, among(Participant.department_id, viewer.departments)
    )
    return db.session.scalar(shared.limit(1)) is not None


def _takes_part(viewer: Viewer, ticket: Ticket, parts: Parts | None) -> bool:
    if parts is not None:
        return viewer.id in parts.staff
    part = select(Participant.id).where(Participant.ticket_id == ticket.id, Participant.staff_id == viewer.id)
    return db.session.scalar(part.limit(1)) is not None


def messages_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Customers read public replies of people who take part, in tickets of theirs: also where those go on in another, of which
    they read what was written since. For staff to be combined with a ticket they may see."""
    if actor.kind is not Kind.CUSTOMER:
        return true()
    theirs = select(Ticket.id).where(visible_to(actor)).correlate(None)
    shared = (
        select(SharedMessage.message_id)
        .join(Message, Message.id == SharedMessage.message_id)
        .join(Ticket, Ticket.id == Message.ticket_id)
        .where(SharedMessage.ticket_id.in_(theirs), Ticket.hidden_from_client.is_(False), Ticket.proven.is_(True))
        .correlate(None)
    )
    readable = or_(written_in(theirs), Message.id.in_(shared))
    return and_(for_customers(), readable)


def for_customers() -> ColumnElement[bool]:
    """Messages that some customer may read: no notes, nothing of suppliers, nothing of a sender whom nobody has proved."""
    return and_(Message.kind == MessageKind.REPLY, Message.trusted.is_(True))


def events_visible_to(actor: Actor) -> ColumnElement[bool]:
    return true() if actor.kind is not Kind.CUSTOMER else TicketEvent.what.in_(sorted(PUBLIC))


def attachments_visible_to(actor: Actor) -> ColumnElement[bool]:
    """A file is seen by whoever sees its message; one not yet sent by its uploader alone."""
    messages = select(Message.id).where(messages_visible_to(actor))
    if actor.kind is not Kind.CUSTOMER:
        messages = messages.where(Message.ticket_id.in_(select(Ticket.id).where(visible_to(actor))))
    unsent = and_(
        Attachment.message_id.is_(None),
        Attachment.staff_id == actor.staff_id if actor.staff_id else Attachment.customer_id == actor.customer_id,
    )
    return or_(Attachment.message_id.in_(messages), unsent)


def canned_visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """One's own canned responses, and everybody's; one that was written for a department is that department's."""
    everybodys: ColumnElement[bool] = CannedResponse.owner_id.is_(None)
    if viewer.departments:
        own = sorted(viewer.departments)
        everybodys = and_(
            everybodys, or_(CannedResponse.department_id.is_(None), among(CannedResponse.department_id, own))
        )
    return or_(everybodys, CannedResponse.owner_id == viewer.id)


def find(number: int, actor: Actor) -> Ticket | None:
    """The ticket with this number, if this actor may see it."""
    return db.session.scalar(select(Ticket).where(Ticket.number == number, visible_to(actor)))
