"""Rows of ended tickets against folds of their events, whatever happened to them."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import pytest
import time_machine
from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from app.core import clock
from app.core.extensions import db
from app.reports import jobs, ledgercount, ledgersums
from app.reports.ledgers import ROWS, TicketLedger, ended_at, seconds_of
from app.reports.ledgersums import Wanted
from app.tickets import booking, merging, suppliers
from app.tickets.ledger import Party, Times
from app.tickets.models import Ticket
from app.tickets.suppliers import Question
from app.tickets.thread import Words
from tests.factories import a_calendar, a_category, a_department, a_supervisor, a_supplier, a_ticket, acting, setting
from tests.tickets.histories import DEEDS, HISTORY, Desk
from tests.tickets.sums import write

START = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
FIRST, LAST = dt.date(2026, 1, 1), dt.date(2026, 12, 31)
SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
ENDINGS = ("resolve", "close", "reopen", "wait", "write", "reply", "ask", "answer", "settle", "assign")


def at(hours: float) -> time_machine.travel:
    return time_machine.travel(START + dt.timedelta(hours=hours), tick=False)


def hours(number: float) -> dt.timedelta:
    return dt.timedelta(hours=number)


def rows() -> dict[int, Any]:
    db.session.commit()
    return {row.ticket_id: row for row in db.session.execute(select(ROWS))}


def rows_are_the_folds() -> None:
    found = rows()
    tickets = db.session.scalars(select(Ticket).order_by(Ticket.id)).all()
    ended = [ticket for ticket in tickets if not ticket.live and not ticket.merged and not ticket.spam]
    assert sorted(found) == [ticket.id for ticket in ended]
    sums: Counter[tuple[str, int]] = Counter()
    for ticket in ended:
        folded = booking.ledger(ticket, ended_at(ticket))
        assert {name: found[ticket.id]._mapping[name] for name in seconds_of(folded)} == seconds_of(folded)
        whole = ended_at(ticket) - ticket.created_at
        assert sum((times.all for times in folded.sums().values()), dt.timedelta()) == whole
        for key, value in (("agent", ticket.assignee_id), ("department", ticket.department_id), ("customer", ticket.requester_id)):  # fmt: skip
            sums[key, value or 0] += seconds_of(folded)["us_inside"]
    for key in ("agent", "department", "customer"):
        read = {row[0]: row[3] for row in ledgersums.sums(Wanted(), FIRST, LAST, key)}
        assert read == {value: seconds for (kind, value), seconds in sums.items() if kind == key}
    assert ledgercount.recount(FIRST, LAST) == 0


@settings(max_examples=6, deadline=None, suppress_health_check=SLOW)
@example(history=[(deed, 0) for deed in (*ENDINGS, *ENDINGS)])
@given(history=st.one_of(HISTORY, st.lists(st.tuples(st.sampled_from(ENDINGS), st.integers(0, 3)), max_size=14)))
def test_rows_and_their_sums_are_the_folds_of_the_events(app: Flask, history: list[tuple[str, int]]) -> None:
    with at(0):
        desk = Desk.new()
    for counted, (deed, which) in enumerate(history):
        with at(1 + counted * 7.5):
            desk.carry_out(deed, which, counted)
    with at(400):
        rows_are_the_folds()
        for which in (0, 1):
            if not desk.tickets[which].merged:
                merging.merge(desk.tickets[which], into=desk.tickets[3], by=desk.agent)
        rows_are_the_folds()
    with at(500):
        merging.unmerge(desk.tickets[0], by=desk.agent)
        rows_are_the_folds()


def test_every_deed_leaves_the_rows_right(app: Flask) -> None:
    with at(0):
        desk = Desk.new()
    for counted, deed in enumerate((*DEEDS, "resolve", *DEEDS)):
        with at(1 + counted * 3):
            desk.carry_out(deed, 0, counted)
    with at(1000):
        rows_are_the_folds()


def test_a_ticket_tells_who_had_it_in_and_out_of_hours(app: Flask) -> None:
    """Monday: ours for 2 h, the customer's for 4, the supplier's from 15 h to Tuesday 10 h, ours for 1 h, resolved."""
    setting(time_zone="UTC", supplier_hold=True)
    agent, supplier = acting(a_supervisor()), a_supplier("Acme")
    with at(0):
        ticket = a_ticket()
    with at(2):
        ticket.wait(agent)
    with at(6):
        write(ticket, "Here it is")
        suppliers.ask(ticket, Question(supplier.contacts[0], "A part", Words("When?")), agent)
    with at(25):
        suppliers.hear(ticket, supplier, Words("Today", trusted=True), "Jo Kim")
    with at(26):
        ticket.resolve(agent)
        db.session.commit()
    with at(60):
        assert booking.ledger(ticket, ended_at(ticket)).sums() == {
            Party.US: Times(hours(3), hours(0)), Party.CUSTOMER: Times(hours(4), hours(0)),
            Party.SUPPLIER: Times(hours(3), hours(16)), Party.NOBODY: Times(),
        }  # fmt: skip
        row = rows()[ticket.id]
    assert (row.ended_on, row.us_inside, row.supplier_outside) == (dt.date(2026, 3, 3), 3 * 3600, 16 * 3600)


def test_what_is_opened_again_has_no_row_until_it_ends(app: Flask) -> None:
    agent = acting(a_supervisor())
    with at(0):
        ticket = a_ticket()
    with at(1):
        ticket.resolve(agent)
    assert list(rows()) == [ticket.id]
    with at(3):
        ticket.reopen(agent)
    assert rows() == {}
    with at(4):
        ticket.close(agent)
    row = rows()[ticket.id]
    assert (row.us_inside + row.us_outside, row.nobody_inside + row.nobody_outside) == (2 * 3600, 2 * 3600)


def test_an_ended_ticket_is_filed_where_it_stands_now(app: Flask) -> None:
    agent = acting(a_supervisor())
    ticket = a_ticket(category=None)
    ticket.close(agent)
    department, category, other = a_department(), a_category(), a_supervisor()

    ticket.move_to(department, agent)
    ticket.set_category(category, agent)
    ticket.assign_to(other, by=agent)

    row = rows()[ticket.id]
    assert (row.department_id, row.category_id, row.staff_id) == (department.id, category.id, other.id)


def test_hours_are_those_of_the_department_where_it_stands(app: Flask) -> None:
    agent, nights = acting(a_supervisor()), a_department()
    nights.calendar = a_calendar("Around the clock", week="00:00-24:00")
    with at(0):
        ticket = a_ticket()
    with at(24):
        ticket.close(agent)
    assert rows()[ticket.id].us_inside == 8 * 3600
    with at(25):
        ticket.move_to(nights, agent)
    assert rows()[ticket.id].us_inside == 24 * 3600
    assert ledgercount.recount(FIRST, LAST) == 0


def test_the_night_writes_what_is_missing_and_takes_away_what_is_wrong(app: Flask) -> None:
    agent = acting(a_supervisor())
    with time_machine.travel(clock.now() - dt.timedelta(days=2), tick=False):
        gone, wrong, live = a_ticket(), a_ticket(), a_ticket()
        for ticket in (gone, wrong):
            ticket.close(agent)
    before = rows()
    values = {**before[wrong.id]._mapping, "ticket_id": live.id}
    db.session.execute(ROWS.insert().values(values))
    db.session.execute(delete(TicketLedger).where(TicketLedger.ticket_id == gone.id))
    db.session.execute(ROWS.update().where(ROWS.c.ticket_id == wrong.id).values(us_inside=7))
    db.session.commit()

    jobs.recount()

    assert rows() == before


@pytest.mark.parametrize("merged_first", [True, False])
def test_a_supplier_who_answers_a_merged_ticket_is_not_awaited_when_it_is_taken_out(
    app: Flask, merged_first: bool
) -> None:
    setting(time_zone="UTC", supplier_hold=True)
    agent, supplier = acting(a_supervisor()), a_supplier("Acme")
    with at(0):
        ticket, into = a_ticket(), a_ticket()
        suppliers.ask(ticket, Question(supplier.contacts[0], "A part", Words("When?")), agent)
    with at(1):
        merging.merge(ticket, into=into, by=agent)
        db.session.commit()
    with at(2):
        if merged_first:
            suppliers.hear(ticket, supplier, Words("Today", trusted=True), "Jo Kim")
        else:
            suppliers.settle(into, supplier, agent)
        db.session.commit()
    with at(3):
        merging.unmerge(ticket, by=agent)
        db.session.commit()
    with at(4):
        found = booking.ledger(ticket).sums()
    assert found[Party.SUPPLIER].all == hours(1)
    assert found[Party.NOBODY].all == hours(3)  # merged, then on hold with nobody asked
