"""The ticket list: a generated view with our own page, filters and row rule, and what is done there to one ticket or many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Response, abort, g, jsonify, redirect, request, session, stream_with_context
from flask_appbuilder import expose, has_access
from flask_appbuilder.actions import action as offered
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from app.core.audit import What, note_reading
from app.core.errors import Forbidden, Invalid
from app.core.extensions import db
from app.core.fab import PAGE_SIZE_CAP, DeskInterface, DeskView
from app.desk import asked, bulk, completing, export, lookups, news, tabs, threads, viewcounts
from app.desk.bulkpages import tell
from app.desk.deeds import DEEDS
from app.desk.listing import Listing, is_id
from app.desk.listpage import ListPage
from app.tickets import incidents, macros, numbering
from app.tickets.actions import KINDS
from app.tickets.models import Ticket
from app.tickets.queues import TicketQuery
from app.tickets.visibility import visible_to

VERBS = (
    "list",
    "show",
    "add",
    "reply",
    "note",
    "status",
    "priority",
    "category",
    "assign",
    "tag",
    "link",
    "incident",
    "task",
    "task_delete",
    "time",
    "time_others",
    "budget",
    "documents",
    "supplier",
    "people",
    "environment",
    "department",
    "merge",
    "split",
    "hide",
    "spam",
    "bulk",
    "export",
    "delete",
)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Ids = Sequence[int]


class TicketInterface(DeskInterface):
    def visible(self, query: Any) -> Any:
        return query.where(visible_to(g.user))


class TicketView(DeskView):
    datamodel = TicketInterface(Ticket)
    route_base = "/admin/tickets"
    class_permission_name = "Ticket"
    base_permissions = [f"can_{verb}" for verb in VERBS]
    method_permission_name = {
        "set_status": "status", "resolve": "status", "close": "status", "reopen": "status", "set_priority": "priority", "assign": "assign", "take": "assign",
        "set_department": "department", "set_category": "category", "add_tag": "tag", "remove_tag": "tag", "snooze": "status", "follow_up": "status", "reply_all": "reply", "macro": "show", "join_incident": "link", "merge": "merge", "delete_tickets": "delete",
    }  # fmt: skip
    exclude_route_methods = {"show", "add", "edit", "delete", "download"}
    list_title = _l("Tickets")
    list_columns = [
        "number",
        "subject",
        "requester",
        "department",
        "status",
        "priority",
        "last_activity_at",
        "assignee",
    ]
    search_columns = ["number"]
    add_columns = ["subject"]
    edit_columns = ["subject"]
    base_order = ("last_activity_at", "desc")

    @expose("/list/")
    @expose("/")
    @has_access
    def list(self) -> Any:
        listing = Listing.read(request.args)
        number = numbering.read(listing.q) if listing.q else None
        if number is not None and db.session.scalar(
            TicketQuery.seen_by(g.user).where(Ticket.number == number).statement.with_only_columns(Ticket.id)
        ):
            return redirect(f"/admin/tickets/{number}")
        return self.render_template(
            "desk/list.html",
            title=self.list_title,
            page=ListPage.of(listing, g.user, bare=not request.args),
            undo=session.pop("bulk", None) if "bulk" in session else None,
        )

    @expose("/asking")
    @has_access
    @permission_name("list")
    def asking(self) -> Any:
        """What the search box offers while somebody types."""
        field = request.args.get("field", "")
        if field:
            return jsonify(values=completing.values(field, request.args.get("q", ""), g.user))
        return jsonify(fields=completing.fields(lookups.of_list()))

    @expose("/news")
    @has_access
    @permission_name("list")
    def news(self) -> Any:
        """What an open list asks now and then: how many tickets of it were active since it was drawn."""
        found = news.of(asked.read(request.args), g.user, request.args.get("since", ""))
        return jsonify(new=found) if found else Response(status=204)

    @expose("/numbers")
    @has_access
    @permission_name("list")
    def numbers(self) -> Any:
        """Of the reader's saved views, asked for once the page stands."""
        return jsonify(viewcounts.of([(view.id, view.query) for view in tabs.views(lookups.of_list(g.user))], g.user))

    @expose("/export.csv")
    @has_access
    @permission_name("export")
    def export(self) -> Response:
        return _sent(export.lines(asked.read(request.args), g.user), "text/csv", export.file_name())

    @expose("/export.xlsx")
    @has_access
    @permission_name("export")
    def export_xlsx(self) -> Response:
        return _sent(export.xlsx(asked.read(request.args), g.user), XLSX, export.file_name("xlsx"))

    @expose("/export.zip")
    @has_access
    @permission_name("export")
    def export_threads(self) -> Response:
        """Each ticket as a page with all that was written in it."""
        return _sent(threads.pages(asked.read(request.args), g.user), "application/zip", export.file_name("zip"))

    @expose("/action/<string:name>/<pk>", methods=["POST"])
    def action(self, name: str, pk: str) -> Any:
        return self._carry_out(name, [pk])

    @expose("/action_post", methods=["POST"])
    def action_post(self) -> Any:
        return self._carry_out(request.form.get("action", ""), request.form.getlist("rowid"))

    def _carry_out(self, name: str, pks: Sequence[str]) -> Any:
        """`name` may carry its value behind a colon, as the menus' buttons do: status:3."""
        name = name.partition(":")[0]
        if name not in self.actions:
            abort(404)
        if not g.user.is_authenticated:
            return redirect("/login/?next=/admin/tickets/")
        if not self.appbuilder.sm.has_access(self.get_action_permission_name(name), self.class_permission_name):
            raise Forbidden(_("Your role does not allow this."))
        ids = _matching() if request.form.get("all") else _ids(pks)
        if len(ids) > 1 and not g.user.can("bulk"):
            raise Forbidden(_("Your role changes one ticket at a time."))
        return self.actions[name].func(ids)

    @offered("set_status", _l("Status"), icon="circle-dot")
    def set_status(self, ids: Ids) -> Any:
        return _do("set_status", ids)

    @offered("set_priority", _l("Priority"), icon="flag")
    def set_priority(self, ids: Ids) -> Any:
        return _do("set_priority", ids)

    @offered("assign", _l("Assign"), icon="user-plus")
    def assign(self, ids: Ids) -> Any:
        return _do("assign", ids)

    @offered("take", _l("Take"), icon="hand")
    def take(self, ids: Ids) -> Any:
        return _do("take", ids)

    @offered("set_department", _l("Department"), icon="building-2")
    def set_department(self, ids: Ids) -> Any:
        return _do("set_department", ids)

    @offered("set_category", _l("Category"), icon="folder-check")
    def set_category(self, ids: Ids) -> Any:
        return _do("set_category", ids)

    @offered("add_tag", _l("Add tag"), icon="tag")
    def add_tag(self, ids: Ids) -> Any:
        return _do("add_tag", ids)

    @offered("remove_tag", _l("Remove tag"), icon="x")
    def remove_tag(self, ids: Ids) -> Any:
        return _do("remove_tag", ids)

    @offered("resolve", _l("Resolve"), icon="circle-check")
    def resolve(self, ids: Ids) -> Any:
        return _do("resolve", ids)

    @offered("close", _l("Close"), icon="archive")
    def close(self, ids: Ids) -> Any:
        return _do("close", ids)

    @offered("reopen", _l("Reopen"), icon="rotate-ccw")
    def reopen(self, ids: Ids) -> Any:
        return _do("reopen", ids)

    @offered("snooze", _l("Snooze"), icon="moon-star")
    def snooze(self, ids: Ids) -> Any:
        return _do("snooze", ids)

    @offered("follow_up", _l("Follow-up"), icon="calendar-clock")
    def follow_up(self, ids: Ids) -> Any:
        return _do("follow_up", ids)

    @offered("reply_all", _l("Reply to all"), icon="send")
    def reply_all(self, ids: Ids) -> Any:
        return _do("reply_all", ids)

    @offered("macro", _l("Macro"), icon="zap")
    def macro(self, ids: Ids) -> Any:
        """Which one is chosen on a page of its own, with the number of tickets."""
        if request.form.get("value") or ":" in request.form.get("action", ""):
            return _do("macro", ids)
        return self.render_template(
            "desk/bulkmacro.html", title=_("Run a macro"), macros=macros.offered(g.user), many=len(ids), form=request.form,
            rows=[] if request.form.get("all") else ids, back=Listing.posted(request.form).address(), kinds=KINDS,
        )  # fmt: skip

    @offered("join_incident", _l("Add to incident"), icon="megaphone")
    def join_incident(self, ids: Ids) -> Any:
        """Which one is chosen on a page of its own; there a few tickets may become one, too."""
        if request.form.get("value") or ":" in request.form.get("action", ""):
            return _do("join_incident", ids)
        few = ids if len(ids) <= bulk.AT_ONCE and g.user.can("incident") else []
        numbers = db.session.scalars(select(Ticket.number).where(Ticket.id.in_(few), visible_to(g.user)))
        return self.render_template(
            "desk/incident_bulk.html", offered=incidents.running(g.user), many=len(ids), rows=[] if request.form.get("all") else ids,
            back=Listing.posted(request.form).address(), make=urlencode([("with", number) for number in numbers]),
        )  # fmt: skip

    @offered("merge", _l("Merge"), icon="git-merge")
    def merge(self, ids: Ids) -> Any:
        """Looked at before it is done: on a page of its own, by number."""
        numbers = db.session.scalars(select(Ticket.number).where(Ticket.id.in_(ids), visible_to(g.user)))
        return redirect("/admin/tickets/merge?" + urlencode([("with", number) for number in numbers]))

    @offered(
        "delete",
        _l("Delete"),
        _l("Delete these tickets with all their messages and files? This cannot be undone."),
        "trash-2",
    )
    def delete_tickets(self, ids: Ids) -> Any:
        return _do("delete", ids)


def _sent(pieces: Iterator[str] | Iterator[bytes], kind: str, name: str) -> Response:
    """Piece by piece, as they are made."""
    note_reading(What.EXPORTED, "tickets")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(stream_with_context(pieces), mimetype=kind, headers=headers)


def _do(name: str, ids: Ids) -> Any:
    """Few at once, with a sentence on the list; many as a job, with a page that tells how far it is."""
    _action, _colon, value = request.form.get("action", "").partition(":")
    asked_for = DEEDS[name].read(request.form, value or request.form.get("value", ""), g.user)
    change = bulk.begin(name, asked_for, ids, g.user)
    if change.finished_at is None:
        return redirect(f"/admin/bulk/{change.id}")
    tell(change)
    return redirect("/admin/tickets/" + Listing.posted(request.form).address())


def _matching() -> Ids:
    """All tickets of the list the form was opened from, on every page of it."""
    listing = asked.plainly(Listing.posted(request.form))
    ids = list(db.session.scalars(listing.ids(g.user).limit(bulk.MOST + 1)))
    if not ids or len(ids) > bulk.MOST:
        raise Invalid(_("Please choose between 1 and %(most)s tickets.", most=bulk.MOST))
    return ids


def _ids(pks: Sequence[str]) -> Ids:
    """In the order given, each once; a malformed or foreign one is nobody's, and then none is changed."""
    if not pks or len(pks) > PAGE_SIZE_CAP:
        raise Invalid(_("Please choose between 1 and %(most)s tickets.", most=PAGE_SIZE_CAP))
    if not all(is_id(pk) for pk in pks):
        abort(404)
    ids = [*dict.fromkeys(int(pk) for pk in pks)]
    seen = db.session.scalars(
        TicketQuery.seen_by(g.user).where(Ticket.id.in_(ids)).statement.with_only_columns(Ticket.id)
    ).all()
    if len(seen) != len(ids):
        abort(404)
    return ids
