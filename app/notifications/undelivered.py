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
"""A server that stays untrusted is said once a day to each, not once a mail."""


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
    since = Notification.created_at > clock.now() - TOLD_AGAIN_AFTER
    told = set(
        db.session.scalars(select(Notification.staff_id).where(Notification.kind == Notice.MAIL_UNTRUSTED, since))
    )
    for person in audience.keepers_of_mail():
        if person.id not in told:
            db.session.add(Notification(staff_id=person.id, kind=Notice.MAIL_UNTRUSTED, parts={"why": why[:300]}))
