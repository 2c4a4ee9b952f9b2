"""Time spent: who may write it down, what the ticket keeps of it, what merges, moves, deletions and budgets do to its sums."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest
import time_machine
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.accounts.viewer import CustomerActor
from app.core.errors import Forbidden, Invalid
from app.core.extensions import db
from app.desk.customererase import erase
from app.desk.erasing import delete_ticket
from app.notifications.models import Notice, Notification
from app.tickets import budgets, durations, timefigures, timespent
from app.tickets.mergeable import Merged
from app.tickets.merging import merge, unmerge
from app.tickets.models import Ticket
from app.tickets.splitting import split
from app.tickets.thread import Words
from app.tickets.timeentries import ActivityType, Spent, TimeEntry
from app.tickets.timefigures import By, TimeFigure
from app.tickets.timeline import Did
from tests.factories import (
    a_customer,
    a_department,
    a_super_admin,
    a_supervisor,
    a_ticket,
    acting,
    an_agent,
    an_organization,
    setting,
)


def an_activity(name: str = "Support") -> ActivityType:
    return db.session.scalars(select(ActivityType).where(ActivityType.name == name)).one()


def spent(minutes: int, on: dt.date | None = None, **more) -> Spent:
    return Spent(minutes, on or timespent.today(), **more)


def log(ticket: Ticket, minutes: int, by=None, **more) -> TimeEntry:
    entry = timespent.log(ticket, spent(minutes, **more), by or acting(a_supervisor()))
    db.session.commit()
    return entry


def sums() -> Counter:
    """All kept sums that are not nothing."""
    rows = db.session.scalars(select(TimeFigure).where(TimeFigure.entries != 0)).all()
    return Counter({(row.by, row.department_id, row.period, row.key_id, row.entries): row.minutes for row in rows})


def kept_right() -> bool:
    """Whether every sum is as counted from the entries."""
    found = timefigures.recount() + timespent.recount_tickets()
    db.session.commit()
    return found == 0


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("80", 80), ("1h 20m", 80), ("1h20", 80), ("1:20", 80), ("1,5h", 90), ("1.5 h", 90), ("90 min", 90), ("2h", 120), ("2 Std. 5 Min.", 125), ("1 heure 5 minutes", 65),
        ("0:05", 5), ("0.1h", 6), ("  45m ", 45), ("1 H", 60), ("0", 0),
        ("", None), ("soon", None), ("-5", None), ("1:60", None), ("1:2", None), ("h", None), ("1h 2h", None), ("٣", None), ("1e3", None), ("9" * 50, None),
    ],
)  # fmt: skip
def test_a_duration_is_read_as_people_write_it(text: str, minutes: int | None) -> None:
    assert durations.read(text) == minutes


@given(st.integers(0, 10**6))
def test_what_the_desk_says_it_understands(minutes: int) -> None:
    assert durations.read(durations.said(minutes)) == minutes


@given(st.text())
def test_any_text_is_a_time_or_none(text: str) -> None:
    found = durations.read(text)

    assert found is None or found >= 0


@given(st.sampled_from([">", ">=", "<", "<=", "="]), st.integers(0, 10**6))
def test_a_comparison_spelled_for_the_search_box_is_read_as_the_same(sign: str, minutes: int) -> None:
    told = f"{sign}{minutes}"
    spelled = durations.spelled(told)

    assert {"none": "=0", "any": ">0"}.get(spelled) == told or durations.comparison(spelled) == told


def test_an_entry_adds_to_its_ticket_and_stands_in_the_history(app: Flask) -> None:
    agent, ticket = an_agent(), a_ticket()

    entry = log(ticket, 80, acting(agent), activity=an_activity(), note="By phone")

    assert (ticket.time_spent_minutes, entry.billable, entry.staff_id) == (80, True, agent.id)
    event = ticket.events[-1]
    assert (event.what, event.sentence.startswith("logged time: 1 h 20 min, Support, ")) == (Did.TIME_LOGGED, True)
    assert "By phone" not in str(event.particulars)
    assert kept_right()


def test_a_change_says_from_what_to_what_and_moves_the_sums(app: Flask) -> None:
    agent, ticket = acting(an_agent()), a_ticket()
    yesterday = timespent.today() - dt.timedelta(days=1)
    entry = log(ticket, 80, agent, activity=an_activity())

    timespent.change(entry, spent(30, yesterday, activity=an_activity("Internal")), agent)
    db.session.commit()

    assert (ticket.time_spent_minutes, entry.billable) == (30, False)
    assert ticket.events[-1].sentence.startswith("changed logged time: 1 h 20 min, Support, ")
    assert " → 30 min, Internal, " in ticket.events[-1].sentence
    assert kept_right()


def test_a_change_that_changes_nothing_is_no_event(app: Flask) -> None:
    agent, ticket = acting(an_agent()), a_ticket()
    entry = log(ticket, 80, agent)
    before = len(ticket.events)

    timespent.change(entry, spent(80), agent)
    db.session.commit()

    assert len(ticket.events) == before
    assert kept_right()


def test_a_removed_entry_takes_its_minutes_along(app: Flask) -> None:
    agent, ticket = acting(an_agent()), a_ticket()
    entry = log(ticket, 80, agent)

    timespent.remove(entry, agent)
    db.session.commit()

    assert (ticket.time_spent_minutes, ticket.events[-1].what) == (0, Did.TIME_REMOVED)
    assert sums() == Counter()
    assert kept_right()


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("time", {"minutes": 0}),
        ("time", {"minutes": 24 * 60 + 1}),
        ("spent_on", {"minutes": 5, "spent_on": dt.date(2100, 1, 1)}),
        ("spent_on", {"minutes": 5, "spent_on": dt.date(1990, 1, 1)}),
        ("note", {"minutes": 5, "note": "x" * 2001}),
    ],
    ids=["nothing", "more than a day", "a day to come", "long ago", "a long note"],
)
def test_what_cannot_be_is_refused_beside_its_field(app: Flask, field: str, given: dict) -> None:
    ticket = a_ticket()

    with pytest.raises(Invalid) as refusal:
        timespent.log(ticket, Spent(**{"spent_on": timespent.today(), **given}), acting(an_agent()))

    assert list(refusal.value.fields) == [field]
    assert ticket.time_spent_minutes == 0


def test_a_customer_logs_no_time_and_a_colleagues_needs_a_right(app: Flask) -> None:
    agent, other, ticket = an_agent(), an_agent(), a_ticket()
    with pytest.raises(Forbidden):
        timespent.log(ticket, spent(5), CustomerActor.of(ticket.requester))
    with pytest.raises(Forbidden):
        timespent.log(ticket, spent(5, staff=other), acting(agent))

    entry = log(ticket, 5, acting(a_supervisor()), staff=other)

    assert entry.staff_id == other.id
    assert ticket.events[-1].sentence.endswith(f"({other.get_full_name()})")
    with pytest.raises(Forbidden):
        timespent.change(entry, spent(6), acting(agent))
    with pytest.raises(Forbidden):
        timespent.remove(entry, acting(agent))
    timespent.change(entry, spent(7), acting(other))
    assert ticket.time_spent_minutes == 7


def test_time_is_written_down_only_for_who_sees_the_ticket(app: Flask) -> None:
    elsewhere = an_agent(a_department())
    ticket = a_ticket()

    with pytest.raises(Invalid) as refusal:
        timespent.log(ticket, spent(5, staff=elsewhere), acting(a_supervisor()))

    assert list(refusal.value.fields) == ["staff"]


def test_a_merge_adds_up_and_taking_apart_gives_each_entry_back(app: Flask) -> None:
    boss = acting(a_supervisor())
    first, second, third = a_ticket(), a_ticket(), a_ticket()
    for ticket, minutes in ((first, 10), (second, 20), (third, 40)):
        log(ticket, minutes, boss)
    merge(first, into=second, by=boss)
    merge(second, into=third, by=boss)
    db.session.commit()
    assert [each.time_spent_minutes for each in (first, second, third)] == [10, 30, 70]
    assert len(timespent.entries_of(third)) == 3
    with pytest.raises(Merged):
        timespent.log(first, spent(5), boss)

    log(third, 5, boss)
    of_first = db.session.scalars(select(TimeEntry).where(TimeEntry.ticket_id == first.id)).one()
    timespent.change(of_first, spent(12), boss)
    db.session.commit()
    assert [each.time_spent_minutes for each in (first, second, third)] == [12, 32, 77]

    unmerge(second, by=boss)
    db.session.commit()
    assert [each.time_spent_minutes for each in (first, second, third)] == [12, 32, 45]
    unmerge(first, by=boss)
    db.session.commit()

    assert [each.time_spent_minutes for each in (first, second, third)] == [12, 20, 45]
    assert [[entry.minutes for entry in timespent.entries_of(each)] for each in (first, second)] == [[12], [20]]
    assert kept_right()


def test_messages_that_are_split_off_take_no_time_along(app: Flask) -> None:
    boss, ticket = acting(a_supervisor()), a_ticket()
    ticket.reply(Words("An answer"), by=boss)
    log(ticket, 30, boss)

    made = split([ticket.messages[-1]], "Something else", boss)
    db.session.commit()

    assert (ticket.time_spent_minutes, made.time_spent_minutes) == (30, 0)
    assert kept_right()


def test_time_counts_in_the_department_the_ticket_is_in(app: Flask) -> None:
    boss, ticket, other = acting(a_supervisor()), a_ticket(), a_department()
    before = ticket.department_id
    log(ticket, 30, boss)

    ticket.move_to(other, by=boss)
    db.session.commit()

    minutes = {row.department_id: row.minutes for row in db.session.scalars(select(TimeFigure).where(TimeFigure.by == By.TICKET, TimeFigure.entries != 0))}  # fmt: skip
    assert minutes == {0: 30, other.id: 30}
    assert before != other.id
    assert kept_right()


def test_a_deleted_ticket_leaves_the_sums_of_others_right(app: Flask) -> None:
    boss = acting(a_super_admin())
    gone, stays = a_ticket(), a_ticket()
    log(gone, 30, boss)
    log(stays, 20, boss)

    delete_ticket(gone, boss)

    assert db.session.scalar(select(func.sum(TimeFigure.minutes)).where(TimeFigure.by == By.CUSTOMER, TimeFigure.department_id == 0, func.length(TimeFigure.period) == 4)) == 20  # fmt: skip
    assert kept_right()


@pytest.mark.parametrize("with_tickets", [False, True])
def test_an_erased_customers_time_stays_in_sums_and_its_notes_go(app: Flask, with_tickets: bool) -> None:
    boss, customer = acting(a_supervisor()), a_customer("Zenobia Quill")
    ticket, other = a_ticket(requester=customer), a_ticket()
    log(ticket, 30, boss, note="Their printer")
    log(other, 20, boss, note="As for Zenobia Quill")
    log(other, 10, boss, note="Just so")

    erase(customer.email, with_tickets)

    rows = db.session.execute(select(TimeEntry.minutes, TimeEntry.note).order_by(TimeEntry.id)).all()
    assert [tuple(row) for row in rows] == ([] if with_tickets else [(30, "")]) + [(20, ""), (10, "Just so")]
    assert kept_right()


def test_a_wrong_sum_heals(app: Flask) -> None:
    ticket = a_ticket()
    log(ticket, 30)
    ticket.time_spent_minutes = 99
    for figure in db.session.scalars(select(TimeFigure).where(TimeFigure.by == By.AGENT)):
        figure.minutes += 1
    db.session.commit()

    assert not kept_right()
    assert ticket.time_spent_minutes == 30
    assert kept_right()


def told() -> list[tuple[int, str, str]]:
    rows = db.session.scalars(select(Notification).where(Notification.kind == Notice.TIME_BUDGET).order_by(Notification.id)).all()  # fmt: skip
    return [(row.staff_id, row.parts["now"], row.parts["was"]) for row in rows]


def test_a_budget_is_told_of_at_80_and_at_100_percent_once_each_and_refuses_nothing(app: Flask) -> None:
    agent, boss = an_agent(), a_supervisor()
    ticket = a_ticket(assignee=agent)
    budgets.set_budget(ticket, 100, acting(boss))
    log(ticket, 79, acting(agent))
    assert told() == []

    log(ticket, 1, acting(agent))
    assert sorted(told()) == sorted([(agent.id, "80", ""), (boss.id, "80", "")])
    log(ticket, 5, acting(agent))
    assert len(told()) == 2
    log(ticket, 15, acting(agent))
    log(ticket, 500, acting(agent))

    assert sorted(told()) == sorted((person.id, percent, "") for person in (agent, boss) for percent in ("80", "100"))
    assert ticket.time_spent_minutes == 600


def test_another_budget_is_told_of_anew_and_only_who_may_sets_one(app: Flask) -> None:
    agent, boss = an_agent(), a_supervisor()
    ticket = a_ticket(assignee=agent)
    log(ticket, 100, acting(agent))
    with pytest.raises(Forbidden):
        budgets.set_budget(ticket, 100, acting(agent))

    budgets.set_budget(ticket, 120, acting(boss))
    db.session.commit()

    assert {percent for _who, percent, _name in told()} == {"80"}
    assert [event.sentence for event in ticket.events if event.what is Did.BUDGET_CHANGED] == ["changed the time budget: – → 2 h"]  # fmt: skip
    with pytest.raises(Invalid):
        budgets.set_budget(ticket, 0, acting(boss))
    budgets.set_budget(ticket, None, acting(boss))
    assert ticket.budget_minutes is None


def test_an_organizations_month_is_told_of_once_and_the_next_month_anew(app: Flask) -> None:
    boss, organization = a_supervisor(), an_organization("Northwind")
    organization.budget_minutes = 100
    agent = an_agent()
    tickets = [a_ticket(requester=a_customer(organization=organization), assignee=agent) for _ in range(2)]
    log(tickets[0], 50, acting(agent))
    assert told() == []

    log(tickets[1], 35, acting(agent))
    log(tickets[0], 5, acting(agent))

    assert sorted(told()) == sorted([(agent.id, "80", "Northwind"), (boss.id, "80", "Northwind")])
    assert [event.what for event in tickets[1].events][-1] is Did.BUDGET_REACHED
    last_month = timespent.today().replace(day=1) - dt.timedelta(days=1)
    log(tickets[0], 500, acting(agent), on=last_month)
    assert len(told()) == 2


def test_the_days_are_those_of_the_desks_calendar(app: Flask) -> None:
    setting(time_zone="Pacific/Auckland")
    with time_machine.travel(dt.datetime(2026, 3, 31, 13, 0, tzinfo=dt.UTC), tick=False):
        assert timespent.today() == dt.date(2026, 4, 1)
        ticket = a_ticket()
        entry = log(ticket, 5)

    assert entry.spent_on == dt.date(2026, 4, 1)
    assert db.session.scalar(select(TimeFigure.period).where(TimeFigure.by == By.TICKET, TimeFigure.department_id == 0, func.length(TimeFigure.period) == 7)) == "2026-04"  # fmt: skip


def test_the_kind_of_work_of_a_reply_is_kept_and_a_customers_message_has_none(app: Flask) -> None:
    ticket, kind = a_ticket(), an_activity()

    reply = ticket.reply(Words("So it is", activity_id=kind.id), by=acting(a_supervisor()))
    theirs = ticket.receive(Words("Thanks", activity_id=kind.id), by=CustomerActor.of(ticket.requester))

    assert (reply.activity_id, theirs.activity_id) == (kind.id, None)
