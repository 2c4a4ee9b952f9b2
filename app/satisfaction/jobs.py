"""Jobs on ratings."""

from app.core.extensions import db
from app.satisfaction import asking
from app.tickets.timeline import TicketEvent


def ask(event_id: int) -> None:
    """The time has come to ask about a ticket that was solved."""
    event = db.session.get(TicketEvent, event_id)
    if event is not None:
        asking.ask(event)
