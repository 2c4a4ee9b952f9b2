"""Generated pages for people on both sides of the desk, and staff's way in and out."""

from __future__ import annotations

from flask import current_app
from flask_appbuilder import AppBuilder
from flask_babel import lazy_gettext as _l

from app.accounts.views.customers import CustomerView, OrganizationView
from app.accounts.views.elsewhere import (
    DirectorySignInView,
    ProviderSignInView,
    ProxySignInView,
    SamlSignInView,
)
from app.accounts.views.factor import SecondFactorView, lead_to_set_up
from app.accounts.views.keys import ApiKeyView
from app.accounts.views.me import MyAccountView
from app.accounts.views.signin import FrontDoor, InvitationView, SignInView
from app.accounts.views.staff import DepartmentView, RoleScopeView, RoleView, StaffView

__all__ = ["SIGN_IN_VIEWS", "FrontDoor", "register"]

SIGN_IN_VIEWS = {
    "authdbview": SignInView,
    "authldapview": DirectorySignInView,
    "authoauthview": ProviderSignInView,
    "authsamlview": SamlSignInView,
    "authremoteuserview": ProxySignInView,
}
"""As Flask-AppBuilder's security manager names them; AUTH_TYPE chooses one."""


def register(appbuilder: AppBuilder) -> None:
    appbuilder.add_view(CustomerView, "Customers", label=_l("Customers"), icon="fa-address-book")
    appbuilder.add_view(OrganizationView, "Organizations", label=_l("Organizations"), icon="fa-building")
    appbuilder.add_view(
        DepartmentView,
        "Departments",
        label=_l("Departments"),
        category="Settings",
        category_label=_l("Settings"),
        category_icon="fa-gear",
    )
    appbuilder.add_view(StaffView, "Staff", label=_l("Staff"), category="Settings")
    appbuilder.add_view(RoleView, "Roles", label=_l("Roles"), category="Settings")
    appbuilder.add_view(RoleScopeView, "Role scopes", label=_l("Which tickets a role sees"), category="Settings")
    appbuilder.add_view(ApiKeyView, "API keys", label=_l("API keys"), category="Settings")
    appbuilder.sm.register_account_page(appbuilder.add_view_no_menu(MyAccountView))
    appbuilder.add_view_no_menu(SecondFactorView)
    appbuilder.add_view_no_menu(InvitationView)
    current_app.before_request(lead_to_set_up)
