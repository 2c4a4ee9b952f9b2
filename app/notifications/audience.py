"""Groups of staff who hear of a ticket, each cut to those who see it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator

from flask import current_app
from flask_appbuilder.security.sqla.models import PermissionView, Role, User
from sqlalchemy import and_, bindparam, select

from app.accounts import models as people
from app.accounts.models import StaffProfile, department_member
from app.accounts.viewer import Viewer, viewer, viewers
from app.core.extensions import db
from app.tickets.models import Ticket
from app.tickets.visibility import parts_of
from app.tickets.visibility import sees as may_see

SUPERVISORS = "Supervisor"
"""The role whose people watch over promises."""
MOST = 200
"""People told of one ticket; a larger team than that follows the list."""


PRESENT = (
    select(StaffProfile.user_id, StaffProfile.availability, StaffProfile.away_until)
    .join(User, User.id == StaffProfile.user_id)
    .where(User.active.is_(True))
    .order_by(StaffProfile.user_id)
    .limit(MOST)
)
PRESENT_MEMBERS = PRESENT.where(
    StaffProfile.user_id.in_(
        select(department_member.c.staff_id).where(department_member.c.department_id == bindparam("department"))
    )
)
"""Built once."""


def sees(staff_id: int, ticket: Ticket) -> bool:
    person = viewer(staff_id)
    return person is not None and may_see(person, ticket)


def available(ticket: Ticket, at: dt.datetime) -> list[Viewer]:
    """Who may answer it and is there: the department's members, or everybody in a desk whose departments have none."""
    members = db.session.execute(PRESENT_MEMBERS, {"department": ticket.department_id}).all()
    profiles = members or db.session.execute(PRESENT).all()
    there = [each.user_id for each in profiles if people.available(each.availability, each.away_until, at)]
    return [person for person in _who_see(ticket, there) if person.can("reply")]


def supervisors(ticket: Ticket) -> list[Viewer]:
    return _who_see(ticket, watchers())


def watchers() -> list[int]:
    """Supervisors, whatever they see."""
    theirs = select(User.id).where(User.active.is_(True), User.roles.any(Role.name == SUPERVISORS))
    return list(db.session.scalars(theirs.order_by(User.id).limit(MOST)))


def keepers_of_mail() -> Iterator[Viewer]:
    """Who may look after mails that do not leave."""
    return _who_may("can_retry", "MailLog")


def keepers_of_rules() -> Iterator[Viewer]:
    return _who_may("can_edit", "Rule")


def _who_may(permission: str, view: str) -> Iterator[Viewer]:
    may = (PermissionView.permission.has(name=permission), PermissionView.view_menu.has(name=view))
    ids = select(User.id).where(User.active.is_(True), User.roles.any(Role.permissions.any(and_(*may))))
    return (
        person for staff_id in db.session.scalars(ids.limit(MOST)).all() if (person := viewer(staff_id)) is not None
    )


def lead(ticket: Ticket) -> Viewer | None:
    """Of the ticket's department, if there is one who sees it."""
    found = viewer(ticket.department.lead_id) if ticket.department.lead_id else None
    return found if found is not None and may_see(found, ticket) else None


def group(name: str, ticket: Ticket) -> list[int]:
    """Of those whom a level of a promise names: supervisors, the lead, or the members of a department; each who sees the ticket."""
    if name == "supervisors":
        return [person.id for person in supervisors(ticket)]
    if name == "lead":
        found = lead(ticket)
        return [found.id] if found is not None else []
    kind, _colon, department = name.partition(":")
    if kind != "department" or not department.isdecimal():
        return []
    members = select(department_member.c.staff_id).where(department_member.c.department_id == int(department))
    return [person.id for person in _who_see(ticket, db.session.scalars(members.limit(MOST)).all())]


def proof_link(secret: str) -> str:
    """Where a customer proves their address."""
    return f"{current_app.config['PUBLIC_URL']}/portal/prove/{secret}"


def _who_see(ticket: Ticket, ids: Iterable[int]) -> list[Viewer]:
    """Two statements, however many they are."""
    parts = parts_of(ticket)
    return [person for person in viewers(ids) if may_see(person, ticket, parts)]
