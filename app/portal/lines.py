"""The lines of the customers' table: a page of tickets in one statement that is built once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, func, literal, or_, select

from app.accounts.models import Customer, Department
from app.accounts.viewer import CustomerActor, Kind
from app.core import web
from app.core.extensions import db
from app.core.model import BigId
from app.core.shipped import shown
from app.settings import desk
from app.tickets.choices import Status
from app.tickets.models import Ticket, TicketKind
from app.tickets.visibility import visible_to

PAGE_SIZE = 25
CUSTOMER: Any = bindparam("customer", type_=BigId)
ORDERS = {
    "number": Ticket.number,
    "subject": func.lower(Ticket.subject),
    "status": Status.position,
    "department": Department.name,
    "updated": Ticket.last_activity_at,
}
NEIGHBOURS: dict[str, tuple[Any, Any]] = {
    "status": (Status, Ticket.status_id),
    "department": (Department, Ticket.department_id),
}
"""Of the orders, those that lie in another table."""
COLUMNS: tuple[Any, ...] = (
    Ticket.number, Ticket.subject, Ticket.kind, Ticket.documents_wanted, Ticket.documents_here, Ticket.requester_id, Ticket.state, Ticket.last_activity_at,
    Status.name.label("status"), Status.customer_label, Department.name.label("department"), Customer.name.label("requester"),
)  # fmt: skip
SHOWN = (
    Ticket.__table__.join(Status, Status.id == Ticket.status_id)
    .join(Department, Department.id == Ticket.department_id)
    .join(Customer, Customer.id == Ticket.requester_id)
)


class Row(NamedTuple):
    """What one line of the table says, in the reader's language: plain words only, so that it is drawn once as long as they stay the same."""

    number: int
    display: str
    subject: str
    kind: str
    documents: tuple[int, int] | None
    """Of the documents we asked for, how many are here, and how many we want."""
    colleague: str | None
    """Who asked, when it was not the reader."""
    state: str
    status: str
    department: str
    updated: tuple[str, str, str]
    """Machine's, whole and short form of an instant."""


class Shape(NamedTuple):
    """What of a reader and their wish changes the text of a statement. Everything else is a parameter, so that it is built once:
    to build it costs several times what it costs to run."""

    colleagues: bool
    words: bool

    @property
    def seen(self) -> ColumnElement[bool]:
        """The row rule for any customer: parameters stand where an actor has ids. A ticket that goes on in another of theirs is that one."""
        organization: Any = bindparam("organization", type_=BigId) if self.colleagues else None
        theirs = visible_to(CustomerActor(Kind.CUSTOMER, "", customer_id=CUSTOMER, organization_id=organization))
        there = select(Ticket.id).where(theirs).correlate(None)
        return and_(theirs, or_(Ticket.merged_into_id.is_(None), Ticket.merged_into_id.not_in(there)))

    @property
    def found(self) -> ColumnElement[bool]:
        """For the parameter `found`, the tickets with the words."""
        return Ticket.id.in_(bindparam("found", expanding=True)) if self.words else literal(True)


class Asked(NamedTuple):
    """What of a wish says which tickets, and in which order."""

    who: str
    tab: str
    sort: str


def rows_of(shape: Shape, asked: Asked, page: int, values: Mapping[str, Any]) -> list[Row]:
    """`values` of the parameters that the shape has."""
    lines = db.session.execute(_lines(shape, asked), {**values, "rows": PAGE_SIZE, "before": (page - 1) * PAGE_SIZE})
    settings, instant = desk.current(), web.instants()
    return [
        Row(
            line.number, settings.display(line.number), line.subject, "" if line.kind is TicketKind.TICKET else line.kind.value,
            (line.documents_here, line.documents_wanted) if line.documents_wanted else None,
            line.requester if line.requester_id != values["customer"] else None, line.state.value, shown(line.customer_label or line.status),
            shown(line.department), instant(line.last_activity_at),
        )
        for line in lines
    ]  # fmt: skip


@cache
def _lines(shape: Shape, asked: Asked) -> Select[Any]:
    """The page's ids first, then their lines: whoever has many tickets would have the long lines of all of them sorted. The limit
    stands in the text: without it PostgreSQL expects a tenth of all tickets, and plans anew each time."""
    by = asked.sort.removeprefix("-")
    column: Any = ORDERS[by]
    order = (column.desc(), Ticket.id.desc()) if asked.sort.startswith("-") else (column.asc(), Ticket.id.asc())
    ids = select(Ticket.id).where(shape.seen)
    if shape.words:
        ids = ids.where(shape.found)
    if asked.who == "mine":
        ids = ids.where(Ticket.requester_id == CUSTOMER)
    if asked.tab != "all":
        ids = ids.where(Ticket.live.is_(asked.tab == "open"))
    if by in NEIGHBOURS:
        neighbour, key = NEIGHBOURS[by]
        ids = ids.join(neighbour, neighbour.id == key)
    ids = (
        ids.order_by(*order)
        .limit(bindparam("rows", type_=Integer, literal_execute=True))
        .offset(bindparam("before", type_=Integer, literal_execute=True))
    )
    return select(*COLUMNS).select_from(SHOWN).where(Ticket.id.in_(ids)).order_by(*order)
