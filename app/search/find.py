"""Finds tickets by words: among the newest hits first, further back when those are few. Nobody finds by what they may not read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Integer, Select, bindparam, select, union

from app.accounts.viewer import Actor, Kind, Viewer
from app.core.database import is_postgresql
from app.core.extensions import db
from app.core.model import BigId
from app.search import engines, held
from app.search import words as cutting
from app.search.engines import Hits
from app.search.words import Asked
from app.settings import desk
from app.tickets import numbering
from app.tickets.mergeable import HOME
from app.tickets.models import Ticket
from app.tickets.thread import Message
from app.tickets.visibility import messages_visible_to, sees_all, visible_to

ENOUGH = 25
"""Tickets: a page of them. With fewer, older hits are looked through too."""
NEWEST_HITS = 400
"""Messages and headers, each; twice that for whoever sees only some of them."""
ALL_HITS = 10_000
SNIPPET = 160
SNIPPET_FROM = 20_000
"""Characters of a text that are looked through."""


def matching(words: str, actor: Actor, limit: int = 400) -> list[int]:
    """The ids of the tickets in which one message, the header, or what stands in the desk's own fields has all the words, the latest active first; only by what this actor may read.

    A ticket's number finds it too, however it is written, and before all others. A very common word finds its newest tickets.
    """
    asked = cutting.question(words)
    if not asked:
        return []
    number = numbering.read(words[: cutting.LONGEST_WORD])
    if actor.kind is Kind.CUSTOMER:
        return _visible(_among_own(asked, actor), number, actor, limit)
    at_most = NEWEST_HITS if isinstance(actor, Viewer) and sees_all(actor) else NEWEST_HITS * 2
    hits = engines.newest(asked, at_most)
    found = _visible(hits, number, actor, limit)
    if len(found) < min(ENOUGH, limit) and any(len(ids) >= at_most for ids in hits.values()):
        found = _visible(engines.newest(asked, ALL_HITS), number, actor, limit)
    return found


def _among_own(asked: Sequence[Asked], actor: Actor) -> Hits:
    """A customer's own messages are few; a common word's newest hits are everybody's."""
    tickets = select(Ticket.id).where(visible_to(actor)).order_by(Ticket.id.desc()).limit(ALL_HITS)
    messages = select(Message.id).where(messages_visible_to(actor)).order_by(Message.id.desc()).limit(ALL_HITS)
    return {
        "search_entry": engines.those_of("search_entry", messages, asked),
        "search_ticket": engines.those_of("search_ticket", tickets, asked),
        held.TABLE: held.having(tickets, asked, held.worded(public=True)),
    }


def _visible(hits: Hits, number: int | None, actor: Actor, limit: int) -> list[int]:
    """The tickets of these hits that the actor sees; no customer gets there by a note."""
    if isinstance(actor, Viewer):
        wanted = _seen_by_staff(actor, desk.current().agents_see_departments, is_postgresql())
    else:
        wanted = _seen_by(actor)
    values = {
        "messages": engines.packed(hits["search_entry"]),
        "headers": engines.packed([*hits["search_ticket"], *hits[held.TABLE]]),
        "number": -1 if number is None else number,
        "most": limit,
    }
    return [row[0] for row in db.session.execute(wanted, values)]


@lru_cache(512)
def _seen_by_staff(viewer: Viewer, _agents_see_departments: bool, _postgresql: bool) -> Select[Any]:
    """Built once for each viewer: to build it costs more than to run it. The setting is part of the row rule, the database of the words."""
    return _seen_by(viewer)


def _seen_by(actor: Actor) -> Select[Any]:
    numbered = Ticket.number == bindparam("number", type_=BigId)
    by_message = select(HOME if actor.kind is Kind.CUSTOMER else Message.ticket_id).where(
        engines.any_of(Message.id, "messages"), messages_visible_to(actor)
    )
    among = union(by_message, engines.ids_in("headers"), select(Ticket.id).where(numbered)).subquery()
    order = (numbered.desc(), Ticket.last_activity_at.desc(), Ticket.id.desc())
    wanted = select(Ticket.id).where(Ticket.id.in_(select(among.c[0])), visible_to(actor)).order_by(*order)
    return wanted.limit(bindparam("most", type_=Integer, literal_execute=True))


def snippet(text: str, words: str) -> str:
    """The part of `text` where a searched word first stands, as plain text on one line."""
    text = " ".join(text[:SNIPPET_FROM].split())
    first = next(places(text, cutting.question(words)), (0, 0))
    return _around(text, first[0])


def places(line: str, asked: Sequence[Asked]) -> Iterator[tuple[int, int]]:
    """Beginning and end of each piece between the blanks of this line that has a searched word."""
    folded = line.lower()
    if len(folded) != len(line):
        pieces = (found.span() for found in re.finditer(r"\S+", line))
        yield from (place for place in pieces if _stands_in(line[slice(*place)], asked))
        return
    # Only the pieces in which the signs stand at all need to be cut, and those with letters that fold to others.
    end, signs = 0, "|".join(("[^\x00-\x7f…–“”’]", *(re.escape(one.word) for one in asked)))
    for found in re.finditer(signs, folded):
        if found.start() >= end:
            start = folded.rfind(" ", 0, found.start()) + 1
            end = (folded.find(" ", found.end()) + 1 or len(folded) + 1) - 1
            if _stands_in(line[start:end], asked):
                yield start, end


def _stands_in(piece: str, asked: Sequence[Asked]) -> bool:
    words = cutting.cut(piece)
    return any(cutting.answers(words, (one,)) for one in asked)


def _around(text: str, place: int) -> str:
    start = max(0, place - SNIPPET // 3)
    if start:
        start = text.find(" ", start, place) + 1 or start
    end = start + SNIPPET
    return ("… " if start else "") + text[start:end].strip() + (" …" if end < len(text) else "")
