"""The mail that asks a customer how we did, and the one that tells staff what they said."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from app.core.extensions import db
from app.mail import letters, outgoing
from app.mail.models import Delivery, DeliveryState
from app.satisfaction import asking, links, words
from app.satisfaction.models import Rating
from app.tickets import scores

ASKED, TOLD = "rating_asked", "rated"


def ask(rating: Rating) -> None:
    """It counts as asked only when the mail may go. What a machine opened is known by its first message."""
    ticket = rating.ticket
    first = ticket.messages[0].id if ticket.messages else None
    values = {"link": links.of(rating), "rating": str(rating.id)}
    mail = outgoing.put_notice(
        ASKED, customer_id=rating.customer_id, ticket_id=ticket.id, message_id=first, values=values
    )
    if mail.state is DeliveryState.QUEUED:
        asking.went_out(rating)


def out_of_place(delivery: Delivery) -> str | None:
    """Asked again before the mail leaves: the ticket may be open again, merged or hidden, or rated in the portal."""
    rating = _rating(delivery)
    if rating is None or rating.score is not None:
        return _("The customer said it already.")
    return asking.refusal(rating.ticket, besides=rating.id)


def subject_of(delivery: Delivery) -> str:
    ticket = delivery.ticket
    return f"[{ticket.display}] {ticket.subject}" if ticket is not None else ""


def words_of(delivery: Delivery) -> dict[str, Any]:
    """The answers are links to the same page with one of them chosen: nothing is given before its button is pressed."""
    rating = _rating(delivery)
    scale = rating.scale if rating is not None else scores.Scale.FACES
    link = str(delivery.values.get("link", ""))
    answers = [{"words": scores.called(score, scale), "url": f"{link}?score={score}"} for score in scores.SCORES[scale]]
    return {"question": words.question(), "answers": answers, "stars": scale is scores.Scale.STARS}


def told(delivery: Delivery) -> dict[str, Any]:
    rating = _rating(delivery)
    comment = (rating.comment or "") if rating is not None else ""
    return {"answer": scores.spoken(str(delivery.values.get("now", ""))), "comment": comment}


def _rating(delivery: Delivery) -> Rating | None:
    known = str(delivery.values.get("rating", ""))
    return db.session.get(Rating, int(known)) if known.isdigit() else None


letters.MORE[ASKED] = letters.More(subject_of, words_of)
letters.MORE[TOLD] = letters.More(subject_of, told)
outgoing.ALSO_HELD_BACK[ASKED] = out_of_place
