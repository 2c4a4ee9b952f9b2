"""Whose turn a ticket was, beside it and in the report."""

from __future__ import annotations

import csv
import datetime as dt
import io
from itertools import pairwise

import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app.core.extensions import db
from app.desk.ledger import WIDTH, bar, shown
from app.tickets import booking
from app.tickets.ledger import Party, Span
from tests.factories import a_department, a_supervisor, a_ticket, acting, an_agent, setting, sign_in
from tests.tickets.sums import write

START = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)


def at(hours: float) -> time_machine.travel:
    return time_machine.travel(START + dt.timedelta(hours=hours), tick=False)


def test_the_page_of_a_ticket_says_who_had_it(app: Flask, client: FlaskClient) -> None:
    setting(time_zone="UTC")
    supervisor = a_supervisor()
    with at(0):
        ticket = a_ticket()
    with at(2):
        ticket.wait(acting(supervisor))
    with at(20):
        write(ticket, "Here it is")
        db.session.commit()
        sign_in(client, supervisor)
        page = client.get(f"/admin/tickets/{ticket.number}/ledger").text

    assert "With us 2h 00m, With the customer 18h 00m" in page
    assert page.count("<rect") == 2
    assert page.count('<span class="party of-customer">') == 2  # in the sums, and in the turns
    assert "20h 00m in all" in page


def test_beside_the_ticket_it_is_a_link_until_it_is_opened(app: Flask, client: FlaskClient) -> None:
    ticket = a_ticket()
    db.session.commit()
    sign_in(client, a_supervisor())

    page = client.get(f"/admin/tickets/{ticket.number}").text

    assert f'hx-get="/admin/tickets/{ticket.number}/ledger"' in page
    assert "<rect" not in page


def test_a_ticket_that_just_came_says_so(app: Flask, client: FlaskClient) -> None:
    with at(0):
        ticket = a_ticket()
        db.session.commit()
        assert shown(booking.ledger(ticket), True) is None
        sign_in(client, a_supervisor())
        assert "Nothing is known of it" in client.get(f"/admin/tickets/{ticket.number}/ledger").text


def test_the_bar_is_as_wide_as_the_whole_whatever_the_turns() -> None:
    ends = [0, 0.001, 3, 3.001, 50, 1000.5]
    spans = [
        Span(list(Party)[place % 4], START + dt.timedelta(hours=one), START + dt.timedelta(hours=other))
        for place, (one, other) in enumerate(pairwise(ends))
    ]
    pieces = bar(spans)
    assert sum(piece.width for piece in pieces) == WIDTH
    assert all(one.x + one.width == other.x for one, other in pairwise(pieces))


def test_the_report_and_its_export_tell_of_the_readers_departments_alone(app: Flask, client: FlaskClient) -> None:
    setting(time_zone="UTC", agents_see_departments=True)
    ours, theirs = a_department(name="Ours"), a_department(name="Theirs")
    agent = an_agent()
    for department, hours in ((ours, 3), (ours, 5), (theirs, 7)):
        with at(0):
            ticket = a_ticket(department=department, assignee=agent)
        with at(hours):
            ticket.close(acting(a_supervisor()))
            db.session.commit()
    with at(48):
        sign_in(client, a_supervisor())
        assert "Theirs" in client.get("/admin/reports/turns").text
        every = _rows(client.get("/admin/reports/turns/department.csv").text)
        sign_in(client, a_supervisor(departments=[ours]))
        some = _rows(client.get("/admin/reports/turns/department.csv").text)
        agents = _rows(client.get("/admin/reports/turns/agent.csv").text)
        customers = _rows(client.get("/admin/reports/turns/customer.csv").text)

    assert {row["Department"]: (row["Tickets"], row["Us, mean"], row["Us, sum"]) for row in every} == {
        "Ours": ("2", "240.0", "480.0"),
        "Theirs": ("1", "420.0", "420.0"),
    }
    assert [row["Department"] for row in some] == ["Ours"]
    assert [(row["Tickets"], row["In hours, mean"], row["Us, sum"]) for row in agents] == [("2", "240.0", "480.0")]
    assert len(customers) == 2


def test_who_reads_their_own_figures_alone_gets_no_report(app: Flask, client: FlaskClient) -> None:
    sign_in(client, an_agent())
    assert client.get("/admin/reports/turns").status_code == 404


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))
