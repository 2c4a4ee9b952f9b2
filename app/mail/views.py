"""The mail lab: a mailbox of what was sent and what came, answers as anyone, and the what-if for any message."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, flash, g, redirect, request
from flask_appbuilder import AppBuilder, expose, has_access
from flask_appbuilder.baseviews import BaseView
from flask_appbuilder.security.decorators import permission_name
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy.orm import undefer

from app.accounts import staff as people
from app.core.audit import What, note_reading
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.core.web import LARGEST_ID
from app.mail import forms, letterbox, mailbox, parsing, played, reading, rehearsing
from app.mail.models import Delivery, RawMail, RawState
from app.mail.outgoing import SECRET
from app.mail.parsing import IncomingMail
from app.mail.wordable import LABELS
from app.tickets.models import Ticket

FRAME = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox"
"""A mail's own styles stand in it; nothing else of it may act, load or lead anywhere."""
PLAIN = Markup("<style>pre {{ white-space: pre-wrap; overflow-wrap: anywhere }}</style><pre>{}</pre>")
LONGEST_SHOWN = 200_000
WAYS = {"html": _l("As HTML"), "text": _l("As text"), "headers": _l("Headers"), "raw": _l("Raw")}
PLAYS = {
    played.Play.REFUSES: _l("refuses every mail"),
    played.Play.UNKNOWN: _l("does not know the mailbox"),
    played.Play.FULL: _l("says that the mailbox is full"),
    played.Play.GREYLISTS: _l("puts each mail off once (greylisting)"),
    played.Play.HANGS: _l("hangs"),
}


class MailLabView(BaseView):
    route_base = "/admin/mail-lab"
    default_view = "index"
    class_permission_name = "MailLab"
    base_permissions = ["can_list", "can_show", "can_add"]

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self) -> Any:
        return self._page()

    @expose("/in/")
    @has_access
    @permission_name("list")
    def came_in(self) -> Any:
        return self._page(box="in")

    @expose("/<int:delivery_id>")
    @has_access
    @permission_name("show")
    def show(self, delivery_id: int) -> Any:
        return self._sent(_delivery(delivery_id))

    @expose("/in/<int:raw_id>")
    @has_access
    @permission_name("show")
    def show_incoming(self, raw_id: int) -> Any:
        return self._got(_raw_mail(raw_id))

    @expose("/<int:delivery_id>/html")
    @has_access
    @permission_name("show")
    def html(self, delivery_id: int) -> Any:
        return _framed(mailbox.opened(_delivery(delivery_id)) or abort(404))

    @expose("/in/<int:raw_id>/html")
    @has_access
    @permission_name("show")
    def html_incoming(self, raw_id: int) -> Any:
        return _framed(reading.read(mailbox.kept(_raw_mail(raw_id))))

    @expose("/<int:delivery_id>/download")
    @has_access
    @permission_name("show")
    def download(self, delivery_id: int) -> Any:
        return _as_file(_delivery(delivery_id).raw or abort(404), f"sent-{delivery_id}.eml")

    @expose("/in/<int:raw_id>/download")
    @has_access
    @permission_name("show")
    def download_incoming(self, raw_id: int) -> Any:
        return _as_file(mailbox.kept(_raw_mail(raw_id)), f"in-{raw_id}.eml")

    @expose("/<int:delivery_id>/answer", methods=["POST"])
    @has_access
    @permission_name("add")
    def answer(self, delivery_id: int) -> Any:
        delivery = _delivery(delivery_id)
        try:
            raw = letterbox.composed(letterbox.answer_to(delivery, forms.letter(request)), delivery)
            return self._sent(delivery, tried=self._tried(raw)) if _only_looks() else self._taken(raw)
        except Invalid as refusal:
            return self._sent(_delivery(delivery_id), errors=refusal.fields or {"text": str(refusal)}), 422

    @expose("/<int:delivery_id>/returns", methods=["POST"])
    @has_access
    @permission_name("add")
    def returns(self, delivery_id: int) -> Any:
        """What comes back by itself: the mail, or a note that its recipient is away."""
        delivery, kind = _delivery(delivery_id), request.form.get("kind", "")
        try:
            raw = letterbox.away(delivery) if kind == "away" else letterbox.bounced(delivery, gone=kind == "gone")
        except Invalid as refusal:
            return self._sent(delivery, errors={"text": str(refusal)}), 422
        return self._taken(raw)

    @expose("/write", methods=["POST"])
    @has_access
    @permission_name("add")
    def write(self) -> Any:
        try:
            raw = letterbox.composed(forms.letter(request))
            return self._page(tried=self._tried(raw)) if _only_looks() else self._taken(raw)
        except Invalid as refusal:
            return self._page(errors=refusal.fields), 422

    @expose("/what-if", methods=["POST"])
    @has_access
    @permission_name("add")
    def what_if(self) -> Any:
        """A file or pasted text: what would happen, or, with "deliver", let it happen."""
        try:
            raw = forms.message(request)
            recipient = request.form.get("recipient", "").strip()
            if request.form.get("then") == "deliver":
                return self._taken(raw, recipient)
            return self._page(tried=self._tried(raw, recipient))
        except HelpdeskError as refusal:
            return self._page(errors=getattr(refusal, "fields", None) or {"eml": str(refusal)}), 422

    @expose("/in/<int:raw_id>/what-if", methods=["POST"])
    @has_access
    @permission_name("add")
    def what_if_again(self, raw_id: int) -> Any:
        """A message that came before, as the desk would take it today."""
        row = _raw_mail(raw_id)
        raw, recipient = mailbox.kept(row), row.recipient
        if request.form.get("then") == "deliver":
            return self._taken(mailbox.as_new(raw), recipient, again=True)
        tried = self._tried(raw, recipient)
        return self._got(_raw_mail(raw_id), tried=tried)

    @expose("/deliver", methods=["POST"])
    @has_access
    @permission_name("add")
    def deliver(self) -> Any:
        """What was looked at, for real."""
        try:
            raw = forms.brought_back(request)
        except Invalid as refusal:
            return self._page(errors=refusal.fields), 422
        return self._taken(mailbox.as_new(raw) if "anew" in request.form else raw, request.form.get("recipient", ""))

    @expose("/server", methods=["POST"])
    @has_access
    @permission_name("add")
    def server(self) -> Any:
        try:
            if request.form.get("play"):
                played.begin(request.form["play"], request.form.get("address", ""), g.user.username)
            else:
                played.end(g.user.username)
        except Invalid as refusal:
            return self._page(errors=refusal.fields or {"play": str(refusal)}), 422
        db.session.commit()
        return redirect("/admin/mail-lab/")

    def _taken(self, raw: bytes, recipient: str = "", again: bool = False) -> Any:
        try:
            row = mailbox.take(raw, recipient, quiet=played.real() and "leave" not in request.form, again=again)
        except Invalid as refusal:
            return self._page(errors={"eml": str(refusal)}), 422
        flash(row.verdict, "success" if row.state is RawState.DELIVERED else "warning")
        ticket = db.session.get(Ticket, row.ticket_id) if row.ticket_id else None
        return redirect(f"/admin/tickets/{ticket.number}" if ticket is not None else f"/admin/mail-lab/in/{row.id}")

    def _tried(self, raw: bytes, recipient: str = "") -> dict[str, Any]:
        return {"found": rehearsing.rehearse(raw, recipient), "kept": forms.carried(raw), "recipient": recipient, "way": (request.endpoint or "").rpartition(".")[2]}  # fmt: skip

    def _sent(self, delivery: Delivery, errors: dict[str, str] | None = None, **more: Any) -> Any:
        mail, why = mailbox.opened(delivery), mailbox.answerable(delivery)
        values = request.form or (vars(letterbox.answer_to(delivery)) if not why else {})
        return self._page(
            errors=errors, values=values, delivery=delivery, why=why, **_shown(mail, delivery.raw or b""), **more
        )

    def _got(self, row: RawMail, **more: Any) -> Any:
        try:
            raw = mailbox.kept(row)
            mail: IncomingMail | None = reading.read(raw)
        except HelpdeskError as problem:
            return self._page(box="in", row=row, problem=str(problem), **more)
        return self._page(box="in", row=row, **_shown(mail, raw), **more)

    def _page(
        self,
        errors: dict[str, str] | None = None,
        values: Any = None,
        tried: Any = None,
        box: str = "sent",
        **more: Any,
    ) -> Any:
        words = request.args.get("q", "") or request.args.get("address", "")
        before = request.args.get("before", 0, type=int)
        rows = (mailbox.got if box == "in" else mailbox.sent)(words, min(max(before, 0), LARGEST_ID))
        view = request.args.get("as", "html")
        return self.render_template(
            "mailbox/lab.html", rows=rows[: mailbox.ROWS], older=rows[mailbox.ROWS - 1].id if len(rows) > mailbox.ROWS else None, labels=LABELS, q=words, box=box,
            errors=errors or {}, values=values if values is not None else request.form, tried=tried, real=played.real(), playing=played.present(), plays=PLAYS,
            ways=WAYS, view=view if view in WAYS else "html", **more,
        )  # fmt: skip


def _only_looks() -> bool:
    return request.form.get("then") == "look"


def _shown(mail: IncomingMail | None, raw: bytes) -> dict[str, Any]:
    return {
        "mail": mail,
        "text": parsing.plain_text(mail)[:LONGEST_SHOWN] if mail else "",
        "source": raw[:LONGEST_SHOWN].decode("utf-8", "replace"),
    }


def _framed(mail: IncomingMail) -> Response:
    """The HTML part in a frame of its own that may do nothing."""
    plain = PLAIN.format(parsing.plain_text(mail))
    response = Response(mail.html or str(plain), mimetype="text/html")
    response.headers["Content-Security-Policy"] = FRAME
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["X-DNS-Prefetch-Control"] = "off"
    return response


def _as_file(raw: bytes, name: str) -> Response:
    response = Response(raw, mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'; sandbox"
    return response


def _raw_mail(raw_id: int) -> RawMail:
    row: RawMail = db.session.get(RawMail, raw_id, options=[undefer(RawMail.content)]) or abort(404)
    return row


def _delivery(delivery_id: int) -> Delivery:
    """NotThere too for a link that lets its reader in as a colleague who may do more than they may."""
    found: Delivery = db.session.get(Delivery, delivery_id, options=[undefer(Delivery.raw)]) or abort(404)
    if found.kind not in SECRET:
        return found
    if found.staff is not None and not people.may_edit(g.user, found.staff):
        abort(404)
    note_reading(What.LINK_LOOKED_AT, f"{found.kind} {found.id}", staff=found.staff_id, customer=found.customer_id)
    return db.session.get_one(Delivery, delivery_id, options=[undefer(Delivery.raw)])


def register(appbuilder: AppBuilder) -> None:
    appbuilder.add_view(
        MailLabView,
        "Mail lab",
        label=_l("Mail lab"),
        category="System",
        category_label=_l("System"),
        category_icon="fa-server",
    )
