"""A ticket's thread and timeline as plain words, so that each entry is drawn once as long as it says the same."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from markupsafe import Markup
from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Executable,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    cast,
    literal,
    or_,
    select,
    union_all,
)

from app.accounts.viewer import Viewer
from app.core import web
from app.core.html import from_text
from app.core.model import BigId, UTCDateTime
from app.core.rows import plain_rows
from app.core.shipped import shown as named
from app.core.words import said as _
from app.desk import marking
from app.desk.reading import FIRST, LAST, Only, Place
from app.mail.models import Delivery, DeliveryState
from app.tickets.supplied import Supplier
from app.tickets.thread import (
    Attachment,
    Channel,
    Message,
    MessageKind,
    pictured,
    printed,
    readable,
    speaks_for_customer,
)
from app.tickets.timeentries import ActivityType
from app.tickets.timeline import IN_THREAD, Did, TicketEvent, sentence_of, why_of
from app.tickets.visibility import events_visible_to, messages_visible_to

NEWEST = 40
"""Entries with which a page opens, besides the first message."""
BEFORE, FROM = 20, 20
"""Messages around the one that an address names."""
MOST = 200
"""Entries that one look further back brings."""
MOST_EVENTS = 100
"""Of which a page knows without asking again: enough for its newest entries."""
LONGEST_KEPT = 4_000
"""Letters of a message whose drawing is kept: thousands of long ones would fill the memory."""


class File(NamedTuple):
    id: int
    name: str
    bytes: int
    image: bool
    pdf: bool


class Mail(NamedTuple):
    """A message on its way to one person."""

    id: int
    address: str
    state: str
    """As of a delivery; `bounced` when it came back."""
    reason: str
    at: tuple[str, str, str] | None
    """When it left, or came back."""

    @property
    def again(self) -> bool:
        return self.state in ("failed", "bounced", "suppressed")


class Said(NamedTuple):
    """A message."""

    id: int
    ticket: int
    """Its number."""
    kind: str
    """Whose it is: customer agent note, or of those with suppliers asked supplier."""
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
    mails: tuple[Mail, ...] = ()
    origin: str = ""
    """The number of the ticket it belongs to, or came from, when that is another."""
    movable: bool = False
    resends: bool = False
    """Its reader may have a mail sent once more."""
    find: str = ""
    """Words to be marked in it."""
    supplier: str = ""
    """With whom it was exchanged."""
    acceptable: bool = False
    """An unverified one that may be accepted as the supplier's."""
    activity: str = ""
    """What kind of work it was, in the reader's language."""
    sent_to: str = ""
    """To whom it went, when that was not the requester alone."""

    @property
    def text(self) -> Markup:
        """Links can be clicked, everything else is as typed."""
        told = readable(self.written, Channel(self.via))
        return Markup(marking.marked(told, self.find)) if self.find else told

    @property
    def history(self) -> Markup:
        return Markup(from_text(self.quoted or ""))

    @property
    def short(self) -> bool:
        return not self.find and len(self.written) + len(self.quoted or "") <= LONGEST_KEPT


class Happened(NamedTuple):
    """An event; `sentence` is in the reader's language."""

    who: str
    sentence: str
    at: tuple[str, str, str]


class Gap(NamedTuple):
    """Entries between two places that are not shown yet."""

    after: Place
    before: Place
    messages: int = 0
    """How many, where that is known."""


class Entry(NamedTuple):
    """One line of the thread: a message, something that happened, or what is left out."""

    place: Place
    said: Said | None = None
    happened: Happened | None = None
    gap: Gap | None = None
    new: bool = False
    """The first one since its reader's last visit."""


class Event(NamedTuple):
    id: int
    what: Did
    at: dt.datetime
    actor_name: str
    particulars: dict[str, Any]

    @property
    def place(self) -> Place:
        return Place(self.at, 1, self.id)

    def told(self) -> Happened:
        sentence = sentence_of(self.what, self.particulars)
        why = why_of(self.what, self.particulars)
        if why:
            sentence = _("%(sentence)s, %(why)s", sentence=sentence, why=why)
        if "in" in self.particulars:
            sentence = _("%(sentence)s (in %(number)s)", sentence=sentence, number=self.particulars["in"])
        return Happened(self.actor_name, sentence, web.instant(self.at))


class Span(NamedTuple):
    """Which entries are asked for: between two places, from one of the ends, so many of each sort."""

    after: Place = FIRST
    before: Place = LAST
    from_start: bool = False
    most: int = MOST_EVENTS

    @property
    def values(self) -> dict[str, object]:
        return {
            "after_at": self.after.at, "after_event": self.after.event, "after_id": self.after.id,
            "before_at": self.before.at, "before_event": self.before.event, "before_id": self.before.id, "most": self.most,
        }  # fmt: skip


AFTER_AT, BEFORE_AT = (bindparam(name, type_=UTCDateTime()) for name in ("after_at", "before_at"))
AFTER_EVENT, BEFORE_EVENT = (bindparam(name, type_=Integer) for name in ("after_event", "before_event"))
AFTER_ID, BEFORE_ID = (bindparam(name, type_=BigId) for name in ("after_id", "before_id"))
LIMIT = bindparam("most", type_=Integer, literal_execute=True)


def _messages_between() -> ColumnElement[bool]:
    at, id = Message.created_at, Message.id
    later = or_(at > AFTER_AT, and_(AFTER_EVENT == 0, id > AFTER_ID))
    earlier = or_(at < BEFORE_AT, BEFORE_EVENT == 1, id < BEFORE_ID)
    return and_(at >= AFTER_AT, later, at <= BEFORE_AT, earlier)


def _events_between() -> ColumnElement[bool]:
    at, id = TicketEvent.at, TicketEvent.id
    later = or_(at > AFTER_AT, AFTER_EVENT == 0, id > AFTER_ID)
    earlier = or_(at < BEFORE_AT, and_(BEFORE_EVENT == 1, id < BEFORE_ID))
    return and_(at >= AFTER_AT, later, at <= BEFORE_AT, earlier)


@lru_cache(512)
def _events(viewer: Viewer, bounded: bool, from_start: bool) -> Executable:
    """Statements are built once: composing one costs several times what it costs to run."""
    columns = (TicketEvent.id, TicketEvent.what, TicketEvent.at, TicketEvent.actor_name, TicketEvent.particulars)
    wanted = select(*columns).where(TicketEvent.ticket_id == bindparam("ticket"), events_visible_to(viewer))
    order = (TicketEvent.at, TicketEvent.id) if from_start else (TicketEvent.at.desc(), TicketEvent.id.desc())
    return (wanted.where(_events_between()) if bounded else wanted).order_by(*order).limit(LIMIT)


MESSAGE = (
    Message.id, Message.kind, Message.author_name, Message.staff_id, Message.customer_id, Message.via, Message.text, Message.full_text,
    Message.html.is_not(None).label("original"), Message.created_at, Message.trusted, Message.origin_ticket_id, Message.moved_from_id, Message.sent_to,
    Supplier.name.label("supplier"),
    select(ActivityType.name).where(ActivityType.id == Message.activity_id).scalar_subquery().label("activity"),
)  # fmt: skip


def _of_thread(viewer: Viewer, only: Only) -> Select[Any]:
    wanted = select(*MESSAGE).outerjoin(Supplier, Supplier.id == Message.supplier_id)
    wanted = wanted.where(Message.ticket_id == bindparam("ticket"), messages_visible_to(viewer))
    kinds = {Only.TALK: MessageKind.REPLY, Only.NOTES: MessageKind.NOTE, Only.SUPPLIERS: MessageKind.SUPPLIER}
    return wanted.where(Message.kind == kinds[only]) if only in kinds else wanted


def _ordered(wanted: Select[Any], from_start: bool) -> Select[Any]:
    if from_start:
        return wanted.order_by(Message.created_at, Message.id)
    return wanted.order_by(Message.created_at.desc(), Message.id.desc())


@lru_cache(512)
def _messages(viewer: Viewer, only: Only, from_start: bool) -> Executable:
    return _ordered(_of_thread(viewer, only).where(_messages_between()), from_start).limit(LIMIT)


@lru_cache(512)
def _parts(viewer: Viewer, only: Only, around: bool) -> Executable:
    """First and newest messages, and those around a place, in one statement."""
    wanted = _of_thread(viewer, only)
    arms = {"first": _ordered(wanted, True).limit(1), "newest": _ordered(wanted, False).limit(NEWEST + 1)}
    if around:
        arms["before"] = _ordered(wanted.where(_messages_between()), False).limit(LIMIT)
        from_place = or_(Message.created_at > BEFORE_AT, and_(BEFORE_EVENT == 0, Message.id >= BEFORE_ID))
        arms["from"] = _ordered(wanted.where(Message.created_at >= BEFORE_AT, from_place), True).limit(FROM)
    return union_all(*(select(literal(name).label("part"), arm.subquery(name)) for name, arm in arms.items()))


_file = select(
    literal("file").label("kind"), Attachment.message_id, Attachment.id, Attachment.name, Attachment.type.label("detail"),
    Attachment.bytes.label("number"), cast(None, UTCDateTime).label("at"), cast(None, UTCDateTime).label("back"),
).where(Attachment.message_id.in_(bindparam("messages", expanding=True)))  # fmt: skip
_mail = select(
    cast(Delivery.state, String), Delivery.message_id, Delivery.id, Delivery.address, Delivery.reason, Delivery.tries, Delivery.sent_at, Delivery.bounced_at
).where(Delivery.message_id.in_(bindparam("replies", expanding=True)), Delivery.staff_id.is_(None))  # fmt: skip
ATTACHED: CompoundSelect[Any] = union_all(_file, _mail)
"""Files of messages, and the mails that carried them to customers."""


class Found(NamedTuple):
    """Events, and the place from which on nothing is left out: the end that was asked for is always whole."""

    events: list[Event]
    whole_to: Place | None = None
    """None: there are no others."""


def events_of(ticket_id: int, viewer: Viewer, span: Span | None = None) -> Found:
    """The newest first, or the oldest where the span says so."""
    asked = span or Span()
    values = {"ticket": ticket_id, **(asked.values if span else {"most": asked.most})}
    rows = plain_rows(_events(viewer, span is not None, asked.from_start), values)
    events = [Event._make(row) for row in rows]
    return Found(events, events[-1].place if len(events) == asked.most else None)


def latest(ticket_id: int, what: Did) -> Event | None:
    """The last time that this happened."""
    columns = (TicketEvent.id, TicketEvent.what, TicketEvent.at, TicketEvent.actor_name, TicketEvent.particulars)
    wanted = select(*columns).where(TicketEvent.ticket_id == ticket_id, TicketEvent.what == what)
    rows = plain_rows(wanted.order_by(TicketEvent.at.desc(), TicketEvent.id.desc()).limit(1))
    return Event._make(rows[0]) if rows else None


def messages_between(ticket_id: int, viewer: Viewer, only: Only, span: Span) -> Sequence[Any]:
    if not only.messages:
        return []
    return plain_rows(_messages(viewer, only, span.from_start), {"ticket": ticket_id, **span.values})


def parts_of(ticket_id: int, viewer: Viewer, only: Only, middle: Place | None, before: int) -> Mapping[str, list[Any]]:
    """Rows by part, each in the order of time."""
    found: defaultdict[str, list[Any]] = defaultdict(list)
    if only.messages:
        around = Span(before=middle, most=before).values if middle is not None else {}
        for row in plain_rows(_parts(viewer, only, middle is not None), {"ticket": ticket_id, **around}):
            found[row.part].append(row)
    return {name: sorted(rows, key=place_of) for name, rows in found.items()}


def place_of(row: Any) -> Place:
    """Of a message's row."""
    return Place(row.created_at, 0, row.id)


def shown(event: Event, only: Only) -> bool:
    return only is Only.HISTORY or (only is Only.ALL and event.what in IN_THREAD)


def said_of(
    rows: Sequence[Any], number: int, marks: Mapping[int, str], rights: tuple[bool, bool], find: str
) -> dict[int, Said]:
    """By the message's id. `marks` say of tickets which number they have; `rights` to move a message and to send a mail again."""
    files: defaultdict[int, list[File]] = defaultdict(list)
    mails: defaultdict[int, list[Mail]] = defaultdict(list)
    replies = [row.id for row in rows if row.kind is not MessageKind.NOTE and row.customer_id is None]
    given = {"messages": [row.id for row in rows], "replies": replies}
    for kind, message_id, id, name, detail, count, at, back in plain_rows(ATTACHED, given) if rows else ():
        if kind == "file":
            files[message_id].append(File(id, name, count, pictured(detail), printed(detail)))
        else:
            mails[message_id].append(_mail_of(kind, id, name, detail, at, back))
    return {
        row.id: _said(row, number, tuple(sorted(files.get(row.id, ()))), tuple(sorted(mails.get(row.id, ()))), marks, rights, find)
        for row in rows
    }  # fmt: skip


def _mail_of(
    state: str, id: int, address: str, reason: str | None, at: dt.datetime | None, back: dt.datetime | None
) -> Mail:
    when = back or at
    told = "bounced" if back is not None else "sent" if state == DeliveryState.CAPTURED else state
    return Mail(id, address, told, reason or "", web.instant(when) if when is not None else None)


def _said(
    row: Any, number: int, files: tuple[File, ...], mails: tuple[Mail, ...], marks: Mapping[int, str], rights: tuple[bool, bool], find: str
) -> Said:  # fmt: skip
    return Said(
        row.id, number, _whose(row), row.author_name,
        row.via.value, row.trusted, row.text, row.full_text, row.original, files, web.instant(row.created_at), mails,
        marks.get(row.origin_ticket_id or row.moved_from_id or 0, ""), rights[0], rights[1] and bool(mails), find,
        row.supplier or "", row.kind is MessageKind.SUPPLIER and not row.trusted, named(row.activity), row.sent_to or "",
    )  # fmt: skip


def _whose(row: Any) -> str:
    if row.kind is MessageKind.SUPPLIER:
        return "asked" if row.staff_id is not None else "supplier"
    if row.kind is MessageKind.NOTE:
        return "note"
    return "customer" if speaks_for_customer(row.kind, row.staff_id, row.customer_id, row.via) else "agent"
