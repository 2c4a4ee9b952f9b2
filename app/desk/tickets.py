"""The ticket list: a generated view with our own page, filters and row rule, and what is done there to one ticket or many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import Response, abort, flash, g, jsonify, redirect, request, stream_with_context
from flask_appbuilder import expose, has_access
from flask_appbuilder.actions import action as offered
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy.exc import IntegrityError

from app.accounts.models import Department
from app.core.audit import What, note_reading
from app.core.errors import Forbidden, HelpdeskError, Invalid
from app.core.extensions import db
from app.core.fab import PAGE_SIZE_CAP, DeskInterface, DeskView
from app.desk import asked, completing, erasing, export, lookups, pickers
from app.desk.listing import Listing, is_id
from app.desk.listpage import ListPage
from app.tickets import numbering
from app.tickets.choices import Priority, Status
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
    "department",
    "merge",
    "split",
    "hide",
    "bulk",
    "export",
    "delete",
)
REFUSALS_SHOWN = 5
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
        "set_department": "department", "add_tag": "tag", "delete_tickets": "delete",
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
            "desk/list.html", title=self.list_title, page=ListPage.of(listing, g.user), listing=listing
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

    @expose("/export.csv")
    @has_access
    @permission_name("export")
    def export(self) -> Response:
        note_reading(What.EXPORTED, "tickets")
        rows = stream_with_context(export.lines(asked.read(request.args), g.user))
        return Response(
            rows, mimetype="text/csv", headers={"Content-Disposition": f'attachment; filename="{export.file_name()}"'}
        )

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
        ids = _ids(pks)
        if len(ids) > 1 and not g.user.can("bulk"):
            raise Forbidden(_("Your role changes one ticket at a time."))
        seen = db.session.scalars(
            TicketQuery.seen_by(g.user).where(Ticket.id.in_(ids)).statement.with_only_columns(Ticket.id)
        ).all()
        if len(seen) != len(ids):
            abort(404)
        return self.actions[name].func(ids)

    @offered("set_status", _l("Status"), icon="circle-dot")
    def set_status(self, ids: Ids) -> Any:
        status = pickers.chosen(Status, _value(), "status")
        return self._each(ids, lambda ticket: ticket.set_status(status, g.user))

    @offered("set_priority", _l("Priority"), icon="flag")
    def set_priority(self, ids: Ids) -> Any:
        priority = pickers.chosen(Priority, _value(), "priority")
        return self._each(ids, lambda ticket: ticket.set_priority(priority, g.user))

    @offered("assign", _l("Assign"), icon="user-plus")
    def assign(self, ids: Ids) -> Any:
        agent = pickers.person(_value(), g.user)
        return self._each(ids, lambda ticket: ticket.assign_to(agent, by=g.user))

    @offered("take", _l("Take"), icon="hand")
    def take(self, ids: Ids) -> Any:
        return self._each(ids, lambda ticket: pickers.claim(ticket, g.user))

    @offered("set_department", _l("Department"), icon="building-2")
    def set_department(self, ids: Ids) -> Any:
        department = pickers.chosen(Department, _value(), "department")
        return self._each(ids, lambda ticket: ticket.move_to(department, by=g.user))

    @offered("add_tag", _l("Add tag"), icon="tag")
    def add_tag(self, ids: Ids) -> Any:
        tag = request.form.get("tag", "") or _value()
        return self._each(ids, lambda ticket: ticket.tag(tag, by=g.user))

    @offered("resolve", _l("Resolve"), icon="circle-check")
    def resolve(self, ids: Ids) -> Any:
        return self._each(ids, lambda ticket: ticket.resolve(by=g.user))

    @offered("close", _l("Close"), icon="archive")
    def close(self, ids: Ids) -> Any:
        return self._each(ids, lambda ticket: ticket.close(by=g.user))

    @offered("reopen", _l("Reopen"), icon="rotate-ccw")
    def reopen(self, ids: Ids) -> Any:
        return self._each(ids, lambda ticket: ticket.reopen(by=g.user))

    @offered(
        "delete",
        _l("Delete"),
        _l("Delete these tickets with all their messages and files? This cannot be undone."),
        "trash-2",
    )
    def delete_tickets(self, ids: Ids) -> Any:
        return self._each(ids, lambda ticket: erasing.delete_ticket(ticket, by=g.user))

    def _each(self, ids: Ids, deed: Callable[[Ticket], object]) -> Any:
        """One transaction a ticket: what one refuses leaves the others done, and is said by its number."""
        refused = [sentence for ticket_id in ids if (sentence := _attempt(ticket_id, deed))]
        done = len(ids) - len(refused)
        if done:
            flash(ngettext("%(num)d ticket changed.", "%(num)d tickets changed.", done), "success")
        if refused:
            more = len(refused) - REFUSALS_SHOWN
            said = " ".join(refused[:REFUSALS_SHOWN]) + (
                " " + ngettext("And %(num)d more.", "And %(num)d more.", more) if more > 0 else ""
            )
            flash(said, "danger")
        return redirect("/admin/tickets/" + Listing.posted(request.form).address())


def _attempt(ticket_id: int, deed: Callable[[Ticket], object]) -> str | None:
    """Do it to this ticket as it is now; the sentence of a refusal."""
    ticket = pickers.locked(Ticket.id == ticket_id, g.user)
    if ticket is None:
        return _("One ticket is not there any more.")
    named = ticket.display
    try:
        deed(ticket)
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        return _("%(number)s: something else still needs it.", number=named)
    except HelpdeskError as refusal:
        db.session.rollback()
        return f"{named}: {refusal}"
    return None


def _ids(pks: Sequence[str]) -> Ids:
    """In the order given, each once; a malformed one is nobody's."""
    if not pks or len(pks) > PAGE_SIZE_CAP:
        raise Invalid(_("Please choose between 1 and %(most)s tickets.", most=PAGE_SIZE_CAP))
    if not all(is_id(pk) for pk in pks):
        abort(404)
    return [*dict.fromkeys(int(pk) for pk in pks)]


def _value() -> str:
    return request.form.get("action", "").partition(":")[2] or request.form.get("value", "")
