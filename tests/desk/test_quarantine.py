"""Mail that was set aside: seen with its reason, read byte for byte, tried again, made a ticket, deleted."""

from __future__ import annotations

import datetime as dt

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core import clock
from app.core.audit import Audit, What
from app.core.extensions import db
from app.desk.checks import measure
from app.mail import incoming
from app.mail.models import RawMail, RawState
from app.tickets.models import Ticket
from tests.factories import a_customer, an_admin, an_agent, run_jobs, sign_in

NOBODY = b"Subject: <b>Nobody</b> wrote\r\nMessage-ID: <n@x.test>\r\n\r\nThe printer burns \x1b[31m<script>alert(1)</script>\r\n"


@pytest.fixture
def admin(app: Flask, client: FlaskClient) -> FlaskClient:
    sign_in(client, an_admin())
    return client


def set_aside(raw: bytes = NOBODY) -> RawMail:
    row = incoming.store(raw, "smtp")
    run_jobs()
    return fresh(row)


def fresh(row: RawMail) -> RawMail:
    db.session.rollback()
    return db.session.get_one(RawMail, row.id, populate_existing=True)


def noted() -> list[str]:
    return list(db.session.scalars(select(Audit.what).where(Audit.what.startswith("mail_")).order_by(Audit.id)))


def test_it_is_listed_with_its_reason_and_shown_as_it_came(admin: FlaskClient) -> None:
    row = set_aside()

    listed = admin.get("/admin/quarantine/").text
    shown = admin.get(f"/admin/quarantine/{row.id}").text

    assert "names no sender" in listed and "&lt;b&gt;Nobody&lt;/b&gt;" in listed
    assert "&lt;script&gt;alert(1)" in shown and "<script>alert" not in shown and "\x1b" not in shown


def test_the_file_is_byte_for_byte_and_nothing_a_browser_shows(admin: FlaskClient) -> None:
    row = set_aside()

    answer = admin.get(f"/admin/quarantine/{row.id}/raw.eml")

    assert answer.data == NOBODY
    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_a_ticket_of_it_is_the_chosen_customers_and_names_who_made_it(admin: FlaskClient) -> None:
    ada, row = a_customer(email="ada@northwind.test"), set_aside()

    answer = admin.post(f"/admin/quarantine/{row.id}/ticket", data={"address": "ADA@northwind.test"})

    ticket = db.session.scalars(select(Ticket)).one()
    assert answer.location.endswith(f"/admin/tickets/{ticket.number}")
    assert (ticket.requester_id, ticket.subject) == (ada.id, "<b>Nobody</b> wrote")
    assert "The printer burns" in ticket.messages[0].text
    assert ticket.events[0].staff_id is not None
    assert (fresh(row).state, row.ticket_id, noted()) == (RawState.DELIVERED, ticket.id, [What.MAIL_MADE_TICKET])


def test_one_that_cannot_be_read_becomes_a_ticket_with_the_message_as_a_file(app: Flask, admin: FlaskClient) -> None:
    before, app.config["MAIL_READING_SECONDS"] = app.config["MAIL_READING_SECONDS"], 0.005
    try:
        row = set_aside(b"From: kim@customer.test\r\nSubject: Heavy\r\n\r\n" + b"It burns and burns.\r\n" * 500_000)
        admin.post(f"/admin/quarantine/{row.id}/ticket", data={"address": "kim@customer.test"})
    finally:
        app.config["MAIL_READING_SECONDS"] = before

    first = db.session.scalars(select(Ticket)).one().messages[0]
    assert first.text.startswith("From: kim@customer.test")
    assert [(file.name, file.bytes) for file in first.attachments] == [("message.eml", len(fresh(row).content))]


def test_an_address_that_is_none_is_refused_beside_its_field_and_nothing_is_lost(admin: FlaskClient) -> None:
    row = set_aside()

    answer = admin.post(f"/admin/quarantine/{row.id}/ticket", data={"address": "nobody", "name": "Kim"})

    assert answer.status_code == 422
    assert 'id="address-error"' in answer.text and 'value="Kim"' in answer.text
    assert fresh(row).state is RawState.QUARANTINED


def test_it_is_read_again(admin: FlaskClient) -> None:
    row = set_aside()
    db.session.execute(RawMail.__table__.update().values(content=b"From: a@b.test\r\n\r\nHello"))
    db.session.commit()

    admin.post(f"/admin/quarantine/{row.id}/again")
    run_jobs()

    assert fresh(row).state is RawState.DELIVERED
    assert admin.get(f"/admin/quarantine/{row.id}").status_code == 404


def test_deleted_it_is_gone_and_its_deletion_known(admin: FlaskClient) -> None:
    row = set_aside()

    admin.post(f"/admin/quarantine/{row.id}/delete")
    again = admin.post(f"/admin/quarantine/{row.id}/delete")

    assert db.session.scalars(select(RawMail.id)).all() == []
    assert again.status_code == 409
    assert noted() == [What.MAIL_DELETED]


def test_one_that_nobody_could_deliver_for_long_stands_there_too(admin: FlaskClient) -> None:
    row = incoming.store(b"From: a@b.test\r\nSubject: Stuck\r\n\r\nHello", "smtp")
    assert "Stuck" not in admin.get("/admin/quarantine/").text
    row.received_at = clock.now() - dt.timedelta(hours=1)
    db.session.commit()

    assert "Stuck" in admin.get("/admin/quarantine/").text


def test_health_says_how_many_there_are_without_turning_red(app: Flask) -> None:
    set_aside()

    check = next(check for check in measure() if check.name == "quarantine")

    assert (check.ok, check.figure) == (True, 1)


def test_agents_have_no_part_in_it(app: Flask, client: FlaskClient) -> None:
    row = set_aside()
    sign_in(client, an_agent())

    answers = [client.get("/admin/quarantine/"), client.get(f"/admin/quarantine/{row.id}/raw.eml"), client.post(f"/admin/quarantine/{row.id}/delete")]  # fmt: skip

    assert [answer.status_code for answer in answers] == [403] * 3
    assert fresh(row).state is RawState.QUARANTINED
