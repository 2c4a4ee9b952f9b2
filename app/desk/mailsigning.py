"""The keys that mails are signed with: made here, shown as the record the DNS needs, and looked up there."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, g, redirect, request
from flask_appbuilder import expose, has_access
from flask_appbuilder.baseviews import BaseView
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _

from app.core.errors import Invalid
from app.core.extensions import db
from app.mail import addresses, signing
from app.mail.models import SigningKey
from app.settings import desk


class MailSigningView(BaseView):
    route_base = "/admin/mail-signing"
    default_view = "index"
    class_permission_name = "Setting"
    base_permissions = ["can_list", "can_edit"]

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self) -> Any:
        return self._page({"domain": addresses.domain(), "selector": f"deskhand{len(signing.every()) + 1}"})

    @expose("/", methods=["POST"])
    @has_access
    @permission_name("edit")
    def make(self) -> Any:
        try:
            signing.make(request.form.get("domain", ""), request.form.get("selector", ""))
            db.session.commit()
        except Invalid as refusal:
            db.session.rollback()
            return self._page(request.form, refusal.fields), 422
        flash(_("The key is made. Put its record into the DNS, then look it up here."), "success")
        return redirect("/admin/mail-signing/", 303)

    @expose("/switch", methods=["POST"])
    @has_access
    @permission_name("edit")
    def switch(self) -> Any:
        wanted = request.form.get("on") == "1"
        desk.change({"mail_sign": wanted}, by=g.user.username)
        db.session.commit()
        flash(_("Mails are signed from now on.") if wanted else _("Mails are no longer signed."), "success")
        return redirect("/admin/mail-signing/", 303)

    @expose("/<int:key_id>/look-up", methods=["POST"])
    @has_access
    @permission_name("edit")
    def look_up(self, key_id: int) -> Any:
        found = signing.look_up(_key(key_id))
        db.session.commit()
        flash(found.sentence, "success" if found.right else "warning")
        return redirect("/admin/mail-signing/", 303)

    @expose("/<int:key_id>/remove", methods=["POST"])
    @has_access
    @permission_name("edit")
    def remove(self, key_id: int) -> Any:
        db.session.delete(_key(key_id))
        db.session.commit()
        flash(_("The key is gone. Its record may go from the DNS after some days."), "success")
        return redirect("/admin/mail-signing/", 303)

    def _page(self, values: Any, errors: dict[str, str] | None = None) -> Any:
        return self.render_template(
            "desk/mailsigning.html", keys=[(key, signing.record(key)) for key in signing.every()], on=desk.current().mail_sign, values=values, errors=errors or {}, sender=addresses.domain()
        )  # fmt: skip


def _key(key_id: int) -> SigningKey:
    found: SigningKey = db.session.get(SigningKey, key_id) or abort(404)
    return found
