"""A mail of a ticket that did not arrive is sent once more."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, g, redirect, request
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from sqlalchemy import select

from app.core.audit import What, note
from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.desk.listing import Listing, is_id
from app.desk.workspace import find
from app.mail import outgoing
from app.mail.models import Delivery, DeliveryState
from app.tickets.models import Ticket
from app.tickets.thread import Message
from app.tickets.visibility import messages_visible_to

DONE = (DeliveryState.SENT, DeliveryState.CAPTURED, DeliveryState.QUEUED)


class ResendView(BaseView):
    route_base = "/admin/tickets"
    class_permission_name = "Ticket"
    default_view = "resend"

    @expose("/<int:number>/resend", methods=["POST"])
    @has_access
    @permission_name("reply")
    def resend(self, number: int) -> Any:
        """For whoever may answer: the same mail, under the same Message-ID. What holds mails back is asked again."""
        delivery = _of(find(number, g.user), request.form.get("mail", ""))
        try:
            if delivery.state in DONE and delivery.bounced_at is None:
                raise HelpdeskError(_("This mail is on its way, or was sent."))
            outgoing.resend(delivery)
            note(What.RESENT, f"{delivery.kind} {delivery.id}")
            db.session.commit()
        except HelpdeskError as refusal:
            db.session.rollback()
            flash(str(refusal), "danger")
        else:
            flash(_("The mail is on its way again."), "success")
        return redirect(f"/admin/tickets/{number}" + Listing.posted(request.form).address(), code=303)


def _of(ticket: Ticket, given: str) -> Delivery:
    """One to a customer, of a message that stands in this ticket."""
    wanted = (
        select(Delivery)
        .join(Message, Message.id == Delivery.message_id)
        .where(Delivery.id == (int(given) if is_id(given) else -1), Delivery.staff_id.is_(None))
        .where(Message.ticket_id == ticket.id, messages_visible_to(g.user))
    )
    return db.session.scalar(wanted) or abort(404)
