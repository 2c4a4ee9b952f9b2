"""The wording of the desk's mails: which are an admin's own, in which language, edited with a preview and a test mail, and back to the desk's with one click."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, flash, g, redirect, request
from flask_appbuilder import expose, has_access
from flask_appbuilder.baseviews import BaseView
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from sqlalchemy import select

from app.core.errors import Invalid
from app.core.extensions import db
from app.desk import testmails
from app.mail import trying, wording
from app.mail.models import EmailTemplate
from app.mail.wordable import EXAMPLES, LABELS, WORDABLE, names_of

FRAME = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
"""A mail's own styles stand in it; nothing else of it may act or load."""


class MailTextView(BaseView):
    route_base = "/admin/mail-templates"
    default_view = "index"
    class_permission_name = "Setting"
    base_permissions = ["can_list", "can_edit"]

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self) -> Any:
        own: dict[str, list[EmailTemplate]] = {}
        for row in db.session.scalars(select(EmailTemplate).order_by(EmailTemplate.kind, EmailTemplate.language)):
            own.setdefault(row.kind, []).append(row)
        return self.render_template("desk/mailtexts.html", labels=LABELS, own=own)

    @expose("/<kind>")
    @has_access
    @permission_name("list")
    def edit(self, kind: str) -> Any:
        return self._page(kind, wording.source_of(kind, _language()))

    @expose("/<kind>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def save(self, kind: str) -> Any:
        """Or look at it first, or have it sent to oneself: what was typed stays in either case."""
        source, language, number = request.form.get("source", ""), _language(), request.form.get("ticket", "")
        try:
            if request.form.get("then") == "preview":
                return self._page(kind, source, seen=trying.seen(kind, source, language, number, g.user).text)
            if request.form.get("then") == "test":
                testmails.send(trying.put_trial(kind, source, language, number, g.user))
                return self._page(kind, source)
            wording.keep(kind, source, g.user.username, language)
            db.session.commit()
        except Invalid as refusal:
            db.session.rollback()
            return self._page(kind, source, errors=refusal.fields), 422
        flash(_("Saved. From now on these mails say it so."), "success")
        return redirect(_address(kind, language), 303)

    @expose("/<kind>/reset", methods=["POST"])
    @has_access
    @permission_name("edit")
    def reset(self, kind: str) -> Any:
        wording.reset(kind, _language())
        db.session.commit()
        flash(_("The desk's own words are back."), "success")
        return redirect(_address(kind, _language()), 303)

    @expose("/<kind>/html")
    @has_access
    @permission_name("list")
    def html(self, kind: str) -> Any:
        """The saved wording as a mail program shows it, for a frame that may do nothing."""
        return self._framed(kind, wording.source_of(kind, _language()))

    @expose("/<kind>/html", methods=["POST"])
    @has_access
    @permission_name("list")
    def html_of_typed(self, kind: str) -> Any:
        """The same for words that are not saved."""
        try:
            return self._framed(kind, request.form.get("source", ""))
        except Invalid as refusal:
            return self._page(kind, request.form.get("source", ""), errors=refusal.fields), 422

    def _framed(self, kind: str, source: str) -> Response:
        written = trying.seen(kind, source, _language(), request.form.get("ticket", ""), g.user)
        response = Response(written.html, mimetype="text/html")
        response.headers["Content-Security-Policy"] = FRAME
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
        return response

    def _page(self, kind: str, source: str, errors: dict[str, str] | None = None, seen: str = "") -> Any:
        language = _language()
        own = wording.own_of(kind, language)
        return self.render_template(
            "desk/mailtext.html", kind=kind, label=LABELS[kind], values={"source": source, "ticket": request.form.get("ticket", "")}, errors=errors or {}, seen=seen, own=own,
            spoken=language, languages={"": _("All languages"), **_languages()}, worded=_worded(kind),
            names=[(name, *EXAMPLES[name]) for name in names_of(kind)], needed=WORDABLE[kind].needed, about_ticket=trying.has_ticket(kind), action=_address(kind, language),
        )  # fmt: skip


def _language() -> str:
    """Of the readers whose mails are worded; empty for all."""
    return wording.known_language(request.values.get("language", ""))


def _languages() -> dict[str, str]:
    return {code: str(known["name"]) for code, known in current_app.config["LANGUAGES"].items()}


def _worded(kind: str) -> set[str]:
    return set(db.session.scalars(select(EmailTemplate.language).where(EmailTemplate.kind == kind)))


def _address(kind: str, language: str) -> str:
    return f"/admin/mail-templates/{kind}" + (f"?language={language}" if language else "")
