"""Who is told when the desk's own mail does not arrive. In the desk alone: where one mail fails, another may."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select

from app.core import clock
from app.core.extensions import db
from app.mail.models import Delivery
from app.notifications import audience, inbox
from app.notifications.models import Notice, Notification
from app.tickets.models import Ticket

TOLD_AGAIN_AFTER = dt.timedelta(days=1)
"""A server that stays untrusted is said once a day to each, not once a mail."""


def tell_of_mail(delivery: Delivery) -> None:
    """Staff's words did not reach the customer: whoever has the ticket is told, or the supervisors who see it."""
    ticket = db.session.get_one(Ticket, delivery.ticket_id).place()
    people = [ticket.assignee_id] if ticket.assignee_id else [one.id for one in audience.supervisors(ticket)]
    for staff_id in people:
        if audience.sees(staff_id, ticket) and inbox.wanted(staff_id, Notice.MAIL_FAILED).app:
            said = {"who": delivery.address}
            db.session.add(Notification(staff_id=staff_id, kind=Notice.MAIL_FAILED, ticket_id=ticket.id, parts=said))


def tell_of_server(why: str) -> None:
    """No mail leaves until somebody mends it, so nobody who can may choose not to hear of it."""
    since = Notification.created_at > clock.now() - TOLD_AGAIN_AFTER
    told = set(
        db.session.scalars(select(Notification.staff_id).where(Notification.kind == Notice.MAIL_UNTRUSTED, since))
    )
    for person in audience.keepers_of_mail():
        if person.id not in told:
            db.session.add(Notification(staff_id=person.id, kind=Notice.MAIL_UNTRUSTED, parts={"why": why[:300]}))
