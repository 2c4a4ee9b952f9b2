"""The pages of tasks: list, board, one task, a new one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from flask import flash, g, jsonify, redirect, request
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from app.accounts import rights
from app.core.errors import HelpdeskError, Invalid, NotThere
from app.core.extensions import db
from app.core.web import wants_json
from app.desk import taskforms, tasklist
from app.desk.moving import _other
from app.desk.tasklist import TaskListing
from app.tickets import tasks, taskvisibility
from app.tickets.tasks import Task, today

HERE = "/admin/tasks/"
BOARD = "/admin/tasks/board"
DAY = "/admin/my-day/"


class TasksView(BaseView):
    route_base = "/admin/tasks"
    class_permission_name = "Ticket"
    default_view = "list"

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> Any:
        listing = TaskListing.read(request.args)
        lines, more = tasklist.page_of(listing, g.user)
        return self._shown("desk/tasks.html", listing, lines=lines, more=more)

    @expose("/board")
    @has_access
    @permission_name("list")
    def board(self) -> Any:
        listing = TaskListing.read(request.args)
        return self._shown("desk/taskboard.html", listing, columns=tasklist.board_of(listing, g.user))

    @expose("/new", methods=["GET", "POST"])
    @has_access
    @permission_name("task")
    def new(self) -> Any:
        if request.method == "GET":
            own = g.user.departments
            return self._form({"department": str(next(iter(own))) if len(own) == 1 else "", "assignee": ""}, {})
        try:
            task = tasks.create(taskforms.new_task(request.form, g.user), by=g.user)
            db.session.commit()
        except HelpdeskError as refusal:
            db.session.rollback()
            fields = refusal.fields if isinstance(refusal, Invalid) else {}
            if not fields:
                flash(str(refusal), "danger")
            return self._form(request.form.to_dict(), fields), refusal.code
        flash(_("The task is made."), "success")
        return redirect(f"{HERE}{task.id}", code=303)

    @expose("/<int:task_id>")
    @has_access
    @permission_name("show")
    def page(self, task_id: int) -> Any:
        return self._page(found(task_id), {}, {})

    @expose("/<int:task_id>/properties", methods=["POST"])
    @has_access
    @permission_name("task")
    def change(self, task_id: int) -> Any:
        """From the task's page, a ticket's, the list or the board; `back` says where to go on."""
        task = found(task_id)
        try:
            taskforms.change(task, request.form, g.user)
            db.session.commit()
        except HelpdeskError as refusal:
            db.session.rollback()
            return self._refuse(found(task_id), refusal)
        if wants_json():
            return jsonify(saved=True)
        if not task.seen_by(g.user):
            flash(_("Saved. The task is out of your sight now."), "success")
            return redirect(HERE, code=303)
        return redirect(_back(task_id), code=303)

    @expose("/<int:task_id>/delete", methods=["POST"])
    @has_access
    @permission_name("task_delete")
    def delete(self, task_id: int) -> Any:
        task = found(task_id)
        title = task.title
        task.delete(g.user)
        db.session.commit()
        flash(_("The task “%(task)s” is deleted.", task=title), "success")
        return redirect(HERE, code=303)

    @expose("/<int:task_id>/tickets", methods=["POST"])
    @has_access
    @permission_name("task")
    def link(self, task_id: int) -> Any:
        return self._linked(task_id, "link_to")

    @expose("/<int:task_id>/tickets/remove", methods=["POST"])
    @has_access
    @permission_name("task")
    def unlink(self, task_id: int) -> Any:
        return self._linked(task_id, "unlink_from")

    def _linked(self, task_id: int, verb: str) -> Any:
        """`number` is that of a ticket."""
        task = found(task_id)
        try:
            getattr(task, verb)(_other(request.form.get("number", "")), g.user)
            db.session.commit()
        except HelpdeskError as refusal:
            db.session.rollback()
            fields = refusal.fields if isinstance(refusal, Invalid) else {"number": str(refusal)}
            return self._page(found(task_id), request.form.to_dict(), fields), refusal.code
        if not task.seen_by(g.user):
            flash(_("Saved. The task is out of your sight now."), "success")
            return redirect(HERE, code=303)
        return redirect(f"{HERE}{task_id}", code=303)

    def _shown(self, template: str, listing: TaskListing, **given: Any) -> Any:
        return self.render_template(
            template, listing=listing, counts=tasklist.counts_of(listing, g.user), choices=taskforms.choices(g.user), may=rights.may(g.user, "task"), views=tasklist.VIEWS, dues=tasklist.DUES,
            sorts=tasklist.SORT_WORDS, states=tasklist.STATES, **given,
        )  # fmt: skip

    def _form(self, values: Mapping[str, str], errors: Mapping[str, str]) -> Any:
        return self.render_template(
            "desk/tasknew.html", ticket=None, values=values, errors=errors, choices=taskforms.choices(g.user)
        )

    def _page(self, task: Task, values: Mapping[str, str], errors: Mapping[str, str]) -> Any:
        kept = {"title": task.title, "details": task.details or "", "department": str(task.department_id or "")}
        return self.render_template(
            "desk/task.html", task=task, near=task.near(today()), tickets=taskvisibility.tickets_visible_to(g.user, task), events=taskvisibility.events_of(task, g.user),
            values=kept | dict(values), errors=errors, choices=taskforms.choices(g.user), may=rights.may(g.user, "task"), may_delete=rights.may(g.user, "task_delete"), states=tasklist.STATES,
        )  # fmt: skip

    def _refuse(self, task: Task, refusal: HelpdeskError) -> Any:
        fields = refusal.fields if isinstance(refusal, Invalid) else {}
        if wants_json():
            return jsonify(error=str(refusal), fields=fields), refusal.code
        if "title" in request.form:
            return self._page(task, request.form.to_dict(), fields), refusal.code
        flash(str(refusal), "danger")
        return redirect(_back(task.id), code=303)


def found(task_id: int) -> Task:
    """NotThere for one that nobody made and for one they may not see: nobody learns which."""
    task = taskvisibility.find(task_id, g.user)
    if task is None:
        raise NotThere(_("There is no such task, or it is not yours to see."))
    return task


def _back(task_id: int) -> str:
    """My day, or the list or board the form was on, read as its address so that it leads nowhere else; else the task's page."""
    place, _mark, query = request.form.get("back", "").partition("?")
    if place == "day":
        return DAY
    if place not in ("list", "board"):
        return f"{HERE}{task_id}"
    listing = TaskListing.read(MultiDict(parse_qsl(query, max_num_fields=20)))
    return (BOARD if place == "board" else HERE) + listing.address(page=listing.page)
