"""Following a ticket that is not one's own, and muting one that is: each person for themselves, and only of tickets they see."""

from __future__ import annotations

from sqlalchemy import delete, update
from sqlalchemy.orm.attributes import set_committed_value

from app.accounts.viewer import Viewer
from app.core.database import put
from app.core.errors import NotThere
from app.core.extensions import db
from app.core.words import said as _
from app.notifications.models import TicketWatch, Way
from app.tickets.models import Ticket


def watch(ticket: Ticket, viewer: Viewer, way: Way | None) -> None:
    """None: as usual again. It is a mark of the person's own: the ticket does not change, and nobody else learns of it."""
    if not ticket.seen_by(viewer):
        raise NotThere(_("There is no such ticket, or it is not yours to see."))
    if way is None:
        own = TicketWatch.ticket_id == ticket.id, TicketWatch.staff_id == viewer.id
        db.session.execute(delete(TicketWatch).where(*own))
    else:
        put(TicketWatch(ticket_id=ticket.id, staff_id=viewer.id, way=way))
    if way is Way.FOLLOW and not ticket.watched:
        followed = update(Ticket).where(Ticket.id == ticket.id).values(watched=True, updated_at=Ticket.updated_at)
        db.session.execute(followed.execution_options(synchronize_session=False))
        set_committed_value(ticket, "watched", True)
