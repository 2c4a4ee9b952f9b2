"""A desk that asks, and solved tickets in it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.accounts.viewer import CustomerActor
from app.core.extensions import db
from app.mail.models import Delivery
from app.satisfaction import giving
from app.satisfaction.giving import Answer
from app.satisfaction.models import Rating
from app.tickets.models import Ticket
from tests.factories import a_ticket, acting, an_agent, run_jobs, setting


def asking_desk(**values: Any) -> None:
    """At once and as often as there is reason, unless said otherwise."""
    setting(**{"satisfaction": True, "satisfaction_delay_hours": 0, "satisfaction_pause_days": 0, **values})


def a_solved(**given: Any) -> Ticket:
    """Its assignee solved it; what follows was done."""
    agent = given.pop("agent", None) or an_agent()
    ticket = a_ticket(assignee=agent, **given)
    ticket.resolve(by=acting(agent))
    run_jobs()
    return ticket


def ratings() -> list[Rating]:
    return list(db.session.scalars(select(Rating).order_by(Rating.id)))


def asked() -> list[Delivery]:
    """The mails that ask."""
    return list(db.session.scalars(select(Delivery).where(Delivery.kind == "rating_asked").order_by(Delivery.id)))


def rate(ticket: Ticket, score: int = 5, comment: str = "") -> Rating:
    """Its requester says it in the portal."""
    return giving.give_in_portal(ticket, Answer(str(score), comment), by=CustomerActor.of(ticket.requester))


def a_rating(score: int = 5, comment: str = "", **given: Any) -> Rating:
    """Of a ticket that was solved."""
    return rate(a_solved(**given), score, comment)
