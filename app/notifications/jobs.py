"""Jobs on notices."""

from sqlalchemy.orm import joinedload

from app.core.extensions import db
from app.notifications import digests, inbox, rules, tasks
from app.tickets.timeline import TicketEvent


def tell_department(event_id: int) -> None:
    """Off the way of whoever wrote: a department may be large."""
    event = db.session.get(TicketEvent, event_id, options=[joinedload(TicketEvent.ticket)])
    if event is not None:
        rules.tell_department(event)


def tell_due_tasks() -> None:
    tasks.tell_due()


def forget_old() -> None:
    inbox.forget_old()


def send_digests() -> None:
    digests.send_due()
