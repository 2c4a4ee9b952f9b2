"""What a new ticket gets where nobody chose: department, priority and status, asked for in one statement."""

from __future__ import annotations

from typing import NamedTuple

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, ScalarSelect, Select, bindparam, func, select

from app.accounts.models import Department
from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.core.model import BigId
from app.settings import desk
from app.tickets.choices import Category, Priority, State, Status
from app.tickets.lifecycle import NEIGHBOURS, initial_status

NORMAL = 2
"""The rank of what is neither urgent nor can wait."""


class Usual(NamedTuple):
    department: Department
    priority: Priority
    status: Status

    @classmethod
    def of(
        cls,
        category: Category | None,
        department: Department | None,
        priority: Priority | None,
        status: Status | None,
    ) -> Usual:
        """What was chosen, and the rest by the desk's rules. Raises HelpdeskError where the desk has no such row."""
        department = department or _by_category(category)
        if department is not None and priority is not None and status is not None:
            return cls(department, priority, status)
        row = db.session.execute(ALL_USUAL, {"department": desk.current().default_department}).first()
        if row is None:  # one of them is missing: perhaps one that was chosen here
            return cls(department or _usual_department(), priority or usual_priority(), status or initial_status())
        return cls(department or row[0], priority or row[1], status or row[2])


def _by_category(category: Category | None) -> Department | None:
    own = category.department if category is not None else None
    return own if own is not None and own.active else None


def _first_department() -> Select[int]:
    return (
        select(Department.id).where(Department.active.is_(True)).order_by(Department.position, Department.id).limit(1)
    )


def _first_priority() -> Select[int]:
    """The one of rank 2 (normal), else the least urgent one there is."""
    order = (Priority.rank != NORMAL, Priority.rank, Priority.id)
    return select(Priority.id).where(Priority.active.is_(True)).order_by(*order).limit(1)


def _first_status(*criteria: ColumnElement[bool]) -> Select[int]:
    """As lifecycle.status_for says it."""
    return select(Status.id).where(Status.active.is_(True), *criteria).order_by(Status.position, Status.id).limit(1)


def _id(wanted: Select[int]) -> ScalarSelect[int]:
    """As a value of its own: else SQLAlchemy takes the row outside for the one it looks for."""
    return wanted.correlate(None).scalar_subquery()


_chosen = select(Department.id).where(
    Department.id == bindparam("department", type_=BigId), Department.active.is_(True)
)
_status = func.coalesce(
    _id(_first_status(Status.initial.is_(True))),
    *(_id(_first_status(Status.state == state)) for state in (State.NEW, *NEIGHBOURS[State.NEW])),
)
ALL_USUAL = (
    select(Department, Priority, Status)
    .select_from(Department)
    .join(Priority, Priority.id == _id(_first_priority()))
    .join(Status, Status.id == _status)
    .where(Department.id == func.coalesce(_id(_chosen), _id(_first_department())))
)
"""Built once; one row of the three, or none where one of them is missing."""


def _usual_department() -> Department:
    """The desk's default, else the first."""
    chosen = desk.current().default_department
    department = db.session.get(Department, chosen) if chosen else None
    if department is not None and department.active:
        return department
    first = db.session.scalar(select(Department).where(Department.id == _id(_first_department())))
    if first is None:
        raise HelpdeskError(_("The desk has no department yet. An admin adds one under Settings."))
    return first


def usual_priority() -> Priority:
    found = db.session.scalar(select(Priority).where(Priority.id == _id(_first_priority())))
    if found is None:
        raise HelpdeskError(_("The desk has no priority yet. An admin adds one under Settings."))
    return found
