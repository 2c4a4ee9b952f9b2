"""Raises the version of all rights whenever a role, a right, a membership or a person changes: nobody can forget to."""

from typing import Any

from flask_appbuilder.security.sqla.models import PermissionView, Role, User
from sqlalchemy import event, inspect, update
from sqlalchemy.orm import Session

from app.accounts.models import Department, RightsVersion, RoleScope, StaffProfile

WATCHED = (Role, PermissionView, User, RoleScope, Department)
UNIMPORTANT = {"last_login", "login_count", "fail_login_count"}


@event.listens_for(Session, "before_flush")
def _raise_version(session: Session, *_: Any) -> None:
    if any(_matters(session, row) for row in (*session.new, *session.dirty, *session.deleted)):
        session.execute(update(RightsVersion).values(version=RightsVersion.version + 1))


def _matters(session: Session, row: object) -> bool:
    if isinstance(row, StaffProfile):
        return row in session.new
    if not isinstance(row, WATCHED):
        return False
    if row in session.dirty and isinstance(row, User):
        changed = {attribute.key for attribute in inspect(row).attrs if attribute.history.has_changes()}
        return bool(changed - UNIMPORTANT)
    return True
