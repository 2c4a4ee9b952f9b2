"""The roles a new desk starts with, as Flask-AppBuilder roles an admin can edit, and the scope of each."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import current_app
from flask_appbuilder.security.sqla.models import Permission, PermissionView, Role, ViewMenu
from sqlalchemy import select

from app.accounts.models import RightsVersion, RoleScope, Scope
from app.core.extensions import db

CRUD = ("list", "show", "add", "edit", "delete")
READ = ("list", "show")
NOTES = ("list", "add", "edit", "delete")
WORK = ("list", "show", "add", "reply", "note", "status", "priority", "category", "assign", "tag", "link", "documents", "task", "time", "supplier", "people", "environment")  # fmt: skip
LEAD = ("time_others", "budget", "incident")
SHAPE = ("department", "merge", "split", "hide", "spam")
OVERSEE = ("bulk", "export")
TIDY = ("task_delete",)
SELF = {"MyAccount": ("list", "edit")}
KEEP_SHOP = {
    "CannedResponse": CRUD,
    "Macro": (*CRUD, "share"),
    "Category": CRUD,
    "Skill": CRUD,
    "Availability": ("list", "show", "edit"),
    "Absence": CRUD,
    "Article": CRUD,
    "SavedView": CRUD,
    "BannedSender": CRUD,
}
RUN_DESK = {
    "Department": CRUD,
    "Staff": (*CRUD, "invite"),
    "Status": CRUD,
    "StatusStep": ("list", "edit"),
    "Priority": CRUD,
    "Tag": CRUD,
    "LinkType": CRUD,
    "ActivityType": CRUD,
    "CustomField": CRUD,
    "Supplier": CRUD,
    "Environment": CRUD,
    "Mailbox": CRUD,
    "SlaPolicy": CRUD,
    "Calendar": ("list", "add", "edit", "delete"),
    "Pool": CRUD,
    "Rule": CRUD,
    "Setting": ("list", "edit"),
    "Job": ("list", "retry"),
    "MailLog": ("list", "show", "retry"),
    "MailFilter": ("list", "add", "edit", "delete"),
    "Quarantine": ("list", "show", "edit", "delete"),
    "MailLab": ("list", "show", "add"),
    "ApiKey": ("list", "show", "add", "edit", "delete"),
}
PEOPLE = {
    "Customer": ("list", "show", "add", "edit"),
    "Organization": ("list", "show", "add", "edit"),
    "CustomerNote": ("list", "add"),
}
SEE_FIGURES = {
    "Dashboard": ("list",),
    "Report": ("list", "team"),
    "TimeReport": ("list", "everybody"),
    "TeamLoad": ("list",),
}


class RoleRow(NamedTuple):
    """What a role may do: view -> verbs (`can_<verb> on <view>`), and which tickets it sees."""

    scope: Scope
    rights: dict[str, tuple[str, ...]]


ROLES: dict[str, RoleRow] = {
    "Admin": RoleRow(
        Scope.ALL,
        {
            "Ticket": (*WORK, *SHAPE, *OVERSEE, *LEAD, *TIDY),
            **PEOPLE,
            "Customer": CRUD,
            "Organization": CRUD,
            "CustomerNote": NOTES,
            **KEEP_SHOP,
            **RUN_DESK,
            **SEE_FIGURES,
            "Audit": READ,
            **SELF,
        },
    ),
    "Supervisor": RoleRow(
        Scope.ALL,
        {
            "Ticket": (*WORK, *SHAPE, *OVERSEE, *LEAD),
            **PEOPLE,
            "CustomerNote": NOTES,
            **KEEP_SHOP,
            **SEE_FIGURES,
            **SELF,
        },
    ),
    "Support Agent": RoleRow(
        Scope.MINE_AND_UNASSIGNED,
        {
            "Ticket": (*WORK, *SHAPE, *OVERSEE),
            **PEOPLE,
            "CannedResponse": CRUD,
            "Macro": CRUD,
            "BannedSender": ("add",),
            "Article": READ,
            "Dashboard": ("list",),
            "Report": ("list",),
            "TimeReport": ("list",),
            **SELF,
        },
    ),
    "Developer": RoleRow(
        Scope.CATEGORIES,
        {
            "Ticket": WORK,
            "Customer": READ,
            "Organization": READ,
            "CustomerNote": ("list",),
            "CannedResponse": READ,
            "Macro": CRUD,
            "Article": READ,
            "Dashboard": ("list",),
            "TimeReport": ("list",),
            **SELF,
        },
    ),
}
"""docs/roles.md says it in a table. Super Admin has every right: Flask-AppBuilder sees to that at each set-up."""
DEVELOPERS_CATEGORY = "Technical Support"


def seed(developer_categories: str) -> list[str]:
    """Make the roles that are missing, with their rights and scopes; roles that exist keep what an admin gave them.

    Returns the names of the new ones.
    """
    if db.session.get(RightsVersion, 1) is None:
        db.session.add(RightsVersion(id=1, version=1))
    sm = current_app.appbuilder.sm  # type: ignore[attr-defined]
    made = []
    for name, row in ROLES.items():
        role = sm.find_role(name)
        if role is None:
            role = Role(name=name)
            db.session.add(role)
            made.append(name)
        elif db.session.get(RoleScope, role.id) is not None:
            continue
        role.permissions = _permissions(row.rights)
        db.session.flush()
        db.session.merge(
            RoleScope(
                role_id=role.id,
                scope=row.scope,
                categories=developer_categories if row.scope is Scope.CATEGORIES else "",
            )
        )
    admin = sm.find_role(current_app.config["AUTH_ROLE_ADMIN"])
    if db.session.get(RoleScope, admin.id) is None:
        db.session.add(RoleScope(role_id=admin.id, scope=Scope.ALL, categories=""))
    db.session.commit()
    return made


def give_new(permissions: set[tuple[str, str]]) -> None:
    """Rights that this version brought (permission, view) go to the shipped roles that a fresh desk would give them. Does not commit."""
    sm = current_app.appbuilder.sm  # type: ignore[attr-defined]
    for name, row in ROLES.items():
        role = sm.find_role(name)
        if role is None or db.session.get(RoleScope, role.id) is None:
            continue
        held = set(role.permissions)
        role.permissions += [
            one
            for one in _permissions(row.rights)
            if one not in held and (one.permission.name, one.view_menu.name) in permissions
        ]


def _permissions(rights: dict[str, tuple[str, ...]]) -> list[Any]:
    """The permission rows of a role, with the menu entries of the views it may list."""
    wanted = {(f"can_{verb}", view) for view, verbs in rights.items() for verb in verbs}
    wanted |= {
        ("menu_access", entry) for entry in _menu_entries({view for view, verbs in rights.items() if "list" in verbs})
    }
    rows = db.session.execute(
        select(PermissionView, Permission.name, ViewMenu.name)
        .join(PermissionView.permission)
        .join(PermissionView.view_menu)
    ).all()
    return [row[0] for row in rows if (row[1], row[2]) in wanted]


def _menu_entries(views: set[str]) -> set[str]:
    entries: set[str] = set()
    for category in current_app.appbuilder.menu.get_list():  # type: ignore[attr-defined]
        children = [
            child
            for child in category.childs
            if child.baseview is not None and child.baseview.class_permission_name in views
        ]
        if children or (category.baseview is not None and category.baseview.class_permission_name in views):
            entries |= {category.name, *(child.name for child in children)}
    return entries
