"""Finds tickets by words: among the newest hits first, further back when those are few. Nobody finds by what they may not read."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import select, union

from app.accounts.viewer import Actor, Kind, Viewer
from app.core.extensions import db
from app.search import engines
from app.search import words as cutting
from app.search.engines import Hits
from app.search.words import Asked
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
    """The ids of the tickets in which one message, or the header, has all the words, the latest active first; only by what this actor may read.

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
    }


def _visible(hits: Hits, number: int | None, actor: Actor, limit: int) -> list[int]:
    """The tickets of these hits that the actor sees; no customer gets there by a note."""
    numbered = Ticket.number == (-1 if number is None else number)
    by_message = select(HOME if actor.kind is Kind.CUSTOMER else Message.ticket_id).where(
        Message.id.in_(engines.rows_of(hits["search_entry"])), messages_visible_to(actor)
    )
    by_header = select(Ticket.id).where(Ticket.id.in_(engines.rows_of(hits["search_ticket"])))
    among = union(by_message, by_header, select(Ticket.id).where(numbered)).subquery()
    order = (numbered.desc(), Ticket.last_activity_at.desc(), Ticket.id.desc())
    wanted = select(Ticket.id).where(Ticket.id.in_(select(among.c[0])), visible_to(actor)).order_by(*order)
    return list(db.session.scalars(wanted.limit(limit)))


def snippet(text: str, words: str) -> str:
    """The part of `text` where a searched word first stands, as plain text on one line."""
    text = " ".join(text[:SNIPPET_FROM].split())
    asked = cutting.question(words)
    for found in re.finditer(r"\S+", text):
        if any(_stands_in(found[0], one) for one in asked):
            return _around(text, found.start())
    return _around(text, 0)


def _stands_in(piece: str, one: Asked) -> bool:
    return cutting.answers(cutting.cut(piece), (one,))


def _around(text: str, place: int) -> str:
    start = max(0, place - SNIPPET // 3)
    if start:
        start = text.find(" ", start, place) + 1 or start
    end = start + SNIPPET
    return ("… " if start else "") + text[start:end].strip() + (" …" if end < len(text) else "")
