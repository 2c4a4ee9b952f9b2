"""The tabs of the list: the quick filters, then the views somebody saved or was given, the rest of them in a menu."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

from werkzeug.datastructures import MultiDict

from app.desk.listing import Listing
from app.desk.lookups import Lookups, Named
from app.desk.queues import QUEUES, Queue

MOST = 9
"""Tabs in the row; a menu holds the others."""
LIST = "/admin/tickets/"


class Tab(NamedTuple):
    href: str
    words: str
    number: int | None
    current: bool
    view: int | None = None
    """A saved view's id: its number comes a moment later, as nobody keeps that sum."""


class Kept(NamedTuple):
    """A saved view as the lookups hold it."""

    id: int
    name: str
    query: str
    columns: str
    mine: bool
    shared: bool

    @property
    def href(self) -> str:
        return f"{LIST}?{self.query}{'&' if self.query else ''}saved={self.id}"

    @property
    def listing(self) -> Listing:
        return Listing.read(MultiDict(parse_qsl(self.query, max_num_fields=40)))


def kept(row: Named) -> Kept:
    query, _, columns = row.detail.partition("\n")
    return Kept(row.id, row.name, query, columns, row.active, row.manual)


def views(names: Lookups) -> list[Kept]:
    """In the order their owner, or who shares them, gave them."""
    return [kept(row) for row in names.all("view")]


def opened(names: Lookups) -> Kept | None:
    """What the bare address opens, if the reader chose one and still has it."""
    choice = next(iter(names.all("choice")), None)
    row = names.row("view", choice.id) if choice is not None and choice.id else None
    return kept(row) if row is not None else None


def tabs(listing: Listing, names: Lookups, sums: Mapping[Queue, int], everything: int | None) -> list[Tab]:
    """`everything`: how many tickets there are at all, when that was counted."""
    kept_views = views(names)
    saved = listing.saved if any(view.id == listing.saved for view in kept_views) else None
    found = []
    for queue, label in QUEUES.items():
        address = Listing(view=queue, sort=listing.sort).address() or ("?view=open" if opened(names) else "")
        number = everything if queue is Queue.EVERYTHING else sums.get(queue)
        found.append(Tab(LIST + address, str(label), number, saved is None and queue is listing.view))
    return found + [Tab(view.href, view.name, None, view.id == saved, view.id) for view in kept_views]


def in_row(entries: list[Tab]) -> tuple[tuple[Tab, ...], tuple[Tab, ...]]:
    """What stands in the row, the current one always among it, and what the menu holds."""
    if len(entries) <= MOST:
        return tuple(entries), ()
    row, more = entries[: MOST - 1], entries[MOST - 1 :]
    current = next((tab for tab in more if tab.current), None)
    if current is not None:
        more = [row[-1], *(tab for tab in more if tab is not current)]
        row = [*row[:-1], current]
    return tuple(row), tuple(more)
