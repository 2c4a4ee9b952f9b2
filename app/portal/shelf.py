"""My tickets: which of them, in which order, on which page, and how many there are of each."""

from __future__ import annotations

import dataclasses as dc
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, func, select
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
ORDERS = {"number": Ticket.number, "subject": func.lower(Ticket.subject), "status": Status.position, "department": Department.name, "updated": Ticket.last_activity_at}


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
        differs = {field.name: value for field in dc.fields(Wish) if (value := getattr(wish, field.name)) != field.default}
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
    """Two statements and one for the words looked for."""
    criteria = [visible_to(actor), *([Ticket.id.in_(matching(wish.q, actor))] if wish.q else [])]
    cells = _cells(actor, criteria)
    counted = {cell: number for cell, number in cells.items() if wish.who == "all" or cell[2]}
    counts = {
        "open": sum(number for (live, _waiting, _mine), number in counted.items() if live),
        "closed": sum(number for (live, _waiting, _mine), number in counted.items() if not live),
        "all": sum(counted.values()),
    }
    if wish.who == "mine":
        criteria.append(Ticket.requester_id == actor.customer_id)
    if wish.tab != "all":
        criteria.append(Ticket.live.is_(wish.tab == "open"))
    waiting = sum(number for (_live, waits, _mine), number in cells.items() if waits)
    return Shelf(wish, _rows(wish, criteria) if counts[wish.tab] else [], counts, waiting, any(not mine for _l, _w, mine in cells))


def _cells(actor: CustomerActor, criteria: list[ColumnElement[bool]]) -> dict[tuple[bool, bool, bool], int]:
    """(live, waits for the customer, their own) -> how many."""
    waits, own = Ticket.state == State.WAITING, Ticket.requester_id == actor.customer_id
    counted = select(Ticket.live, waits, own, func.count()).where(*criteria).group_by(Ticket.live, waits, own)
    return {(bool(row[0]), bool(row[1]), bool(row[2])): row[3] for row in db.session.execute(counted)}


def _rows(wish: Wish, criteria: list[ColumnElement[bool]]) -> Sequence[Ticket]:
    column = ORDERS[wish.sort.removeprefix("-")]
    order = (column.desc(), Ticket.id.desc()) if wish.sort.startswith("-") else (column.asc(), Ticket.id.asc())
    rows = select(Ticket).join(Ticket.status).join(Ticket.department).join(Ticket.requester).where(*criteria)
    known = (contains_eager(Ticket.status), contains_eager(Ticket.department), contains_eager(Ticket.requester).options(lazyload(Customer.organization)))
    return db.session.scalars(rows.options(*known).order_by(*order).limit(PAGE_SIZE).offset((wish.page - 1) * PAGE_SIZE)).all()
