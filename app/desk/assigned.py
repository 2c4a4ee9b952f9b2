"""Why a ticket is whose it is: what automation decided about it, who was in question, and what it waits for now."""

from __future__ import annotations

from typing import Any

from flask import g
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.assignment.crew import Crew
from app.assignment.load import WEIGHS
from app.assignment.models import AssignmentLog
from app.core.extensions import db
from app.desk.teamload import why_waiting
from app.desk.workspace import find
from app.tickets.models import Ticket

LATEST = 20
REFUSED = {
    "absent": _l("away"), "full": _l("holds as many as they can"), "requester": _l("is the requester"), "unskilled": _l("lacks a skill"),
}  # fmt: skip
METHODS = {
    "own_staff": _l("The customer's own staff"), "previous": _l("Who had it before"), "least_loaded": _l("Least loaded"), "round_robin": _l("Round robin"), "fallback": _l("Fallback"),
    "stand_in": _l("Stand-in"), "moved": _l("Sent on"),
}  # fmt: skip


class AssignedView(BaseView):
    route_base = "/admin/tickets"
    class_permission_name = "Ticket"
    default_view = "why"

    @expose("/<int:number>/why")
    @has_access
    @permission_name("show")
    def why(self, number: int) -> Any:
        ticket = find(number, g.user)
        return self.render_template(
            "desk/assigned.html", ticket=ticket, decisions=_decisions(ticket), waits=_waits(ticket), refused=REFUSED, methods=METHODS,
        )  # fmt: skip


def _decisions(ticket: Ticket) -> list[AssignmentLog]:
    """The latest first."""
    wanted = select(AssignmentLog).where(AssignmentLog.ticket_id == ticket.id).options(joinedload(AssignmentLog.agent))
    return list(db.session.scalars(wanted.order_by(AssignmentLog.id.desc()).limit(LATEST)))


def _waits(ticket: Ticket) -> str:
    """Of what is queued: why."""
    if ticket.assigned or not ticket.live or ticket.state not in WEIGHS:
        return ""
    return why_waiting(ticket, Crew.read([ticket]))
