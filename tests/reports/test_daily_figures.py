"""The sums of a day against the tickets and events they were made of."""

import datetime as dt
import random
from collections import Counter
from collections.abc import Callable

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update

from app.accounts.viewer import SYSTEM
from app.core.extensions import db
from app.reports import recount, volume
from app.reports.daily import TABLES, DailyAgentFigure, DailyFigure, DailyWait
from app.tickets.conversation import Then
from app.tickets.models import Ticket
from app.tickets.thread import Words
from app.tickets.visibility import visible_to
from tests.factories import a_category, a_department, a_priority, a_supervisor, a_ticket, acting, an_agent, setting

NOON = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)
DAY = NOON.date()


def at(hours: float) -> time_machine.travel:
    return time_machine.travel(NOON + dt.timedelta(hours=hours), tick=False)


def rows(table: type) -> list[dict[str, object]]:
    db.session.commit()
    return [
        dict(row._mapping)
        for row in db.session.execute(select(*table.__table__.columns).order_by(*table.__table__.primary_key))
    ]


def figures() -> dict[str, list[dict[str, object]]]:
    """Without rows that came back to nothing."""
    keys = {name: {column.name for column in table.__table__.primary_key} for name, table in TABLES.items()}
    return {
        name: [row for row in rows(table) if any(value for key, value in row.items() if key not in keys[name])]
        for name, table in TABLES.items()
    }


def test_a_day_counts_what_happened_on_it(app: Flask) -> None:
    agent, department = an_agent(), a_department()
    with at(0):
        ticket = a_ticket(department=department)
        a_ticket(department=department)
    with at(2):
        ticket.reply(Words("Hello"), by=acting(agent))
        ticket.reply(Words("And this"), by=acting(agent), then=Then.RESOLVE)

    assert [
        (
            row["day"],
            row["opened"],
            row["resolved"],
            row["resolution_seconds"],
            row["first_responses"],
            row["first_response_seconds"],
        )
        for row in rows(DailyFigure)
    ] == [(DAY, 2, 1, 7200, 1, 7200)]
    assert [
        (row["staff_id"], row["replies"], row["resolved"], row["first_responses"]) for row in rows(DailyAgentFigure)
    ] == [(agent.id, 2, 1, 1)]
    assert [(row["span"], row["first_responses"]) for row in rows(DailyWait)] == [(10, 1)]


def test_a_day_is_the_desks_day(app: Flask) -> None:
    setting(time_zone="Pacific/Auckland")
    with at(0):
        a_ticket()

    assert [row["day"] for row in rows(DailyFigure)] == [DAY + dt.timedelta(days=1)]


def test_closing_what_is_resolved_counts_once_and_reopening_by_itself(app: Flask) -> None:
    ticket = a_ticket()
    for verb in ("resolve", "close", "reopen", "close"):
        getattr(ticket, verb)(by=SYSTEM)

    (row,) = rows(DailyFigure)
    assert (row["resolved"], row["reopened"]) == (2, 1)


def test_staffs_own_tickets_owe_no_first_response(app: Flask) -> None:
    agent = acting(an_agent())
    ticket = a_ticket(opened_by_staff=True, by=agent)
    ticket.reply(Words("One more thing"), by=agent)

    assert rows(DailyWait) == []
    assert [row["replies"] for row in rows(DailyAgentFigure)] == [1]


def test_a_rolled_back_deed_counts_nothing(app: Flask) -> None:
    a_ticket()
    db.session.rollback()

    assert rows(DailyFigure) == []


def test_a_reply_costs_one_statement_more_a_table(app: Flask, at_most: Callable) -> None:
    ticket, boss = a_ticket(), acting(a_supervisor())
    ticket.reply(Words("First"), by=boss)
    db.session.commit()
    with at_most(80) as statements:
        ticket.reply(Words("Second"), by=boss)
        db.session.commit()

    assert sum("daily_" in statement for statement in statements) == 1


@pytest.mark.parametrize("seed", range(3))
def test_counting_anew_says_the_same_after_random_deeds(app: Flask, seed: int) -> None:
    chance = random.Random(seed)
    agents = [acting(an_agent()) for _ in range(2)]
    departments, categories = [a_department() for _ in range(3)], [a_category(), a_category(), None]
    tickets: list[Ticket] = []
    for step in range(80):
        with at(step * 1.7):
            if len(tickets) < 3 or chance.random() < 0.2:
                tickets.append(a_ticket(department=chance.choice(departments), category=chance.choice(categories)))
            else:
                _something(chance, chance.choice(tickets), chance.choice(agents), departments, categories)
    kept = figures()

    assert recount.recount(recount.first_day() or DAY, DAY + dt.timedelta(days=30)) == 0
    assert figures() == kept
    for table in (DailyFigure, DailyAgentFigure, DailyWait):
        db.session.execute(table.__table__.delete())
    assert recount.recount(DAY, DAY + dt.timedelta(days=30)) > 0
    assert figures() == kept


def _something(chance: random.Random, ticket: Ticket, agent: object, departments: list, categories: list) -> None:
    deeds = (
        lambda: ticket.reply(Words("An answer"), by=agent, then=chance.choice(list(Then))),
        lambda: ticket.resolve(by=agent),
        lambda: ticket.close(by=SYSTEM),
        lambda: ticket.reopen(by=agent),
        lambda: ticket.move_to(chance.choice(departments), by=SYSTEM),
        lambda: ticket.set_category(chance.choice(categories), by=SYSTEM),
        lambda: ticket.set_priority(a_priority(chance.randint(1, 4)), by=SYSTEM),
    )
    chance.choice(deeds)()
    db.session.commit()


def test_a_wrong_sum_heals_and_other_days_are_left_alone(app: Flask) -> None:
    with at(-48):
        a_ticket()
    with at(0):
        a_ticket()
    db.session.commit()
    right = figures()
    db.session.execute(update(DailyFigure).values(opened=7))

    assert recount.recount(DAY, DAY) == 1
    assert [row["opened"] for row in rows(DailyFigure)] == [7, 1]
    recount.recount(DAY - dt.timedelta(days=9), DAY)
    assert figures() == right


def test_sums_and_tickets_tell_the_same_volume(app: Flask) -> None:
    ours, theirs, boss = a_department(), a_department(), acting(a_supervisor())
    for n in range(12):
        with at(n * 5):
            ticket = a_ticket(department=ours if n % 3 else theirs)
        with at(n * 5 + n):
            ticket.reply(Words("An answer"), by=boss)
        with at(n * 7 + 12):
            if n % 2:
                ticket.resolve(by=SYSTEM)
    db.session.commit()
    last = DAY + dt.timedelta(days=6)
    agent, supervisor = acting(an_agent(ours)), acting(a_supervisor())

    setting(agents_see_departments=True)
    for viewer, departments in ((agent, {ours.id}), (supervisor, set())):
        summed, read = volume.of_departments(departments, last, 7), volume.of_tickets(visible_to(viewer), last, 7)
        assert +summed.opened == read.opened and +summed.resolved == read.resolved
        assert {day: +spans for day, spans in summed.waits.items()} == dict(read.waits)
        assert sum(summed.opened.values()) == (8 if departments else 12)
        assert summed.median_wait(*summed.days) is not None


def test_whoever_sees_only_their_own_gets_no_sums_of_others(app: Flask) -> None:
    setting(agents_see_departments=False)
    agent = an_agent()
    with at(0):
        a_ticket(assignee=agent)
        a_ticket(assignee=an_agent())
        a_ticket()
        db.session.commit()

    assert volume.volume(acting(agent), DAY, 1).opened == Counter({DAY: 2})
    assert volume.volume(acting(a_supervisor()), DAY, 1).opened == Counter({DAY: 3})
