"""The API on suppliers and environments."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.core.extensions import db
from app.mail.models import Delivery
from app.tickets.models import Ticket
from tests.api.desk import a_program
from tests.factories import a_supplier, a_ticket, an_agent, an_environment


@pytest.fixture
def scene(client):
    agent = an_agent()
    supplier, ticket = a_supplier("Printer Works", people=("jo@maker.test",)), a_ticket(assignee=agent)
    an_environment("Staging")
    db.session.commit()
    return a_program(client, agent), ticket, supplier


def test_a_program_asks_a_supplier(scene):
    program, ticket, _supplier = scene
    asked = {
        "to": "JO@maker.test",
        "subject": "A spare part",
        "body": "Do you have it?",
        "along": [ticket.messages[0].id],
    }

    entry = program.call("POST", f"/tickets/{ticket.number}/questions", asked)
    whole = program.call("GET", f"/tickets/{ticket.number}").json

    assert (entry.status_code, entry.json["kind"], entry.json["author"]["type"]) == (201, "supplier", "staff")
    assert (whole["supplier_turn"], whole["state"]) == ("waiting", "hold")
    assert db.session.scalars(select(Delivery.address).where(Delivery.kind == "supplier_asked")).all() == [
        "jo@maker.test"
    ]
    turns = program.call("GET", f"/tickets/{ticket.number}/suppliers").json["items"]
    assert [(one["name"], one["turn"], one["subject"]) for one in turns] == [
        ("Printer Works", "waiting", "A spare part")
    ]


@pytest.mark.parametrize(
    "wrong", [{"to": "nobody@maker.test"}, {"to": None}, {"subject": ""}, {"body": ""}, {"along": [999_999]}, {"file_ids": [999_999]}, {"along": "1"}],
    ids=["to nobody", "to none", "no subject", "no words", "a message that is not there", "a file that is not there", "no list"],
)  # fmt: skip
def test_a_question_that_is_not_right_is_refused(scene, wrong):
    program, ticket, _supplier = scene
    asked = {"to": "jo@maker.test", "subject": "A spare part", "body": "Do you have it?", **wrong}

    assert program.call("POST", f"/tickets/{ticket.number}/questions", asked).status_code == 422
    assert db.session.scalar(select(Delivery.id).where(Delivery.kind == "supplier_asked")) is None


def test_suppliers_are_added_and_taken_off(scene):
    program, ticket, supplier = scene
    address = f"/tickets/{ticket.number}/suppliers"

    added = program.call("POST", address, {"supplier": "printer works"})
    removed = program.call("DELETE", f"{address}/{supplier.id}")
    again = program.call("DELETE", f"{address}/{supplier.id}")

    assert [one["turn"] for one in added.json["items"]] == ["listed"]
    assert (removed.json["items"], again.status_code) == ([], 404)


def test_the_environment_is_set_read_and_filtered_by(scene):
    program, ticket, _supplier = scene
    a_ticket()
    db.session.commit()

    changed = program.call("PATCH", f"/tickets/{ticket.number}", {"environment": "staging"}).json
    found = program.call("GET", "/tickets?environment=Staging").json["items"]
    cleared = program.call("PATCH", f"/tickets/{ticket.number}", {"environment": None}).json
    opened = program.call(
        "POST",
        "/tickets",
        {"subject": "New", "body": "Words", "customer": {"email": "a@b.test"}, "environment": "Staging"},
    )

    assert (changed["environment"], [one["number"] for one in found], cleared["environment"]) == (
        "Staging",
        [ticket.number],
        None,
    )
    assert (opened.status_code, opened.json["environment"]) == (201, "Staging")
    assert [one["name"] for one in program.call("GET", "/environments").json["items"]] == ["Staging"]
    assert program.call("GET", "/suppliers").json["items"][0]["people"] == [
        {"name": "Jo Kim", "email": "jo@maker.test"}
    ]
    assert db.session.get(Ticket, ticket.id)
