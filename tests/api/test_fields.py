"""The desk's own fields by the API: told, read, written, refused by name."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.viewer import SYSTEM
from app.core.extensions import db
from app.tickets.fieldmodels import FieldKind, Readers, Required
from tests.api.desk import Program, a_program, refused
from tests.factories import a_category, a_field, a_supervisor, a_ticket

SIZES = ("Small", "Large")


@pytest.fixture
def program(app: Flask, client: FlaskClient) -> Program:
    return a_program(client, a_supervisor())


def new(**given: object) -> dict[str, object]:
    return {"subject": "Fire", "body": "It burns.", "customer": {"email": "kim@example.com"}, **given}


def test_a_program_learns_which_fields_there_are(program: Program) -> None:
    a_field("Size", kind=FieldKind.CHOICE, choices=SIZES, categories=[a_category("Printers")], readers=Readers.READ)

    told = program.get("/fields").json["items"]

    assert [{name: one[name] for name in ("key", "kind", "choices", "categories", "required", "readers")} for one in told] == [
        {"key": "size", "kind": "choice", "choices": ["Small", "Large"], "categories": ["Printers"], "required": "never", "readers": "read"}
    ]  # fmt: skip


def test_a_ticket_is_opened_read_and_changed_with_its_fields(program: Program) -> None:
    a_field("Copies", kind=FieldKind.NUMBER)
    a_field("Sizes", kind=FieldKind.CHOICES, choices=SIZES)
    a_field("Urgent", kind=FieldKind.CHECKBOX)

    made = program.post("/tickets", new(fields={"copies": 12.5, "sizes": ["large", "Small"], "urgent": True}))
    number = made.json["number"]
    changed = program.patch(f"/tickets/{number}", {"fields": {"copies": None, "sizes": ["Small"]}})

    assert made.status_code == 201
    assert made.json["fields"] == {"copies": 12.5, "sizes": ["Large", "Small"], "urgent": True}
    assert changed.json["fields"] == {"copies": None, "sizes": ["Small"], "urgent": True}
    read = program.get(f"/tickets/{number}").json
    assert read["fields"] == program.get("/tickets").json["items"][0]["fields"] == changed.json["fields"]
    assert [entry["event"] for entry in read["messages"] if entry["kind"] == "event"] == ["field_changed"] * 2


def test_each_wrong_field_is_named(program: Program) -> None:
    a_field("Copies", kind=FieldKind.NUMBER)
    a_field("Order", required=Required.CREATE)
    number = program.post("/tickets", new(fields={"order": "7"})).json["number"]

    refused(
        program.post("/tickets", new(fields={"copies": "many", "nothing": 1})),
        422,
        "fields.copies",
        "fields.nothing",
        "fields.order",
    )
    refused(program.post("/tickets", new(fields=["copies"])), 422, "fields")
    refused(
        program.patch(f"/tickets/{number}", {"fields": {"copies": {}, "order": ""}}),
        422,
        "fields.copies",
        "fields.order",
    )
    refused(program.patch(f"/tickets/{number}", {"fields": {"copies": float(10**20)}}), 422, "fields.copies")


def test_a_ticket_changes_its_category_its_fields_and_its_status_at_once(program: Program) -> None:
    printers = a_category("Printers")
    a_field("Cause", categories=[printers], required=Required.RESOLVE)
    ticket = a_ticket()
    db.session.commit()
    path = f"/tickets/{ticket.number}"

    refused(program.patch(path, {"category": "Printers", "status": "resolved"}), 422, "fields.cause")
    done = program.patch(path, {"category": "Printers", "fields": {"cause": "Dust"}, "status": "resolved"})

    assert done.json["state"] == "resolved" and done.json["fields"] == {"cause": "Dust"}


def test_what_a_program_reads_is_only_of_the_tickets_category(program: Program) -> None:
    printers, phones = a_category("Printers"), a_category("Phones")
    a_field("Toner", categories=[printers])
    ticket = a_ticket(category=printers)
    ticket.set_field("toner", "black", by=SYSTEM)
    ticket.set_category(phones, by=SYSTEM)
    db.session.commit()

    assert program.get(f"/tickets/{ticket.number}").json["fields"] == {}
    assert program.patch(f"/tickets/{ticket.number}", {"category": "Printers"}).json["fields"] == {"toner": "black"}
