"""The API on tasks: those of a ticket, a new one, one by its id, for whoever may see them."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.viewer import SYSTEM
from app.core.extensions import db
from app.tickets import tasks
from app.tickets.models import Ticket
from app.tickets.tasks import NewTask, Task
from tests.api.desk import Program, a_program, refused
from tests.factories import a_department, a_supervisor, a_ticket, an_admin, an_agent


@pytest.fixture
def program(app: Flask, client: FlaskClient) -> Program:
    return a_program(client, a_supervisor(name="mira"))


def a_task(title: str, *tickets: Ticket) -> Task:
    task = tasks.create(NewTask(title), SYSTEM, tickets[0] if tickets else None)
    for ticket in tickets[1:]:
        task.link_to(ticket, SYSTEM)
    db.session.commit()
    return task


def test_a_task_is_made_read_changed_and_done(program: Program) -> None:
    ticket, office = a_ticket(), a_department("Office")
    db.session.commit()
    at = f"/tickets/{ticket.number}/tasks"

    made = program.post(at, {"title": "Order a printer", "details": "A red one", "assignee": "me", "due_on": "2026-12-31", "department": "office"})  # fmt: skip
    assert made.status_code == 201
    task = made.json
    assert {name: task[name] for name in ("title", "details", "state", "assignee", "department", "due_on", "made_by", "tickets", "done_at")} == {
        "title": "Order a printer", "details": "A red one", "state": "todo", "assignee": "mira", "department": office.name, "due_on": "2026-12-31", "made_by": "mira", "tickets": [ticket.number], "done_at": None,
    }  # fmt: skip
    assert program.get(at).json == {"items": [task], "next": None}
    assert program.get(f"/tasks/{task['id']}").json == task

    done = program.patch(f"/tasks/{task['id']}", {"state": "done", "assignee": None, "due_on": None, "department": None, "title": "Printer"}).json  # fmt: skip
    assert (done["state"], done["assignee"], done["due_on"], done["department"], done["title"], done["details"]) == ("done", None, None, None, "Printer", "A red one")  # fmt: skip
    assert done["done_at"] is not None
    assert program.patch(f"/tasks/{task['id']}", {"details": None}).json["details"] is None


def test_odd_wishes_are_refused_by_name(program: Program) -> None:
    ticket = a_ticket()
    task = a_task("One", ticket)

    for body, fields in (
        ({}, ["title"]), ({"title": " "}, ["title"]), ({"title": "x" * 201}, ["title"]), ({"title": "x", "due_on": "soon", "assignee": "nobody.here", "department": "none", "colour": "red"}, ["assignee", "colour", "department", "due_on"]),
        ({"title": "x", "due_on": "20261231"}, ["due_on"]), ({"title": "x", "due_on": 7}, ["due_on"]),
    ):  # fmt: skip
        refused(program.post(f"/tickets/{ticket.number}/tasks", body), 422, *fields)
    refused(program.patch(f"/tasks/{task.id}", {"state": "perhaps"}), 422, "state")
    refused(program.patch(f"/tasks/{task.id}", {"title": ""}), 422, "title")
    refused(program.get("/tasks/999999"), 404)


def test_nobody_reads_or_changes_what_they_do_not_see(app: Flask, client: FlaskClient) -> None:
    mine, theirs = a_department(), a_department()
    own, foreign = a_ticket(department=mine), a_ticket(department=theirs)
    shared, hidden = a_task("Shared", own, foreign), a_task("Hidden", foreign)
    program = a_program(client, an_agent(mine))

    assert program.get(f"/tasks/{shared.id}").json["tickets"] == [own.number]
    assert [one["title"] for one in program.get(f"/tickets/{own.number}/tasks").json["items"]] == ["Shared"]
    for answer in (program.get(f"/tasks/{hidden.id}"), program.patch(f"/tasks/{hidden.id}", {"state": "done"}), program.get(f"/tickets/{foreign.number}/tasks"), program.post(f"/tickets/{foreign.number}/tasks", {"title": "x"})):  # fmt: skip
        refused(answer, 404)


def test_a_key_that_reads_makes_none(app: Flask, client: FlaskClient) -> None:
    ticket = a_ticket()
    task = a_task("One", ticket)
    program = a_program(client, a_supervisor(), "tickets:read")

    assert program.get(f"/tasks/{task.id}").status_code == 200
    refused(program.post(f"/tickets/{ticket.number}/tasks", {"title": "x"}), 403)
    refused(program.patch(f"/tasks/{task.id}", {"state": "done"}), 403)


def test_a_list_costs_the_same_however_many_there_are(program: Program, at_most) -> None:
    ticket = a_ticket()
    for number in range(12):
        a_task(f"Task {number}", ticket)
    number = ticket.number
    program.get(f"/tickets/{number}/tasks")
    db.session.remove()

    with at_most(12):
        assert len(program.get(f"/tickets/{number}/tasks").json["items"]) == 12


def test_a_task_is_deleted_by_a_key_whose_owner_may(app: Flask, client: FlaskClient) -> None:
    ticket = a_ticket()
    task = a_task("One", ticket)
    id, number = task.id, ticket.number

    refused(a_program(client, a_supervisor()).call("DELETE", f"/tasks/{id}"), 403)
    program = a_program(client, an_admin())
    answer = program.call("DELETE", f"/tasks/{id}")

    assert (answer.status_code, answer.json["title"]) == (200, "One")
    refused(program.get(f"/tasks/{id}"), 404)
    refused(program.call("DELETE", f"/tasks/{id}"), 404)
    assert program.get(f"/tickets/{number}/tasks").json["items"] == []
