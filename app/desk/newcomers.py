"""Departments, categories, staff and customers of another helpdesk's export; who is known already is used as they are."""

from __future__ import annotations

import dataclasses as dc
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import insert, select
from werkzeug.security import generate_password_hash

from app.accounts.models import Customer, Department, Organization
from app.core import clock
from app.core.extensions import db
from app.desk import csvdesk
from app.desk.csvdesk import GivenCategory, GivenCustomer, GivenDepartment, GivenStaff, NotReadable
from app.desk.setup import make_staff
from app.tickets.choices import Category

ROLES = {"agent": "Support Agent", "supervisor": "Supervisor", "admin": "Admin"}
BATCH = 5_000


class Person(NamedTuple):
    id: int
    name: str
    email: str = ""


@dc.dataclass(frozen=True)
class Newcomers:
    """The files' ids -> ours. The empty id is nobody and nothing."""

    departments: dict[str, int]
    categories: dict[str, int | None]
    staff: dict[str, Person]
    customers: dict[str, Person]


def settle(folder: Path) -> Newcomers:
    """Make whoever is missing. Does not commit."""
    departments = _departments(folder)
    db.session.flush()
    return Newcomers(
        {key: department.id for key, department in departments.items()},
        {"": None, **_categories(folder, departments)},
        _staff(folder, departments),
        _customers(folder),
    )


def _departments(folder: Path) -> dict[str, Department]:
    known = {row.name.casefold(): row for row in db.session.scalars(select(Department))}
    found = {}
    for given in csvdesk.rows(folder, "departments.csv", GivenDepartment):
        department = known.get(given.name.casefold()) or Department(name=given.name, email=given.email or None)
        known[given.name.casefold()] = found[given.id] = department
        db.session.add(department)
    return found


def _categories(folder: Path, departments: dict[str, Department]) -> dict[str, int]:
    known = {row.name.casefold(): row for row in db.session.scalars(select(Category))}
    found = {}
    for given in csvdesk.rows(folder, "categories.csv", GivenCategory):
        category = known.get(given.name.casefold())
        if category is None:
            category = Category(name=given.name, department=departments.get(given.department_id))
        known[given.name.casefold()] = found[given.id] = category
        db.session.add(category)
    db.session.flush()
    return {key: category.id for key, category in found.items()}


def _staff(folder: Path, departments: dict[str, Department]) -> dict[str, Person]:
    """New ones cannot sign in until an invitation or an admin gives them a password. An admin belongs to no department: they see all."""
    known = {user.username: user for user in db.session.scalars(select(User))}
    nobodys = generate_password_hash(secrets.token_urlsafe(24))
    found = {}
    for given in csvdesk.rows(folder, "staff.csv", GivenStaff):
        user = known.get(given.username)
        if user is None:
            role = ROLES.get(given.role)
            if role is None:
                raise NotReadable(f"staff.csv: {given.role!r} is not one of {', '.join(ROLES)}.")
            user = make_staff(
                given.username, given.first_name, given.last_name, given.email, role, password_hash=nobodys
            )
            if given.department_id in departments and given.role != "admin":
                departments[given.department_id].members.append(user)
        found[given.id] = Person(user.id, f"{user.first_name} {user.last_name}".strip() or user.username, user.email)
    db.session.flush()
    return found


def _customers(folder: Path) -> dict[str, Person]:
    given = list(csvdesk.rows(folder, "customers.csv", GivenCustomer))
    organizations = _organizations({one.company.strip() for one in given} - {""})
    known = _known_customers()
    missing = {one.email.strip().casefold(): one for one in given if one.email.strip().casefold() not in known}
    _insert(Customer, [_customer(one, organizations) for one in missing.values()])
    known = _known_customers()
    return {one.id: known[one.email.strip().casefold()] for one in given}


def _known_customers() -> dict[str, Person]:
    rows = db.session.execute(select(Customer.email_key, Customer.id, Customer.name, Customer.email))
    return {row.email_key: Person(row.id, row.name or row.email, row.email) for row in rows}


def _customer(given: GivenCustomer, organizations: dict[str, int]) -> dict[str, Any]:
    """Core inserts run no validators: the keys by which customers are found are made here as the model makes them."""
    name = f"{given.first_name} {given.last_name}".strip() or given.email
    return {
        "name": name, "name_key": name.casefold()[:255], "email": given.email.strip(), "email_key": given.email.strip().casefold(),
        "organization_id": organizations.get(given.company.strip()), "created_at": csvdesk.instant(given.created_at),
    }  # fmt: skip


def _organizations(names: Iterable[str]) -> dict[str, int]:
    def known() -> dict[str, int]:
        return {row.name: row.id for row in db.session.execute(select(Organization.name, Organization.id))}

    before = known()
    now = clock.now()
    _insert(Organization, [{"name": name, "created_at": now} for name in sorted(set(names) - before.keys())])
    return known()


def _insert(model: Any, values: list[dict[str, Any]]) -> None:
    for start in range(0, len(values), BATCH):
        db.session.execute(insert(model.__table__), values[start : start + BATCH])
