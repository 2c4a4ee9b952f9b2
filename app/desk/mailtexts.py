"""The wording of the desk's mails: which are an admin's own, edited with a preview, and back to the desk's with one click."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, g, redirect, request
from flask_appbuilder import expose, has_access
from flask_appbuilder.baseviews import BaseView
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from sqlalchemy import select

from app.core.errors import Invalid
from app.core.extensions import db
from app.mail import wording
from app.mail.models import EmailTemplate

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
        own = {row.kind: row for row in db.session.scalars(select(EmailTemplate))}
        return self.render_template("desk/mailtexts.html", labels=wording.LABELS, own=own)

    @expose("/<kind>")
    @has_access
    @permission_name("list")
    def edit(self, kind: str) -> Any:
        return self._page(kind, wording.source_of(kind))

    @expose("/<kind>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def save(self, kind: str) -> Any:
        """Or look at it first."""
        source = request.form.get("source", "")
        try:
            if request.form.get("then") == "preview":
                return self._page(kind, source, seen=wording.preview(wording.known(kind), source).text)
            wording.keep(kind, source, g.user.username)
            db.session.commit()
        except Invalid as refusal:
            db.session.rollback()
            return self._page(kind, source, errors=refusal.fields), 422
        flash(_("Saved. From now on these mails say it so."), "success")
        return redirect(f"/admin/mail-templates/{kind}", 303)

    @expose("/<kind>/reset", methods=["POST"])
    @has_access
    @permission_name("edit")
    def reset(self, kind: str) -> Any:
        wording.reset(kind)
        db.session.commit()
        flash(_("The desk's own words are back."), "success")
        return redirect("/admin/mail-templates/", 303)

    @expose("/<kind>/html")
    @has_access
    @permission_name("list")
    def html(self, kind: str) -> Any:
        """The saved wording as a mail program shows it, for a frame that may do nothing."""
        response = Response(wording.preview(wording.known(kind), wording.source_of(kind)).html, mimetype="text/html")
        response.headers["Content-Security-Policy"] = FRAME
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
        return response

    def _page(self, kind: str, source: str, errors: dict[str, str] | None = None, seen: str = "") -> Any:
        own = db.session.get(EmailTemplate, wording.known(kind))
        return self.render_template(
            "desk/mailtext.html",
            kind=kind,
            label=wording.LABELS[kind],
            values={"source": source},
            errors=errors or {},
            seen=seen,
            own=own,
            names=wording.NAMES,
            needed=wording.NEEDED.get(kind),
        )
