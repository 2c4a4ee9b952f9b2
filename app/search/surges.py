"""Many similar tickets within a short time: noticed once, before anybody has counted them."""

from __future__ import annotations

import datetime as dt
import math
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from sqlalchemy import func, select

from app.accounts.viewer import SYSTEM
from app.core import clock
from app.core.database import one_at_a_time
from app.core.extensions import db
from app.search import engines
from app.search import words as cutting
from app.settings import desk
from app.tickets import incidents
from app.tickets.incidents import Incident
from app.tickets.models import Ticket
from app.tickets.thread import Message, MessageKind
from app.tickets.timeline import Did, TicketEvent

MOST = 300
"""Tickets that are looked at, the newest: a flood of them costs no more."""
FLOOD = 1_000
"""Tickets of so short a time whose words are told from those of the time before."""
WORDS = 120
"""Words whose weight is asked for."""
TEXT_READ = 2_000
"""Characters of a text whose words count."""
SHORTEST = 3
"""Letters of a word that counts: "VPN" says a lot, and three signs are what Chinese or Thai is cut into."""
COMMON = 100
"""Earlier tickets with a word that says nothing any more."""
EARLIER = 10_000
FEW = 100
"""Earlier tickets from which on rare is told from common. Where there are none each word weighs the same, and only nearly the same text is similar."""
OF_UNKNOWN = 0.25
ALIKE = 1.2
"""What the words that two share have to weigh; one that nobody wrote before weighs 1."""
AROUND = (1_000, 5_000)
"""Ids before and after the first ticket of a surge, among which its others are looked for."""

Neighbours = Mapping[int, set[int]]
"""Ticket -> those that are similar to it."""


class Young(NamedTuple):
    """A ticket of the last minutes."""

    id: int
    subject: frozenset[str]
    words: frozenset[str]


def notice() -> int:
    """Look at the newest tickets. Returns how many surges were told."""
    settings = desk.current()
    many, within = max(2, settings.surge_tickets), dt.timedelta(minutes=settings.surge_minutes)
    if not settings.surge_tickets:
        return 0
    one_at_a_time(Incident)
    since = clock.now() - within
    young = _young(since)
    if len(young) < many:
        return 0
    neighbours, known = _neighbours(young, _weights(young, many, since)), _known([one.id for one in young])
    new = {one.id for one in young if one.id not in known}
    return _tell(new - _grow(known, new, neighbours), neighbours, many)


def tickets_of(first: int) -> list[int]:
    """Those that were noticed together with this one, whoever may see them."""
    around = TicketEvent.ticket_id.between(first - AROUND[0], first + AROUND[1])
    marks = select(TicketEvent.ticket_id, TicketEvent.particulars).where(around, TicketEvent.what == Did.SURGED)
    return sorted({row[0] for row in db.session.execute(marks) if row[1].get("surge_id") == first})


def _young(since: dt.datetime) -> list[Young]:
    """Open ones that customers wrote; those of spam count as little as those that go on elsewhere."""
    counted = (Ticket.live, Ticket.spam_since.is_(None), Ticket.merged_into_id.is_(None), Ticket.opened_by_staff.is_(False))  # fmt: skip
    wanted = select(Ticket.id, Ticket.subject).where(Ticket.created_at >= since, *counted)
    subjects = {row[0]: row[1] for row in db.session.execute(wanted.order_by(Ticket.created_at.desc(), Ticket.id.desc()).limit(MOST))}  # fmt: skip
    firsts = select(func.min(Message.id)).where(Message.ticket_id.in_(subjects), Message.kind == MessageKind.REPLY)
    read = select(Message.ticket_id, func.substr(Message.text, 1, TEXT_READ))
    rows = db.session.execute(read.where(Message.id.in_(firsts.group_by(Message.ticket_id)))) if subjects else ()
    texts = {row[0]: row[1] or "" for row in rows}
    found = {id: (_words(subject), _words(texts.get(id, ""))) for id, subject in sorted(subjects.items())}
    return [Young(id, subject, subject | text) for id, (subject, text) in found.items()]


def _words(text: str) -> frozenset[str]:
    """Without numbers and addresses: today's date stands in all of today's tickets."""
    return frozenset(word for word in cutting.cut(text) if len(word) >= SHORTEST and all(map(_letter, word)))


def _letter(sign: str) -> bool:
    """Or a vowel sign, which Indian scripts have beside their letters."""
    return sign.isalpha() or unicodedata.category(sign).startswith("M")


def _weights(young: Sequence[Young], many: int, since: dt.datetime) -> dict[str, float]:
    """Of words that several of them share, those of subjects first: from 0 for one that stands everywhere to 1 for one that never did."""
    has = Counter(word for one in young for word in one.words)
    in_subjects = Counter(word for one in young for word in one.subject)
    shared = [word for word, count in has.items() if count >= max(2, many // 2)]
    asked = sorted(shared, key=lambda word: (-in_subjects[word], -has[word], word))[:WORDS]
    first = db.session.scalars(select(Ticket.id).where(Ticket.created_at >= since).order_by(Ticket.created_at, Ticket.id).limit(1)).one()  # fmt: skip
    besides = _surges_before(first)
    at_most = COMMON + 2 * min(young[-1].id - first, FLOOD) + sum(map(len, besides.values()))
    found = engines.newest_of_each(asked, at_most)
    message = db.session.scalar(select(func.min(Message.id)).where(Message.ticket_id == first)) or 0
    tickets = _tickets_before(first)
    earlier = {"search_ticket": first, "search_entry": message}
    return {
        word: _weight(max(COMMON if len(hits[name]) >= at_most else _before(hits[name], earlier[name], besides[name]) for name in earlier), tickets)
        for word, hits in found.items()
    }  # fmt: skip


def _tickets_before(first: int) -> int:
    """At most EARLIER: more of them tell rare from common no better."""
    some = select(Ticket.id).where(Ticket.id < first).limit(EARLIER).subquery()
    return db.session.scalar(select(func.count()).select_from(some)) or 0


def _before(hits: Sequence[int], first: int, besides: set[int]) -> int:
    return sum(id < first and id not in besides for id in hits)


def _surges_before(first: int) -> dict[str, set[int]]:
    """What was written in the surges before: yesterday's outage makes its words no common ones."""
    near = TicketEvent.ticket_id.between(first - AROUND[0], first - 1)
    marked = select(TicketEvent.ticket_id).where(near, TicketEvent.what == Did.SURGED)
    tickets = set(db.session.scalars(marked.order_by(TicketEvent.ticket_id.desc()).limit(MOST)))
    messages = select(Message.id).where(Message.ticket_id.in_(tickets)).limit(2 * MOST)
    return {"search_ticket": tickets, "search_entry": set(db.session.scalars(messages)) if tickets else set()}


def _weight(before: int, tickets: int) -> float:
    """`before`: how many of the earlier tickets had it; of a young desk nobody knows yet what is common."""
    if before >= COMMON:
        return 0.0
    rare = max(0.0, math.log((tickets + 2) / (before + 1)) / math.log(tickets + 2))
    trust = tickets / (tickets + FEW)
    return trust * rare**2 + (1 - trust) * OF_UNKNOWN


def _neighbours(young: Sequence[Young], weights: Mapping[str, float]) -> Neighbours:
    has = [(one.id, {word for word in one.words if weights.get(word)}) for one in young]
    found: defaultdict[int, set[int]] = defaultdict(set)
    for (one, words), (other, others) in combinations(has, 2):
        if sum(weights[word] for word in words & others) >= ALIKE:
            found[one].add(other)
            found[other].add(one)
    return found


def _known(ids: Sequence[int]) -> dict[int, int]:
    """Those that belong to a surge that was told, with its first ticket, or to an incident."""
    marks = select(TicketEvent.ticket_id, TicketEvent.particulars)
    marked = db.session.execute(marks.where(TicketEvent.ticket_id.in_(ids), TicketEvent.what == Did.SURGED))
    return {id: id for id in incidents.taken(ids)} | {row[0]: int(row[1]["surge_id"]) for row in marked}


def _grow(known: Mapping[int, int], new: set[int], neighbours: Neighbours) -> set[int]:
    """What is similar to those belongs to the same surge, of which nobody is told again."""
    grown: dict[int, int] = {}
    for id, surge in sorted(known.items()):
        grown |= dict.fromkeys(neighbours.get(id, set()) & new, surge)
    for ticket in _rows(grown):
        ticket.remember(Did.SURGED, SYSTEM, surge_id=grown[ticket.id])
    return set(grown)


def _tell(new: set[int], neighbours: Neighbours, many: int) -> int:
    """The largest first; a ticket belongs to one. All of it are similar to one of them, so that none drifts off by and by."""
    told, left = 0, set(new)
    while left:
        middle = max(sorted(left), key=lambda id: len(neighbours.get(id, set()) & left))
        surge = {middle, *(neighbours.get(middle, set()) & left)}
        if len(surge) < many:
            break
        first, *others = _rows(surge)
        for ticket in others:
            ticket.remember(Did.SURGED, SYSTEM, surge_id=first.id)
        db.session.flush()
        first.record(Did.SURGED, SYSTEM, surge_id=first.id)
        told, left = told + 1, left - surge
    return told


def _rows(ids: Sequence[int] | set[int] | Mapping[int, int]) -> list[Ticket]:
    return list(db.session.scalars(select(Ticket).where(Ticket.id.in_(list(ids))).order_by(Ticket.id))) if ids else []
