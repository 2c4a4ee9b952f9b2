"""Where the words of a search stand: for each ticket of a page the passage of its newest message that has them, or the field, hits marked."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _
from sqlalchemy import func, select

from app.accounts.viewer import Viewer
from app.core.extensions import db
from app.desk.asking import words_of
from app.search import engines, held
from app.search import words as cutting
from app.search.find import SNIPPET_FROM, places, snippet
from app.search.words import Asked
from app.tickets.thread import Message
from app.tickets.visibility import messages_visible_to

LOOKED_AT = 2_000
"""Messages of a page's tickets, the newest ones."""
Passage = tuple[tuple[str, bool], ...]
"""Pieces of text in their order; whether each is a hit."""


def passages(ids: Sequence[int], question: str, viewer: Viewer) -> dict[int, Passage]:
    """Of tickets the viewer sees, and by messages they may read, else by the desk's own fields, which all staff read.
    A ticket found by its subject or customer alone has none."""
    wanted = words_of(question).wanted
    asked = cutting.question(wanted)
    if not ids or not asked:
        return {}
    found = _in_messages(ids, wanted, asked, viewer)
    return found | _in_fields([id for id in ids if id not in found], wanted, asked)


def _in_messages(ids: Sequence[int], wanted: str, asked: Sequence[Asked], viewer: Viewer) -> dict[int, Passage]:
    within = select(Message.id).where(Message.ticket_id.in_(ids), messages_visible_to(viewer))
    having = engines.those_of("search_entry", within.order_by(Message.id.desc()).limit(LOOKED_AT), asked)
    if not having:
        return {}
    newest = select(func.max(Message.id)).where(Message.id.in_(having)).group_by(Message.ticket_id)
    texts = select(Message.ticket_id, func.substr(Message.text, 1, SNIPPET_FROM)).where(Message.id.in_(newest))
    return {ticket_id: marked(snippet(text, wanted), asked) for ticket_id, text in db.session.execute(texts)}


def _in_fields(ids: Sequence[int], wanted: str, asked: Sequence[Asked]) -> dict[int, Passage]:
    """With the name of the field, and of several that have some of the words the one that has most."""
    found: dict[int, Passage] = {}
    for id, fields in held.texts_of(ids, held.worded()).items():
        words = {field: held.words_of([text]) for field, text in fields.items()}
        if cutting.answers({one for each in words.values() for one in each}, asked):
            best = max(words, key=lambda field: sum(cutting.answers(words[field], (one,)) for one in asked))
            found[id] = ((f"{best.name}{_(':')} ", False), *marked(snippet(fields[best], wanted), asked))
    return found


def in_subjects(subjects: Sequence[str], question: str) -> list[Passage]:
    """Each in pieces; nothing for one without a hit."""
    asked = cutting.question(words_of(question).wanted)
    pieces = [marked(subject, asked) if asked else () for subject in subjects]
    return [one if any(hit for _words, hit in one) else () for one in pieces]


def marked(text: str, asked: Sequence[Asked]) -> Passage:
    """`text`, one line, cut where a hit begins and ends."""
    pieces: list[tuple[str, bool]] = []
    told = 0
    for start, end in places(text, asked):
        if start > told:
            pieces.append((text[told:start], False))
        pieces.append((text[start:end], True))
        told = end
    return (*pieces, (text[told:], False)) if told < len(text) else tuple(pieces)
