"""People without an account: they write, prove their address, and nobody learns who is known here."""

import io
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.accounts.models import Customer
from app.core.extensions import db
from app.mail.models import Delivery
from app.tickets.models import Ticket
from app.tickets.thread import Attachment, Channel
from app.tickets.timeline import Did
from tests.factories import a_customer, multipart, setting, sign_in_customer

FORM = {
    "name": "Gus Guest",
    "email": "gus@customer.test",
    "subject": "Where is my invoice?",
    "message": "I cannot find it",
}


def the_ticket() -> Ticket:
    db.session.rollback()
    return db.session.scalars(select(Ticket)).one()


def the_link() -> str:
    link = db.session.scalars(select(Delivery).where(Delivery.kind == "guest_proof")).one().values["link"]
    assert link.startswith("http://127.0.0.1:8080/portal/prove/")
    return link.removeprefix("http://127.0.0.1:8080")


def test_a_guest_writes_proves_the_address_and_follows_the_ticket(client: FlaskClient) -> None:
    sent = client.post(
        "/portal/contact", data={**FORM, "files": (io.BytesIO(b"scan"), "scan.txt")}, content_type="multipart/form-data"
    )

    assert "Thank you, one more step" in sent.text
    ticket = the_ticket()
    assert (ticket.channel, ticket.proven, ticket.requester.name, ticket.requester.verified_at) == (
        Channel.FORM,
        False,
        "Gus Guest",
        None,
    )
    assert [file.name for file in ticket.messages[0].attachments] == ["scan.txt"]

    assert client.get(the_link()).status_code == 200
    assert the_ticket().proven is False

    answer = client.post(the_link(), follow_redirects=True)

    assert "I cannot find it" in answer.text
    ticket = the_ticket()
    assert ticket.proven and ticket.requester.verified_at
    assert Did.VERIFIED in [event.what for event in ticket.events]
    assert client.post(the_link()).status_code == 404


def test_an_unproven_ticket_is_in_nobodys_portal(client: FlaskClient) -> None:
    known = a_customer(email="gus@customer.test", name="Gus Known")
    db.session.commit()
    client.post("/portal/contact", data=FORM)
    sign_in_customer(client, known)

    assert "Where is my invoice?" not in client.get("/portal/tickets").text
    assert client.get(f"/portal/tickets/{the_ticket().number}").status_code == 404


def test_a_known_a_new_and_a_switched_off_address_get_the_same_answer(client: FlaskClient) -> None:
    a_customer(email="known@customer.test", name="Kim Known")
    a_customer(email="gone@customer.test", active=False)
    db.session.commit()

    answers = {
        email: client.post("/portal/contact", data={**FORM, "email": email})
        for email in ("known@customer.test", "new@customer.test", "gone@customer.test")
    }

    assert (
        len(
            {
                (answer.status_code, re.sub(r'value="[^"]*"|\w+@customer.test', "", answer.text))
                for answer in answers.values()
            }
        )
        == 1
    )
    assert db.session.scalar(select(Customer.name).where(Customer.email == "known@customer.test")) == "Kim Known"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"name": ""}, "name"), ({"name": "\r\n"}, "name"), ({"email": ""}, "email"), ({"email": "gus"}, "email"), ({"email": "gus@x.test\nBcc: y@z.test"}, "email"), ({"email": "a@" + "b" * 300 + ".test"}, "email"),
     ({"email": '"victim@corp.test" <gus@x.test>'}, "email"), ({"email": "gus@customer.test,eve@x.test"}, "email"), ({"subject": ""}, "subject"), ({"subject": "s" * 201}, "subject"), ({"message": " "}, "message"), ({"category": "77777"}, "category")],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nobody_is_made(client: FlaskClient, wrong: dict[str, str], field: str) -> None:
    answer = client.post("/portal/contact", data={**FORM, **wrong})

    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert db.session.scalar(select(func.count()).select_from(Customer)) == 0


def test_a_file_that_is_too_large_leaves_nothing(client: FlaskClient) -> None:
    answer = client.post(
        "/portal/contact", **multipart({**FORM, "files": (io.BytesIO(b"x" * (11 * 1024 * 1024)), "big.bin")})
    )

    assert answer.status_code == 413
    assert "larger than 10 MB" in answer.text
    assert "I cannot find it" in answer.text
    assert (
        db.session.scalar(select(func.count()).select_from(Attachment))
        == db.session.scalar(select(func.count()).select_from(Ticket))
        == 0
    )


def test_a_header_in_the_name_is_one_line_of_text(client: FlaskClient) -> None:
    client.post("/portal/contact", data={**FORM, "name": "Gus\r\nBcc: eve@evil.test <b>"})

    assert the_ticket().requester.name == "Gus Bcc: eve@evil.test <b>"


def test_the_desk_can_close_the_guests_door(client: FlaskClient) -> None:
    setting(guests_may_write=False)
    db.session.commit()

    assert client.get("/portal/contact").status_code == 302
    assert client.post("/portal/contact", data=FORM).status_code == 403
    assert "/portal/contact" not in client.get("/portal/login").text.replace('href="/portal/contact">Contact us', "")


def test_a_signed_in_customer_gets_the_full_form(client: FlaskClient) -> None:
    sign_in_customer(client, a_customer())

    assert client.get("/portal/contact").location == "/portal/tickets/new"


def test_a_ticket_system_that_is_off_takes_nothing_from_guests(client: FlaskClient, app: Flask) -> None:
    setting(ticket_system_on=False)
    db.session.commit()

    assert "We take no new tickets" in client.get("/portal/contact").text
    assert client.post("/portal/contact", data=FORM).status_code == 403
    assert db.session.scalar(select(func.count()).select_from(Customer)) == 0
