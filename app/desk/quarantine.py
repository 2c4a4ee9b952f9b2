"""The page of mail that was set aside: why, what it says byte for byte, and what is to become of it."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, flash, g, redirect, request
from flask_appbuilder import expose, has_access
from flask_appbuilder.baseviews import BaseView
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import undefer

from app.accounts import customers
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.mail import quarantine
from app.mail.models import RawMail, RawState

HERE = "/admin/quarantine/"
ROWS = 100


class QuarantineView(BaseView):
    route_base = "/admin/quarantine"
    default_view = "index"
    class_permission_name = "Quarantine"
    base_permissions = ["can_list", "can_show", "can_edit", "can_delete"]

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self) -> Any:
        rows = db.session.scalars(quarantine.waiting().limit(ROWS)).all()
        return self.render_template("desk/quarantine.html", rows=rows, count=quarantine.count(), new=RawState.NEW)

    @expose("/<int:raw_mail_id>")
    @has_access
    @permission_name("show")
    def show(self, raw_mail_id: int) -> Any:
        return self._page(_waiting(raw_mail_id))

    @expose("/<int:raw_mail_id>/raw.eml")
    @has_access
    @permission_name("show")
    def raw(self, raw_mail_id: int) -> Any:
        """Byte for byte, for a mail program: no browser shows or runs it."""
        row = _waiting(raw_mail_id)
        response = Response(row.content, mimetype="application/octet-stream")
        response.headers["Content-Disposition"] = f'attachment; filename="mail-{row.id}.eml"'
        return response

    @expose("/<int:raw_mail_id>/again", methods=["POST"])
    @has_access
    @permission_name("edit")
    def again(self, raw_mail_id: int) -> Any:
        quarantine.again(quarantine.take(raw_mail_id))
        db.session.commit()
        flash(_("It is read again."), "success")
        return redirect(HERE, code=303)

    @expose("/again", methods=["POST"])
    @has_access
    @permission_name("edit")
    def all_again(self) -> Any:
        """The ones on the page, after what held them was mended."""
        rows = db.session.scalars(quarantine.waiting().limit(ROWS)).all()
        for row in rows:
            quarantine.again(row)
        db.session.commit()
        flash(ngettext("%(num)d mail is read again.", "%(num)d mails are read again.", len(rows)), "success")
        return redirect(HERE, code=303)

    @expose("/<int:raw_mail_id>/ticket", methods=["POST"])
    @has_access
    @permission_name("edit")
    def ticket(self, raw_mail_id: int) -> Any:
        given = request.form.to_dict()
        try:
            row = quarantine.take(raw_mail_id)
            requester = customers.find_or_create(given.get("address", ""), given.get("name", "").strip() or given.get("address", "").partition("@")[0])  # fmt: skip
            ticket = quarantine.make_ticket(row, requester, by=g.user)
            db.session.commit()
        except HelpdeskError as refusal:
            db.session.rollback()
            errors = {"address": str(refusal)} if isinstance(refusal, Invalid) else {}
            if not errors:
                raise
            return self._page(_waiting(raw_mail_id), given, errors), refusal.code
        flash(_("Opened %(number)s.", number=ticket.display), "success")
        return redirect(f"/admin/tickets/{ticket.number}", code=303)

    @expose("/<int:raw_mail_id>/delete", methods=["POST"])
    @has_access
    @permission_name("delete")
    def delete(self, raw_mail_id: int) -> Any:
        quarantine.delete(quarantine.take(raw_mail_id))
        db.session.commit()
        flash(_("Deleted."), "success")
        return redirect(HERE, code=303)

    def _page(self, row: RawMail, values: dict[str, str] | None = None, errors: dict[str, str] | None = None) -> Any:
        content = quarantine.shown(row.content)
        return self.render_template(
            "desk/quarantined.html", title=row.subject or _("(no subject)"), row=row, content=content, whole=len(row.content),
            cut=len(row.content) > quarantine.LONGEST_SHOWN, values=values or {"address": row.sender}, errors=errors or {},
        )  # fmt: skip


def _waiting(raw_mail_id: int) -> RawMail:
    wanted = quarantine.waiting().where(RawMail.id == raw_mail_id).options(undefer(RawMail.content))
    return db.session.scalar(wanted) or abort(404)
