"""Words of the search box on the tickets of a list: all of them, "exact phrases", and -those that must not be there."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, func, or_, select

from app.accounts.viewer import Viewer
from app.core.extensions import db
from app.desk.asking import words_of
from app.search import engines, held
from app.search import words as cutting
from app.search.engines import Hits
from app.search.find import ENOUGH, matching
from app.search.index import TABLES
from app.tickets import numbering
from app.tickets.models import Ticket
from app.tickets.thread import Message
from app.tickets.visibility import messages_visible_to

HITS = 10_000
"""Messages, the newest ones that have the words. A list that is narrowed besides looks among all of these."""
PHRASE_HITS = 1_000
"""Texts that are read to see whether the words of a phrase stand side by side."""
READ = 20_000
"""Characters of each of those texts."""


def plain(question: str) -> bool:
    """Nothing but words: the search's own answer is the list's."""
    return bool(question) and '"' not in question and not any(word.startswith("-") for word in question.split())


def criteria(question: str, viewer: Viewer) -> list[ColumnElement[bool]]:
    """What these words demand of a ticket; to be combined with the row rule. Empty when nothing is left to look for."""
    words = words_of(question)
    wanted = []
    if words.wanted:
        wanted.append(_having(words.wanted, words.phrases, viewer))
    return wanted + [~_with_hits(_hits(one), viewer) for one in words.without if cutting.question(one)]


def _having(wanted: str, phrases: Sequence[str], viewer: Viewer) -> ColumnElement[bool]:
    """The search's own answer while it is short enough to be whole; beyond that, all hits."""
    numbered = Ticket.number == (numbering.read(wanted[: cutting.LONGEST_WORD]) or -1)
    if phrases:
        hits = _hits(wanted)
        for phrase in phrases:
            hits = _side_by_side(hits, cutting.fold(phrase))
        return _with_hits(hits, viewer)
    found = matching(wanted, viewer)
    if len(found) < ENOUGH:
        return Ticket.id.in_(engines.rows_of(found))
    return or_(numbered, _with_hits(_hits(wanted), viewer))


def _hits(words: str) -> Hits:
    asked = cutting.question(words)
    return engines.newest(asked, HITS) if asked else {name: [] for name in TABLES}


def _with_hits(hits: Hits, viewer: Viewer) -> ColumnElement[bool]:
    messages = select(Message.ticket_id).where(
        Message.id.in_(engines.rows_of(hits["search_entry"])), messages_visible_to(viewer)
    )
    tickets = [*hits["search_ticket"], *hits[held.TABLE]]
    return or_(Ticket.id.in_(messages), Ticket.id.in_(engines.rows_of(tickets)))


def _side_by_side(hits: Hits, phrase: str) -> Hits:
    """Those of the newest hits in whose text, or subject, the phrase stands as it is."""
    texts = select(Message.id, func.substr(Message.text, 1, READ))
    subjects = select(Ticket.id, Ticket.subject)
    return {
        "search_entry": _telling(texts.where(Message.id.in_(_newest(hits, "search_entry"))), phrase),
        "search_ticket": _telling(subjects.where(Ticket.id.in_(_newest(hits, "search_ticket"))), phrase),
        held.TABLE: _in_fields(hits[held.TABLE][:PHRASE_HITS], phrase),
    }


def _in_fields(tickets: Sequence[int], phrase: str) -> list[int]:
    """In one field, not in two that follow each other."""
    texts = held.texts_of(tickets, held.worded())
    return [id for id, fields in texts.items() if any(_stands(phrase, text) for text in fields.values())]


def _newest(hits: Hits, kind: str) -> Select[int]:
    return engines.rows_of(hits[kind][:PHRASE_HITS])


def _telling(texts: Select[int, str], phrase: str) -> list[int]:
    return [id for id, text in db.session.execute(texts) if _stands(phrase, text)]


def _stands(phrase: str, text: str) -> bool:
    return phrase in cutting.fold(" ".join(text.split()))
