"""What a ticket's page shows of its suppliers and of who else has to do with it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import BindParameter, Executable, Select, bindparam, func, literal, select

from app.accounts.models import Department
from app.core import web
from app.core.rows import plain_rows
from app.desk.lookups import Lookups, Named
from app.mail.models import Delivery, DeliveryState
from app.tickets.models import Participant, ParticipantRole
from app.tickets.supplied import Supplier, SupplierContact, TicketSupplier, Turn


def named_arms(suppliers: int, further: int) -> tuple[Select[int, str, int, int], ...]:
    """For the list's statement of what its rows hold: the names of suppliers and of further people, as values of these two fields."""
    here: BindParameter[Any] = bindparam("ids", expanding=True)
    company = (
        select(TicketSupplier.ticket_id, Supplier.name, literal(suppliers), literal(0))
        .join(Supplier, Supplier.id == TicketSupplier.supplier_id)
        .where(TicketSupplier.ticket_id.in_(here))
    )
    person = (
        select(Participant.ticket_id, User.first_name + " " + User.last_name, literal(further), literal(1))
        .join(User, User.id == Participant.staff_id)
        .where(Participant.ticket_id.in_(here), Participant.role == ParticipantRole.ADDED)
    )
    department = (
        select(Participant.ticket_id, Department.name, literal(further), literal(0))
        .join(Department, Department.id == Participant.department_id)
        .where(Participant.ticket_id.in_(here), Participant.role == ParticipantRole.DEPARTMENT)
    )
    return company, person, department


class Line(NamedTuple):
    """A supplier of the ticket."""

    id: int
    name: str
    turn: Turn
    subject: str
    since: tuple[str, str, str] | None
    """When they were asked, or answered."""
    mail: DeliveryState | None
    """What became of the last mail to them."""
    bounced: bool


class Contact(NamedTuple):
    """Somebody who may be written to."""

    id: int
    supplier: int
    company: str
    name: str
    email: str
    here: bool
    """Their company is brought in already."""


class Further(NamedTuple):
    """Somebody who was added to the ticket, or may be."""

    key: str
    name: str
    department: bool


@lru_cache(1)
def _lines() -> Executable:
    last = (
        select(func.max(Delivery.id))
        .join(SupplierContact, SupplierContact.id == Delivery.supplier_contact_id)
        .where(
            Delivery.ticket_id == TicketSupplier.ticket_id, SupplierContact.supplier_id == TicketSupplier.supplier_id
        )
        .scalar_subquery()
    )
    return (
        select(
            Supplier.id, Supplier.name, TicketSupplier.turn, TicketSupplier.subject, TicketSupplier.asked_at, TicketSupplier.answered_at, Delivery.state, Delivery.bounced_at,
        )
        .join(Supplier, Supplier.id == TicketSupplier.supplier_id)
        .outerjoin(Delivery, Delivery.id == last)
        .where(TicketSupplier.ticket_id.in_(bindparam("tickets", expanding=True)))
        .order_by(Supplier.name, TicketSupplier.id)
    )  # fmt: skip


def lines_of(ticket_ids: Sequence[int]) -> list[Line]:
    """Of a ticket and those that go on in it."""
    found = []
    for row in plain_rows(_lines(), {"tickets": list(ticket_ids)}):
        at = row.answered_at if row.turn is Turn.ANSWERED else row.asked_at
        since = web.instant(at) if at is not None else None
        found.append(Line(row.id, row.name, row.turn, row.subject, since, row.state, row.bounced_at is not None))
    return found


def contacts_of(names: Lookups, lines: Sequence[Line], department_id: int, category_id: int | None) -> list[Contact]:
    """The ticket's own suppliers first, then those that help with its department or category, then all others."""
    here, wanted = {line.id for line in lines}, {row.id for row in names.all("serves") if row.place == category_id}
    companies = {row.id: row for row in names.all("supplier") if row.active}
    found = [
        Contact(row.id, row.place, companies[row.place].name, row.name, row.detail, row.place in here)
        for row in names.all("contact")
        if row.active and row.place in companies
    ]

    def fits(one: Contact) -> tuple[bool, bool, str]:
        serves = one.supplier in wanted or companies[one.supplier].detail == str(department_id)
        return (not one.here, not serves, companies[one.supplier].name.casefold())

    return sorted(found, key=fits)


def further_of(names: Lookups) -> list[Further]:
    """Staff and departments that were added."""
    found = [_person(names, row.place) for row in names.all("added")]
    return found + [_department(names, row.place) for row in names.all("shared")]


def addable(names: Lookups, department_id: int) -> list[Further]:
    there = {one.key for one in further_of(names)}
    people = [_person(names, row.id) for row in names.all("person") if row.active]
    departments = [
        _department(names, row.id) for row in names.all("department") if row.active and row.id != department_id
    ]
    return [one for one in (*departments, *people) if one.key not in there]


def _person(names: Lookups, staff_id: int) -> Further:
    return Further(f"person:{staff_id}", names.name("person", staff_id) or "?", False)


def _department(names: Lookups, department_id: int) -> Further:
    return Further(f"department:{department_id}", names.name("department", department_id) or "?", True)


def environments(names: Lookups, current: int | None) -> list[Named]:
    return names.active("environment", current)
