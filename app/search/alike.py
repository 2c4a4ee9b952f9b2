"""Tickets about the same: those that share the rarest words of a subject and a text, among what the viewer may see."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.accounts.viewer import Viewer
from app.core.extensions import db
from app.search import engines
from app.search import words as cutting
from app.search.engines import Hits
from app.tickets.models import Ticket
from app.tickets.thread import Message
from app.tickets.visibility import messages_visible_to, visible_to

OF_SUBJECT, OF_TEXT = 10, 14
"""Words that are asked for; the longest ones of a text say the most."""
SHORTEST = 4
TEXT_READ = 4_000
"""Characters of a text whose words count."""
HITS = 300
"""Of each word. One that has as many is common and says little."""
ENOUGH = 1.2
"""What the shared words have to weigh: one rare word, or several that are less so."""
CANDIDATES = 60
MOST = 6


class Alike(NamedTuple):
    ticket: Ticket
    shared: tuple[str, ...]
    """Words that both have, the rarest first."""


def alike(subject: str, body: str, viewer: Viewer, besides: Ticket | None = None, most: int = MOST) -> list[Alike]:
    """The most similar first; at the same weight the one that was active last. None that goes on in another."""
    words = _words(subject, body)
    if not words:
        return []
    found = engines.newest_of_each(words, HITS)
    weights = {word: _weight(hits) for word, hits in found.items()}
    shared = _tickets_of(found, viewer)
    scores = {ticket: sum(weights[word] for word in has) for ticket, has in shared.items()}
    if besides is not None:
        scores.pop(besides.id, None)
    likely = [id for id, score in Counter(scores).most_common(CANDIDATES) if score >= ENOUGH]
    rows = _visible(likely, viewer)
    rows.sort(key=lambda ticket: (scores[ticket.id], ticket.last_activity_at), reverse=True)
    return [
        Alike(ticket, tuple(sorted(shared[ticket.id], key=lambda word: (-weights[word], word)))) for ticket in rows[:most]
    ]  # fmt: skip


def _words(subject: str, body: str) -> list[str]:
    """Of the subject first; without numbers, addresses and short words."""
    found = dict.fromkeys(_longest(subject, OF_SUBJECT))
    found |= dict.fromkeys(_longest(body[:TEXT_READ], OF_TEXT))
    return list(found)


def _longest(text: str, most: int) -> list[str]:
    words = [word for word in cutting.cut(text) if len(word) >= SHORTEST and word.isalpha()]
    return sorted(words, key=len, reverse=True)[:most]


def _weight(hits: Hits) -> float:
    """From 0 for a word that stands everywhere."""
    many = max(map(len, hits.values()))
    return 0.0 if not many or many >= HITS else math.log(HITS / many) / math.log(HITS / 5)


def _tickets_of(found: Mapping[str, Hits], viewer: Viewer) -> dict[int, set[str]]:
    """Ticket -> the words it has. A message stands for its ticket."""
    messages = {id for hits in found.values() for id in hits["search_entry"]}
    wanted = select(Message.id, Message.ticket_id).where(
        Message.id.in_(engines.rows_of(sorted(messages))), messages_visible_to(viewer)
    )
    home = {row[0]: row[1] for row in db.session.execute(wanted)} if messages else {}
    shared: defaultdict[int, set[str]] = defaultdict(set)
    for word, hits in found.items():
        for ticket in (*(home[id] for id in hits["search_entry"] if id in home), *hits["search_ticket"]):
            shared[ticket].add(word)
    return shared


def _visible(ids: Sequence[int], viewer: Viewer) -> list[Ticket]:
    wanted = select(Ticket).where(Ticket.id.in_(ids), Ticket.merged_into_id.is_(None), visible_to(viewer))
    loaded = (joinedload(Ticket.status), joinedload(Ticket.requester), joinedload(Ticket.assignee))
    return list(db.session.scalars(wanted.options(*loaded))) if ids else []
