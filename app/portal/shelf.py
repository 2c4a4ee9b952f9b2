"""My tickets: which of them, in which order, on which page, and how many there are of each."""

from __future__ import annotations

import dataclasses as dc
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import urlencode

from sqlalchemy import Select, case, func, select

from app.accounts.viewer import CustomerActor
from app.core.extensions import db
from app.portal.lines import CUSTOMER, ORDERS, PAGE_SIZE, Asked, Row, Shape, rows_of
from app.search.find import matching
from app.tickets.choices import State
from app.tickets.models import Ticket

LAST_PAGE = 10_000
LONGEST_QUERY = 200
TABS = ("open", "closed", "all")


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

    @property
    def first_page(self) -> Wish:
        """What stays the same while one turns the pages."""
        return self if self.page == 1 else dc.replace(self, page=1)


@dc.dataclass(frozen=True)
class Shelf:
    """One page of tickets and what stands around it."""

    wish: Wish
    rows: Sequence[Row]
    counts: dict[str, int]
    waiting: int
    colleagues: bool
    """Whether any ticket of a colleague is among those that could be shown."""

    @property
    def pages(self) -> int:
        return max(1, -(-self.counts[self.wish.tab] // PAGE_SIZE))


def shelf(wish: Wish, actor: CustomerActor) -> Shelf:
    """Two statements, and those of the search for the words looked for."""
    shape = Shape(actor.organization_id is not None, bool(wish.q))
    values: dict[str, Any] = {"customer": actor.customer_id, "organization": actor.organization_id}
    if wish.q:
        values["found"] = matching(wish.q, actor)
    cells = [
        Cell(bool(row[0]), bool(row[1]), bool(row[2]), row[3], int(row[4]))
        for row in db.session.execute(_cells(shape), values)
    ]
    counted = [cell for cell in cells if wish.who == "all" or cell.mine]
    counts = {
        "open": sum(cell.found for cell in counted if cell.live),
        "closed": sum(cell.found for cell in counted if not cell.live),
        "all": sum(cell.found for cell in counted),
    }
    waiting = sum(cell.tickets for cell in cells if cell.waits)
    rows = rows_of(shape, Asked(wish.who, wish.tab, wish.sort), wish.page, values) if counts[wish.tab] else []
    return Shelf(wish, rows, counts, waiting, any(not cell.mine for cell in cells))


class Cell(NamedTuple):
    """Tickets that are alike in what the page counts."""

    live: bool
    waits: bool
    """For the customer."""
    mine: bool
    tickets: int
    found: int
    """Of them, those with the words looked for."""


@cache
def _cells(shape: Shape) -> Select[Any]:
    waits, own = Ticket.state == State.WAITING, Ticket.requester_id == CUSTOMER
    found = func.sum(case((shape.found, 1), else_=0)) if shape.words else func.count()
    return select(Ticket.live, waits, own, func.count(), found).where(shape.seen).group_by(Ticket.live, waits, own)
