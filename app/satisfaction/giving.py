"""How a customer says it, in the portal or by a mail's link: one answer a round, which may be changed for some days."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple
from unicodedata import category

from flask_babel import gettext as _

from app.accounts.viewer import Actor
from app.core import clock, web
from app.core.errors import Forbidden, HelpdeskError, Invalid
from app.core.extensions import db
from app.satisfaction import asking
from app.satisfaction.models import Rating
from app.settings import desk
from app.tickets.models import Ticket
from app.tickets.scores import SCORES, Scale, called, written
from app.tickets.timeline import Did
from app.tickets.turns import demand, take

LONGEST_COMMENT = 2000
UNSEEN, KEPT_SIGNS = ("Cc", "Cf", "Cs"), "\n\t\u200c\u200d"
"""Kinds of signs that nobody sees, and what of them a text needs: lines, and the joiners of letters and pictures."""


class TooLate(HelpdeskError):
    def __init__(self) -> None:
        super().__init__(_("The time to rate this ticket is over. If something is still open, just write to us."))


class Answer(NamedTuple):
    """As it was sent."""

    score: str
    comment: str = ""


class Card(NamedTuple):
    """What a ticket's page asks its requester."""

    scale: Scale
    scores: tuple[int, ...]
    given: Rating | None
    open_until: dt.datetime

    @property
    def open(self) -> bool:
        return clock.now() < self.open_until

    def called(self, score: int) -> str:
        return called(score, self.scale)


def card(ticket: Ticket, actor: Actor) -> Card | None:
    """None for everybody but the requester, and while there is nothing to rate."""
    if not desk.current().satisfaction or ticket.live or ticket.merged or ticket.spam:
        return None
    if ticket.requester_id != actor.customer_id:
        return None
    known = asking.latest(ticket)
    rating = known if known is not None and known.round == asking.round_of(ticket) else None
    if rating is None and not asking.asks(ticket):
        return None
    scale = rating.scale if rating is not None else Scale(desk.current().satisfaction_scale)
    until = rating.open_until if rating is not None else _until(ticket)
    given = rating if rating is not None and rating.score is not None else None
    return Card(scale, SCORES[scale], given, until) if given is not None or clock.now() < until else None


def beside(refusal: HelpdeskError) -> dict[str, str]:
    """What a form says, each sentence beside its field."""
    return refusal.fields if isinstance(refusal, Invalid) else {"score": str(refusal)}


def card_of(rating: Rating) -> Card:
    """The same by a mail's link."""
    given = rating if rating.score is not None else None
    return Card(rating.scale, SCORES[rating.scale], given, rating.open_until)


def give_in_portal(ticket: Ticket, answer: Answer, by: Actor) -> Rating:
    """Of the ticket's present round, whether they were asked or not."""
    take(ticket)
    if card(ticket, by) is None:
        raise TooLate
    rating = asking.latest(ticket, asking.round_of(ticket)) or asking.make(ticket)
    give(rating, answer, by)
    return rating


def give(rating: Rating, answer: Answer, by: Actor) -> None:
    """The same answer once more changes nothing. Raises Forbidden, Merged, TooLate, or Invalid with what is wrong."""
    ticket = rating.ticket
    demand(by, "rate", ticket)
    if by.customer_id != rating.customer_id:
        raise Forbidden(_("Only whoever asked us rates a ticket."))
    db.session.flush()
    db.session.refresh(rating)  # as it is now that we have the ticket for ourselves
    if clock.now() >= rating.open_until:
        raise TooLate
    score, comment = _score(rating, answer), _comment(answer)
    if (score, comment) == (rating.score, rating.comment):
        return
    was, now = rating.score, clock.now()
    if rating.given_at is None:
        rating.given_at, rating.given_on, rating.staff_id = now, web.desk_day(now), ticket.assignee_id
    else:
        rating.changed_at = now
    rating.score, rating.comment = score, comment
    db.session.flush()
    newest = asking.latest(ticket)
    if newest is None or newest.id == rating.id or newest.score is None:
        ticket.rating = score
    ticket.record(
        Did.RATED,
        by,
        was=written(was, rating.scale) if was is not None else None,
        now=written(score, rating.scale),
        score=score,
        score_was=was,
        rating_id=rating.id,
    )


def _score(rating: Rating, answer: Answer) -> int:
    given = answer.score.strip()
    if given in map(str, SCORES[rating.scale]):
        return int(given)
    raise Invalid(_("Please choose one of the answers."), {"score": _("Please choose one of the answers.")})


def _comment(answer: Answer) -> str | None:
    """Plain text: of signs that nobody sees only line ends and tabs stay."""
    text = answer.comment.replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(sign for sign in text if sign in KEPT_SIGNS or category(sign) not in UNSEEN).strip()
    if len(text) > LONGEST_COMMENT:
        most = _("At most %(most)s characters.", most=LONGEST_COMMENT)
        raise Invalid(_("This comment is too long."), {"comment": most})
    return text or None


def _until(ticket: Ticket) -> dt.datetime:
    """For somebody who was not asked: counted from when it was solved."""
    return (ticket.resolved_at or ticket.status_since) + dt.timedelta(days=desk.current().satisfaction_days)
