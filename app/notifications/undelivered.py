"""Who is told when the desk's own mail does not arrive. In the desk alone: where one mail fails, another may."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select

from app.core import clock
from app.core.extensions import db
from app.mail.models import Delivery
from app.notifications import audience, wishes
from app.notifications.handing import hand
from app.notifications.models import Notice, Notification
from app.tickets.models import Ticket

TOLD_AGAIN_AFTER = dt.timedelta(days=1)
"""What goes on for days is said once a day to each, not once a mail."""


def tell_of_mail(delivery: Delivery) -> None:
    """Staff's words did not reach the customer: whoever has the ticket is told, or the supervisors who see it."""
    ticket = db.session.get_one(Ticket, delivery.ticket_id).place()
    people = [ticket.assignee_id] if ticket.assignee_id else [one.id for one in audience.supervisors(ticket)]
    own, others = (people, []) if ticket.assignee_id else ([], people)
    for telling in wishes.tellings(Notice.MAIL_FAILED, own, others, ticket):
        if audience.sees(telling.person.id, ticket):
            hand(telling, Notice.MAIL_FAILED, {"who": delivery.address}, ticket_id=ticket.id)


def tell_of_server(why: str) -> None:
    """No mail leaves until somebody mends it, so nobody who can may choose not to hear of it."""
    _tell_keepers(Notice.MAIL_UNTRUSTED, {"why": why[:300]})


def tell_of_end(delivery: Delivery) -> None:
    """It was tried for days: the first of a day is said, the mail log has the others."""
    _tell_keepers(Notice.MAIL_GAVE_UP, {"who": delivery.address, "why": (delivery.reason or "")[:300]})


def _tell_keepers(kind: Notice, parts: dict[str, str]) -> None:
    since = Notification.created_at > clock.now() - TOLD_AGAIN_AFTER
    told = set(db.session.scalars(select(Notification.staff_id).where(Notification.kind == kind, since)))
    for person in audience.keepers_of_mail():
        if person.id not in told:
            db.session.add(Notification(staff_id=person.id, kind=kind, parts=parts))
