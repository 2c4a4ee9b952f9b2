"""A ticket's thread and timeline as plain words, so that each entry is drawn once as long as it says the same."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from markupsafe import Markup
from sqlalchemy import Executable, bindparam, select

from app.accounts.viewer import Viewer
from app.core import web
from app.core.html import from_text
from app.core.rows import plain_rows
from app.core.words import said as _
from app.tickets.thread import Attachment, Message, MessageKind, pictured, speaks_for_customer
from app.tickets.timeline import IN_THREAD, Did, TicketEvent, sentence_of
from app.tickets.visibility import events_visible_to, messages_visible_to

MOST_EVENTS = 500
"""The newest ones; a ticket that robots fill would otherwise make a page of megabytes."""
MOST_MESSAGES = 500
LONGEST_KEPT = 4_000
"""Letters of a message whose drawing is kept: thousands of long ones would fill the memory."""


class File(NamedTuple):
    id: int
    name: str
    bytes: int
    image: bool


class Said(NamedTuple):
    """A message."""

    id: int
    ticket: int
    """Its number."""
    kind: str
    """Whose it is: customer agent note."""
    author: str
    via: str
    trusted: bool
    written: str
    quoted: str | None
    original: bool
    """It came as HTML, which can be shown on its own."""
    files: tuple[File, ...]
    at: tuple[str, str, str]
    """Machine's, whole and short form of an instant."""
    origin: str = ""
    """The number of the ticket it belongs to, or came from, when that is another."""
    movable: bool = False

    @property
    def text(self) -> Markup:
        """Links can be clicked, everything else is as typed."""
        return Markup(from_text(self.written))  # from_text escapes

    @property
    def history(self) -> Markup:
        return Markup(from_text(self.quoted or ""))

    @property
    def short(self) -> bool:
        return len(self.written) + len(self.quoted or "") <= LONGEST_KEPT


class Happened(NamedTuple):
    """An event; `sentence` is in the reader's language."""

    who: str
    sentence: str
    at: tuple[str, str, str]


class Entry(NamedTuple):
    """One line of the thread: a message, or something that happened."""

    at: dt.datetime
    said: Said | None = None
    happened: Happened | None = None


class Event(NamedTuple):
    what: Did
    at: dt.datetime
    actor_name: str
    particulars: dict[str, Any]

    def told(self) -> Happened:
        sentence = sentence_of(self.what, self.particulars)
        if "in" in self.particulars:
            sentence = _("%(sentence)s (in %(number)s)", sentence=sentence, number=self.particulars["in"])
        return Happened(self.actor_name, sentence, web.instant(self.at))


@lru_cache(512)
def _events(viewer: Viewer) -> Executable:
    """Statements are built once: composing one costs several times what it costs to run."""
    columns = (TicketEvent.what, TicketEvent.at, TicketEvent.actor_name, TicketEvent.particulars)
    wanted = select(*columns).where(TicketEvent.ticket_id == bindparam("ticket"), events_visible_to(viewer))
    return wanted.order_by(TicketEvent.at.desc(), TicketEvent.id.desc()).limit(MOST_EVENTS)


@lru_cache(512)
def _messages(viewer: Viewer) -> Executable:
    wanted = select(
        Message.id, Message.kind, Message.author_name, Message.staff_id, Message.customer_id, Message.via, Message.text, Message.full_text,
        Message.html.is_not(None).label("original"), Message.created_at, Message.trusted,
    ).where(Message.ticket_id == bindparam("ticket"), messages_visible_to(viewer))  # fmt: skip
    return wanted.order_by(Message.id.desc()).limit(MOST_MESSAGES)


FILES = (
    select(Attachment.message_id, Attachment.id, Attachment.name, Attachment.bytes, Attachment.type)
    .join(Message, Message.id == Attachment.message_id)
    .where(Message.ticket_id == bindparam("ticket"))
    .order_by(Attachment.id)
)


def events_of(ticket_id: int, viewer: Viewer) -> list[Event]:
    """The newest first."""
    return [Event._make(row) for row in plain_rows(_events(viewer), {"ticket": ticket_id})]


def thread_of(
    ticket: tuple[int, int],
    viewer: Viewer,
    told: Sequence[tuple[Event, Happened]],
    marks: Mapping[int, str],
    movable: bool,
) -> list[Entry]:
    """The conversation with what happened in between, in the order of time. `ticket` is its id and number; `marks` say of messages
    to which other ticket they belong."""
    ticket_id, number = ticket
    files: defaultdict[int, list[File]] = defaultdict(list)
    for message_id, file_id, name, size, kind in plain_rows(FILES, {"ticket": ticket_id}):
        files[message_id].append(File(file_id, name, size, pictured(kind)))
    rows = plain_rows(_messages(viewer), {"ticket": ticket_id})
    entries = [
        Entry(row.created_at, said=_said(row, number, tuple(files.get(row.id, ())), marks.get(row.id, ""), movable))
        for row in rows
    ]
    entries += [Entry(event.at, happened=happened) for event, happened in told if event.what in IN_THREAD]
    return sorted(entries, key=lambda entry: (entry.at, entry.happened is not None))


def _said(row: Any, number: int, files: tuple[File, ...], origin: str, movable: bool) -> Said:
    by_customer = speaks_for_customer(row.kind, row.staff_id, row.customer_id)
    return Said(
        row.id, number, "note" if row.kind is MessageKind.NOTE else "customer" if by_customer else "agent", row.author_name,
        row.via.value, row.trusted, row.text, row.full_text, row.original, files, web.instant(row.created_at), origin, movable,
    )  # fmt: skip
