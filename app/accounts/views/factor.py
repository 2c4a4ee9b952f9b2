"""One's own second factor: on with a first code, new recovery codes, off; and the door that leads there whoever needs one."""

from __future__ import annotations

import io
from typing import Any

import segno
from flask import Response, abort, current_app, flash, g, redirect, request, session
from flask_appbuilder import expose, has_access
from flask_appbuilder.baseviews import BaseView
from flask_appbuilder.security.decorators import permission_name
from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from flask_login import current_user

from app.accounts import guessing, secondfactor, sessions
from app.accounts import staff as people
from app.accounts.viewer import viewer
from app.core import audit
from app.core.audit import What
from app.core.errors import Forbidden, HelpdeskError, Invalid
from app.core.extensions import db
from app.core.web import wants_json
from app.settings import desk

HERE = "/admin/me/second-factor/"


class SecondFactorView(BaseView):
    route_base = "/admin/me/second-factor"
    default_view = "overview"
    class_permission_name = "MyAccount"
    base_permissions = ["can_list", "can_edit"]

    @expose("/")
    @has_access
    @permission_name("list")
    def overview(self) -> Any:
        return self._page({})

    @expose("/begin", methods=["POST"])
    @has_access
    @permission_name("edit")
    def begin(self) -> Any:
        try:
            people.confirm_self(self._myself(), request.form.get("old", ""))
            secondfactor.prepare(g.user.id)
        except HelpdeskError as refusal:
            return self._refused(refusal)
        db.session.commit()
        return redirect(HERE)

    @expose("/square.svg")
    @has_access
    @permission_name("list")
    def square(self) -> Any:
        """The secret as a picture, until the first code proved that the app has it. Never kept by a browser."""
        secret = secondfactor.prepared(g.user.id) or abort(404)
        picture = io.BytesIO()
        words = secondfactor.address(g.user.username, secret, desk.current().desk_name)
        segno.make(words, error="m").save(picture, kind="svg", scale=5, border=4, dark="#000", light="#fff")
        return Response(picture.getvalue(), mimetype="image/svg+xml")

    @expose("/confirm", methods=["POST"])
    @has_access
    @permission_name("edit")
    def confirm(self) -> Any:
        """From here on every other session signs in anew, with a code."""
        try:
            codes = secondfactor.confirm(g.user.id, request.form.get("code", ""))
        except HelpdeskError as refusal:
            return self._refused(refusal)
        audit.note(What.SECOND_FACTOR_ON, self._myself())
        guessing.know_browser(g.user.id)
        return self._codes(codes)

    @expose("/codes", methods=["POST"])
    @has_access
    @permission_name("edit")
    def codes(self) -> Any:
        try:
            self._prove()
        except HelpdeskError as refusal:
            return self._refused(refusal)
        return self._codes(secondfactor.new_recovery_codes(g.user.id))

    @expose("/off", methods=["POST"])
    @has_access
    @permission_name("edit")
    def off(self) -> Any:
        try:
            if people.must_have_factor(g.user):
                raise Forbidden(
                    _("Your role needs a second factor. Ask an admin to reset it if you change your phone.")
                )
            self._prove()
        except HelpdeskError as refusal:
            return self._refused(refusal)
        secondfactor.switch_off(g.user.id)
        audit.note(What.SECOND_FACTOR_OFF, self._myself())
        self._renew()
        flash(_("The second factor is off."), "success")
        return redirect(HERE)

    def _prove(self) -> None:
        """Password and code: neither a found laptop nor a found phone is enough."""
        code = request.form.get("code", "")
        people.confirm_self(self._myself(), request.form.get("old", ""))
        if not guessing.right_code(g.user.username, lambda: secondfactor.proves(g.user.id, code)):
            raise Invalid(_("Nothing was changed."), {"code": secondfactor.wrong_code()})

    def _codes(self, codes: list[str]) -> Any:
        """Shown in this answer and never again."""
        self._renew()
        return self.render_template("accounts/recovery_codes.html", codes=codes)

    def _renew(self) -> None:
        """Ends every other session; this one goes on as a new one."""
        sessions.end_staff(g.user.id)
        db.session.commit()
        again = viewer(g.user.id)
        assert again is not None
        self.appbuilder.sm.start_session(again)

    def _refused(self, refusal: HelpdeskError) -> Any:
        """What a try spent, a recovery code say, stays spent."""
        db.session.commit()
        fields = refusal.fields if isinstance(refusal, Invalid) else {}
        if not fields:
            flash(str(refusal), "danger")
        return self._page(fields), refusal.code

    def _myself(self) -> User:
        return db.session.get_one(User, g.user.id)

    def _page(self, errors: dict[str, str]) -> Any:
        mine = g.user.id
        return self.render_template(
            "accounts/second_factor.html",
            errors=errors,
            on=secondfactor.in_force(mine),
            secret=secondfactor.prepared(mine),
            left=secondfactor.codes_left(mine),
            needed=people.must_have_factor(g.user),
            asks_password=people.have_passwords(),
        )


OPEN_WITHOUT = ("SecondFactorView.", "MyAccountView.language", "static")


def lead_to_set_up() -> Any:
    """Whose role needs a second factor sets it up before anything else opens. Programs with an API key are no sessions."""
    endpoint = request.endpoint or ""
    if "_user_id" not in session or request.blueprint in ("portal", "api", "help") or endpoint.startswith(OPEN_WITHOUT):
        return None
    if not current_app.config["SECOND_FACTOR_ALWAYS"] or not getattr(current_user, "lacks_factor", False):
        return None
    if endpoint.endswith(".logout"):
        return None
    if request.method == "GET" and not wants_json():
        return redirect(HERE)
    raise Forbidden(_("Your role needs a second factor. Set it up first, in your account."))
