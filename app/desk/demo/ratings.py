"""What the demo's customers said of solved tickets: the desk asked, most answered, two were not content."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select

from app.accounts.viewer import CustomerActor
from app.core import clock
from app.core.extensions import db
from app.desk.demo.plans import ticket_of
from app.satisfaction import asking, giving
from app.satisfaction.giving import Answer
from app.satisfaction.models import Rating
from app.settings import desk
from app.tickets.did import Did
from app.tickets.models import Ticket
from app.tickets.timeline import TicketEvent

SAID = (
    # subject, the answer, hours after the question, the comment
    ("Calendar sync shows meetings one hour late", "5", 3, "Quick, and explained so that I could tell my team."),
    ("Invoice 2291 shows the wrong VAT rate", "5", 20, ""),
    ("API answers 502 for every request", "1", 1, "Our displays were dark for an hour and nobody called us.\nThe report was good, though."),
    ("Cannot activate licence after moving to a new server", "5", 2, "Two mails and it ran again."),
    ("Password reset mail never arrives", "5", 30, ""),
    ("Does Fjord work without an internet connection?", "5", 1, ""),
    ("Card payment declined although the bank approved it", "5", 4, ""),
    ("Webhook deliveries are delayed by several minutes", "1", 9, "It took three days until somebody looked at our logs."),
    ("Which licence do we need for 60 people?", "5", 18, "Friendly and to the point."),
    ("Nobody can sign in through single sign-on", "5", 2, ""),
    ("App crashes when attaching a PDF over 20 MB", "", 0, ""),
    ("Please cancel the duplicate subscription", "5", 26, ""),
    ("Data import stuck at 43 percent", "", 0, ""),
    ("Planner account locked on the day of the roster", "", 0, ""),
)  # fmt: skip
"""Without an answer: nobody gave one (yet)."""


def make() -> None:
    """After the stories, each at its time. Does not commit."""
    desk.change({"satisfaction": True})
    for subject, score, hours, comment in SAID:
        ticket = ticket_of(subject)
        solved = _solved(ticket)
        asked_at = solved.at + dt.timedelta(hours=desk.current().satisfaction_delay_hours)
        with clock.at(asked_at):
            rating = asking.ask(solved)
        if rating is not None and score:
            _answer(rating, Answer(score, comment), asked_at + dt.timedelta(hours=hours))


def _answer(rating: Rating, answer: Answer, at: dt.datetime) -> None:
    with clock.at(min(at, clock.now())):
        giving.give(rating, answer, by=CustomerActor.of(rating.customer))


def _solved(ticket: Ticket) -> TicketEvent:
    """When it ended for good."""
    ended = select(TicketEvent).where(TicketEvent.ticket_id == ticket.id, TicketEvent.what.in_((Did.RESOLVED, Did.CLOSED)))  # fmt: skip
    return db.session.scalars(ended.order_by(TicketEvent.id.desc()).limit(1)).one()
