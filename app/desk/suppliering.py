"""Who else has to do with a ticket, as a door: suppliers, further staff and departments, and the environment it plays in."""

from __future__ import annotations

from typing import Any

from flask import g, request
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _

from app.accounts.models import Department
from app.core.errors import Invalid, NotThere
from app.core.extensions import db
from app.desk import doing
from app.desk.listing import is_id
from app.tickets import suppliers, taking_part
from app.tickets.models import Ticket
from app.tickets.supplied import Supplier
from app.tickets.thread import Message


class SupplieringView(BaseView):
    route_base = "/admin/tickets"
    class_permission_name = "Ticket"
    default_view = "suppliers"

    @expose("/<int:number>/suppliers", methods=["POST"])
    @has_access
    @permission_name("supplier")
    def suppliers(self, number: int) -> Any:
        """`add`, `remove` or `settle` one by its id."""
        return doing.do(number, _change_suppliers)

    @expose("/<int:number>/suppliers/accept", methods=["POST"])
    @has_access
    @permission_name("supplier")
    def accept(self, number: int) -> Any:
        """`message`: an unverified one that is the supplier's after all."""
        return doing.do(number, _accept)

    @expose("/<int:number>/further", methods=["POST"])
    @has_access
    @permission_name("people")
    def further(self, number: int) -> Any:
        """`add` or `remove`: `person:` or `department:` and an id."""
        return doing.do(number, _change_further)


def _change_suppliers(ticket: Ticket) -> None:
    verbs = {"add": suppliers.add, "remove": suppliers.remove, "settle": suppliers.settle}
    for name, verb in verbs.items():
        if name in request.form:
            verb(ticket, _row(Supplier, request.form[name], name), g.user)


def _accept(ticket: Ticket) -> None:
    message = _row(Message, request.form.get("message", ""), "message")
    if message.ticket_id != ticket.id:
        raise NotThere(_("There is no such message in this ticket."))
    suppliers.accept(message, g.user)


def _change_further(ticket: Ticket) -> None:
    adds = "add" in request.form
    kind, _sep, value = request.form.get("add" if adds else "remove", "").partition(":")
    if kind == "department":
        department = _row(Department, value, "add")
        (taking_part.add_department if adds else taking_part.remove_department)(ticket, department, g.user)
    else:
        person = _row(User, value if kind == "person" else "", "add")
        (taking_part.add_person if adds else taking_part.remove_person)(ticket, person, g.user)


def _row(kind: Any, value: str, field: str) -> Any:
    found = db.session.get(kind, int(value)) if is_id(value) else None
    if found is None:
        raise Invalid(_("This choice does not exist (any more)."), {field: _("Please choose again.")})
    return found
