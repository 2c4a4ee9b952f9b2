"""One page of the list: its rows with all they show, the numbers on the tabs, and what the filters offer."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ScalarSelect, Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from app.accounts.viewer import Viewer
from app.core import clock
from app.core.extensions import db
from app.core.words import catalogue
from app.desk import asked, columns, fieldfilters, lookups, supplierfilters, tabs
from app.desk.columns import Columns
from app.desk.counts import FILTERS, counts
from app.desk.lines import FURTHER, SUPPLIERS, Line, lines_of
from app.desk.listing import COUNT_CAP, DUES, PAGE_SIZE, RATINGS, SNOOZES, USUAL_SORT, WHENS, Listing
from app.desk.listrows import Row, rows
from app.desk.lookups import Lookups, Reached
from app.desk.passages import in_subjects, passages
from app.desk.queues import Queue, in_queue
from app.desk.tabs import Kept, Tab
from app.search.find import matching
from app.settings import desk
from app.tickets import durations
from app.tickets.choices import STATE_LABELS
from app.tickets.fieldkinds import Field
from app.tickets.models import TICKET_KIND_LABELS, Ticket

BULK = ("assign", "status", "priority", "department", "category", "tag", "task", "reply", "merge", "delete")
"""Rights that the bar over ticked rows asks for."""
WORDS = ("time", "assigned", "tag", "who", "organization", "supplier", "further")
"""Filters whose nothing is an empty text."""
NEAR_PAGES = 20
"""So far the newest are looked for in each arm of the row rule; further on, one walk is as good."""

LOADED = (
    joinedload(Ticket.requester), joinedload(Ticket.department), joinedload(Ticket.category), joinedload(Ticket.status), joinedload(Ticket.priority),
    joinedload(Ticket.assignee), selectinload(Ticket.tags),
)  # fmt: skip


Pairs = tuple[tuple[str, str], ...]
SAID: dict[str, Mapping[Any, Any]] = {
    "columns": columns.LABELS,
    "states": STATE_LABELS,
    "kinds": TICKET_KIND_LABELS,
    "dues": DUES,
    "whens": WHENS,
    "snoozes": SNOOZES,
    "ratings": RATINGS,
}


@dc.dataclass(frozen=True)
class ListPage:
    listing: Listing
    tickets: list[Line]
    rows: list[Row]
    total: int
    sums: dict[Queue, int]
    names: Lookups
    typed: str
    """What the search box shows: the filters and words of the list, or, when something was not understood, what was typed."""
    errors: tuple[str, ...]
    drawn_at: str
    """What came later is news (news.py)."""
    may: frozenset[str]
    """What may be done to several at once."""
    statuses: tuple[Reached, ...]
    """What the reader may change some of them to."""
    outcomes: frozenset[str]

    @classmethod
    def of(cls, listing: Listing, viewer: Viewer, bare: bool = False) -> ListPage:
        """`bare`: the address says nothing at all, so that the reader's own first view is meant."""
        names = lookups.of_list(viewer, listing.customer if viewer.can("list", "Customer") else None)
        if bare and (chosen := tabs.opened(names)) is not None:
            listing = dc.replace(chosen.listing, saved=chosen.id)
        drawn_at = clock.now().isoformat()
        typed, (listing, errors) = listing.q, asked.understood(listing, names)
        told = counts(viewer, listing.view, {name: value for name, value in listing.filters.items() if name in FILTERS})
        ids, total = _ids(listing, viewer)
        if not ids and listing.page > 1:
            listing = dc.replace(listing, page=1)
            ids, total = _ids(listing, viewer)
        if total is None:
            total = told.filtered
        shown = fieldfilters.columned(column.name for column in _columns(listing, names))
        lines, (tags, values) = lines_of(ids, [*(field.id for field in shown), *_besides(listing, names)])
        found = passages(ids, listing.q, viewer) if listing.q else {}
        own = fieldfilters.cells(values, shown)
        said = rows(lines, tags, names, clock.now(), desk.current().number_pattern, found, own, values)
        if listing.q:
            titled = in_subjects([row.subject for row in said], listing.q)
            said = [row._replace(titled=one) for row, one in zip(said, titled, strict=True)]
        typed = typed if errors else asked.said(listing, names)
        may = frozenset(verb for verb in BULK if viewer.can(verb))
        return cls(listing, lines, said, max(total, len(ids)), told.queues, names, typed, errors, drawn_at, may, names.reached(viewer), names.outcomes(viewer))  # fmt: skip

    @property
    def tabs(self) -> tuple[tuple[Tab, ...], tuple[Tab, ...]]:
        """Those in the row and those in its menu."""
        shown = self.listing
        bare = shown.view is Queue.EVERYTHING and not shown.filters and not shown.q
        return tabs.in_row(tabs.tabs(shown, self.names, self.sums, self.total if bare else None))

    @property
    def opened_view(self) -> Kept | None:
        """The saved view that this list is, perhaps narrowed further since."""
        return _opened_view(self.listing, self.names)

    @property
    def differs(self) -> bool:
        """From the saved view it was opened from."""
        view = self.opened_view
        return view is not None and dc.replace(view.listing, saved=None, page=1) != dc.replace(self.listing, saved=None, page=1)  # fmt: skip

    @property
    def columns(self) -> Columns:
        return _columns(self.listing, self.names)

    @property
    def fields(self) -> tuple[Field, ...]:
        """The desk's own fields that the filter form offers."""
        return fieldfilters.picked()

    @property
    def vocabulary(self) -> Lookups:
        """The names that are the same for everybody, so that what is drawn of them is."""
        return Lookups({kind: rows for kind, rows in self.names.rows.items() if kind not in ("view", "choice")})

    @property
    def matching(self) -> int:
        """How many tickets the list has on all its pages, when those are more than one."""
        return self.total if self.total > len(self.tickets) else 0

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def labels(self) -> Pairs:
        return (*_pairs(catalogue(), "columns"), *fieldfilters.labels().items())

    @property
    def newer(self) -> str | None:
        return "/admin/tickets/" + self.listing.address(page=self.listing.page - 1) if self.listing.page > 1 else None

    @property
    def older(self) -> str | None:
        return (
            "/admin/tickets/" + self.listing.address(page=self.listing.page + 1)
            if self.listing.page * PAGE_SIZE < self.total
            else None
        )

    @property
    def range(self) -> str:
        first = (self.listing.page - 1) * PAGE_SIZE + 1
        total = _("more than %(many)s", many=COUNT_CAP) if self.total > COUNT_CAP else str(self.total)
        return _("%(first)s–%(last)s of %(total)s", first=first, last=first + len(self.tickets) - 1, total=total)

    @property
    def states(self) -> Pairs:
        return _pairs(catalogue(), "states")

    @property
    def kinds(self) -> Pairs:
        return _pairs(catalogue(), "kinds")

    @property
    def dues(self) -> Pairs:
        return _pairs(catalogue(), "dues")

    @property
    def whens(self) -> Pairs:
        return _pairs(catalogue(), "whens")

    @property
    def ratings(self) -> Pairs:
        return _pairs(catalogue(), "ratings")

    @property
    def snoozes(self) -> Pairs:
        return _pairs(catalogue(), "snoozes")

    @property
    def chips(self) -> list[tuple[str, str]]:
        """What narrows the list, in words, each with the address without it."""
        return [
            (
                self._said(name),
                "/admin/tickets/" + self.listing.address(**{name: None if name not in WORDS else ""}),
            )
            for name in self.listing.filters
            if name != "fields"
        ] + [(fieldfilters.chip(pair), "/admin/tickets/" + self._without(pair)) for pair in self.listing.fields]

    def _without(self, pair: tuple[str, str]) -> str:
        return self.listing.address(fields=tuple(one for one in self.listing.fields if one != pair))

    def _said(self, name: str) -> str:
        value = getattr(self.listing, name)
        names = self.names
        said = {
            "status": lambda: names.name("status", value), "state": lambda: str(STATE_LABELS[value]), "category": lambda: names.name("category", value) if value else _("No category"),
            "priority": lambda: next((row.name for row in names.all("priority") if row.place == value), str(value)), "department": lambda: names.name("department", value),
            "assigned": lambda: {"me": _("Assigned to me"), "nobody": _("Unassigned")}.get(value) or names.name("person", int(value)),
            "customer": lambda: names.name("customer", value) or _("One customer"), "who": lambda: _("Customer: %(words)s", words=value), "organization": lambda: _("Organization: %(words)s", words=value),
            "kind": lambda: str(TICKET_KIND_LABELS[value]), "due": lambda: str(DUES[value]),
            "followup": lambda: _("Follow-up: %(when)s", when=WHENS[value]), "action": lambda: _("Action required: %(when)s", when=WHENS[value]), "snoozed": lambda: str(SNOOZES[value]), "spam": lambda: _("Only spam") if value == "yes" else _("Without spam"), "time": lambda: _("Time spent: %(time)s", time=durations.spoken(value)), "rating": lambda: _("Rating: %(answer)s", answer=RATINGS[value]), "environment": lambda: names.name("environment", value) if value else _("No environment"),
            "supplier": lambda: supplierfilters.said(value, names), "further": lambda: supplierfilters.said_further(value, names), "tag": lambda: _("Tag %(name)s", name=value), "channel": lambda: _("By %(channel)s", channel=value.value),
            "created_from": lambda: _("Created from %(day)s", day=value), "created_to": lambda: _("Created until %(day)s", day=value),
            "updated_from": lambda: _("Updated from %(day)s", day=value), "updated_to": lambda: _("Updated until %(day)s", day=value),
        }[name]()  # fmt: skip
        return said or _("unknown")


def _besides(listing: Listing, names: Lookups) -> list[int]:
    """Columns of names that no ticket keeps itself."""
    wanted = {"suppliers": SUPPLIERS, "further": FURTHER}
    return [wanted[column.name] for column in _columns(listing, names) if column.name in wanted]


def _opened_view(listing: Listing, names: Lookups) -> Kept | None:
    return next((view for view in tabs.views(names) if view.id == listing.saved), None)


def _columns(listing: Listing, names: Lookups) -> Columns:
    """The view's, else the reader's own."""
    choice = next(iter(names.all("choice")), None)
    view = _opened_view(listing, names)
    return columns.read((view.columns if view else "") or (choice.detail if choice else ""))


@lru_cache(64)
def _pairs(_catalogue: object, of: str) -> Pairs:
    """Said once a language; the catalogue tells the languages apart."""
    return tuple((str(key), str(label)) for key, label in SAID[of].items())


def _ids(listing: Listing, viewer: Viewer) -> tuple[list[int], int | None]:
    """The page's ids; how many there are in all, unless the tally knows."""
    first = (listing.page - 1) * PAGE_SIZE
    if listing.only_words:
        found = matching(listing.q, viewer)
        return found[first : first + PAGE_SIZE], len(found)
    if near(listing):
        rows = db.session.execute(newest(listing, viewer, first + PAGE_SIZE)).all()
        return [row.id for row in rows[first:]], None
    wanted = listing.ids(viewer)
    page = wanted.limit(PAGE_SIZE).offset(first)
    if listing.counted:
        return list(db.session.scalars(page)), None
    rows = db.session.execute(page.add_columns(_capped(wanted))).all()
    return [row[0] for row in rows], rows[0][1] if rows else 0


def near(listing: Listing) -> bool:
    """Whether the page stands so far ahead in the usual order that `newest` is the way to it."""
    return listing.counted and listing.sort == USUAL_SORT and listing.page <= NEAR_PAGES


def newest(listing: Listing, viewer: Viewer, rows: int) -> Select[int, dt.datetime]:
    if listing.filters:
        return listing.query(viewer).newest(viewer, rows)
    return _newest_of_queue(listing.view, viewer, desk.current().agents_see_departments, rows)


@lru_cache(512)
def _newest_of_queue(queue: Queue, viewer: Viewer, agents_see_departments: bool, rows: int) -> Select[int, dt.datetime]:
    """Built once for each viewer, as the sums are. The setting is part of the row rule, and so of the key."""
    return in_queue(queue, viewer).newest(viewer, rows)


def _capped(wanted: Select[int]) -> ScalarSelect[int]:
    """One more than the cap says "more than": counting a million rows helps nobody."""
    among = wanted.order_by(None).limit(COUNT_CAP + 1).subquery()
    return select(func.count()).select_from(among).scalar_subquery()


def rows_of(ids: list[int]) -> list[Ticket]:
    """The tickets of these ids in their order, with everything a row shows."""
    if not ids:
        return []
    rows = {
        ticket.id: ticket for ticket in db.session.scalars(select(Ticket).where(Ticket.id.in_(ids)).options(*LOADED))
    }
    return [rows[ticket_id] for ticket_id in ids if ticket_id in rows]
