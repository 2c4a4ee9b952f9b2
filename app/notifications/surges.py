"""Who is told that many similar tickets came in: the supervisors and leads who see enough of them to call it that."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select

from app.accounts.models import Department
from app.accounts.viewer import Viewer
from app.core.extensions import db
from app.mail import letters
from app.mail.models import Delivery
from app.notifications import audience, wishes
from app.notifications.handing import hand
from app.notifications.models import Notice, surge_place
from app.search import surges
from app.settings import desk
from app.tickets.models import Ticket
from app.tickets.timeline import TicketEvent
from app.tickets.visibility import visible_to

KIND = Notice.SURGE.value


def tell(event: TicketEvent) -> None:
    """Each with the number of those that they see."""
    ids, first = surges.tickets_of(event.ticket_id), event.ticket_id
    for telling in wishes.tellings(Notice.SURGE, _watching(ids)):
        seen = _seen(ids, telling.person)
        if len(seen) >= max(2, desk.current().surge_tickets):
            said = {"now": str(len(seen)), "surge": str(first)}
            hand(telling, Notice.SURGE, said, ticket_id=seen[0])


def subject_of(delivery: Delivery) -> str:
    ticket = delivery.ticket
    return _("Many similar tickets: %(subject)s", subject=ticket.subject) if ticket is not None else ""


def words_of(delivery: Delivery) -> dict[str, Any]:
    many = str(delivery.values.get("now", ""))
    first = str(delivery.values.get("surge", ""))
    link = f"{current_app.config['PUBLIC_URL']}{surge_place(first)}"
    return {"many": ngettext("%(num)d similar ticket", "%(num)d similar tickets", int(many) if many.isdigit() else 0), "url": link}  # fmt: skip


def _watching(ids: list[int]) -> list[int]:
    """Supervisors, and the leads of the departments that have these tickets."""
    of = select(Ticket.department_id).where(Ticket.id.in_(ids))
    leads = db.session.scalars(select(Department.lead_id).where(Department.id.in_(of), Department.lead_id.is_not(None)))
    return sorted({*audience.watchers(), *(each for each in leads if each is not None)})


def _seen(ids: list[int], person: Viewer) -> list[int]:
    return list(db.session.scalars(select(Ticket.id).where(Ticket.id.in_(ids), visible_to(person)).order_by(Ticket.id)))


letters.MORE[KIND] = letters.More(subject_of, words_of)
