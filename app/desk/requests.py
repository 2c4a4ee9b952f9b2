"""Documents of a ticket as a door: ask for them, look at what came, end it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import abort, flash, g, redirect, request
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from sqlalchemy import select

from app.accounts import tokens
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.desk import requestforms
from app.desk.workspace import find
from app.tickets import collecting, judging, uploadlinks
from app.tickets.models import Ticket
from app.tickets.requests import DocumentRequest
from app.tickets.thread import Channel, Words


class RequestsView(BaseView):
    route_base = "/admin/tickets"
    class_permission_name = "Ticket"
    default_view = "asking"

    @expose("/<int:number>/documents")
    @has_access
    @permission_name("documents")
    def asking(self, number: int) -> Any:
        return self._asking_page(find(number, g.user), {"mark": tokens.new_form()})

    @expose("/<int:number>/documents", methods=["POST"])
    @has_access
    @permission_name("documents")
    def ask(self, number: int) -> Any:
        ticket, form = find(number, g.user), request.form
        content = repr([*form.items(multi=True)])
        try:
            if tokens.first_time(form.get("mark", "")[:40], content, staff_id=g.user.id):
                words = Words(form.get("body", "").replace("\r\n", "\n"), via=Channel.STAFF)
                collecting.ask(ticket, words, requestforms.wanted(form), requestforms.due_on(form), g.user)
            db.session.commit()
        except HelpdeskError as refusal:
            db.session.rollback()
            errors = refusal.fields if isinstance(refusal, Invalid) else {"slots": str(refusal)}
            return self._asking_page(find(number, g.user), form.to_dict(), errors), refusal.code
        flash(_("The customer was asked by mail."), "success")
        return redirect(f"/admin/tickets/{ticket.place().number}", code=303)

    @expose("/<int:number>/documents/<int:request_id>")
    @has_access
    @permission_name("show")
    def documents(self, number: int, request_id: int) -> Any:
        ticket = find(number, g.user)
        return self._documents_page(ticket, _of(ticket, request_id))

    @expose("/<int:number>/documents/<int:request_id>/review", methods=["POST"])
    @has_access
    @permission_name("documents")
    def review(self, number: int, request_id: int) -> Any:
        ticket = find(number, g.user)
        asked = _of(ticket, request_id)
        try:
            judging.review(asked, requestforms.verdicts(request.form, asked), g.user)
            db.session.commit()
        except HelpdeskError as refusal:
            db.session.rollback()
            ticket = find(number, g.user)
            errors = refusal.fields if isinstance(refusal, Invalid) else {}
            return self._documents_page(ticket, _of(ticket, request_id), errors, str(refusal)), refusal.code
        flash(_("The customer was told by mail."), "success")
        return redirect(f"/admin/tickets/{number}", code=303)

    @expose("/<int:number>/documents/<int:request_id>/withdraw", methods=["POST"])
    @has_access
    @permission_name("documents")
    def withdraw(self, number: int, request_id: int) -> Any:
        return self._done(number, request_id, collecting.withdraw, _("The request is withdrawn; its links are dead."))

    @expose("/<int:number>/documents/<int:request_id>/link", methods=["POST"])
    @has_access
    @permission_name("documents")
    def send_link(self, number: int, request_id: int) -> Any:
        return self._done(number, request_id, uploadlinks.send, _("A new link is on its way by mail."))

    @expose("/<int:number>/documents/<int:request_id>/end-links", methods=["POST"])
    @has_access
    @permission_name("documents")
    def end_links(self, number: int, request_id: int) -> Any:
        return self._done(number, request_id, uploadlinks.revoke, _("No link of this request works any more."))

    def _done(self, number: int, request_id: int, deed: Callable[[DocumentRequest, Any], object], said: str) -> Any:
        ticket = find(number, g.user)
        try:
            deed(_of(ticket, request_id), g.user)
            db.session.commit()
            flash(said, "success")
        except HelpdeskError as refusal:
            db.session.rollback()
            flash(str(refusal), "danger")
        return redirect(f"/admin/tickets/{number}", code=303)

    def _asking_page(self, ticket: Ticket, values: dict[str, str], errors: dict[str, str] | None = None) -> Any:
        return self.render_template(
            "desk/documents_ask.html", title=_("Ask for documents"), ticket=ticket, values=values, errors=errors or {},
            rows=requestforms.rows(requestforms.wanted(request.form)), more=requestforms.MORE_ROWS, types=requestforms.types(),
        )  # fmt: skip

    def _documents_page(
        self, ticket: Ticket, asked: DocumentRequest, errors: dict[str, str] | None = None, refused: str = ""
    ) -> Any:
        return self.render_template(
            "desk/documents.html", title=_("Documents"), ticket=ticket, asked=asked, errors=errors or {}, refused=refused, values=request.form
        )  # fmt: skip


def _of(ticket: Ticket, request_id: int) -> DocumentRequest:
    """Of this ticket or of one that goes on in it; 404 for any other."""
    wanted = select(DocumentRequest).where(DocumentRequest.id == request_id, DocumentRequest.ticket_id.in_(ticket.family()))  # fmt: skip
    return db.session.scalar(wanted) or abort(404)
