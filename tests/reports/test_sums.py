"""What reports read against a plain count of what happened, whether or not weeks and months are summed up."""

import datetime as dt
import itertools
import random
from collections import Counter
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask
from sqlalchemy import delete, func, select

from app.accounts.viewer import SYSTEM
from app.core import clock
from app.core.extensions import db
from app.reports import jobs, promises, reading, recount, spans, summing, waits
from app.reports.daily import DailyFigure
from app.reports.reading import Summed
from app.reports.sums import By, DailyDuration, DailyPromise, Kind, SummedSpan
from app.settings import desk
from app.sla.fold import ClockState
from app.sla.models import SlaClock
from app.tickets.models import Ticket
from app.tickets.thread import Words
from app.tickets.timeline import Did, TicketEvent
from tests.factories import a_category, a_department, a_priority, a_ticket, acting, an_agent, setting

START = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
TODAY = dt.date(2026, 4, 20)
FLOWS = {"opened": Did.OPENED, "closed": Did.CLOSED, "reopened": Did.REOPENED}


def at(hours: float) -> time_machine.travel:
    return time_machine.travel(START + dt.timedelta(hours=hours), tick=False)


def histories(seed: int, steps: int = 70) -> None:
    """Tickets of three months, each of whose deeds stays within its first filing."""
    chance = random.Random(seed)
    agents = [acting(an_agent()) for _ in range(2)]
    places, topics = [a_department() for _ in range(2)], [a_category(), a_category(), None]
    tickets: list[Ticket] = []
    for step in range(steps):
        with at(step * 33 + chance.random() * 20):
            if len(tickets) < 3 or chance.random() < 0.4:
                department, category = chance.choice(places), chance.choice(topics)
                tickets.append(a_ticket(department=department, category=category, priority=a_priority(chance.randint(1, 4))))  # fmt: skip
            else:
                ticket, agent = chance.choice(tickets), chance.choice(agents)
                deeds = (
                    lambda: ticket.reply(Words("An answer"), by=agent),  # noqa: B023
                    lambda: ticket.resolve(by=agent),  # noqa: B023
                    lambda: ticket.close(by=SYSTEM),  # noqa: B023
                    lambda: ticket.reopen(by=agent),  # noqa: B023
                )
                chance.choice(deeds)()
            db.session.commit()


def read(table: str, keys: tuple[str, ...], columns: tuple[str, ...], first: dt.date, last: dt.date, **wanted: Any) -> dict:  # fmt: skip
    """By the longest months, which must be as by the days alone."""
    summed = Summed.between(first, last)
    answers = [
        {row[: len(keys)]: row[len(keys) :] for row in reading.sums(table, keys, columns, summed.parts(kind, first, last), wanted)}
        for kind in (None, Kind.WEEK, Kind.MONTH)
    ]  # fmt: skip
    assert answers[0] == answers[1] == answers[2]
    return answers[0]


def summed_up() -> None:
    with time_machine.travel(dt.datetime.combine(TODAY, dt.time(12), dt.UTC), tick=False):
        jobs.sum_up()


@pytest.mark.parametrize("seed", range(3))
def test_counts_are_those_of_the_timeline_with_and_without_whole_months(app: Flask, seed: int) -> None:
    setting(time_zone="Europe/Berlin")
    histories(seed)
    summed_up()
    assert db.session.scalar(select(func.count()).select_from(SummedSpan)) >= 15
    zone = ZoneInfo("Europe/Berlin")
    for first, last in ((dt.date(2026, 1, 1), TODAY), (dt.date(2026, 1, 20), dt.date(2026, 3, 17)), (dt.date(2026, 2, 1), dt.date(2026, 2, 28))):  # fmt: skip
        counted: Counter[tuple[Any, Did]] = Counter()
        for what, when, category in db.session.execute(select(TicketEvent.what, TicketEvent.at, Ticket.category_id).join(TicketEvent.ticket)):  # fmt: skip
            if first <= when.astimezone(zone).date() <= last:
                counted[category or 0, what] += 1
        found = read("daily_figure", ("category_id",), tuple(FLOWS), first, last)
        expected = {
            (category,): tuple(counted[category, did] for did in FLOWS.values())
            for category in {key for key, what in counted if what in (*FLOWS.values(), Did.RESOLVED, Did.REPLIED)}
        }
        assert {key: row for key, row in found.items() if any(row)} == {
            key: row for key, row in expected.items() if any(row)
        }


def test_medians_are_right_within_their_span_by_category_and_in_all(app: Flask) -> None:
    setting(time_zone="UTC")
    chance = random.Random(7)
    topics = [a_category(), a_category()]
    took: dict[int, list[int]] = {0: [], **{topic.id: [] for topic in topics}}
    for n in range(24):
        hours, topic = chance.choice([0.01, 0.4, 3, 30, 200]) * (1 + chance.random()), chance.choice(topics)
        with at(n * 40):
            ticket = a_ticket(category=topic)
        with at(n * 40 + hours):
            ticket.resolve(by=SYSTEM)
            db.session.commit()
        for key in (0, topic.id):
            took[key].append(int(hours * 3600))
    summed_up()
    first = dt.date(2026, 1, 1)
    found = read("daily_duration", ("by", "value", "span"), ("resolved",), first, TODAY)
    for key, seconds in took.items():
        by = By.CATEGORY if key else By.ALL
        counts = Counter({span: row[0] for (each, value, span), row in found.items() if (each, value) == (by, key)})
        ordered = sorted(seconds)
        low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
        assert sum(counts.values()) == len(seconds)
        assert waits.span(low) <= waits.span(waits.median(counts) or 0) <= waits.span(high)
        tenth = waits.quantile(counts, 0.9) or 0
        assert waits.span(ordered[-1]) >= waits.span(tenth) >= waits.span(int(median(ordered)))


def test_promises_count_once_for_each_filing(app: Flask) -> None:
    agent, category = an_agent(), a_category()
    tickets = [a_ticket(assignee=agent, category=category) for _ in range(3)]
    now = clock.now()
    db.session.execute(delete(SlaClock))
    for ticket, (state, breached) in zip(
        tickets, ((ClockState.FULFILLED, None), (ClockState.FULFILLED, now), (ClockState.RUNNING, None)), strict=True
    ):
        ended = now if state is ClockState.FULFILLED else None
        db.session.add(SlaClock(ticket_id=ticket.id, metric="first_response", cycle=1, policy_id=1, state=state, started_at=now, target_seconds=60, ended_at=ended, breached_at=breached))  # fmt: skip
    db.session.commit()
    day = now.astimezone(ZoneInfo(desk.current().time_zone)).date()

    assert promises.count(day, day) == 3
    assert promises.count(day, day) == 0
    found = read("daily_promise", ("by", "value", "metric"), ("met", "missed"), day, day)
    assert found[By.CATEGORY, category.id, "first_response"] == (1, 1)
    assert found[By.PERSON, agent.id, "first_response"] == (1, 1)


def test_a_recount_forgets_the_weeks_and_months_it_changed_and_they_come_again(app: Flask) -> None:
    histories(1, 30)
    summed_up()
    whole = db.session.scalar(select(func.count()).select_from(SummedSpan))
    db.session.execute(DailyFigure.__table__.update().values(opened=9))
    first = dt.date(2026, 1, 1)

    assert recount.recount(first, TODAY) > 0
    assert db.session.scalar(select(func.count()).select_from(SummedSpan)) < whole
    summed_up()
    assert db.session.scalar(select(func.count()).select_from(SummedSpan)) == whole
    opened = db.session.scalar(select(func.count()).select_from(TicketEvent).where(TicketEvent.what == Did.OPENED))
    assert read("daily_figure", (), ("opened",), first, TODAY) == {(): (opened,)}


def test_a_month_from_before_there_were_durations_is_counted_when_it_is_summed(app: Flask) -> None:
    histories(2, 30)
    db.session.execute(delete(DailyDuration))
    db.session.execute(DailyFigure.__table__.update().values(closed=0))
    db.session.commit()
    summed_up()

    closed = db.session.scalar(select(func.count()).select_from(TicketEvent).where(TicketEvent.what == Did.CLOSED))
    assert read("daily_figure", (), ("closed",), dt.date(2026, 1, 1), TODAY) == {(): (closed,)}
    assert db.session.scalar(select(func.count()).select_from(DailyDuration)) > 0


@pytest.mark.parametrize(("day", "hour", "expected"), [
    ((2026, 3, 29), 0.5, dt.date(2026, 3, 29)), ((2026, 3, 29), 21.9, dt.date(2026, 3, 29)), ((2026, 3, 29), 22.1, dt.date(2026, 3, 30)),
    ((2026, 10, 25), 22.9, dt.date(2026, 10, 25)), ((2026, 10, 25), 23.1, dt.date(2026, 10, 26)), ((2028, 2, 29), 12, dt.date(2028, 2, 29)),
], ids=["spring, night", "spring, evening", "spring, after midnight", "autumn, last hour", "autumn, after midnight", "leap day"])  # fmt: skip
def test_a_day_is_the_desks_whose_clock_is_changed(app: Flask, day: tuple[int, int, int], hour: float, expected: dt.date) -> None:  # fmt: skip
    setting(time_zone="Europe/Berlin")
    with time_machine.travel(dt.datetime(*day, tzinfo=dt.UTC) + dt.timedelta(hours=hour), tick=False):
        a_ticket()
        db.session.commit()
    begin, end = recount.instants(expected, expected)

    assert db.session.scalars(select(DailyFigure.day)).all() == [expected]
    assert begin <= dt.datetime(*day, tzinfo=dt.UTC) + dt.timedelta(hours=hour) < end
    assert recount.recount(expected, expected) == 0


@pytest.mark.parametrize("kind", list(Kind))
def test_spans_follow_each_other_without_a_gap(kind: Kind) -> None:
    starts = list(spans.starts(kind, dt.date(2023, 12, 30), dt.date(2028, 3, 2)))
    assert all(spans.next_after(kind, one) == other for one, other in itertools.pairwise(starts))
    assert all(spans.start_of(kind, spans.next_after(kind, one) - dt.timedelta(days=1)) == one for one in starts)


def test_an_empty_desk_has_nothing_to_sum(app: Flask) -> None:
    assert summing.bring_up(TODAY) == 0
    jobs.recount()
    jobs.find_trends()
    db.session.commit()
    assert db.session.scalar(select(func.count()).select_from(DailyPromise)) == 0
