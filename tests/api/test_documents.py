"""Conversations and document requests for programs."""

from __future__ import annotations

import datetime as dt

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core import clock
from app.core.extensions import db
from app.tickets.models import Ticket
from tests.api.desk import Program, a_program, refused
from tests.factories import a_supervisor, acting
from tests.tickets.test_requests import PDF, a_request, hand_in, judge

SOON = str(clock.now().date() + dt.timedelta(days=30))
ADA = {"email": "ada@customer.test", "name": "Ada"}
ASKED = {"slots": [{"name": "Passport", "hint": "The page with the picture", "allowed": "pdf"}, {"name": "Extra", "required": False}]}  # fmt: skip


@pytest.fixture
def program(app: Flask, client: FlaskClient) -> Program:
    return a_program(client, a_supervisor())


def opened(program: Program, **more: object) -> dict[str, object]:
    answer = program.post("/tickets", {"subject": "Your papers", "body": "Please", "customer": ADA, **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json)


def test_a_conversation_waits_for_the_customer(program: Program) -> None:
    ticket = opened(program, kind="conversation")

    assert (ticket["kind"], ticket["state"], ticket["first_response_due_at"]) == ("conversation", "waiting", None)


def test_a_ticket_with_documents_asks_for_them(program: Program) -> None:
    ticket = opened(program, documents={**ASKED, "due_on": SOON})

    assert (ticket["kind"], ticket["state"]) == ("document_request", "waiting")
    (request,) = program.get(f"/tickets/{ticket['number']}").json["documents"]
    assert (request["state"], request["due_on"]) == ("open", SOON)
    assert [(slot["name"], slot["allowed"], slot["required"], slot["state"], slot["file"]) for slot in request["slots"]] == [("Passport", "pdf", True, "requested", None), ("Extra", "any", False, "requested", None)]  # fmt: skip


def test_what_came_and_why_it_was_refused_is_read(program: Program) -> None:
    agent = acting(a_supervisor())
    request = a_request(by=agent)
    hand_in(request, Passport=PDF)
    judge(request, agent, Passport="It is cut off")
    db.session.commit()

    slot = program.get(f"/tickets/{request.ticket.number}").json["documents"][0]["slots"][0]

    assert (slot["state"], slot["reason"], slot["file"]["name"]) == ("refused", "It is cut off", "passport.pdf")
    assert program.get(slot["file"]["url"].partition("/api/v1")[2]).data == PDF


def test_a_ticket_without_documents_has_none(program: Program) -> None:
    assert program.get(f"/tickets/{opened(program)['number']}").json["documents"] == []


@pytest.mark.parametrize(
    ("documents", "field"),
    [
        ("Passport", "documents"),
        ({}, "documents"),
        ({"slots": []}, "documents"),
        ({"slots": ["Passport"]}, "documents"),
        ({"slots": [{"name": ""}]}, "documents"),
        ({"slots": [{"name": "a", "allowed": "exe"}]}, "documents"),
        ({"slots": [{"name": "a", "state": "accepted"}]}, "documents"),
        ({"slots": [{"name": "a"}], "due_on": "soon"}, "documents"),
        ({"slots": [{"name": "a"}], "link": "x"}, "documents"),
        ({"slots": [{"name": "a", "required": False}]}, "slots"),
        ({"slots": [{"name": "a"}], "due_on": "2001-01-01"}, "due_on"),
        ({"slots": [{"name": "a"}], "due_on": "9999-12-31"}, "due_on"),
    ],
    ids=["a text", "nothing", "no slots", "a slot is a text", "no name", "an unknown type", "a state", "no day", "an unknown field", "nothing required", "a day that is over", "the last day of all"],
)  # fmt: skip
def test_odd_documents_are_refused_by_name(program: Program, documents: object, field: str) -> None:
    body = {"subject": "Your papers", "body": "Please", "customer": ADA, "documents": documents}

    refused(program.post("/tickets", body), 422, field)
    assert db.session.query(Ticket).count() == 0
