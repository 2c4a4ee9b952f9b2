"""Staff's way in and out: sign-in, a forgotten password, the link of an invitation."""

from __future__ import annotations

from typing import Any

from flask import flash, g, redirect, request
from flask_appbuilder import IndexView, expose
from flask_appbuilder.baseviews import BaseView
from flask_appbuilder.security.forms import LoginForm_db
from flask_appbuilder.security.views import AuthDBView
from flask_appbuilder.utils.base import get_safe_redirect
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import logout_user

from app.accounts import staff as people
from app.accounts.viewer import viewer
from app.core.errors import Invalid
from app.core.extensions import db


class FrontDoor(IndexView):
    """`/` leads staff to their tickets and everybody else to the portal."""

    @expose("/")
    def index(self) -> Any:
        return redirect("/admin/tickets/" if g.user.is_authenticated else "/portal/")


class SignInView(AuthDBView):
    """Name (or address) and password, then a new session."""

    title = _l("Sign in")
    invalid_login_message = _l("This name and password do not belong together.")

    @expose("/login/", methods=["GET", "POST"])
    def login(self) -> Any:
        if g.user.is_authenticated:
            return redirect("/admin/tickets/")
        form = LoginForm_db()
        if form.validate_on_submit():
            user = self.appbuilder.sm.auth_user_db(form.username.data, form.password.data)
            staff = viewer(user.id) if user else None
            if staff is not None:
                self.appbuilder.sm.start_session(staff)
                following = request.args.get("next", "")
                return redirect(get_safe_redirect(following) if following else "/admin/tickets/")
            flash(str(self.invalid_login_message), "danger")
        return self.render_template(self.login_template, title=self.title, form=form, appbuilder=self.appbuilder)

    @expose("/logout/", methods=["POST"])
    def logout(self) -> Any:
        """A form of ours alone: a link or picture on another page signs nobody out."""
        logout_user()
        return redirect("/login/")

    @expose("/forgotten/", methods=["GET", "POST"])
    def forgotten(self) -> Any:
        """The same answer for a name that exists and one that does not."""
        asked = request.method == "POST"
        if asked:
            people.ask_reset(request.form.get("login", "")[:255])
            db.session.commit()
        return self.render_template("accounts/forgotten.html", asked=asked)


class InvitationView(BaseView):
    """Where the link of an invitation or of a forgotten password leads. Opening it changes nothing."""

    route_base = "/welcome"
    default_view = "welcome"
    class_permission_name = "Invitation"

    @expose("/<secret>", methods=["GET", "POST"])
    def welcome(self, secret: str) -> Any:
        user, errors = people.look_at(secret), {}
        if request.method == "POST":
            try:
                people.choose_password(secret, request.form.get("password", ""))
                db.session.commit()
                flash(_("Your password is set. Please sign in."), "success")
                return redirect("/login/")
            except Invalid as refusal:
                db.session.rollback()
                errors = refusal.fields
        return self.render_template(
            "accounts/welcome.html", person=people.look_at(secret) if errors else user, errors=errors
        )
