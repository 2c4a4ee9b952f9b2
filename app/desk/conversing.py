"""The ticket's page as a door: show it, its thread, and the original of a mail."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, g, redirect, request
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.core.errors import NotThere
from app.core.extensions import db
from app.desk import composing, files
from app.desk.composing import Composer
from app.desk.listing import Listing, is_id
from app.desk.reading import Place, Reading
from app.desk.workspace import Workspace, find
from app.tickets import seen
from app.tickets.mergeable import Merge
from app.tickets.models import Ticket
from app.tickets.thread import Message


class WorkspaceView(BaseView):
    route_base = "/admin/tickets"
    class_permission_name = "Ticket"
    default_view = "page"

    @expose("/<int:number>")
    @has_access
    @permission_name("show")
    def page(self, number: int) -> Any:
        return show(self, Workspace.of(number, g.user, Listing.read(request.args), Reading.read(request.args)))

    @expose("/<int:number>/thread")
    @has_access
    @permission_name("show")
    def thread(self, number: int) -> Any:
        """The part that changes while one looks at it. Whoever lost the ticket is led back to the list."""
        try:
            ws = Workspace.of(number, g.user, reading=Reading.read(request.args))
        except NotThere:
            if "HX-Request" not in request.headers:
                raise
            return Response(status=204, headers={"HX-Redirect": "/admin/tickets/"})
        waiting = composing.waiting(ws.ticket, g.user)
        return self.render_template("desk/_thread.html", ws=ws, waiting=waiting, alone=True)

    @expose("/<int:number>/passage")
    @has_access
    @permission_name("show")
    def passage(self, number: int) -> Any:
        """Entries that the page left out, from one end of a gap."""
        ws = Workspace.of(number, g.user, reading=Reading.read(request.args))
        after, before = (Place.read(request.args.get(name, "")) for name in ("after", "before"))
        if after is None or before is None:
            abort(404)
        found = ws.window.between(after, before, request.args.get("from") == "start")
        return self.render_template("desk/_entries.html", ws=ws, found=found)

    @expose("/<int:number>/first-unread")
    @has_access
    @permission_name("show")
    def first_unread(self, number: int) -> Any:
        ticket = find(number, g.user)
        message_id = seen.first_unseen(ticket, g.user)
        return redirect(f"/admin/tickets/{number}" + (f"?entry={message_id}#m{message_id}" if message_id else ""))

    @expose("/<int:number>/seen", methods=["POST"])
    @has_access
    @permission_name("show")
    def mark(self, number: int) -> Response:
        """Their page stood before them: the next one says what is new since."""
        ticket, message = find(number, g.user), request.form.get("message", "")
        if is_id(message):
            seen.note_seen(ticket, int(message), g.user)
            db.session.commit()
        return Response(status=204)

    @expose("/<int:number>/messages/<int:message_id>/html")
    @has_access
    @permission_name("show")
    def original(self, number: int, message_id: int) -> Response:
        ticket = find(number, g.user)
        wanted = select(Message).where(
            Message.id == message_id, Message.ticket_id == ticket.id, Message.html.is_not(None)
        )
        message = db.session.scalar(wanted.options(selectinload(Message.attachments)))
        if message is None:
            abort(404)
        return files.framed(message)


def show(view: BaseView, ws: Workspace, refused: Composer | None = None) -> Any:
    """The whole page, with what was typed before a refusal or else with this person's draft."""
    if ws.ticket.merged_into_id is not None:
        return _gone_on(view, ws)
    waiting = composing.waiting(ws.ticket, g.user)
    draft = refused or composing.opened(waiting.drafts, request.args.get("draft", ""))
    return view.render_template("desk/workspace.html", ws=ws, ticket=ws.ticket, draft=draft, waiting=waiting)


def _gone_on(view: BaseView, ws: Workspace) -> Any:
    """A merged ticket's page: where it goes on, for whoever sees that, and how to take it out again."""
    ticket = db.session.get_one(Ticket, ws.ticket.id)
    place = ticket.place()
    seen = place.seen_by(g.user)
    done = db.session.scalars(
        select(Merge).where(Merge.ticket_id == ticket.id).order_by(Merge.id.desc()).limit(1)
    ).one()
    return view.render_template("desk/merged.html", ws=ws, ticket=ticket, place=place if seen else None, done=done)
