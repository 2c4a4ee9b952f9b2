"""The list of tickets as its address says it: queue, filters, order and page, and the query they make."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import enum
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from flask_appbuilder.security.sqla.models import User
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, func, select
from werkzeug.datastructures import MultiDict

from app.accounts.environments import Environment
from app.accounts.models import Customer, Department, Organization
from app.accounts.viewer import Viewer
from app.core import clock
from app.desk import fieldfilters, finding, supplierfilters
from app.desk.counts import FILTERS
from app.desk.fieldfilters import Pair
from app.desk.queues import Queue, in_queue
from app.settings import desk
from app.tickets import durations
from app.tickets.choices import Category, State, Status
from app.tickets.fieldkinds import LIST
from app.tickets.models import Ticket, TicketKind
from app.tickets.queues import TicketQuery
from app.tickets.scores import Verdict, where_verdict
from app.tickets.thread import Channel

PAGE_SIZE = 25
USUAL_SORT = "-updated"
COUNT_CAP = 10_000
LAST_PAGE = COUNT_CAP // PAGE_SIZE
LONGEST_QUESTION = 500
LARGEST_ID = 2**31 - 1
_LONGEST_ID = 10
"""Digits. Python refuses to read thousands of them."""
SOON = dt.timedelta(hours=4)
"""What is due within this time is due soon."""


class Due(enum.StrEnum):
    """How a ticket stands to its next promise."""

    OVERDUE = "overdue"
    SOON = "soon"
    NONE = "none"


class When(enum.StrEnum):
    """How a date that somebody set stands to now."""

    OVER = "over"
    TODAY = "today"
    WEEK = "week"
    ANY = "any"
    NONE = "none"


class Rated(enum.StrEnum):
    """What the customer said of it."""

    GOOD = "good"
    FAIR = "fair"
    BAD = "bad"
    ANY = "any"
    NONE = "none"


class Snooze(enum.StrEnum):
    YES = "yes"
    NO = "no"


WHENS = {When.OVER: _l("Over"), When.TODAY: _l("Today"), When.WEEK: _l("Within 7 days"), When.ANY: _l("With a date"), When.NONE: _l("Not set")}  # fmt: skip
SNOOZES = {Snooze.YES: _l("Snoozed"), Snooze.NO: _l("Not snoozed")}
RATINGS = {Rated.GOOD: _l("Good"), Rated.FAIR: _l("Fair"), Rated.BAD: _l("Bad"), Rated.ANY: _l("Rated"), Rated.NONE: _l("Not rated")}  # fmt: skip
DUES = {Due.OVERDUE: _l("Overdue"), Due.SOON: _l("Due within 4 hours"), Due.NONE: _l("No promise running")}


def _of(column: Any, owner: Any, key: Any) -> Any:
    return select(column).where(owner == key).scalar_subquery()


SORTS: dict[str, Any] = {
    "number": Ticket.number, "subject": func.lower(Ticket.subject), "customer": _of(Customer.name_key, Customer.id, Ticket.requester_id),
    "department": _of(Department.name, Department.id, Ticket.department_id), "category": _of(Category.name, Category.id, Ticket.category_id),
    "status": _of(Status.position, Status.id, Ticket.status_id), "priority": Ticket.priority_rank, "sla": Ticket.next_due_at,
    "assignee": _of(User.first_name, User.id, Ticket.assignee_id), "created": Ticket.created_at, "updated": Ticket.last_activity_at, "channel": Ticket.channel, "kind": Ticket.kind,
    "follow_up": Ticket.follow_up_at, "action": Ticket.action_required_at, "snoozed": Ticket.snoozed_until, "time": Ticket.time_spent_minutes,
    "rating": Ticket.rating,
    "environment": _of(Environment.position, Environment.id, Ticket.environment_id),
    "organization": select(Organization.name).join(Customer, Customer.organization_id == Organization.id).where(Customer.id == Ticket.requester_id).scalar_subquery(),
}  # fmt: skip
"""Column → what it is ordered by. Nothing else orders the list."""
FIRST_DOWN = {"number", "priority", "created", "updated", "time"}
"""Columns whose first click shows the largest first."""


@dc.dataclass(frozen=True)
class Listing:
    """One address of the list. Reading ignores what makes no sense, so a bent address shows a list and not an error."""

    view: Queue = Queue.OPEN
    q: str = ""
    status: int | None = None
    state: State | None = None
    priority: int | None = None
    """The rank."""
    category: int | None = None
    """0: without one."""
    assigned: str = ""
    """me, nobody or a person's id."""
    department: int | None = None
    tag: str = ""
    customer: int | None = None
    who: str = ""
    """Part of the customer's name or address."""
    organization: str = ""
    """Part of its name."""
    kind: TicketKind | None = None
    channel: Channel | None = None
    due: Due | None = None
    followup: When | None = None
    action: When | None = None
    snoozed: Snooze | None = None
    spam: Snooze | None = None
    """yes: what was marked as spam, and nothing else."""
    time: str = ""
    """Of the time spent: a sign (> >= < <= =) and minutes."""
    rating: Rated | None = None
    environment: int | None = None
    """0: without one."""
    supplier: str = ""
    """any, none, waiting, answered or a supplier's id."""
    further: str = ""
    """me, any, or `person:` or `department:` and an id."""
    created_from: dt.date | None = None
    created_to: dt.date | None = None
    updated_from: dt.date | None = None
    updated_to: dt.date | None = None
    fields: tuple[Pair, ...] = ()
    """The desk's own fields by their keys, each with what is asked of it."""
    sort: str = USUAL_SORT
    page: int = 1
    saved: int | None = None
    """The saved view this list was opened from."""

    @classmethod
    def read(cls, given: MultiDict[str, str]) -> Listing:
        """`given` is a query string's mapping."""
        values = {
            name: _typed(name, given.get(name, "").replace("\x00", "")[:LONGEST_QUESTION].strip())
            for name in given
            if name in NAMES
        }
        values["fields"] = fieldfilters.read(given, LONGEST_QUESTION)
        return cls(**{name: value for name, value in values.items() if value is not None}).widened  # type: ignore[arg-type]

    @property
    def widened(self) -> Listing:
        """Who searches, or asks for a state, means all tickets and not the open ones alone."""
        narrows = self.view is Queue.OPEN and (self.q or self.status or self.state)
        return dc.replace(self, view=Queue.EVERYTHING) if narrows else self

    @classmethod
    def posted(cls, form: MultiDict[str, str]) -> Listing:
        """The list a form was opened from (its field `back`). Read as a list's address, so it leads nowhere else."""
        return cls.read(MultiDict(parse_qsl(form.get("back", "").lstrip("?"), max_num_fields=40)))

    @property
    def filters(self) -> dict[str, object]:
        """What narrows the queue, without search, order and page."""
        around = ("view", "q", "sort", "page", "saved")
        return {
            field.name: value
            for field in dc.fields(self)
            if field.name not in around and (value := getattr(self, field.name)) != field.default
        }

    @property
    def counted(self) -> bool:
        """Live tickets, narrowed by no more than what the tally knows: their sum is kept there."""
        return FILTERS.issuperset(self.filters) and not self.q and self.view is not Queue.EVERYTHING

    @property
    def only_words(self) -> bool:
        """A search as it is, whose answer comes in the order of the list."""
        alone = not self.filters and self.view is Queue.EVERYTHING and self.sort == USUAL_SORT
        return alone and finding.plain(self.q)

    def address(self, **changes: object) -> str:
        """The query string of this list with some values changed; what is as usual is left out."""
        if not changes:
            return _address(self)
        return _address(dc.replace(self, **{"page": 1, **changes}))  # type: ignore[arg-type]

    def sorted_by(self, column: str) -> str:
        """`up`, `down` or nothing."""
        return ("down" if self.sort.startswith("-") else "up") if self.sort.lstrip("-") == column else ""

    def resorted(self, column: str) -> str:
        """The address after a click on the header of `column`."""
        down = self.sorted_by(column) == "up" or (not self.sorted_by(column) and column in FIRST_DOWN)
        return "/admin/tickets/" + self.address(sort=f"-{column}" if down else column)

    def query(self, viewer: Viewer) -> TicketQuery:
        narrowed = (
            *self._columns(),
            *self._dates(),
            *self._assigned(viewer),
            *self._people(),
            *self._due(),
            *self._reminders(),
            *([durations.compared(Ticket.time_spent_minutes, self.time)] if self.time else []),
            *self._around(viewer),
            *fieldfilters.narrow(self.fields),
        )
        queue = TicketQuery.seen_by(viewer).spam() if self.spam is Snooze.YES else in_queue(self.view, viewer)
        query = queue.where(*narrowed)
        if self.tag:
            query = query.tagged(self.tag)
        return query.where(*finding.criteria(self.q, viewer)) if self.q else query

    def ids(self, viewer: Viewer) -> Select[int]:
        """All ids in the order of the list."""
        name = self.sort.lstrip("-")
        column = SORTS[name] if name in SORTS else fieldfilters.order(name)
        down = self.sort.startswith("-")
        order = [column.desc() if down else column.asc(), Ticket.id.desc() if down else Ticket.id.asc()]
        if name not in SORTS or name in (
            "sla",
            "assignee",
            "category",
            "organization",
            "follow_up",
            "action",
            "snoozed",
            "environment",
            "rating",
        ):
            order.insert(0, column.is_(None))
        return self.query(viewer).statement.with_only_columns(Ticket.id).order_by(None).order_by(*order)

    def _columns(self) -> list[ColumnElement[bool]]:
        same = {Ticket.status_id: self.status, Ticket.state: self.state, Ticket.priority_rank: self.priority, Ticket.department_id: self.department, Ticket.requester_id: self.customer, Ticket.channel: self.channel, Ticket.kind: self.kind}  # fmt: skip
        wanted = [column == value for column, value in same.items() if value is not None]
        if self.category is not None:
            wanted.append(Ticket.category_id == self.category if self.category else Ticket.category_id.is_(None))
        return wanted

    def _assigned(self, viewer: Viewer) -> list[ColumnElement[bool]]:
        if not self.assigned:
            return []
        if self.assigned == "nobody":
            return [Ticket.assignee_id.is_(None)]
        return [Ticket.assignee_id == (viewer.id if self.assigned == "me" else int(self.assigned))]

    def _people(self) -> list[ColumnElement[bool]]:
        """Anything of a name or an address: whoever asks remembers a part of it. No letter of theirs is a pattern."""
        wanted: list[ColumnElement[bool]] = []
        if self.who:
            part = self.who.casefold()
            named = Customer.name_key.contains(part, autoescape=True) | Customer.email_key.contains(
                part, autoescape=True
            )
            wanted.append(Ticket.requester_id.in_(select(Customer.id).where(named)))
        if self.organization:
            belongs = func.lower(Organization.name).contains(self.organization.lower(), autoescape=True)
            members = select(Customer.id).join(Organization, Organization.id == Customer.organization_id).where(belongs)
            wanted.append(Ticket.requester_id.in_(members))
        return wanted

    def _due(self) -> list[ColumnElement[bool]]:
        """The SQL twin of what the column "Time left" says."""
        at = clock.now()
        if self.due is Due.NONE:
            return [Ticket.next_due_at.is_(None)]
        if self.due is Due.OVERDUE:
            return [Ticket.next_due_at.is_not(None), Ticket.next_due_at < at]
        return [Ticket.next_due_at >= at, Ticket.next_due_at < at + SOON] if self.due is Due.SOON else []

    def _reminders(self) -> list[ColumnElement[bool]]:
        wanted = []
        for column, when in ((Ticket.follow_up_at, self.followup), (Ticket.action_required_at, self.action)):
            if when is not None:
                wanted.append(_when(column, when))
        if self.snoozed is not None:
            wanted.append(Ticket.where_asleep() if self.snoozed is Snooze.YES else Ticket.where_awake())
        return wanted

    def _around(self, viewer: Viewer) -> list[ColumnElement[bool]]:
        wanted = supplierfilters.narrow(self.supplier) + supplierfilters.narrow_further(self.further, viewer)
        if self.rating is not None:
            wanted.append(_rated(self.rating))
        if self.environment is not None:
            wanted.append(
                Ticket.environment_id == self.environment if self.environment else Ticket.environment_id.is_(None)
            )
        return wanted

    def _dates(self) -> list[ColumnElement[bool]]:
        """From midnight to midnight in the zone of the desk, both days included."""
        wanted = []
        for column, first, last in (
            (Ticket.created_at, self.created_from, self.created_to),
            (Ticket.last_activity_at, self.updated_from, self.updated_to),
        ):
            if first is not None:
                wanted.append(column >= _midnight(first))
            if last is not None:
                wanted.append(column < _midnight(last + dt.timedelta(days=1)))
        return wanted


NAMES = frozenset(field.name for field in dc.fields(Listing)) - {"fields"}


@lru_cache(4096)
def _address(listing: Listing) -> str:
    """Kept: a page says a dozen addresses, and each page the same ones."""
    said = {
        field.name: getattr(listing, field.name)
        for field in dc.fields(listing)
        if field.name != "fields" and getattr(listing, field.name) != field.default
    }
    said |= {LIST + key: text for key, text in listing.fields}
    return "?" + urlencode({name: str(value) for name, value in said.items()}) if said else ""


def _when(column: Any, when: When) -> ColumnElement[bool]:
    at = clock.now()
    today = at.astimezone(ZoneInfo(desk.current().time_zone)).date()
    spans: dict[When, ColumnElement[bool]] = {
        When.OVER: column <= at,
        When.TODAY: column.between(_midnight(today), _midnight(today + dt.timedelta(days=1))),
        When.WEEK: column.between(at, at + dt.timedelta(days=7)),
        When.ANY: column.is_not(None),
        When.NONE: column.is_(None),
    }
    return spans[when]


def _rated(rating: Rated) -> ColumnElement[bool]:
    if rating in (Rated.ANY, Rated.NONE):
        return Ticket.rating.is_not(None) if rating is Rated.ANY else Ticket.rating.is_(None)
    return where_verdict(Ticket.rating, Verdict(rating))


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), ZoneInfo(desk.current().time_zone)).astimezone(dt.UTC)


def _typed(name: str, text: str) -> object | None:
    """The value of one parameter, None when it says nothing or nothing we know."""
    if not text:
        return None
    read = READERS.get(name)
    try:
        return read(text) if read else text
    except (ValueError, OverflowError):
        return None


def is_id(text: str) -> bool:
    """Whether it may be a row's id, as an address or a form gives it."""
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID and int(text) <= LARGEST_ID


def _id(text: str) -> int:
    if not is_id(text):
        raise ValueError(text)
    return int(text)


def _sort(text: str) -> str:
    if text.removeprefix("-") not in SORTS and not fieldfilters.known(text.removeprefix("-")):
        raise ValueError(text)
    return text


def _person(text: str) -> str:
    return text if text in ("me", "nobody") else str(_id(text))


def day(text: str) -> dt.date:
    """Far years would overflow on their way to UTC."""
    found = dt.date.fromisoformat(text)
    if not 1970 <= found.year <= 2200:
        raise ValueError(text)
    return found


READERS: dict[str, Callable[[str], object]] = {
    "view": Queue, "status": _id, "state": State, "priority": _id, "category": _id, "assigned": _person, "department": _id, "customer": _id, "channel": Channel,
    "created_from": day, "created_to": day, "updated_from": day, "updated_to": day, "kind": TicketKind, "due": Due, "followup": When, "action": When, "snoozed": Snooze, "spam": Snooze, "time": durations.comparison, "rating": Rated, "environment": _id, "supplier": supplierfilters.read, "further": supplierfilters.read_further, "saved": _id, "sort": _sort, "page": lambda text: max(1, min(LAST_PAGE, _id(text))),
}  # fmt: skip
