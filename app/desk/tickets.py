"""The ticket list: a generated view with our own template, filters and row rule."""

from __future__ import annotations

from typing import Any

from flask import g
from flask_appbuilder import expose, has_access
from flask_babel import lazy_gettext as _l

from app.core.fab import DeskInterface, DeskView
from app.tickets.models import Ticket
from app.tickets.visibility import visible_to

VERBS = ("list", "show", "add", "reply", "note", "status", "priority", "category", "assign", "tag", "link", "department", "merge", "split", "hide", "bulk", "export", "delete")


class TicketInterface(DeskInterface):
    def visible(self, query: Any) -> Any:
        return query.where(visible_to(g.user))


class TicketView(DeskView):
    datamodel = TicketInterface(Ticket)
    route_base = "/admin/tickets"
    class_permission_name = "Ticket"
    base_permissions = [f"can_{verb}" for verb in VERBS]
    list_title = _l("Tickets")
    list_columns = ["number", "subject", "requester", "department", "status", "priority", "last_activity_at", "assignee"]
    search_columns = ["number"]
    add_columns = ["subject"]
    edit_columns = ["subject"]
    base_order = ("last_activity_at", "desc")

    @expose("/")
    @has_access
    def list(self) -> Any:
        return super().list()
