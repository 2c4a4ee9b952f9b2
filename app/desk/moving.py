"""Splitting, moving and linking as a door."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import abort, flash, g, redirect, request
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from sqlalchemy import select

from app.core.errors import HelpdeskError, Invalid, NotThere
from app.core.extensions import db
from app.desk.listing import is_id
from app.desk.workspace import find
from app.tickets import links, numbering, splitting
from app.tickets.models import LinkType, Ticket
from app.tickets.thread import Message
from app.tickets.visibility import messages_visible_to


class MovingView(BaseView):
    route_base = "/admin/tickets"
    class_permission_name = "Ticket"
    default_view = "move"

    @expose("/<int:number>/messages/<int:message_id>/move")
    @has_access
    @permission_name("split")
    def move(self, number: int, message_id: int) -> Any:
        ticket = find(number, g.user)
        return self._page(ticket, _entry(ticket, message_id), {})

    @expose("/<int:number>/messages/<int:message_id>/move", methods=["POST"])
    @has_access
    @permission_name("split")
    def put(self, number: int, message_id: int) -> Any:
        ticket = find(number, g.user)
        entry, form = _entry(ticket, message_id), request.form
        entries = splitting.onwards(entry) if form.get("which") == "onwards" else [entry]
        try:
            to = _put(entries, form.get("where", ""), form.get("subject", ""), form.get("number", ""))
            db.session.commit()
        except HelpdeskError as refusal:
            db.session.rollback()
            errors = refusal.fields if isinstance(refusal, Invalid) else {}
            return self._page(find(number, g.user), _entry(ticket, message_id), errors, str(refusal)), refusal.code
        if not to.seen_by(g.user):
            flash(_("It stands in %(number)s now, out of your sight.", number=to.display), "success")
            return redirect(f"/admin/tickets/{number}", code=303)
        flash(_("Here it is now; it came from %(number)s.", number=ticket.display), "success")
        return redirect(f"/admin/tickets/{to.number}#m{message_id}", code=303)

    @expose("/<int:number>/links")
    @has_access
    @permission_name("link")
    def linking(self, number: int) -> Any:
        return self._link_page(number)

    @expose("/<int:number>/links", methods=["POST"])
    @has_access
    @permission_name("link")
    def link(self, number: int) -> Any:
        """`type` is the id of a link type; with a minus before it, seen from the other side. What is refused is said beside what was typed."""
        kind = request.form.get("type", "")
        reverse, ticket = kind.startswith("-"), find(number, g.user)
        try:
            links.link(ticket, _other(request.form.get("number", "")), _type(kind), by=g.user, reverse=reverse)
            db.session.commit()
        except (HelpdeskError, NotThere) as refusal:
            db.session.rollback()
            beside = refusal.fields if isinstance(refusal, Invalid) and refusal.fields else {"number": str(refusal)}
            return self._link_page(number, beside), Invalid.code
        return redirect(f"/admin/tickets/{number}", code=303)

    @expose("/<int:number>/links/remove", methods=["POST"])
    @has_access
    @permission_name("link")
    def unlink(self, number: int) -> Any:
        ticket = find(number, g.user)
        try:
            links.unlink(ticket, _other(request.form.get("number", "")), by=g.user)
            db.session.commit()
        except (HelpdeskError, NotThere) as refusal:
            db.session.rollback()
            flash(str(refusal), "danger")
        return redirect(f"/admin/tickets/{number}", code=303)

    def _link_page(self, number: int, errors: dict[str, str] | None = None) -> Any:
        return self.render_template(
            "desk/link.html", title=_("Link a ticket"), ticket=find(number, g.user), types=links.types(), values=request.form, errors=errors or {}
        )  # fmt: skip

    def _page(self, ticket: Ticket, entry: Message, errors: dict[str, str], refused: str = "") -> Any:
        came_from = db.session.get(Ticket, entry.moved_from_id) if entry.moved_from_id else None
        values = request.form.to_dict() or {
            "which": "one",
            "where": "other" if came_from else "new",
            "number": came_from.display if came_from is not None and came_from.seen_by(g.user) else "",
        }
        return self.render_template(
            "desk/move.html", title=_("Split or move"), ticket=ticket, entry=entry, values=values, errors=errors, refused=refused,
            later=len(splitting.onwards(entry)),
        )  # fmt: skip


def _entry(ticket: Ticket, message_id: int) -> Message:
    wanted = select(Message).where(
        Message.id == message_id, Message.ticket_id == ticket.id, messages_visible_to(g.user)
    )
    return db.session.scalar(wanted) or abort(404)


def _put(entries: Sequence[Message], where: str, subject: str, number: str) -> Ticket:
    if where != "other":
        return splitting.split(entries, subject, by=g.user)
    to = _other(number)
    splitting.move(entries, to=to, by=g.user)
    return to.place()


def _type(value: str) -> LinkType:
    wanted = value.removeprefix("-")
    found = db.session.get(LinkType, int(wanted)) if is_id(wanted) else None
    if found is None or not found.active:
        raise Invalid(_("This choice does not exist (any more)."), {"type": _("Please choose again.")})
    return found


def _other(text: str) -> Ticket:
    """Another ticket by its number. Raises Invalid beside the field for one that this person does not see."""
    number = numbering.read(text[:40])
    try:
        return find(number if number is not None else -1, g.user)
    except NotThere:
        sentence = _("There is no ticket “%(number)s”, or it is not yours to see.", number=text[:40])
        raise Invalid(sentence, {"number": sentence})
