"""What forms about tasks say, as values; and the people and departments they offer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import NamedTuple

from flask_appbuilder.security.sqla.models import (
    Permission,
    PermissionView,
    User,
    ViewMenu,
    assoc_permissionview_role,
    assoc_user_role,
)
from flask_babel import gettext as _
from sqlalchemy import select

from app.accounts.models import Department
from app.accounts.viewer import Viewer
from app.core.errors import Invalid
from app.core.extensions import db
from app.desk import pickers
from app.desk.listing import is_id
from app.tickets import endings
from app.tickets.choices import Status
from app.tickets.conversation import Then
from app.tickets.leaks import Kind as LeakKind
from app.tickets.leaks import Leak
from app.tickets.models import Ticket
from app.tickets.tasks import NewTask, Task, TaskState


class Choices(NamedTuple):
    """What selects offer: (value, words)."""

    people: list[tuple[str, str]]
    departments: list[tuple[str, str]]


def choices(viewer: Viewer) -> Choices:
    departments = select(Department).where(Department.active.is_(True)).order_by(Department.position, Department.id)
    return Choices(workers(viewer, "can_task"), [(str(row.id), str(row)) for row in db.session.scalars(departments)])


def workers(viewer: Viewer, permission: str) -> list[tuple[str, str]]:
    """Whoever has this right on tickets, oneself first."""
    holders = (
        select(assoc_user_role.c.user_id)
        .join(assoc_permissionview_role, assoc_permissionview_role.c.role_id == assoc_user_role.c.role_id)
        .join(PermissionView, PermissionView.id == assoc_permissionview_role.c.permission_view_id)
        .join(Permission, Permission.id == PermissionView.permission_id)
        .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
        .where(Permission.name == permission, ViewMenu.name == "Ticket")
    )
    columns = (User.id, User.first_name, User.last_name)
    rows = db.session.execute(select(*columns).where(User.active.is_(True), User.id.in_(holders)))
    named = sorted(((f"{row[1]} {row[2]}".strip(), row[0]) for row in rows), key=lambda one: one[0].casefold())
    people = [(str(one), name) for name, one in named if one != viewer.id]
    if any(one == viewer.id for _name, one in named):
        people.insert(0, (str(viewer.id), _("Me")))
    return people


def new_task(form: Mapping[str, str], viewer: Viewer) -> NewTask:
    """Raises Invalid."""
    return NewTask(
        title=form.get("title", ""),
        details=form.get("details", ""),
        assignee=pickers.person(form.get("assignee", ""), viewer),
        due_on=day(form.get("due_on", "")),
        department=pickers.optional(Department, form.get("department", ""), "department"),
    )


def day(text: str) -> dt.date | None:
    """As a date field sends it; empty is none."""
    if not text.strip():
        return None
    try:
        if len(text.strip()) != len("2026-12-31"):
            raise ValueError(text)
        return dt.date.fromisoformat(text.strip())
    except ValueError:
        sentence = _("This is a day such as 2026-12-31.")
        raise Invalid(sentence, {"due_on": sentence})


def state(text: str) -> TaskState:
    if text not in list(TaskState):
        raise Invalid(_("This choice does not exist (any more)."), {"state": _("Please choose again.")})
    return TaskState(text)


def change(task: Task, form: Mapping[str, str], viewer: Viewer) -> None:
    """Each named property by its verb, all or none."""
    if not {"assignee", "due_on", "state", "title"}.intersection(form):
        raise Invalid(_("Nothing was named that could be changed."))
    if "title" in form:
        department = _department(task, form.get("department", ""))
        task.rewrite(form["title"], form.get("details", ""), department, viewer)
    if "due_on" in form:
        task.set_due(day(form["due_on"]), viewer)
    if "state" in form:
        task.move_to(state(form["state"]), viewer)
    if "assignee" in form:
        task.assign_to(pickers.person(form["assignee"], viewer), viewer)


def doubts(ticket: Ticket, then: str) -> list[Leak]:
    """Of a reply that ends the ticket."""
    many = len(endings.unfinished(ticket)) if ends(then) else 0
    return [Leak(LeakKind.TASKS, str(many), endings.warning(many))] if many else []


def ends(then: str) -> bool:
    if then.startswith("status:"):
        chosen = then.removeprefix("status:")
        status = db.session.get(Status, int(chosen)) if is_id(chosen) else None
        return status is not None and not status.state.live
    return then in (Then.RESOLVE, Then.CLOSE)


def _department(task: Task, value: str) -> Department | None:
    """The one it has may stay, also when nobody chooses it any more."""
    if value == str(task.department_id or ""):
        return task.department
    return pickers.optional(Department, value, "department")
