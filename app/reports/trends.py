"""Words that tickets say more often than before: counted at night, from subjects and the beginnings of first messages, department by department."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Executable, bindparam, delete, func, insert, select

from app.core.extensions import db
from app.core.rows import plain_rows
from app.reports import recount
from app.reports.stopwords import STOP_WORDS
from app.reports.sums import TrendWord
from app.search import words as cutting
from app.settings import desk
from app.tickets.models import Ticket
from app.tickets.thread import Message

DAYS = (7, 30, 90)
"""Each of these against as many days before."""
BEGINNING = 300
"""Characters of the first message: what it is about is said there."""
FEWEST = 3
"""Tickets that say a word, for whoever reads it: one or two people are no trend, and their words stay theirs."""
SHOWN = 15
LONGEST = 40
MOST_TICKETS = 200_000
ADDRESS = re.compile(r"\S+@\S+|https?://\S+")
Words = defaultdict[int, Counter[str]]
"""Department -> word -> tickets."""


class Trend(NamedTuple):
    word: str
    tickets: int
    before: int


def find(last: dt.date) -> None:
    """Count the words of the days that end with `last`, and keep those that grew. Does not commit."""
    counts = _counted(last)
    db.session.execute(delete(TrendWord))
    rows = []
    for days in DAYS:
        now, before = counts[days, 0], counts[days, 1]
        for word in sorted(_risen(now, before)):
            for department in now.keys() | before.keys():
                said = now[department][word], before[department][word]
                if any(said):
                    rows.append(
                        {"days": days, "last_on": last, "department_id": department, "word": word, "tickets": said[0], "before": said[1]}
                    )  # fmt: skip
    if rows:
        db.session.execute(insert(TrendWord), rows)


def of_departments(departments: Collection[int], days: int) -> tuple[list[Trend], dt.date | None]:
    """What whoever sees these departments (none: all) reads, the strongest first; and the last day that was counted."""
    rows = plain_rows(_sums(bool(departments)), {"days": days, "departments": sorted(departments)})
    found = [Trend(word, int(tickets), int(before)) for word, tickets, before, _last in rows]
    grown = sorted((one for one in found if _grew(one.tickets, one.before)), key=_strongest)
    return grown[:SHOWN], max((row[3] for row in rows), default=None)


@cache
def _sums(some: bool) -> Executable:
    trend = TrendWord
    criteria: list[ColumnElement[bool]] = [trend.days == bindparam("days")]
    if some:
        criteria.append(trend.department_id.in_(bindparam("departments", expanding=True)))
    wanted = select(trend.word, func.sum(trend.tickets), func.sum(trend.before), func.max(trend.last_on))
    return wanted.where(*criteria).group_by(trend.word)


def _counted(last: dt.date) -> defaultdict[tuple[int, int], Words]:
    """(days, 0 for these or 1 for those before) -> words."""
    counts: defaultdict[tuple[int, int], Words] = defaultdict(lambda: defaultdict(Counter))
    zone = ZoneInfo(desk.current().time_zone)
    begin, end = recount.instants(last - dt.timedelta(days=2 * max(DAYS) - 1), last)
    wanted = (
        select(Ticket.department_id, Ticket.created_at, Ticket.subject, func.substr(Message.text, 1, BEGINNING))
        .outerjoin(Message, Message.id == _first_message())
        .where(Ticket.created_at >= begin, Ticket.created_at < end, Ticket.merged_into_id.is_(None))
        .order_by(Ticket.created_at.desc())
        .limit(MOST_TICKETS)
    )
    for department, created_at, subject, text in db.session.execute(wanted.execution_options(yield_per=2_000)):
        age = (last - created_at.astimezone(zone).date()).days
        said = list(_words(f"{subject} {text or ''}"))
        for days in DAYS:
            if age < 2 * days:
                counts[days, age // days][department].update(said)
    return counts


def _first_message() -> ColumnElement[int]:
    earliest = select(func.min(Message.id)).where(Message.ticket_id == Ticket.id)
    return earliest.correlate(Ticket).scalar_subquery()


def _words(text: str) -> Iterator[str]:
    """Each once, as the search folds them; no numbers and addresses, which say who and not what."""
    for word in cutting.cut(ADDRESS.sub(" ", text)):
        if 3 <= len(word) <= LONGEST and word.isalpha() and word not in STOP_WORDS:
            yield word


def _risen(now: Words, before: Words) -> set[str]:
    """The strongest of the whole desk and of each department."""
    whole_now, whole_before = sum(now.values(), Counter[str]()), sum(before.values(), Counter[str]())
    found: set[str] = set()
    for mine, earlier in [(whole_now, whole_before), *((now[each], before[each]) for each in now)]:
        trends = [Trend(word, n, earlier[word]) for word, n in mine.items() if _grew(n, earlier[word])]
        found |= {one.word for one in sorted(trends, key=_strongest)[: 2 * SHOWN]}
    return found


def _grew(now: int, before: int) -> bool:
    return now >= FEWEST and now > before * 1.25


def _strongest(trend: Trend) -> tuple[float, str]:
    """What grew by most beyond chance: a count varies about as much as its root."""
    return -(trend.tickets - trend.before) / math.sqrt(trend.before + 1), trend.word
