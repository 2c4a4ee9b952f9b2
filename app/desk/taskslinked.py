"""The tasks of a ticket, on its page: make one, link one, tick it off, take it off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import flash, g, redirect, request
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from sqlalchemy import select

from app.core.errors import HelpdeskError, Invalid, NotThere
from app.core.extensions import db
from app.desk import taskforms, tasklist
from app.desk.listing import is_id
from app.desk.tasklist import Line
from app.desk.workspace import Workspace, find
from app.tickets import tasks, taskvisibility
from app.tickets.models import Ticket
from app.tickets.tasks import Task, TaskLink, TaskState

OFFERED = 12


class LinkedTasksView(BaseView):
    route_base = "/admin/tickets"
    class_permission_name = "Ticket"
    default_view = "new"

    @expose("/<int:number>/tasks/new", methods=["GET", "POST"])
    @has_access
    @permission_name("task")
    def new(self, number: int) -> Any:
        ticket = find(number, g.user)
        if request.method == "GET":
            return self._form(ticket, {"department": str(ticket.department_id), "assignee": ""}, {})
        try:
            tasks.create(taskforms.new_task(request.form, g.user), by=g.user, ticket=ticket)
            db.session.commit()
        except HelpdeskError as refusal:
            db.session.rollback()
            fields = refusal.fields if isinstance(refusal, Invalid) else {}
            if not fields:
                flash(str(refusal), "danger")
            return self._form(find(number, g.user), request.form.to_dict(), fields), refusal.code
        return redirect(f"/admin/tickets/{number}", code=303)

    @expose("/<int:number>/tasks/link")
    @has_access
    @permission_name("task")
    def choose(self, number: int) -> Any:
        """Open tasks that they see, by `q`."""
        ticket, words = find(number, g.user), request.args.get("q", "")[: tasks.LONGEST_TITLE].strip()
        return self.render_template("desk/tasklink.html", ticket=ticket, words=words, lines=_offered(ticket, words))

    @expose("/<int:number>/tasks", methods=["POST"])
    @has_access
    @permission_name("task")
    def link(self, number: int) -> Any:
        return self._do(number, lambda task, ticket: task.link_to(ticket, g.user))

    @expose("/<int:number>/tasks/remove", methods=["POST"])
    @has_access
    @permission_name("task")
    def unlink(self, number: int) -> Any:
        return self._do(number, lambda task, ticket: task.unlink_from(ticket, g.user))

    @expose("/<int:number>/tasks/tick", methods=["POST"])
    @has_access
    @permission_name("task")
    def tick(self, number: int) -> Any:
        """`state` is what it is to be."""
        return self._do(number, lambda task, ticket: task.move_to(taskforms.state(request.form.get("state", "")), g.user))  # fmt: skip

    def _do(self, number: int, deed: Callable[[Task, Ticket], None]) -> Any:
        """The page again; for a script the part of it alone."""
        ticket, refused = find(number, g.user), ""
        try:
            deed(_posted(), ticket)
            db.session.commit()
        except (HelpdeskError, NotThere) as refusal:
            db.session.rollback()
            refused = str(refusal)
        if "HX-Request" in request.headers:
            ws = Workspace.of(number, g.user)
            return self.render_template("desk/taskpart.html", ws=ws, ticket=ws.ticket, alone=True, refused=refused)
        if refused:
            flash(refused, "danger")
        return redirect(f"/admin/tickets/{number}", code=303)

    def _form(self, ticket: Ticket, values: Mapping[str, str], errors: Mapping[str, str]) -> Any:
        return self.render_template(
            "desk/tasknew.html", ticket=ticket, values=values, errors=errors, choices=taskforms.choices(g.user)
        )


def _posted() -> Task:
    given = request.form.get("task", "")
    task = taskvisibility.find(int(given), g.user) if is_id(given) else None
    if task is None:
        raise Invalid(_("There is no such task, or it is not yours to see."))
    return task


def _offered(ticket: Ticket, words: str) -> list[Line]:
    """Not those it has; without a question the newest."""
    here = select(TaskLink.task_id).where(TaskLink.ticket_id == ticket.id)
    wanted = select(Task).where(Task.id.not_in(here), taskvisibility.visible_to(g.user))
    wanted = wanted.where(tasklist.matching(words, g.user)) if words else wanted.where(Task.state != TaskState.DONE)
    found = db.session.scalars(wanted.order_by(Task.done_at.is_not(None), Task.id.desc()).limit(OFFERED))
    return tasklist.lines_of(list(found), g.user)
