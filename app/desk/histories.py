"""A ticket of another helpdesk with its messages, told as the rows of ours."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
from typing import Any

from sqlalchemy import select

from app.accounts.viewer import SYSTEM, Kind
from app.core.extensions import db
from app.desk.csvdesk import GivenMessage, GivenTicket, NotReadable, instant
from app.desk.newcomers import Newcomers, Person
from app.tickets.choices import Priority, State, Status
from app.tickets.conversation import EXCERPT
from app.tickets.lifecycle import status_for
from app.tickets.models import TicketKind
from app.tickets.sorting import clean_line
from app.tickets.thread import Channel, MessageKind
from app.tickets.timeline import Did

STATES = {
    "open": State.OPEN, "pending": State.WAITING, "on_hold": State.HOLD, "resolved": State.RESOLVED, "closed": State.CLOSED,
}  # fmt: skip
CHANNELS = {"email": Channel.MAIL, "web": Channel.PORTAL, "phone": Channel.STAFF}
ENDED = {State.RESOLVED: Did.RESOLVED, State.CLOSED: Did.CLOSED}
Row = dict[str, Any]


class Vocabulary:
    """Their words for status and priority -> our rows."""

    def __init__(self) -> None:
        self.statuses: dict[str, Status] = {word: status_for(state) for word, state in STATES.items()}
        self.opening = status_for(State.OPEN)
        self.priorities = list(db.session.scalars(select(Priority).order_by(Priority.active.desc(), Priority.rank)))
        self._kept: dict[str, tuple[int, int]] = {}

    def status(self, word: str) -> Status:
        if word not in self.statuses:
            raise NotReadable(f"tickets.csv: the status {word!r} is not one of {', '.join(STATES)}.")
        return self.statuses[word]

    def priority(self, word: str) -> tuple[int, int]:
        """Id and rank."""
        if word not in self._kept:
            row = next((each for each in self.priorities if each.answers_to(word)), None)
            if row is None:
                raise NotReadable(f"tickets.csv: no priority of the desk is called {word!r}.")
            self._kept[word] = row.id, row.rank
        return self._kept[word]


@dc.dataclass
class Rows:
    """What is inserted for a batch of tickets."""

    tickets: list[Row] = dc.field(default_factory=list)
    messages: list[Row] = dc.field(default_factory=list)
    events: list[Row] = dc.field(default_factory=list)
    headers: list[tuple[Any, ...]] = dc.field(default_factory=list)
    """Id, number, reference, subject, name and address of the requester."""


@dc.dataclass(frozen=True)
class History:
    """One ticket as it was. Its messages stand in the order in which they were written."""

    given: GivenTicket
    messages: list[GivenMessage]
    newcomers: Newcomers
    words: Vocabulary

    def write(self, rows: Rows, ticket_id: int, number: int, message_ids: list[int], now: dt.datetime) -> None:
        """Add the rows of this ticket. `now` is when a waiting or resolved ticket's time begins to count here: nobody is
        reminded, and nothing is closed, for what happened elsewhere."""
        given, requester = self.given, self._person(self.newcomers.customers, self.given.customer_id)
        status, (priority_id, rank) = self.words.status(given.status), self.words.priority(given.priority)
        subject, ended = clean_line(given.subject), instant(given.resolved_at) if given.resolved_at else None
        ticket: Row = {
            "id": ticket_id, "number": number, "reference": given.number[:255], "subject": subject, "kind": TicketKind.TICKET, "channel": self._channel(),
            "opened_by_staff": False, "requester_id": requester.id, "proven": True, "hidden_from_client": False,
            "department_id": self._department(), "category_id": self.newcomers.categories.get(given.category_id), "priority_id": priority_id, "priority_rank": rank,
            "assignee_id": self._assignee().id if given.assignee_id else None, "status_id": status.id, "state": status.state, "live": status.state.live,
            "created_at": instant(given.created_at), "updated_at": instant(given.updated_at), "time_spent_minutes": 0,
            "resolved_at": (ended or instant(given.updated_at)) if not status.state.live else None,
            "closed_at": (ended or instant(given.updated_at)) if status.state is State.CLOSED else None,
            "status_since": now if status.state in (State.WAITING, State.RESOLVED) else instant(given.updated_at),
            "excerpt": "", "message_count": 0, "needs_response": False, "awaiting_since": None,
            "first_response_at": None, "last_customer_at": None, "last_staff_at": None, "last_activity_at": instant(given.created_at),
        }  # fmt: skip
        for message_id, message in zip(message_ids, self.messages, strict=True):
            self._say(rows, ticket, message_id, message)
        self._end(rows, ticket, status)
        rows.tickets.append(ticket)
        rows.headers.append((ticket_id, number, given.number, subject, requester.name, requester.email))

    def _say(self, rows: Rows, ticket: Row, message_id: int, given: GivenMessage) -> None:
        """One message, the event of it, and what it means for the ticket: as the verbs of a conversation keep it."""
        by_staff, public, at = given.author_type == "staff", given.is_public != "0", instant(given.created_at)
        author = self._person(self.newcomers.staff if by_staff else self.newcomers.customers, given.author_id)
        text = given.body.replace("\x00", "").strip()
        rows.messages.append({
            "id": message_id, "ticket_id": ticket["id"], "kind": MessageKind.REPLY if public else MessageKind.NOTE, "author_name": author.name,
            "staff_id": author.id if by_staff else None, "customer_id": None if by_staff else author.id, "via": Channel.STAFF if by_staff else ticket["channel"],
            "text": text, "created_at": at, "message_id": given.message_id.strip("<>")[:255] or None, "trusted": True,
        })  # fmt: skip
        first = by_staff and public and ticket["first_response_at"] is None
        self._count(ticket, text, at, by_staff, public)
        particulars: Row = {"message_id": message_id}
        if ticket["message_count"] == 1:
            did, particulars = Did.OPENED, {**particulars, "by_staff": False, "imported": True}
        elif by_staff:
            did, particulars = (Did.REPLIED, {**particulars, "first": first}) if public else (Did.NOTED, particulars)
        else:
            did, particulars = Did.RECEIVED, {**particulars, "trusted": True}
        rows.events.append(
            _event(ticket["id"], did, at, Kind.STAFF if by_staff else Kind.CUSTOMER, author, particulars)
        )

    def _count(self, ticket: Row, text: str, at: dt.datetime, by_staff: bool, public: bool) -> None:
        ticket["message_count"] += 1
        ticket["last_activity_at"] = max(ticket["last_activity_at"], at)
        if public:
            ticket["excerpt"] = " ".join(text[: EXCERPT * 2].split())[:EXCERPT]
        if by_staff and public:
            ticket.update(last_staff_at=at, awaiting_since=None, needs_response=False)
            ticket["first_response_at"] = ticket["first_response_at"] or at
        elif not by_staff:
            ticket.update(last_customer_at=at, awaiting_since=ticket["awaiting_since"] or at, needs_response=True)

    def _end(self, rows: Rows, ticket: Row, status: Status) -> None:
        """How it came to the status it has, unless it still has the first one."""
        opening = self.words.opening
        if status.id == opening.id:
            return
        at = ticket["resolved_at"] or instant(self.given.updated_at)
        ticket["last_activity_at"] = max(ticket["last_activity_at"], at)
        changed = {
            "was": opening.name,
            "now": status.name,
            "was_id": opening.id,
            "now_id": status.id,
            "state_was": opening.state.value,
            "state": status.state.value,
        }
        assignee = self._assignee() if self.given.assignee_id else None
        kind, person = (Kind.STAFF, assignee) if assignee else (Kind.SYSTEM, Person(0, SYSTEM.name))
        rows.events.append(_event(ticket["id"], ENDED.get(status.state, Did.STATUS_CHANGED), at, kind, person, changed))

    def _channel(self) -> Channel:
        if self.given.channel not in CHANNELS:
            raise NotReadable(f"tickets.csv: the channel {self.given.channel!r} is not one of {', '.join(CHANNELS)}.")
        return CHANNELS[self.given.channel]

    def _department(self) -> int:
        if self.given.department_id not in self.newcomers.departments:
            raise NotReadable(f"tickets.csv: ticket {self.given.id} is of a department that is not in departments.csv.")
        return self.newcomers.departments[self.given.department_id]

    def _assignee(self) -> Person:
        return self._person(self.newcomers.staff, self.given.assignee_id)

    def _person(self, people: dict[str, Person], key: str) -> Person:
        if key not in people:
            raise NotReadable(f"Ticket {self.given.id} names a person {key!r} who is in no file.")
        return people[key]


def _event(ticket_id: int, did: Did, at: dt.datetime, kind: Kind, person: Person, particulars: Row) -> Row:
    return {
        "ticket_id": ticket_id, "what": did, "at": at, "actor_kind": kind, "actor_name": person.name,
        "staff_id": person.id if kind is Kind.STAFF else None, "customer_id": person.id if kind is Kind.CUSTOMER else None, "particulars": particulars,
    }  # fmt: skip
