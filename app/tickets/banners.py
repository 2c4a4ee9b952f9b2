"""What customers are told of incidents that go on: a title and a sentence, and no word of the ticket itself."""

from __future__ import annotations

import json
from typing import NamedTuple

from flask import g
from flask_babel import gettext as _
from sqlalchemy import select

from app.accounts.models import Customer
from app.accounts.viewer import Actor, CustomerActor
from app.core import clock
from app.core.database import one_at_a_time
from app.core.errors import Invalid
from app.core.extensions import db
from app.settings import desk
from app.settings.models import Setting
from app.tickets import incidents
from app.tickets.incidents import Incident
from app.tickets.models import Ticket, TicketLink
from app.tickets.opening import NewTicket, open_ticket
from app.tickets.sorting import clean_line
from app.tickets.thread import Channel, Words
from app.tickets.timeline import Did, TicketEvent
from app.tickets.turns import demand, take
from app.tickets.visibility import visible_to

LONGEST_TITLE, LONGEST_SENTENCE = 120, 250


class Banner(NamedTuple):
    """One incident as customers read of it."""

    id: int
    ticket_id: int
    title: str
    sentence: str


def shown() -> list[Banner]:
    """At no cost: the settings of this request hold them."""
    return [Banner(*row) for row in json.loads(desk.current().incident_banners)]


def publish(ticket: Ticket, title: str, sentence: str, by: Actor) -> None:
    """Publishing it again changes its words. Raises Invalid naming each wrong field."""
    demand(by, "incident", ticket)
    incident = incidents.of(ticket)
    title, sentence = clean_line(title, LONGEST_TITLE + 1), clean_line(sentence, LONGEST_SENTENCE + 1)
    wrong = {name: said for name, said in (("title", _wrong(title, LONGEST_TITLE)), ("sentence", _wrong(sentence, LONGEST_SENTENCE))) if said}  # fmt: skip
    if wrong:
        raise Invalid(_("The banner is not complete yet."), wrong)
    if incident is None or not ticket.live:
        raise incidents.NoIncident(_("Ticket %(number)s is no incident that goes on.", number=ticket.display))
    if (incident.published_at is not None, incident.title, incident.sentence) == (True, title, sentence):
        return
    incident.title, incident.sentence, incident.published_at = title, sentence, clock.now()
    ticket.record(Did.INCIDENT_PUBLISHED, by, now=title)
    keep()


def withdraw(ticket: Ticket, by: Actor) -> None:
    """Customers see it no longer. Its words stay for the next time."""
    demand(by, "incident", ticket)
    _withdraw(ticket, by)


def withdraw_ended(event: TicketEvent) -> None:
    """An incident that ended is on nobody's page."""
    if any(one.ticket_id == event.ticket_id for one in shown()):
        _withdraw(event.ticket, event.actor)


def keep() -> None:
    """Write all that are published into the settings, which every request reads anyway: a desk without incidents asks nothing for them."""
    db.session.flush()
    one_at_a_time(Setting)
    wanted = select(Incident.id, Incident.ticket_id, Incident.title, Incident.sentence)
    rows = db.session.execute(wanted.where(Incident.published_at.is_not(None)).order_by(Incident.published_at, Incident.id))  # fmt: skip
    written = json.dumps([list(row) for row in rows], ensure_ascii=False)
    settings, connection = Setting.__table__, db.session.connection()
    here = settings.c.name == "incident_banners"
    if not connection.execute(settings.update().where(here).values(value=written)).rowcount:  # type: ignore[attr-defined]
        connection.execute(settings.insert().values(name="incident_banners", value=written))  # type: ignore[attr-defined]
    g.pop("desk_settings", None)


def published(banner_id: int) -> Ticket | None:
    """The incident behind a banner, while customers see it; nobody else gives it a ticket before we commit."""
    wanted = select(Ticket).join(Incident, Incident.ticket_id == Ticket.id)
    ticket = db.session.scalar(wanted.where(Incident.id == banner_id, Incident.published_at.is_not(None), Ticket.live))
    if ticket is not None:
        take(ticket)
    return ticket


def own(incident: Ticket, customer: CustomerActor) -> Ticket | None:
    """The ticket with which this customer said that it concerns them."""
    wanted = select(Ticket).join(TicketLink, TicketLink.other_id == Ticket.id)
    theirs = (TicketLink.ticket_id == incident.id, TicketLink.kind == incidents.KIND, Ticket.requester_id == customer.customer_id)  # fmt: skip
    return db.session.scalar(wanted.where(*theirs, visible_to(customer)).order_by(Ticket.live.desc(), Ticket.id).limit(1))  # fmt: skip


def unproven(incident: Ticket, address_of: CustomerActor) -> Ticket | None:
    """The open ticket in which somebody who gave the same address, and proved it no more than whoever writes now, said so."""
    wanted = select(Ticket).join(TicketLink, TicketLink.other_id == Ticket.id)
    theirs = (TicketLink.ticket_id == incident.id, TicketLink.kind == incidents.KIND, Ticket.requester_id == address_of.customer_id)  # fmt: skip
    here = wanted.where(*theirs, Ticket.proven.is_(False), Ticket.live, Ticket.merged_into_id.is_(None))
    return db.session.scalar(here.order_by(Ticket.id).limit(1))


def report(incident: Ticket, customer: Customer, by: CustomerActor) -> Ticket:
    """A ticket of theirs that belongs to the incident; whoever asks looked for the one that is there."""
    title = db.session.scalars(select(Incident.title).where(Incident.ticket_id == incident.id)).one()
    words = Words(_("I am affected too: %(title)s", title=title), via=Channel.PORTAL)
    new = NewTicket(title, words, customer, department=incident.department, category=incident.category)
    ticket = open_ticket(new, by=by)
    incidents.join(ticket, incident, by)
    return ticket


def _wrong(text: str, longest: int) -> str:
    if not text:
        return _("Please write something.")
    return _("At most %(most)s characters.", most=longest) if len(text) > longest else ""


def _withdraw(ticket: Ticket, by: Actor) -> None:
    incident = incidents.of(ticket)
    if incident is not None and incident.published_at is not None:
        incident.published_at = None
        ticket.record(Did.INCIDENT_WITHDRAWN, by)
        keep()
