"""The desk's own fields in the portal: what customers are asked for, what they read, and what no byte of theirs says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.accounts.models import Customer
from app.accounts.viewer import SYSTEM
from app.core.extensions import db
from app.desk import customererase, customerexport
from app.mail.models import Delivery
from app.tickets import fields
from app.tickets.fieldmodels import CustomValue, FieldKind, Readers, Required
from app.tickets.models import Ticket
from app.tickets.timeline import TicketEvent
from tests.factories import (  # fmt: skip
    a_category,
    a_customer,
    a_field,
    a_supervisor,
    a_ticket,
    acting,
    multipart,
    run_jobs,
    sign_in_customer,
)

SIZES = ("Small", "Large")
SECRET = "kanarisecret"


@pytest.fixture
def ada(app: Flask, client: FlaskClient) -> Customer:
    customer = a_customer("Ada", email="ada@example.com")
    sign_in_customer(client, customer)
    return customer


def send(client: FlaskClient, path: str = "/portal/tickets/new", **form: Any) -> Any:
    usual = {"subject": "The printer burns", "message": "Since this morning", "fields_for": form.get("category", "")}
    return client.post(path, **multipart({**usual, **form}))


def held() -> dict[str, Any]:
    db.session.rollback()
    ticket = db.session.scalars(select(Ticket)).one()
    return {one.field.key: one.field.plain(one.values) for one in fields.held(ticket)}


def test_a_customer_fills_in_what_the_category_asks(client: FlaskClient, ada: Customer) -> None:
    category = a_category("Printers")
    a_field("Toner", categories=[category], readers=Readers.FILL, help="On the lid")
    a_field("Size", kind=FieldKind.CHOICE, choices=SIZES, readers=Readers.FILL)
    a_field("Risk", readers=Readers.STAFF)
    a_field("Queue", readers=Readers.READ)

    page = client.get("/portal/tickets/new").text
    form = {
        "category": str(category.id),
        "fields.toner": "black",
        "fields.size": "Large",
        "fields.risk": "none",
        "fields.queue": "1",
    }
    sent = send(client, **form)

    assert "On the lid" in page and "fields.js" in page and "Risk" not in page and "Queue" not in page
    assert sent.status_code == 303
    assert held() == {"toner": "black", "size": "Large", "risk": None, "queue": None}


def test_what_is_missing_or_wrong_is_said_beside_it_and_nothing_typed_is_lost(
    client: FlaskClient, ada: Customer
) -> None:
    a_field("Order", readers=Readers.FILL, required=Required.CREATE)
    a_field("Bought", kind=FieldKind.DATE, readers=Readers.FILL)
    a_field("Sizes", kind=FieldKind.CHOICES, choices=SIZES, readers=Readers.FILL)
    a_field("Agreed", kind=FieldKind.CHECKBOX, readers=Readers.FILL)

    answer = send(client, **{"fields.bought": "soon", "fields.sizes": "Large", "fields.agreed": "1"})

    assert answer.status_code == 422 and 'id="fields.order-error"' in answer.text
    assert "This is a day such as 2026-03-31." in answer.text and 'value="soon"' in answer.text
    assert 'name="fields.sizes" value="Large" checked' in answer.text and "Since this morning" in answer.text
    assert 'name="fields.agreed" value="1" id="fields.agreed" checked' in answer.text


def test_without_script_a_categorys_fields_come_with_the_first_answer(client: FlaskClient, ada: Customer) -> None:
    category = a_category("Printers")
    a_field("Toner", categories=[category], readers=Readers.FILL)

    first = send(client, category=str(category.id), fields_for="")
    second = send(client, **{"category": str(category.id), "fields.toner": "red"})

    assert first.status_code == 422 and "Please look at the new fields" in first.text
    assert f'data-field-of="{category.id}">' in first.text and second.status_code == 303
    assert held() == {"toner": "red"}


def test_a_guest_fills_them_in_too(app: Flask, client: FlaskClient) -> None:
    a_field("Order", readers=Readers.FILL, required=Required.CREATE)
    guest = {"name": "Kim", "email": "kim@example.com"}

    asked = client.get("/portal/contact").text
    refused = send(client, "/portal/contact", **guest)
    sent = send(client, "/portal/contact", **guest, **{"fields.order": "77"})

    assert 'name="fields.order"' in asked and refused.status_code == 422 and sent.status_code == 200
    assert held() == {"order": "77"}


def test_customers_read_what_is_theirs_to_read(client: FlaskClient, ada: Customer) -> None:
    a_field("Order", readers=Readers.FILL)
    a_field("Promised", kind=FieldKind.CHECKBOX, readers=Readers.READ)
    a_field("Empty", readers=Readers.READ)
    ticket = a_ticket(requester=ada)
    ticket.set_fields({"order": "77", "promised": True}, by=SYSTEM)
    db.session.commit()

    page = client.get(f"/portal/tickets/{ticket.number}").text

    assert "<dt>Order</dt>" in page and "77" in page and "<dt>Promised</dt>" in page and "<dt>Empty</dt>" not in page


def test_nothing_a_customer_gets_holds_a_field_of_staff(client: FlaskClient, ada: Customer, tmp_path: Path) -> None:
    from app.tickets.thread import Channel, Words

    a_field("Riskfield", readers=Readers.STAFF)
    ticket, by = a_ticket(requester=ada), acting(a_supervisor())
    ticket.set_field("riskfield", SECRET, by=by)
    ticket.reply(Words("We look at it.", via=Channel.STAFF), by=by)
    ticket.resolve(by=by)
    db.session.commit()
    number, ticket_subject = ticket.number, ticket.subject
    run_jobs()

    pages = [
        client.get(path).text
        for path in (f"/portal/tickets/{number}", "/portal/tickets", f"/portal/tickets?tab=all&q={SECRET}")
    ]
    mails = [
        bytes(mail.raw or b"").decode() + mail.subject
        for mail in db.session.scalars(select(Delivery).where(Delivery.customer_id == ada.id))
    ]
    customerexport.export("ada@example.com", tmp_path / "out")
    told = (tmp_path / "out" / "customer.json").read_text()

    assert mails and ada.email in told
    for text in (pages[0], pages[1], *mails, told):
        assert SECRET not in text and "iskfield" not in text
    assert ticket_subject not in pages[2]


def test_an_export_says_the_fields_a_customer_reads(client: FlaskClient, ada: Customer, tmp_path: Path) -> None:
    a_field("Order", readers=Readers.FILL)
    a_ticket(requester=ada).set_field("order", "77", by=SYSTEM)
    db.session.commit()

    customerexport.export("ada@example.com", tmp_path / "out")

    assert json.loads((tmp_path / "out" / "customer.json").read_text())["tickets"][0]["fields"] == {"Order": "77"}


def test_erasing_a_customer_takes_what_they_wrote_in_fields(client: FlaskClient, ada: Customer) -> None:
    a_field("Order", readers=Readers.FILL)
    a_field("Size", kind=FieldKind.CHOICE, choices=SIZES, readers=Readers.FILL)
    a_field("Cause", readers=Readers.STAFF)
    ticket, by = a_ticket(requester=ada), acting(a_supervisor())
    ticket.set_fields({"order": SECRET, "size": "Large", "cause": "Dust"}, by=by)
    ticket.set_field("order", "other", by=by)
    db.session.commit()

    customererase.erase("ada@example.com", with_tickets=False)

    left = sorted(db.session.scalars(select(CustomValue.text)))
    history = json.dumps([event.particulars for event in db.session.scalars(select(TicketEvent))])
    assert left == ["Dust", "Large"] and SECRET not in history and "other" not in history and "Dust" in history
