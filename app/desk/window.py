"""The part of a thread that a page shows: its first message, what somebody came for, and the newest; the rest is asked for."""

from __future__ import annotations

import dataclasses as dc
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy import select

from app.accounts.viewer import Viewer
from app.core.extensions import db
from app.desk import entries, family
from app.desk.entries import Entry, Event, Found, Gap, Span
from app.desk.facts import Facts
from app.desk.family import Member
from app.desk.reading import FIRST, LAST, Only, Place, Reading
from app.search import engines
from app.search import words as cutting
from app.tickets.thread import Message
from app.tickets.visibility import messages_visible_to

WALKED = 150
"""Messages before a place, for whoever walks back without a script."""


class Line(NamedTuple):
    """An entry before it is told: a message's row, an event, or what is left out."""

    place: Place
    row: Any = None
    event: Event | None = None
    gap: Gap | None = None


class Piece(NamedTuple):
    """All lines between two places."""

    lines: list[Line]
    start: Place
    end: Place


@dc.dataclass(frozen=True)
class Window:
    ticket: Facts
    members: Sequence[Member]
    viewer: Viewer
    reading: Reading
    movable: bool = False
    """Its reader may move a message, and below: send a mail again."""
    resends: bool = False

    @cached_property
    def found(self) -> Found:
        """The newest events of every sort."""
        return family.events_of(self.ticket, self.members, self.viewer)

    @cached_property
    def entries(self) -> list[Entry]:
        """In the order of time."""
        newest = self._newest()
        if newest.start == FIRST:
            return self._told(newest.lines)
        first, middle = self._lines(self._parts.get("first", []), ()), self._middle(newest.start)
        pieces = [Piece(first, FIRST, first[0].place)] if first else []
        return self._told(self._joined([*pieces, *([middle] if middle else []), newest]))

    def between(self, after: Place, before: Place, from_start: bool) -> list[Entry]:
        """Entries of a gap from one of its ends, and the gap that is left at the other."""
        span = Span(after, before, from_start, entries.MOST + 1)
        rows = entries.messages_between(self.ticket.id, self.viewer, self.reading.only, span)
        whole = entries.place_of(rows[-1]) if len(rows) == span.most else None
        events = self._events(span)
        lines = self._lines(rows, events.events)
        if from_start:
            kept, end = _from_start(lines, (whole, events.whole_to), entries.MOST)
            return self._told([*kept, *([] if end == LAST else [_gap(end, before)])])
        kept, start = _newest(lines, (whole, events.whole_to), entries.MOST)
        return self._told([*([] if start == FIRST else [_gap(after, start)]), *kept])

    @cached_property
    def hits(self) -> list[int]:
        """Ids of the messages that have the words somebody looks for, in their order."""
        asked = cutting.question(self.reading.find)
        if not asked:
            return []
        theirs = select(Message.id).where(Message.ticket_id == self.ticket.id, messages_visible_to(self.viewer))
        return sorted(engines.those_of("search_entry", theirs, asked))

    @cached_property
    def entry(self) -> int | None:
        """The message in the middle: the one that was asked for, or the newest that has the words."""
        return self.reading.entry or (self.hits[-1] if self.hits else None)

    @property
    def hit(self) -> int:
        """Which of the hits stands in the middle, from 1; 0: none."""
        return self.hits.index(self.entry) + 1 if self.entry in self.hits else 0

    def beside(self, by: int) -> int | None:
        """The hit before or after that one."""
        wanted = self.hit - 1 + by
        return self.hits[wanted] if self.hit and 0 <= wanted < len(self.hits) else None

    @property
    def newest_message(self) -> int:
        return max((entry.said.id for entry in self.entries if entry.said), default=0)

    @property
    def news(self) -> bool:
        """There is something since the last visit."""
        mark = self.ticket.seen_message_id
        return mark is not None and any(row.id > mark and row.staff_id != self.viewer.id for row in self._recent)

    @property
    def first_new(self) -> int | None:
        """The first message since the last visit, when it is among the newest."""
        mark = self.ticket.seen_message_id
        if mark is None or not self._recent or (self._recent[0].id > mark and len(self._recent) > entries.NEWEST):
            return None
        return next((row.id for row in self._recent if row.id > mark and row.staff_id != self.viewer.id), None)

    @property
    def _recent(self) -> list[Any]:
        return self._parts.get("newest", [])

    @cached_property
    def _parts(self) -> Mapping[str, list[Any]]:
        before = WALKED if self.reading.until else entries.BEFORE
        return entries.parts_of(self.ticket.id, self.viewer, self.reading.only, self._centre, before)

    @property
    def _centre(self) -> Place | None:
        if self.reading.until is not None or self.entry is None:
            return self.reading.until
        wanted = select(Message.created_at).where(
            Message.id == self.entry, Message.ticket_id == self.ticket.id, messages_visible_to(self.viewer)
        )
        at = db.session.scalar(wanted)
        return Place(at, 0, self.entry) if at is not None else None

    def _newest(self) -> Piece:
        whole = entries.place_of(self._recent[0]) if len(self._recent) > entries.NEWEST else None
        events = self.found if self.reading.only.events else Found([])
        lines, start = _newest(self._lines(self._recent, events.events), (whole, events.whole_to), entries.NEWEST)
        return Piece(lines, start, LAST)

    def _middle(self, newest: Place) -> Piece | None:
        """Around a place; where that goes on in the newest ones, up to them."""
        rows = [*self._parts.get("before", []), *self._parts.get("from", [])]
        if not rows:
            return None
        start, last = entries.place_of(rows[0]), entries.place_of(rows[-1])
        if start >= newest:
            return None
        end = min(last, newest)
        events = self._events(Span(start, end, False, entries.MOST)).events
        return Piece(self._lines([row for row in rows if entries.place_of(row) < newest], events), start, end)

    def _joined(self, pieces: list[Piece]) -> list[Line]:
        """With a line for each gap; where one reaches into the next there is none."""
        told: list[Line] = []
        end = FIRST
        for piece in pieces:
            if piece.start > end:
                told.append(_gap(end, piece.start, self._hidden(pieces)))
            last = told[-1].place if told and told[-1].gap is None else end
            told += [line for line in piece.lines if line.place > last or piece.start > end]
            end = max(end, piece.end)
        return told

    def _hidden(self, pieces: list[Piece]) -> int:
        """Messages, where the one gap has all that is not shown."""
        if self.reading.only is not Only.ALL or len(pieces) != 2:
            return 0
        shown = {line.row.id for piece in pieces for line in piece.lines if line.row is not None}
        return max(self.ticket.message_count - len(shown), 0)

    def _events(self, span: Span) -> Found:
        wanted = self.reading.only.events
        return family.events_of(self.ticket, self.members, self.viewer, span) if wanted else Found([])

    def _lines(self, rows: Sequence[Any], events: Sequence[Event]) -> list[Line]:
        found = [Line(entries.place_of(row), row=row) for row in rows]
        told = (event for event in events if entries.shown(event, self.reading.only))
        return sorted([*found, *(Line(event.place, event=event) for event in told)], key=lambda line: line.place)

    def _told(self, lines: Sequence[Line]) -> list[Entry]:
        rows = [line.row for line in lines if line.row is not None]
        rights = (self.movable, self.resends)
        said = entries.said_of(rows, self.ticket.number, family.marks_of(rows), rights, self.reading.find)
        return [
            Entry(
                line.place,
                said=said[line.row.id] if line.row is not None else None,
                happened=line.event.told() if line.event is not None else None,
                gap=line.gap,
            )
            for line in lines
        ]


def _gap(after: Place, before: Place, messages: int = 0) -> Line:
    return Line(before, gap=Gap(after, before, messages))


def _newest(lines: list[Line], whole: tuple[Place | None, ...], most: int) -> tuple[list[Line], Place]:
    """At most so many, none from beyond what is known wholly, and from where on they are all; FIRST: there are no others."""
    ends = [place for place in whole if place is not None]
    sure = [line for line in lines if not ends or line.place >= max(ends)]
    if len(sure) > most:
        return sure[-most:], sure[-most].place
    return sure, max(ends, default=FIRST)


def _from_start(lines: list[Line], whole: tuple[Place | None, ...], most: int) -> tuple[list[Line], Place]:
    """The same from the other end; LAST: there are no others."""
    ends = [place for place in whole if place is not None]
    sure = [line for line in lines if not ends or line.place <= min(ends)]
    if len(sure) > most:
        return sure[:most], sure[most - 1].place
    return sure, min(ends, default=LAST)
