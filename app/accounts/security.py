"""Flask-AppBuilder's security manager on our Viewer: rights are read once a request and kept until they change."""

from typing import Any

from flask import request, session
from flask_appbuilder.const import AUTH_DB, AUTH_LDAP, AUTH_OAUTH, AUTH_REMOTE_USER, AUTH_SAML
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_login import current_user, login_user

from app.accounts import staff as people
from app.accounts.viewer import Viewer, viewer


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
        """Flask-Login asks once a request, with what Viewer.get_id() gave at sign-in. Reading the generation each time ends stolen or old sessions."""
        staff_id, _, generation = str(pk).partition(":")
        if not staff_id.isdecimal() or not generation.isdecimal() or request.blueprint in ("portal", "api"):
            return None
        return viewer(int(staff_id), int(generation))

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
        """A new session for a new sign-in, so that a cookie planted before it is worth nothing."""
        language = people.language(staff.id) or session.get("locale")
        session.clear()
        if language:
            session["locale"] = language
        session.permanent = True
        login_user(staff)
