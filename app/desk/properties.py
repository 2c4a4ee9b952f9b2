"""What stands beside the conversation, changed in place: status, priority, assignee, department, category, tags, hidden or not, dates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from flask import g, request
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from sqlalchemy import select

from app.accounts.environments import Environment
from app.accounts.models import Department
from app.accounts.viewer import Viewer
from app.core.errors import Invalid
from app.core.extensions import db
from app.core.web import wants_json
from app.desk import doing, fielding, moments, pickers, undoing
from app.tickets import endings, taking_part
from app.tickets.choices import Category, Priority, Status
from app.tickets.models import Ticket
from app.tickets.takingback import ChangedSince
from app.tickets.timeline import Did, TicketEvent

Setter = Callable[[Ticket, str, Viewer], None]


def _set_status(ticket: Ticket, value: str, viewer: Viewer) -> None:
    if value != str(
        ticket.status_id
    ):  # the form without script sends every property, also one that staff may not choose
        ticket.set_status(pickers.chosen(Status, value, "status"), viewer)


def _set_priority(ticket: Ticket, value: str, viewer: Viewer) -> None:
    if value != str(ticket.priority_id):
        ticket.set_priority(pickers.chosen(Priority, value, "priority"), viewer)


def _set_department(ticket: Ticket, value: str, viewer: Viewer) -> None:
    if value != str(ticket.department_id):
        ticket.move_to(pickers.chosen(Department, value, "department"), viewer)


def _set_category(ticket: Ticket, value: str, viewer: Viewer) -> None:
    if value != str(ticket.category_id or ""):
        ticket.set_category(pickers.optional(Category, value, "category"), viewer)


def _set_assignee(ticket: Ticket, value: str, viewer: Viewer) -> None:
    agent = pickers.person(value, viewer)
    if (agent.id if agent else None) == ticket.assignee_id:
        return
    _refuse_if_taken(ticket, viewer)
    ticket.assign_to(agent, by=viewer)


def _refuse_if_taken(ticket: Ticket, viewer: Viewer) -> None:
    """`was` is the assignee on the page. Only another person's change since then is in the way, not one's own."""
    was = request.values.get("was")
    if was is None or was == str(ticket.assignee_id or ""):
        return
    latest = select(TicketEvent.staff_id).where(TicketEvent.ticket_id == ticket.id, TicketEvent.what == Did.ASSIGNED)
    if db.session.scalar(latest.order_by(TicketEvent.id.desc()).limit(1)) != viewer.id:
        raise pickers.TakenMeanwhile(ticket)


def _set_hidden(ticket: Ticket, value: str, viewer: Viewer) -> None:
    ticket.hide(viewer, hidden=value == "1")


def _set_environment(ticket: Ticket, value: str, viewer: Viewer) -> None:
    if value != str(ticket.environment_id or ""):
        taking_part.set_environment(ticket, pickers.optional(Environment, value, "environment"), viewer)


def _moment(field: str, value: str) -> dt.datetime | None:
    return moments.read(value, request.form.get(f"{field}_on", ""), field)


def _snooze(ticket: Ticket, value: str, viewer: Viewer) -> None:
    until = _moment("snooze", value)
    if until is None:
        ticket.wake(viewer)
    else:
        ticket.snooze(until, viewer)


SETTERS: dict[str, Setter] = {
    "subject": lambda ticket, value, viewer: ticket.rename(value, viewer),
    "status": _set_status,
    "priority": _set_priority,
    "assignee": _set_assignee,
    "category": _set_category,
    "hidden": _set_hidden,
    "environment": _set_environment,
    "follow_up": lambda ticket, value, viewer: ticket.follow_up(_moment("follow_up", value), viewer),
    "action_required": lambda ticket, value, viewer: ticket.require_action(_moment("action_required", value), viewer),
    "snooze": _snooze,
    "department": _set_department,
}
"""The department comes last: after it the ticket may be out of sight."""


CURRENT: dict[str, Callable[[Ticket], str]] = {
    "subject": lambda ticket: ticket.subject,
    "status": lambda ticket: str(ticket.status_id),
    "priority": lambda ticket: str(ticket.priority_id),
    "assignee": lambda ticket: str(ticket.assignee_id or "nobody"),
    "category": lambda ticket: str(ticket.category_id or ""),
    "hidden": lambda ticket: "1" if ticket.hidden_from_client else "0",
    "environment": lambda ticket: str(ticket.environment_id or ""),
    "department": lambda ticket: str(ticket.department_id),
}
"""What each holds, as its field says it."""


def _demand_still(ticket: Ticket) -> None:
    """An undo names in `still` what the property must hold: what was saved before it."""
    still = request.form.get("still")
    if still is None:
        return
    held = [read(ticket) for name, read in CURRENT.items() if name in request.form]
    if any(value != still for value in held) or not fielding.still(ticket, still):
        raise ChangedSince


class PropertiesView(BaseView):
    route_base = "/admin/tickets"
    class_permission_name = "Ticket"
    default_view = "change"

    @expose("/<int:number>/properties", methods=["POST"])
    @has_access
    @permission_name("show")
    def change(self, number: int) -> Any:
        """Each named property by its verb, all or none."""
        return _do(number, _change_all)

    @expose("/<int:number>/take", methods=["POST"])
    @has_access
    @permission_name("assign")
    def take(self, number: int) -> Any:
        return _do(number, lambda ticket: pickers.claim(ticket, g.user))

    @expose("/<int:number>/tags", methods=["POST"])
    @has_access
    @permission_name("tag")
    def tag(self, number: int) -> Any:
        """`add` one or more, separated by commas, or `remove` one."""
        return _do(number, _change_tags)

    @expose("/<int:number>/undo", methods=["POST"])
    @has_access
    @permission_name("show")
    def undo(self, number: int) -> Any:
        """What the page offered beside tags or a date, all or none."""
        return _do(number, undoing.take_back)


def _do(number: int, deed: Callable[[Ticket], None]) -> Any:
    """With what the page offers to undo, and what whoever did it should know."""

    def done(ticket: Ticket) -> str:
        undoing.offering(deed)(ticket)
        ended = "status" in request.form and not ticket.live and not wants_json()
        if ended and (many := len(endings.unfinished(ticket))):
            return endings.warning(many)
        return pickers.absence(ticket.assignee, g.user) if "assignee" in request.form else ""

    return doing.do(number, done)


def _change_all(ticket: Ticket) -> None:
    _demand_still(ticket)
    wanted = [(setter, request.form[name]) for name, setter in SETTERS.items() if name in request.form]
    if not fielding.change(ticket, g.user) and not wanted:
        raise Invalid(_("Nothing was named that could be changed."))
    for setter, value in wanted:
        setter(ticket, value, g.user)


def _change_tags(ticket: Ticket) -> None:
    if request.form.get("remove"):
        ticket.untag(request.form["remove"], by=g.user)
        return
    for name in request.form.get("add", "").split(",") or [""]:
        ticket.tag(name, by=g.user)
