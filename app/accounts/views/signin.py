"""Staff's way in and out: sign-in, a forgotten password, the link of an invitation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import abort, current_app, flash, g, redirect, request, session
from flask_appbuilder import IndexView, expose
from flask_appbuilder.baseviews import BaseView
from flask_appbuilder.security.forms import LoginForm_db
from flask_appbuilder.security.sqla.models import User
from flask_appbuilder.security.views import AuthDBView
from flask_appbuilder.utils.base import get_safe_redirect
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from app.accounts import guessing, passwords, secondfactor
from app.accounts import staff as people
from app.accounts.viewer import viewer
from app.core import audit
from app.core.audit import What
from app.core.errors import Invalid
from app.core.extensions import db
from app.core.limits import TooMany
from app.core.outbox import Outbox


class FrontDoor(IndexView):
    """`/` leads staff to their tickets and everybody else to the portal."""

    @expose("/")
    def index(self) -> Any:
        return redirect("/admin/tickets/" if g.user.is_authenticated else "/portal/")


class Entrance:
    """What every way in shares: the second step, the new session, and the way out."""

    appbuilder: Any
    render_template: Callable[..., Any]

    def admit(self, user: User, following: str) -> Any:
        """Who proved to be this person gets a session, or is asked for the code of their second factor first."""
        staff = viewer(user.id)
        if staff is None:
            return self.turn_away(_("This name and password do not belong together."))
        target = get_safe_redirect(following) if following else "/admin/tickets/"
        if current_app.config["SECOND_FACTOR_ALWAYS"] and secondfactor.in_force(staff.id):
            session["half"] = secondfactor.wait_for_code(staff.id, staff.generation)
            session["following"] = target
            db.session.commit()
            return redirect("/login/code")
        audit.note(What.SIGNED_IN, by=staff)
        self.appbuilder.sm.start_session(staff)
        return redirect(target)

    @staticmethod
    def turn_away(sentence: str) -> Any:
        flash(sentence, "danger")
        return redirect("/login/")

    @expose("/login/code", methods=["GET", "POST"])
    def code(self) -> Any:
        """The second step. Wrong codes are counted with the half-done sign-in; the fifth ends it."""
        half = secondfactor.awaited(str(session.get("half", "")))
        if half is None:
            return redirect("/login/")
        if request.method == "GET":
            return self.render_template("accounts/code.html", errors={})
        staff, typed = viewer(half.user_id), request.form.get("code", "")
        if self._proved(half, typed) and staff is not None:
            target = session.get("following", "/admin/tickets/")
            audit.note(What.SIGNED_IN, by=staff)
            self.appbuilder.sm.start_session(staff)
            guessing.know_browser(staff.id)
            self._tell_codes_left(staff.id, typed)
            return redirect(target)
        audit.note(What.SECOND_FACTOR_REFUSED, by=staff)
        db.session.commit()
        if secondfactor.awaited(str(session.get("half", ""))) is None:
            return self.turn_away(_("Too many wrong codes. Please sign in again."))
        return self.render_template("accounts/code.html", errors={"code": secondfactor.wrong_code()}), 422

    @staticmethod
    def _proved(half: secondfactor.HalfSignIn, typed: str) -> bool:
        try:
            return guessing.right_code_here(half.user_id, lambda known: secondfactor.finish(half, typed, known))
        except TooMany:
            return False

    def _tell_codes_left(self, staff_id: int, typed: str) -> None:
        if len(typed.strip()) > secondfactor.DIGITS + 1:
            left = secondfactor.codes_left(staff_id)
            flash(
                ngettext("You have %(num)d recovery code left.", "You have %(num)d recovery codes left.", left), "info"
            )

    @expose("/logout/", methods=["POST"])
    def logout(self) -> Any:
        """A form of ours alone: a link or picture on another page signs nobody out."""
        audit.note(What.SIGNED_OUT)
        self.appbuilder.sm.end_session()
        return redirect("/login/")


class PasswordEntrance(Entrance):
    """A form with name and password, whoever checks them."""

    check: Callable[[str, str], User | None]
    """Whose name and password these are. No abstract method: whoever collects those would read our lazy titles at import."""
    title = _l("Sign in")
    login_template = "appbuilder/general/security/login_db.html"

    @expose("/login/", methods=["GET", "POST"])
    def login(self) -> Any:
        if g.user.is_authenticated:
            return redirect("/admin/tickets/")
        form = LoginForm_db()
        if form.validate_on_submit():
            try:
                user = self._known(form.username.data, form.password.data)
            except TooMany as refusal:
                flash(str(refusal), "danger")
                return self._page(form), refusal.code
            if user is not None:
                return self.admit(user, request.args.get("next", ""))
            audit.note(What.SIGN_IN_REFUSED, guessing.masked(form.username.data))
            db.session.commit()
            flash(_("This name and password do not belong together."), "danger")
        return self._page(form)

    def _known(self, name: str, password: str) -> User | None:
        """Wrong tries are counted by `guessing`, before anything is looked up."""
        return guessing.bounded(name, lambda: self.check(name, password))

    def _page(self, form: LoginForm_db) -> Any:
        return self.render_template(self.login_template, title=self.title, form=form, appbuilder=self.appbuilder)


class SignInView(PasswordEntrance, AuthDBView):
    """Name (or address) and the desk's own password, then a new session."""

    def check(self, name: str, password: str) -> User | None:
        return self.appbuilder.sm.auth_user_db(name, password)

    @expose("/forgotten/", methods=["GET", "POST"])
    def forgotten(self) -> Any:
        """The same answer for a name that exists and one that does not; a worker looks whether somebody has it."""
        login = request.form.get("login", "").strip()[:255]
        asked, errors, code = bool(login), {}, 200
        if asked:
            try:
                guessing.count_link(login)
                Outbox.put("accounts.mail_password_reset", login=login)
                db.session.commit()
            except TooMany as refusal:
                asked, errors, code = False, {"login": str(refusal)}, refusal.code
        values = {"login": login}
        return self.render_template("accounts/forgotten.html", asked=asked, values=values, errors=errors), code


class InvitationView(BaseView):
    """Where the link of an invitation or of a forgotten password leads. Opening it changes nothing."""

    route_base = "/welcome"
    default_view = "welcome"
    class_permission_name = "Invitation"

    @expose("/<secret>", methods=["GET", "POST"])
    def welcome(self, secret: str) -> Any:
        if not people.have_passwords():
            abort(404)
        user, errors = people.look_at(secret), {}
        if request.method == "POST":
            try:
                people.choose_password(secret, request.form.get("password", ""))
                db.session.commit()
                guessing.proved_by_mail(user.username, user.email)
                flash(_("Your password is set. Please sign in."), "success")
                return redirect("/login/")
            except Invalid as refusal:
                db.session.rollback()
                errors = refusal.fields
        return self.render_template(
            "accounts/welcome.html", person=people.look_at(secret) if errors else user, errors=errors,
            shortest_password=passwords.STAFF.shortest,
        )  # fmt: skip
