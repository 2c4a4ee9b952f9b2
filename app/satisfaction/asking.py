"""Whom we ask how we did, and when: once for each time a ticket is solved, never more often than the desk wants, never a machine."""

from __future__ import annotations

import datetime as dt
import enum

from flask_babel import gettext as _
from sqlalchemy import exists, func, select

from app.accounts.viewer import SYSTEM
from app.core import clock, web
from app.core.events import publish
from app.core.extensions import db
from app.core.outbox import Outbox
from app.satisfaction.models import Rating
from app.settings import desk
from app.tickets.models import Ticket, TicketKind
from app.tickets.scores import Scale
from app.tickets.timeline import Did, TicketEvent
from app.tickets.turns import take


class Asking(enum.StrEnum):
    DUE = "rating_due"
    """A customer is to be asked; its event is the Rating."""


def plan(event: TicketEvent) -> None:
    """A reaction: the ticket entered another status."""
    if not desk.current().satisfaction or event.ticket.live or not asks(event.ticket):
        return
    db.session.flush()  # gives the event its id
    after = dt.timedelta(hours=desk.current().satisfaction_delay_hours)
    Outbox.put("satisfaction.ask", queue="bulk", after=after, event_id=event.id)


def ask(event: TicketEvent) -> Rating | None:
    """Unless it was taken back since, something speaks against it, or they were asked already."""
    ticket = event.ticket
    take(ticket)
    if _taken_back(event) or refusal(ticket) is not None or latest(ticket, round_of(ticket)) is not None:
        return None
    rating = make(ticket)
    publish(Asking.DUE, rating)
    return rating


def went_out(rating: Rating) -> None:
    """The question is on its way: from now on it counts as asked."""
    rating.asked_at = clock.now()
    rating.asked_on = web.desk_day(rating.asked_at)
    rating.ticket.record(Did.RATING_ASKED, SYSTEM)


def refusal(ticket: Ticket, besides: int | None = None) -> str | None:
    """Why this ticket's requester is not asked now. `besides`: the rating of which it is asked, so that it does not forbid itself."""
    return _tickets_reason(ticket) or _persons_reason(ticket, besides)


def _tickets_reason(ticket: Ticket) -> str | None:
    if not desk.current().satisfaction:
        return _("The desk asks nobody how it did (satisfaction).")
    if ticket.live or not asks(ticket):
        return _("The ticket is in no status in which we ask.")
    if ticket.merged:
        return _("The ticket goes on in another one.")
    if ticket.spam:
        return _("The ticket is spam.")
    if ticket.hidden_from_client:
        return _("The ticket is hidden from the customer.")
    if ticket.kind is TicketKind.DOCUMENT_REQUEST:
        return _("We asked for documents: there was nothing to solve.")
    return None


def _persons_reason(ticket: Ticket, besides: int | None) -> str | None:
    person = ticket.requester
    if not ticket.proven or person.verified_at is None:
        return _("Nobody proved this address yet.")
    if not person.active or not person.address_works:
        return _("The customer cannot be reached.")
    days = desk.current().satisfaction_pause_days
    since = clock.now() - dt.timedelta(days=days)
    asked = select(Rating.id).where(
        Rating.customer_id == person.id, Rating.asked_at > since, Rating.id != (besides or 0)
    )
    if days and db.session.scalar(asked.limit(1)) is not None:
        return _("The customer was asked within the last %(days)s days.", days=days)
    return None


def asks(ticket: Ticket) -> bool:
    """Whether its status is one in which we ask: those the admin ticked, or each that ends a ticket."""
    chosen = desk.current().satisfaction_statuses
    return not ticket.live and (not chosen or str(ticket.status_id) in chosen.split(","))


def round_of(ticket: Ticket) -> int:
    """How often it was reopened."""
    reopened = select(func.count()).select_from(TicketEvent)
    of_ticket = reopened.where(TicketEvent.ticket_id == ticket.id, TicketEvent.what == Did.REOPENED)
    return int(db.session.scalar(of_ticket) or 0)


def latest(ticket: Ticket, round: int | None = None) -> Rating | None:
    """Of this round, or the newest of all."""
    wanted = select(Rating).where(Rating.ticket_id == ticket.id).order_by(Rating.round.desc()).limit(1)
    return db.session.scalar(wanted if round is None else wanted.where(Rating.round == round))


def make(ticket: Ticket) -> Rating:
    """Of its present round; only for whoever has the ticket for themselves (turns.py)."""
    rating = Rating(
        ticket=ticket, ticket_id=ticket.id, round=round_of(ticket), customer_id=ticket.requester_id, scale=Scale(desk.current().satisfaction_scale), made_at=clock.now(),
    )  # fmt: skip
    db.session.add(rating)
    db.session.flush()
    return rating


def _taken_back(event: TicketEvent) -> bool:
    later = exists().where(
        TicketEvent.ticket_id == event.ticket_id, TicketEvent.what == Did.REOPENED, TicketEvent.id > event.id
    )
    return bool(db.session.scalar(select(later)))
