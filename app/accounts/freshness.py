"""What follows from a change of people, whoever makes it: rights are read anew, and sessions end. Nobody can forget to."""

from typing import Any

from flask_appbuilder.security.sqla.models import PermissionView, Role, User
from sqlalchemy import event, inspect, update
from sqlalchemy.orm import Session

from app.accounts import sessions
from app.accounts.models import Customer, Department, RightsVersion, RoleScope, StaffProfile
from app.accounts.steps import StatusStep

WATCHED = (Role, PermissionView, User, RoleScope, Department, StatusStep)
UNIMPORTANT = {"last_login", "login_count", "fail_login_count"}
ENDS_STAFF_SESSIONS = {"password", "email", "active", "roles"}
ENDS_CUSTOMER_SESSIONS = {"password_hash", "email_key", "active"}
"""Who has another password or address, or was switched off and on again, signs in anew, everywhere."""


@event.listens_for(Session, "before_flush")
def _raise_version(session: Session, *_: Any) -> None:
    if any(_matters(session, row) for row in (*session.new, *session.dirty, *session.deleted)):
        session.execute(update(RightsVersion).values(version=RightsVersion.version + 1))
    for row in list(session.dirty):
        if isinstance(row, User) and _changed(row) & ENDS_STAFF_SESSIONS:
            sessions.end_staff(row.id)
        elif isinstance(row, Customer) and _changed(row) & ENDS_CUSTOMER_SESSIONS:
            sessions.end_customer(row)


def _matters(session: Session, row: object) -> bool:
    if isinstance(row, StaffProfile):
        return row in session.new or "time_zone" in _changed(row)
    if not isinstance(row, WATCHED):
        return False
    if row in session.dirty and isinstance(row, User):
        return bool(_changed(row) - UNIMPORTANT)
    return True


def _changed(row: User | Customer | StaffProfile) -> set[str]:
    return {attribute.key for attribute in inspect(row).attrs if attribute.history.has_changes()}
