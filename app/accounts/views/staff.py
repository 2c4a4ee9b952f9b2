"""Generated pages for staff, departments and roles."""

from __future__ import annotations

from typing import Any

from flask import flash, g, redirect, request
from flask_appbuilder import action
from flask_appbuilder.models.filters import BaseFilter
from flask_appbuilder.security.sqla.models import PermissionView, Role, User
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload
from wtforms import SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired

from app.accounts import staff as people
from app.accounts.models import Department, RoleScope, Scope, StaffProfile
from app.core.errors import Forbidden, Invalid
from app.core.extensions import db
from app.core.fab import DeskInterface, DeskView
from app.core.shipped import shown

LONGEST_ID = 18
"""Digits of a category's id."""
SCOPES = {
    Scope.ALL: _l("all tickets"),
    Scope.OWN_DEPARTMENTS: _l("all of their departments"),
    Scope.MINE_AND_UNASSIGNED: _l("their own and those of nobody"),
    Scope.CATEGORIES: _l("certain categories"),
}


class StaffInterface(DeskInterface):
    row_options = (selectinload(User.roles), selectinload(User.second_factor))


class RolesToGive(BaseFilter):
    """A form offers no role above one's own. One that is sent all the same reaches `people.check_roles`, which says why not."""

    def apply(self, query: Any, value: Any) -> Any:
        if request.method == "POST":
            return query
        rights = selectinload(Role.permissions)
        roles = db.session.scalars(
            select(Role).options(
                rights.joinedload(PermissionView.permission), rights.joinedload(PermissionView.view_menu)
            )
        )
        return query.filter(Role.id.in_([role.id for role in roles if people.may_give(g.user, role)]))


class StaffView(DeskView):
    datamodel = StaffInterface(User)
    route_base = "/admin/staff"
    class_permission_name = "Staff"
    titles = _l("Staff"), _l("New staff user"), _l("Staff user")
    list_columns = ["username", "first_name", "last_name", "email", "roles", "active", "second_factor", "last_login"]
    show_columns = [*list_columns, "login_count"]
    add_columns = ["username", "first_name", "last_name", "email", "roles"]
    edit_columns = [*add_columns, "active"]
    add_form_query_rel_fields = edit_form_query_rel_fields = {"roles": [["id", RolesToGive, None]]}
    search_columns = ["username", "first_name", "last_name", "email"]
    order_columns = ["username", "first_name", "last_name", "email", "last_login"]
    base_order = ("first_name", "asc")
    base_permissions = ["can_list", "can_show", "can_add", "can_edit", "can_delete", "can_invite"]
    method_permission_name = {"invite": "invite", "reset_factor": "invite"}
    """Both let somebody in anew."""
    label_columns = {
        "username": _l("User name"), "first_name": _l("First name"), "last_name": _l("Last name"), "email": _l("Email"), "roles": _l("Roles"),
        "active": _l("May sign in"), "second_factor": _l("Second factor"), "last_login": _l("Last sign-in"), "login_count": _l("Sign-ins"),
    }  # fmt: skip
    formatters_columns = {"second_factor": lambda factor: _("Yes") if factor and factor.in_force else _("No")}
    add_row_message = _l("Added. An invitation is on its way by mail.")

    def pre_add(self, person: User) -> None:
        people.check_roles(g.user, list(person.roles), [])
        person.active = True
        person.password = ""

    def pre_update(self, person: User) -> None:
        had = db.session.scalars(
            select(Role).join(Role.user).where(User.id == person.id).execution_options(populate_existing=False)
        ).all()
        if not all(people.may_give(g.user, role) for role in had):
            raise Forbidden(_("This person may do more than you may; only a Super Admin edits them."))
        people.check_roles(g.user, list(person.roles), list(had))

    def post_add(self, person: User) -> None:
        db.session.add(StaffProfile(user=person))  # itself, so that the audit log knows its name
        people.invite(person)
        db.session.commit()

    def pre_delete(self, person: User) -> None:
        raise Forbidden(_("People are switched off, not deleted: their replies keep their name."))

    def _get_show_widget(self, pk: Any, item: Any, **more: Any) -> Any:  # FAB's names
        """What would be refused is not offered."""
        offered = dict(self.actions)
        if not people.may_reset_factor(g.user, item):
            offered.pop("reset_factor")
        return super()._get_show_widget(pk, item, **more, actions=offered)

    @action(
        "invite",
        _l("Invite again"),
        _l("Mail a new link to choose a password?"),
        "fa-envelope",
        single=True,
        multiple=True,
    )
    def invite(self, chosen: Any) -> Any:
        for person in chosen if isinstance(chosen, list) else [chosen]:
            people.invite(person)
        db.session.commit()
        flash(_("The invitation is on its way."), "success")
        return redirect(self.get_redirect())

    @action(
        "reset_factor",
        _l("Reset second factor"),
        _l(
            "Switch off their second factor? They sign in with the password alone until they set up a new one, and are told by mail."
        ),
        "fa-mobile",
        single=True,
        multiple=False,
    )
    def reset_factor(self, person: Any) -> Any:
        people.reset_factor(g.user, person)
        db.session.commit()
        flash(_("The second factor of %(name)s is off.", name=person.get_full_name()), "success")
        return redirect(self.get_redirect())


class DepartmentInterface(DeskInterface):
    row_options = (selectinload(Department.members), joinedload(Department.lead))


class DepartmentView(DeskView):
    datamodel = DepartmentInterface(Department)
    route_base = "/admin/departments"
    class_permission_name = "Department"
    titles = _l("Departments"), _l("New department"), _l("Department")
    list_columns = ["name", "members", "lead", "public", "active", "position"]
    show_columns = ["name", "description", "email", "members", "lead", "calendar", "public", "active", "position"]
    add_columns = edit_columns = show_columns
    order_columns = ["name", "position"]
    base_order = ("position", "asc")
    label_columns = {
        "name": _l("Name"), "description": _l("Description"), "email": _l("Email"), "members": _l("Members"), "lead": _l("Lead"), "calendar": _l("Calendar"),
        "public": _l("Customers may choose it"), "active": _l("Active"), "position": _l("Place in lists"),
    }  # fmt: skip
    formatters_columns = {"name": shown, "description": shown}
    description_columns = {
        "members": _l("Members of departments see only the tickets of these; somebody without any is not restricted."),
        "calendar": _l("When it works: promises, automatic assignment and rules go by it. None: the desk's."),
    }


class RoleView(DeskView):
    """Flask-AppBuilder's roles: what their holders may do. Only Super Admins have this page."""

    datamodel = DeskInterface(Role)
    route_base = "/admin/roles"
    class_permission_name = "Role"
    titles = _l("Roles"), _l("New role"), _l("Role")
    list_columns = ["name"]
    show_columns = add_columns = edit_columns = ["name", "permissions"]
    order_columns = ["name"]
    label_columns = {"name": _l("Name"), "permissions": _l("Rights")}


class RoleScopeView(DeskView):
    datamodel = DeskInterface(RoleScope)
    route_base = "/admin/role-scopes"
    class_permission_name = "Role"
    titles = _l("Which tickets a role sees"), _l("New scope"), _l("Scope")
    list_columns = ["role", "scope", "categories", "second_factor"]
    show_columns = list_columns
    add_columns = list_columns
    edit_columns = ["scope", "categories", "second_factor"]
    search_columns = ["categories"]
    order_columns = ["scope"]
    label_columns = {
        "role": _l("Role"), "scope": _l("Sees"), "categories": _l("Ids of the categories"), "second_factor": _l("Needs a second factor"),
    }  # fmt: skip
    description_columns = {
        "second_factor": _l(
            "Who has this role sets one up before anything else opens. Programs with their API keys go on."
        )
    }
    formatters_columns = {"scope": lambda scope: SCOPES[Scope(scope)]}
    add_form_extra_fields = edit_form_extra_fields = {
        "scope": SelectField(
            _l("Sees"),
            [DataRequired()],
            choices=[SelectChoice(scope.value, label) for scope, label in SCOPES.items()],
            coerce=Scope,
        )
    }

    def pre_add(self, scope: RoleScope) -> None:
        """Read with each holder's rights: one word that is no id would lock all of them out, who wrote it among them."""
        scope.categories = (scope.categories or "").replace(",", " ")
        if not all(word.isascii() and word.isdigit() and len(word) <= LONGEST_ID for word in scope.categories.split()):
            raise Invalid(_("This choice does not exist (any more)."), {"categories": _("Please choose again.")})

    def pre_update(self, scope: RoleScope) -> None:
        self.pre_add(scope)
