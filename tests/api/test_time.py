"""The API on time spent: logged, listed, changed and removed, for whoever may."""

from __future__ import annotations

import datetime as dt

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.extensions import db
from app.tickets import timespent
from app.tickets.merging import merge
from app.tickets.models import Ticket
from app.tickets.timeentries import Spent
from tests.api.desk import Program, a_program, refused
from tests.factories import a_department, a_supervisor, a_ticket, acting, an_agent


@pytest.fixture
def program(app: Flask, client: FlaskClient) -> Program:
    return a_program(client, a_supervisor(name="mira"))


def test_time_is_logged_listed_changed_and_removed(program: Program) -> None:
    ticket = a_ticket()
    db.session.commit()
    at, today = f"/tickets/{ticket.number}/time", timespent.today()

    made = program.post(at, {"minutes": 80, "note": "By phone"})
    assert made.status_code == 201
    entry = made.json
    assert {name: entry[name] for name in ("ticket", "staff", "made_by", "minutes", "spent_on", "activity", "billable", "note")} == {
        "ticket": ticket.number, "staff": "mira", "made_by": "mira", "minutes": 80, "spent_on": today.isoformat(), "activity": "Support", "billable": True, "note": "By phone",
    }  # fmt: skip
    assert program.get(at).json == {"items": [entry], "next": None}
    assert program.get(f"/time-entries/{entry['id']}").json == entry

    yesterday = (today - dt.timedelta(days=1)).isoformat()
    changed = program.patch(f"/time-entries/{entry['id']}", {"minutes": 30, "spent_on": yesterday, "activity": "internal"}).json  # fmt: skip
    assert (changed["minutes"], changed["spent_on"], changed["activity"], changed["billable"], changed["note"]) == (30, yesterday, "Internal", False, "By phone")  # fmt: skip
    assert program.patch(f"/time-entries/{entry['id']}", {"activity": None}).json["activity"] is None
    assert program.call("DELETE", f"/time-entries/{entry['id']}").json["minutes"] == 30
    refused(program.get(f"/time-entries/{entry['id']}"), 404)
    assert program.get(at).json["items"] == []


def test_odd_wishes_are_refused_by_name(program: Program) -> None:
    ticket = a_ticket()
    db.session.commit()
    at = f"/tickets/{ticket.number}/time"

    for body, fields in (
        ({}, ["minutes"]), ({"minutes": 0}, ["minutes"]), ({"minutes": 1441}, ["minutes"]), ({"minutes": "80"}, ["minutes"]), ({"minutes": True}, ["minutes"]), ({"minutes": 5, "spent_on": "soon", "activity": "none such", "staff": "nobody.here", "colour": "red"}, ["activity", "colour", "spent_on", "staff"]),
        ({"minutes": 5, "spent_on": "2999-01-01"}, ["spent_on"]), ({"minutes": 5, "note": "x" * 2001}, ["note"]),
    ):  # fmt: skip
        refused(program.post(at, body), 422, *fields)
    assert program.get(at).json["items"] == []


def test_a_colleagues_time_needs_a_right_and_a_foreign_ticket_is_not_there(app: Flask, client: FlaskClient) -> None:
    agent, other = an_agent(name="ann"), an_agent(a_department(), name="bo")
    ticket = a_ticket(assignee=agent)
    entry = timespent.log(ticket, Spent(20, timespent.today()), acting(agent))
    db.session.commit()
    entry_id, number = entry.id, ticket.number
    boss, ann, bo = (a_program(client, person) for person in (a_supervisor(), agent, other))

    refused(ann.post(f"/tickets/{number}/time", {"minutes": 5, "staff": "bo"}), 403)
    assert boss.post(f"/tickets/{number}/time", {"minutes": 5, "staff": "ann"}).json["staff"] == "ann"
    refused(bo.get(f"/tickets/{number}/time"), 404)
    refused(bo.get(f"/time-entries/{entry_id}"), 404)
    refused(bo.call("DELETE", f"/time-entries/{entry_id}"), 404)
    assert boss.patch(f"/time-entries/{entry_id}", {"minutes": 25}).json["minutes"] == 25


def test_entries_of_a_merged_ticket_are_listed_where_it_goes_on(program: Program) -> None:
    boss = acting(a_supervisor())
    first, second = a_ticket(), a_ticket()
    timespent.log(first, Spent(20, timespent.today()), boss)
    merge(first, into=second, by=boss)
    db.session.commit()

    assert [entry["ticket"] for entry in program.get(f"/tickets/{second.number}/time").json["items"]] == [first.number]
    refused(program.post(f"/tickets/{first.number}/time", {"minutes": 5}), 409)
    assert db.session.get_one(Ticket, second.id).time_spent_minutes == 20
