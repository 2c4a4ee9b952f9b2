"""Flask-AppBuilder's security manager on our Viewer: rights are read once a request and kept until they change."""

from typing import Any

from flask import g, request, session
from flask_appbuilder.const import AUTH_DB, AUTH_LDAP, AUTH_OAUTH, AUTH_REMOTE_USER, AUTH_SAML
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_appbuilder.security.sqla.models import User
from flask_login import current_user, login_user, logout_user
from sqlalchemy import func, select

from app.accounts import guessing, passwords, sessions, signon
from app.accounts import staff as people
from app.accounts.models import StaffProfile
from app.accounts.viewer import Viewer, signed_in
from app.core.extensions import db

LONGEST_ID = 10
"""Digits of a staff user's id."""


class DeskSecurityManager(SecurityManager):
    """For an anonymous visitor every right is refused, also what FAB's Public role would allow."""

    def register_views(self) -> None:
        """The sign-in alone: staff, roles and one's own account are pages of ours, where nobody hands out more than they have."""
        views = {
            AUTH_DB: self.authdbview,
            AUTH_LDAP: self.authldapview,
            AUTH_OAUTH: self.authoauthview,
            AUTH_REMOTE_USER: self.authremoteuserview,
            AUTH_SAML: self.authsamlview,
        }
        self.auth_view = views[self.auth_type]()
        self.appbuilder.add_view_no_menu(self.auth_view)

    def add_permissions_view(self, base_permissions: list[str], view_menu: str) -> None:
        """Adds what is missing and gives it to the highest role. Several views share one name, so a right that one of them
        does not know is never taken away, as Flask-AppBuilder would."""
        self.add_view_menu(view_menu)
        highest = self.find_role(self.auth_role_admin)
        for permission in base_permissions:
            self.add_permission_role(highest, self.add_permission_view_menu(permission, view_menu))

    def register_account_page(self, page: Any) -> None:
        """Flask-AppBuilder links "Profile" to this view's `userinfo`."""
        self.user_view = page

    def load_user(self, pk: str) -> Viewer | None:
        """Flask-Login asks once a request, with what `start_session` kept. The row of the session is read each time: without it the cookie is nobody's."""
        staff_id, _, secret = str(pk).partition(":")
        if not staff_id.isdecimal() or len(staff_id) > LONGEST_ID or request.blueprint in ("portal", "api"):
            return None
        return signed_in(int(staff_id), secret)

    def auth_user_db(self, username: str, password: str) -> User | None:
        """As Flask-AppBuilder's, by the one check that customers' passwords go through too."""
        user = self.find_user(username=username) or self.find_user(email=username)
        right = passwords.matches(user.password if user is not None and user.is_active else None, password)
        if user is not None and user.is_active:
            self.update_user_auth_stat(user, right)
        return user if right else None

    def auth_user_ldap(self, username: str, password: str) -> User | None:
        """A directory takes an empty password for an anonymous visit and says yes."""
        if not password.strip("\0 ") or len(password) > passwords.LONGEST:
            return None
        import ldap

        ldap.set_option(
            ldap.OPT_NETWORK_TIMEOUT, signon.TIMEOUT_SECONDS
        )  # else a silent directory holds a thread for ever
        ldap.set_option(ldap.OPT_TIMEOUT, signon.TIMEOUT_SECONDS)
        return super().auth_user_ldap(username, password)

    def auth_user_oauth(self, userinfo: dict[str, Any]) -> User | None:
        """Whoever was invited by their address is known by it too, when the provider proved it."""
        known = self.find_user(username=userinfo.get("username"))
        mail = userinfo.get("email", "")
        if known is None and mail:
            known = db.session.scalar(select(User).where(func.lower(User.email) == mail.lower()).limit(1))
            if known is not None:
                userinfo = {**userinfo, "username": known.username}
        return super().auth_user_oauth(userinfo)

    def user_of_token(self, provider: str, token: dict[str, Any]) -> dict[str, Any]:
        """By the signed claims of OpenID where there are any, else as Flask-AppBuilder asks the providers it knows."""
        claims = token.get("userinfo")
        if claims:
            named = next(one for one in self.oauth_providers if one["name"] == provider)
            return signon.who(provider, claims, bool(named.get("trusted")))
        self.set_oauth_session(provider, token)
        try:
            return dict(self.oauth_user_info(provider, token))
        finally:
            session.pop("oauth", None)
            session.pop("oauth_provider", None)

    def add_user(self, username: str, first_name: str, last_name: str, email: str, role: Any = None, password: str = "", **more: Any) -> Any:  # fmt: skip
        """Whom another door made, such as `flask fab create-user` or a first visit from a directory, has a profile like all staff."""
        if password:
            people.check_password(password, username, email, first_name, last_name)
        user = super().add_user(username, first_name, last_name, email, role, password, **more)
        if user:
            db.session.add(StaffProfile(user=user))
            db.session.commit()
        return user

    def reset_password(self, userid: int, password: str) -> None:
        """`flask fab reset-password`: the desk's rules, and its sessions end."""
        people.set_password(db.session.get_one(User, userid), password)
        db.session.commit()

    @staticmethod
    def before_request() -> None:
        """The person, not Flask-Login's stand-in for them, which looks for request, session and person at each attribute.
        A static file asks nobody who wants it."""
        file = (request.endpoint or "static").endswith("static")
        g.user = current_user if file else current_user._get_current_object()

    def has_access(self, permission_name: str, view_name: str) -> bool:
        return bool(current_user.is_authenticated) and (permission_name, view_name) in current_user.permissions

    def is_item_public(self, permission_name: str, view_name: str) -> bool:
        return False

    def get_user_menu_access(self, menu_names: list[str] | None = None) -> set[str]:
        if not current_user.is_authenticated:
            return set()
        seen = {view for name, view in current_user.permissions if name == "menu_access"}
        return seen & set(menu_names) if menu_names else seen

    def get_user_roles(self, user: Any = None) -> list[Any]:
        person = (
            self.get_user_by_id(current_user.id) if isinstance(user or current_user, Viewer) or user is None else user
        )
        return list(person.roles) if person else []

    @staticmethod
    def start_session(staff: Viewer) -> None:
        """A new session for a new sign-in, so that a cookie planted before it is worth nothing. One that was open here ends. Commits."""
        kept = {**_outliving(), "locale": people.language(staff.id) or session.get("locale")}
        sessions.end(current_secret())
        secret = sessions.begin(staff.generation, staff_id=staff.id)
        db.session.commit()
        session.clear()
        session.update({name: value for name, value in kept.items() if value})
        session.permanent = True
        login_user(staff)
        session["_user_id"] = f"{staff.id}:{secret}"

    @staticmethod
    def end_session() -> None:
        """For good: a copy of the cookie opens nothing either. Commits."""
        kept = {**_outliving(), "locale": session.get("locale")}
        sessions.end(current_secret())
        db.session.commit()
        logout_user()
        session.clear()
        session.update({name: value for name, value in kept.items() if value})


def _outliving() -> dict[str, Any]:
    """Of the browser, not of the person."""
    return {guessing.KNOWN: session.get(guessing.KNOWN)}


def current_secret() -> str:
    """What the cookie of this request says of its session; empty without one."""
    return str(session.get("_user_id", "")).partition(":")[2]
