"""What a ticket's page shows, read once: conversation, ways to send, properties, customer, history, neighbours in the list."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple, NoReturn
from urllib.parse import parse_qsl, urlencode

from markupsafe import Markup
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from app.accounts import customernotes, rights
from app.accounts.customernotes import CustomerNote, Purpose
from app.accounts.viewer import Viewer
from app.core import clock, parts, web
from app.core.errors import NotThere
from app.core.extensions import db
from app.core.rows import plain_rows
from app.core.words import said as _
from app.desk import (
    entries,
    facts,
    family,
    fielding,
    listpage,
    lookups,
    moments,
    pickers,
    supplierlines,
    tasklist,
    timepanel,
)
from app.desk.entries import Entry, Event, Gap, Said
from app.desk.facts import Facts, Other
from app.desk.family import Member
from app.desk.listing import PAGE_SIZE, Listing
from app.desk.lookups import Lookups, Named
from app.desk.moments import Choice
from app.desk.pickers import Candidate
from app.desk.promise import Promise, promise_of
from app.desk.reading import Reading
from app.desk.tasklist import Line
from app.desk.timepanel import Panel
from app.desk.window import Window
from app.mail import boxes
from app.satisfaction import reading
from app.satisfaction.reading import Given
from app.settings import desk
from app.tickets import fields, incidents, links, requests
from app.tickets.choices import State
from app.tickets.conversation import LEADS_TO, Then
from app.tickets.dates import nearness
from app.tickets.fields import Held
from app.tickets.incidents import Reach
from app.tickets.links import Linked
from app.tickets.models import Ticket
from app.tickets.queues import TicketQuery
from app.tickets.requests import DocumentRequest
from app.tickets.suppliers import MOST_ALONG
from app.tickets.timeline import Did

NEWEST = 8
"""Entries of the timeline that stand open."""
LARGEST_NUMBER = 10**15
YOUNG = dt.timedelta(hours=24)


class Way(NamedTuple):
    """One way to send a reply."""

    then: str
    words: str
    sign: str


class Snoozed(NamedTuple):
    until: str
    by: str


class Date(NamedTuple):
    """One that staff set."""

    name: str
    words: str
    at: dt.datetime | None
    value: str
    """As its field has it."""
    near: str
    """Of what must be done: over, soon or later."""
    choices: list[Choice]


@dc.dataclass(frozen=True)
class Workspace:
    ticket: Facts
    viewer: Viewer
    listing: Listing
    reading: Reading = dc.field(default_factory=Reading)

    @classmethod
    def of(
        cls, number: int, viewer: Viewer, listing: Listing | None = None, reading: Reading | None = None
    ) -> Workspace:
        """Raises NotThere as `find`."""
        found = facts.of(number, viewer) if number <= LARGEST_NUMBER else None
        return cls(found or _nobodys(), viewer, listing or Listing(), reading or Reading())

    def may(self, verb: str) -> bool:
        """The row is theirs to see already: only the right is asked."""
        return rights.may(self.viewer, verb)

    @cached_property
    def names(self) -> Lookups:
        return lookups.of_ticket(self.ticket.id)

    @cached_property
    def members(self) -> list[Member]:
        """Tickets that go on in this one."""
        return family.members_of(self.ticket, self.viewer)

    @cached_property
    def window(self) -> Window:
        """The part of the thread that is shown."""
        return Window(self.ticket, self.members, self.viewer, self.reading, self.may("split"), self.may("reply"))

    @property
    def events(self) -> list[Event]:
        """The newest ones."""
        return self.window.found.events

    @property
    def thread(self) -> list[Entry]:
        return self.window.entries

    def address(self, **changes: object) -> str:
        """Of this page, with the list it was opened from, read in another way."""
        asked = "&".join(filter(None, (self.listing.address().removeprefix("?"), self.reading.in_address(**changes))))
        return f"/admin/tickets/{self.ticket.number}" + (f"?{asked}" if asked else "")

    @property
    def kept_in_address(self) -> list[tuple[str, str]]:
        """What a search in the ticket leaves as it is."""
        kept = f"{self.listing.address().removeprefix('?')}&{self.reading.in_address(entry=None, until=None, find='')}"
        return parse_qsl(kept)

    def gap(self, gap: Gap, from_start: bool = False) -> str:
        """Where the entries of a gap are asked for."""
        ends = {"after": gap.after.token, "before": gap.before.token, "from": "start" if from_start else "end"}
        asked = "&".join(filter(None, (urlencode(ends), self.reading.in_address(entry=None, until=None))))
        return f"/admin/tickets/{self.ticket.number}/passage?{asked}"

    @cached_property
    def fields(self) -> list[tuple[Held, list[str]]]:
        """The desk's own fields of its category, each with what may be chosen."""
        return [(one, fielding.options(one.field, one.values)) for one in fields.held(self.ticket)]

    @property
    def own_fields(self) -> bool:
        """Whether the desk has any: then another category may ask for others."""
        return bool(fields.active())

    @cached_property
    def documents(self) -> list[DocumentRequest]:
        """What we asked for here and in the tickets that go on in this one."""
        if not self.ticket.documents_wanted:
            return []
        return requests.requests_of([self.ticket.id, *(member.id for member in self.members)])

    @cached_property
    def suppliers(self) -> list[supplierlines.Line]:
        """Of this ticket and of those that go on in it."""
        if self.ticket.supplier_turn is None:
            return []
        return supplierlines.lines_of([self.ticket.id, *(member.id for member in self.members)])

    @cached_property
    def contacts(self) -> list[supplierlines.Contact]:
        """Who of any supplier may be written to."""
        if not self.may("supplier"):
            return []
        ticket = self.ticket
        return supplierlines.contacts_of(self.names, self.suppliers, ticket.department_id, ticket.category_id)

    @property
    def about(self) -> str:
        """The subject with which a mail to a supplier begins."""
        return next((line.subject for line in self.suppliers if line.subject), self.ticket.subject)

    @property
    def sendable(self) -> list[Said]:
        """Earlier messages that may go along to a supplier, the newest first."""
        said = [entry.said for entry in reversed(self.thread) if entry.said is not None]
        return [one for one in said if one.kind in ("customer", "agent") and one.trusted][:MOST_ALONG]

    @property
    def further(self) -> list[supplierlines.Further]:
        return supplierlines.further_of(self.names)

    @property
    def addable(self) -> list[supplierlines.Further]:
        return supplierlines.addable(self.names, self.ticket.department_id) if self.may("people") else []

    @property
    def environments(self) -> list[Named]:
        return supplierlines.environments(self.names, self.ticket.environment_id)

    @cached_property
    def links(self) -> list[Linked]:
        return links.links_of(self.ticket.id, self.viewer) if self.ticket.linked else []

    @cached_property
    def incident(self) -> Ticket | None:
        """The one that it belongs to, if the viewer sees that."""
        found = self.ticket.incident_id
        return incidents.seen(found, self.viewer) if found is not None else None

    @cached_property
    def reach(self) -> Reach | None:
        """Of an incident: whom it concerns."""
        return incidents.reach(self.ticket.id, self.viewer) if self.ticket.incident else None

    @cached_property
    def tasks(self) -> list[Line]:
        return tasklist.of_ticket(self.ticket.id, self.viewer) if self.ticket.tasked else []

    @property
    def open_tasks(self) -> int:
        return sum(not line.task.done for line in self.tasks)

    @cached_property
    def time(self) -> Panel:
        return timepanel.of(self.ticket, self.viewer, self.names)

    @property
    def timeline(self) -> Markup:
        """Its newest entries."""
        newest = tuple(event.told() for event in self.events[:NEWEST])
        return parts.part("desk/_timeline.html", newest=newest, number=self.ticket.number)

    @property
    def signature(self) -> str:
        """Below answers that leave by mail: of the mailbox they leave from."""
        return boxes.in_force().answering(self.ticket.mailbox_id, self.ticket.department_id).signature

    @property
    def last_message(self) -> int:
        """What the composer's writer has seen."""
        return self.window.newest_message

    @cached_property
    def notes(self) -> Sequence[CustomerNote]:
        """What staff wrote about the customer."""
        return customernotes.of(self.ticket.requester_id, self.viewer) if self.ticket.noted else []

    @cached_property
    def ratings(self) -> list[Given]:
        """Of this ticket first, then the customer's last ones. A merged ticket's customer may be another one."""
        ticket = self.ticket
        if not ticket.rated and not (ticket.merged_in and desk.current().satisfaction):
            return []
        return reading.of_customer(
            ticket.requester_id, [ticket.id, *(member.id for member in self.members)], self.viewer
        )

    @property
    def young(self) -> bool:
        """Several people may be reporting the same thing just now: similar tickets are looked for at once."""
        return self.ticket.live and clock.now() - self.ticket.created_at < YOUNG

    @property
    def purposes(self) -> Mapping[Purpose, object]:
        return customernotes.WORDS

    @property
    def may_note(self) -> bool:
        return customernotes.may_write(self.viewer)

    @cached_property
    def candidates(self) -> list[Candidate]:
        return pickers.candidates(self.ticket, self.names) if self.may("assign") else []

    @property
    def promise(self) -> Promise:
        return promise_of(self.ticket, clock.now())

    @property
    def snoozed(self) -> Snoozed | None:
        """Until when it sleeps, and who wanted that."""
        until = self.ticket.snoozed_until
        if until is None or until <= clock.now():
            return None
        last = self._latest(Did.SNOOZED)
        return Snoozed(web.absolute(until), last.actor_name if last is not None else _("Somebody"))

    @property
    def dates(self) -> list[Date]:
        """Follow-up and action required, as they are set and as they may be."""
        ticket, choices = self.ticket, moments.choices(*moments.DATES)
        near = nearness(ticket.action_required_at, clock.now()) if ticket.action_required_at and ticket.live else ""
        return [
            Date("follow_up", _("Follow-up"), ticket.follow_up_at, moments.field_value(ticket.follow_up_at), "", choices),
            Date("action_required", _("Action by"), ticket.action_required_at, moments.field_value(ticket.action_required_at), near, choices),
        ]  # fmt: skip

    @property
    def snoozes(self) -> list[Choice]:
        return moments.choices(*moments.SNOOZES)

    @property
    def why_mine(self) -> str | None:
        """The reason of the last assignment, when it gave one."""
        last = self._latest(Did.ASSIGNED) if self.ticket.assignee_id is not None else None
        return last.particulars.get("reason") if last is not None else None

    def _latest(self, what: Did) -> Event | None:
        """Asked for by itself where it lies further back than the page knows."""
        found = next((event for event in self.events if event.what is what), None)
        if found is None and self.window.found.whole_to is not None:
            return entries.latest(self.ticket.id, what)
        return found

    @cached_property
    def ways(self) -> list[Way]:
        """The outcomes of a reply. Those that lead to the same status are one."""
        found = {self._kept_status(): Way(Then.KEEP.value, self._kept_words(), "send")}
        if self.may("status"):
            for then, words, sign in (
                (Then.WAIT, _("Send & wait for customer"), "clock"),
                (Then.RESOLVE, _("Send & resolve"), "circle-check"),
                (Then.CLOSE, _("Send & close"), "archive"),
            ):
                status = self.names.status_of(LEADS_TO[then])
                if status is not None and self.viewer.may_step(self.ticket.status_id, status.id):
                    found.setdefault(status.id, Way(then.value, words, sign))
            for status in self.names.choosable_statuses():
                if not self.viewer.may_step(self.ticket.status_id, status.id):
                    continue
                found.setdefault(
                    status.id,
                    Way(f"status:{status.id}", _("Send & set to %(status)s", status=status.name), "circle-dot"),
                )
        return list(found.values())

    def _kept_status(self) -> int:
        after = desk.current().status_on_staff_reply
        return after if after and self.ticket.state in (State.NEW, State.OPEN) else self.ticket.status_id

    def _kept_words(self) -> str:
        """What the button says is what the ticket will be."""
        kept = self._kept_status()
        if kept != self.ticket.status_id:
            return _("Send & set to %(status)s", status=self.names.name("status", kept))
        return self.words_elsewhere

    @property
    def words_elsewhere(self) -> str:
        """Of a reply that does not go to the customer: no setting changes the status with it."""
        if self.ticket.state is State.WAITING:
            return _("Send & keep waiting")
        if self.ticket.state is State.HOLD:
            return _("Send & keep on hold")
        return _("Send & keep open") if self.ticket.live else _("Send")

    @property
    def first_way(self) -> Way:
        """An answer usually ends our turn."""
        return next((way for way in self.ways if way.then == Then.WAIT.value), self.ways[0])

    @property
    def cc(self) -> list[Named]:
        return [row for row in self.names.all("cc") if row.active]

    @property
    def wishes(self) -> list[Named]:
        """Addresses that somebody's mail named: they get nothing until somebody says so."""
        return [row for row in self.names.all("cc") if not row.active]

    @cached_property
    def previous(self) -> list[Other]:
        return facts.others_of(self.ticket.requester_id, self.ticket.id, self.viewer)

    @property
    def older_tickets(self) -> str:
        return "/admin/tickets/" + Listing(customer=self.ticket.requester_id).address(view="everything")

    @cached_property
    def neighbours(self) -> tuple[str | None, str | None]:
        """Addresses of the tickets before and after this one in the list it was opened from."""
        first = max((self.listing.page - 1) * PAGE_SIZE - 1, 0)
        numbers = [row[0] for row in plain_rows(self._numbers(first, PAGE_SIZE + 2))]
        if self.ticket.number not in numbers:
            return None, self._beside(numbers[0] if numbers else None)
        at = numbers.index(self.ticket.number)
        return self._beside(numbers[at - 1] if at else None), self._beside(
            numbers[at + 1] if at + 1 < len(numbers) else None
        )

    def _numbers(self, first: int, rows: int) -> Select[int]:
        """As the list orders them, and by its quick way where it has one."""
        if not listpage.near(self.listing):
            return self.listing.ids(self.viewer).limit(rows).offset(first).with_only_columns(Ticket.number)
        if self.listing.filters:
            return _numbers_of(listpage.newest(self.listing, self.viewer, first + rows), first)
        return _numbers_of_queue(self.listing, self.viewer, desk.current().agents_see_departments, first, rows)

    def _beside(self, number: int | None) -> str | None:
        return f"/admin/tickets/{number}{self.listing.address()}" if number else None


@lru_cache(512)
def _numbers_of_queue(
    listing: Listing, viewer: Viewer, agents_see_departments: bool, first: int, rows: int
) -> Select[int]:
    """Built once for each viewer, as the list's own. The setting is part of the row rule, and so of the key."""
    return _numbers_of(listpage.newest(listing, viewer, first + rows), first)


def _numbers_of(newest: Select[int, dt.datetime], first: int) -> Select[int]:
    found = newest.subquery()
    wanted = select(Ticket.number).join(found, found.c.id == Ticket.id)
    return wanted.order_by(found.c.last_activity_at.desc(), found.c.id.desc()).offset(first)


def _nobodys() -> NoReturn:
    raise NotThere(_("There is no such ticket, or it is not yours to see."))


def find(number: int, viewer: Viewer, lock: bool = False) -> Ticket:
    """The ticket. NotThere for a number nobody gave and for one they may not see: nobody learns which."""
    if lock:
        ticket = pickers.locked(Ticket.number == number, viewer) if number <= LARGEST_NUMBER else None
    else:
        loaded = (
            joinedload(Ticket.requester),
            joinedload(Ticket.department),
            joinedload(Ticket.category),
            joinedload(Ticket.status),
            joinedload(Ticket.priority),
            joinedload(Ticket.assignee),
        )
        ticket = (
            db.session.scalar(TicketQuery.seen_by(viewer).where(Ticket.number == number).statement.options(*loaded))
            if number <= LARGEST_NUMBER
            else None
        )
    return ticket or _nobodys()
