"""Similar tickets as a door: beside a ticket, and while a new one is written."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import g, request
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from sqlalchemy import select

from app.accounts import rights
from app.core.extensions import db
from app.desk.workspace import find
from app.search.alike import alike
from app.tickets import links
from app.tickets.models import LinkType
from app.tickets.thread import Message, MessageKind

AT_ONCE = dt.timedelta(minutes=10)
"""Tickets about the same within so short a time may be one disturbance."""
IN_ONE_CLICK = ("duplicates", "relates to")
"""Link types that came with the desk, while they are in use."""


class SimilarView(BaseView):
    route_base = "/admin/tickets"
    class_permission_name = "Ticket"
    default_view = "beside"

    @expose("/<int:number>/similar")
    @has_access
    @permission_name("show")
    def beside(self, number: int) -> Any:
        ticket = find(number, g.user)
        first = select(Message.text).where(Message.ticket_id == ticket.id, Message.kind == MessageKind.REPLY)
        text = db.session.scalar(first.order_by(Message.created_at, Message.id).limit(1)) or ""
        found = alike(ticket.subject, text, g.user, besides=ticket)
        at_once = [one for one in found if abs(one.ticket.created_at - ticket.created_at) <= AT_ONCE]
        may_link = rights.may(g.user, "link")
        return self.render_template(
            "desk/similar.html", ticket=ticket, found=found, at_once=len(at_once), minutes=AT_ONCE.seconds // 60,
            types=_types() if may_link and found else [], linked={one.ticket.id for one in links.links_of(ticket.id, g.user)}, may_merge=rights.may(g.user, "merge"),
        )  # fmt: skip

    @expose("/new/similar")
    @has_access
    @permission_name("add")
    def while_written(self) -> Any:
        """For the form of a new ticket: perhaps somebody asked already."""
        subject, body = (request.args.get(name, "").replace("\x00", "") for name in ("subject", "body"))
        found = alike(subject[:500], body[:4_000], g.user) if subject.strip() else []
        return self.render_template("desk/_alike.html", found=found)


def _types() -> list[LinkType]:
    return [kind for kind in links.types() if kind.name in IN_ONE_CLICK]
