"""My tickets: which of them, in which order, on which page, and how many there are of each."""

from __future__ import annotations

import dataclasses as dc
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, case, func, select, true
from sqlalchemy.orm import contains_eager, lazyload

from app.accounts.models import Customer, Department
from app.accounts.viewer import CustomerActor
from app.core.extensions import db
from app.search.find import matching
from app.tickets.choices import State, Status
from app.tickets.models import Ticket
from app.tickets.visibility import visible_to

PAGE_SIZE = 25
LAST_PAGE = 10_000
LONGEST_QUERY = 200
TABS = ("open", "closed", "all")
ORDERS = {
    "number": Ticket.number,
    "subject": func.lower(Ticket.subject),
    "status": Status.position,
    "department": Department.name,
    "updated": Ticket.last_activity_at,
}


@dc.dataclass(frozen=True)
class Wish:
    """What the address of the page asks for; whatever makes no sense becomes the default."""

    tab: str = "open"
    q: str = ""
    who: str = "all"
    sort: str = "-updated"
    page: int = 1

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Wish:
        sort, page, tab = given.get("sort", ""), given.get("page", ""), given.get("tab", "")
        return cls(
            tab=tab if tab in TABS else "open",
            q=" ".join(given.get("q", "").replace("\x00", " ").split())[:LONGEST_QUERY],
            who="mine" if given.get("who") == "mine" else "all",
            sort=sort if sort.removeprefix("-") in ORDERS else "-updated",
            page=max(1, min(int(page), LAST_PAGE)) if page.isdecimal() and len(page) < 8 else 1,
        )

    def address(self, **other: str | int) -> str:
        """The same wish with something else; any change but of the page begins at the first one."""
        wish = dc.replace(self, **{"page": 1, **other})  # type: ignore[arg-type]
        differs = {
            field.name: value for field in dc.fields(Wish) if (value := getattr(wish, field.name)) != field.default
        }
        return "/portal/tickets" + (f"?{urlencode(differs)}" if differs else "")


@dc.dataclass(frozen=True)
class Shelf:
    """One page of tickets and what stands around it."""

    wish: Wish
    rows: Sequence[Ticket]
    counts: dict[str, int]
    waiting: int
    colleagues: bool
    """Whether any ticket of a colleague is among those that could be shown."""

    @property
    def pages(self) -> int:
        return max(1, -(-self.counts[self.wish.tab] // PAGE_SIZE))


def shelf(wish: Wish, actor: CustomerActor) -> Shelf:
    """Two statements, and those of the search for the words looked for."""
    found = Ticket.id.in_(matching(wish.q, actor)) if wish.q else true()
    cells = _cells(actor, found)
    shown = [cell for cell in cells if wish.who == "all" or cell.mine]
    counts = {
        "open": sum(cell.found for cell in shown if cell.live),
        "closed": sum(cell.found for cell in shown if not cell.live),
        "all": sum(cell.found for cell in shown),
    }
    criteria = [visible_to(actor), found]
    if wish.who == "mine":
        criteria.append(Ticket.requester_id == actor.customer_id)
    if wish.tab != "all":
        criteria.append(Ticket.live.is_(wish.tab == "open"))
    waiting = sum(cell.tickets for cell in cells if cell.waits)
    return Shelf(
        wish, _rows(wish, criteria) if counts[wish.tab] else [], counts, waiting, any(not cell.mine for cell in cells)
    )


class Cell(NamedTuple):
    """Tickets that are alike in what the page counts."""

    live: bool
    waits: bool
    """For the customer."""
    mine: bool
    tickets: int
    found: int
    """Of them, those with the words looked for."""


def _cells(actor: CustomerActor, found: ColumnElement[bool]) -> list[Cell]:
    waits, own = Ticket.state == State.WAITING, Ticket.requester_id == actor.customer_id
    counted = select(Ticket.live, waits, own, func.count(), func.sum(case((found, 1), else_=0))).where(
        visible_to(actor)
    )
    return [
        Cell(bool(row[0]), bool(row[1]), bool(row[2]), row[3], int(row[4]))
        for row in db.session.execute(counted.group_by(Ticket.live, waits, own))
    ]


def _rows(wish: Wish, criteria: list[ColumnElement[bool]]) -> Sequence[Ticket]:
    column = ORDERS[wish.sort.removeprefix("-")]
    order = (column.desc(), Ticket.id.desc()) if wish.sort.startswith("-") else (column.asc(), Ticket.id.asc())
    rows = select(Ticket).join(Ticket.status).join(Ticket.department).join(Ticket.requester).where(*criteria)
    known = (
        contains_eager(Ticket.status),
        contains_eager(Ticket.department),
        contains_eager(Ticket.requester).options(lazyload(Customer.organization)),
    )
    return db.session.scalars(
        rows.options(*known).order_by(*order).limit(PAGE_SIZE).offset((wish.page - 1) * PAGE_SIZE)
    ).all()
