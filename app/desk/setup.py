"""The idempotent set-up step: schema, permissions, roles, and the rows without which a desk cannot work."""

from __future__ import annotations

import logging
import secrets
import sys

import click
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from flask_appbuilder.security.manager import BaseSecurityManager
from flask_appbuilder.security.sqla.models import Permission, PermissionView, Role, User, ViewMenu
from flask_migrate import upgrade
from sqlalchemy import select
from werkzeug.security import generate_password_hash

from app.accounts import keys, roles
from app.accounts import staff as people
from app.accounts.models import Department, StaffProfile
from app.core import audit
from app.core.errors import Invalid
from app.core.extensions import db, migrate
from app.hours import calendars
from app.mail import boxes
from app.settings import desk
from app.sla import policies
from app.tickets import numbering, vocabularies
from app.tickets.choices import Category

DEMOS_FIRST = "super@deskhand.example"
"""The demo's Super Admin."""


def say(text: str) -> None:
    """Progress goes to stderr: answers alone go to stdout."""
    click.echo(text, err=True)


def set_up() -> None:
    """Bring database, rights and basic rows to what this code needs. Safe to run at every start and twice at once."""
    refuse_newer_database()
    say("bringing the database up to date …")
    upgrade()
    with audit.silent():
        set_up_rights()
        seed()


def refuse_newer_database() -> None:
    """A desk that was upgraded and is started with old code would write rows it does not understand."""
    scripts = ScriptDirectory.from_config(migrate.get_config())
    with db.engine.connect() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in scripts.walk_revisions()}
    if present is not None and present not in known:
        sys.exit(
            f"The database is newer than this code (revision {present}). Start the desk with the version that wrote it."
        )


def refuse_demo() -> None:
    """The demo's passwords were shown on a screen: its people sign in to no desk in production."""
    if db.session.scalar(select(User.id).where(User.email == DEMOS_FIRST).limit(1)) is not None:
        sys.exit("This database holds the demo, whose passwords are known. Start production with an empty one.")


def set_up_rights() -> None:
    """Permissions from the registered views, for the highest role; what other roles have of known ones stays the admin's.

    Asking for each permission takes a second: nothing is asked when the highest role has them all already.
    """
    appbuilder = current_app.appbuilder  # type: ignore[attr-defined]
    held = (
        select(Permission.name, ViewMenu.name)
        .select_from(Role)
        .join(Role.permissions)
        .join(PermissionView.permission)
        .join(PermissionView.view_menu)
        .where(Role.name == current_app.config["AUTH_ROLE_ADMIN"])
    )
    wanted = {
        (permission, view.class_permission_name)
        for view in appbuilder.baseviews
        for permission in view.base_permissions
    }
    wanted |= {("menu_access", name) for name in appbuilder.menu.get_flat_name_list()}
    new = wanted - {(permission, view) for permission, view in db.session.execute(held)}
    if not new:
        return
    logging.getLogger("flask_appbuilder.security.manager").setLevel(
        logging.ERROR
    )  # it would name a command of its own for the first person
    BaseSecurityManager.create_db(appbuilder.sm)
    appbuilder.add_permissions(update_perms=True)
    roles.give_new(new)
    db.session.commit()


def seed() -> None:
    """What a fresh desk starts with; rows that exist are left alone."""
    vocabularies.seed()
    numbering.seed()
    calendars.seed()
    policies.seed()
    boxes.seed()
    if db.session.scalar(select(Department.id).limit(1)) is None:
        support = Department(name="Support", description="The first address for every question.", position=0)
        db.session.add(support)
        db.session.flush()
        desk.change({"default_department": support.id})
    technical = db.session.scalar(select(Category.id).where(Category.name == roles.DEVELOPERS_CATEGORY))
    db.session.commit()
    roles.seed(str(technical or ""))
    keys.bind_old()
    db.session.commit()


def make_staff(  # one parameter a column of the form
    username: str,
    first_name: str,
    last_name: str,
    email: str,
    role: str,
    password: str | None = None,
    password_hash: str | None = None,
) -> User:
    """A staff user with their profile. Without a password nobody can sign in until an invitation sets one. Does not commit."""
    found = db.session.scalar(select(Role).where(Role.name == role))
    if found is None:
        raise click.ClickException(
            f"There is no role {role!r}. Roles: {', '.join(db.session.scalars(select(Role.name)))}"
        )
    if password is not None:
        try:
            people.check_password(password, username, email, first_name, last_name)
        except Invalid as refusal:
            raise click.ClickException(refusal.fields["password"])
    user = User(
        username=username, first_name=first_name, last_name=last_name, email=email, active=True, roles=[found],
        password=password_hash or generate_password_hash(password or secrets.token_urlsafe(24)),
    )  # fmt: skip
    db.session.add(user)
    db.session.flush()
    db.session.add(StaffProfile(user=user))
    db.session.flush()
    return user
