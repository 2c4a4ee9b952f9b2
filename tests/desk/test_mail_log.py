"""The mail log answers what became of a mail, and sends again what failed."""

import datetime as dt

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app.core import clock
from app.core.extensions import db
from app.mail import outgoing
from app.mail.models import Delivery, DeliveryState
from tests.factories import a_customer, a_ticket, an_admin, an_agent, setting, sign_in
from tests.mail.smtp import Sink
from tests.mail.test_transport import a_mail, send_all
from tests.mail.test_transport import sink as sink  # a fixture

LOG = "/admin/mail-log/"


@pytest.mark.parametrize(
    "asked",
    ["address=ADA", "ticket=%23{number}", "subject=canary", "state=failed", "kind=waiting_reminder", "day={day}"],
)
def test_each_field_of_the_search_narrows_the_log(app: Flask, client: FlaskClient, asked: str) -> None:
    sign_in(client, an_admin())
    ticket = a_ticket("Other")
    wanted = Delivery(kind="waiting_reminder", address="ada@customer.test", subject="The CANARY mail", ticket_id=ticket.id, state=DeliveryState.FAILED)  # fmt: skip
    other = Delivery(kind="ticket_closed", address="bob@customer.test", subject="Something else", state=DeliveryState.SENT)  # fmt: skip
    other.created_at = clock.now() - dt.timedelta(days=3)
    db.session.add_all([wanted, other])
    db.session.commit()

    shown = client.get(f"{LOG}?{asked.format(number=ticket.number, day=f'{clock.now():%Y-%m-%d}')}").text

    assert "The CANARY mail" in shown
    assert "Something else" not in shown


@pytest.mark.parametrize("asked", ["day=2026-02-31", "day=9999-12-31", "day=x", "ticket=x", "before=x", "kind=x", "state=x", "ticket=" + "9" * 40])  # fmt: skip
def test_a_search_that_makes_no_sense_is_an_answer_all_the_same(app: Flask, client: FlaskClient, asked: str) -> None:
    sign_in(client, an_admin())

    assert client.get(f"{LOG}?{asked}").status_code == 200


def test_older_mails_are_a_page_further(app: Flask, client: FlaskClient) -> None:
    sign_in(client, an_admin())
    db.session.add_all([Delivery(kind="ticket_closed", address=f"n{n}@customer.test", state=DeliveryState.SENT) for n in range(103)])  # fmt: skip
    db.session.commit()

    first = client.get(f"{LOG}?kind=ticket_closed").text
    last = db.session.query(Delivery.id).order_by(Delivery.id.desc()).offset(99).limit(1).scalar()
    second = client.get(f"{LOG}?kind=ticket_closed&before={last}").text

    assert "n102@customer.test" in first and "n2@customer.test" not in first
    assert f"?kind=ticket_closed&amp;before={last}" in first
    assert "n2@customer.test" in second and "n3@customer.test" not in second


def test_each_try_is_told_with_the_servers_words(sink: Sink, client: FlaskClient) -> None:
    sign_in(client, an_admin())
    customer = a_customer()
    sink.refuse[customer.email] = "451 4.7.1 Greylisted, come later"
    mail = a_mail(customer=customer)
    at = clock.now()
    for answer in ("451 4.7.1 Greylisted, come later", "452 4.2.2 Mailbox full", "550 5.7.1 We do not want this"):
        sink.refuse[customer.email] = answer
        with time_machine.travel(at, tick=False):
            send_all()
        at = mail.due_at
    sink.refuse.clear()
    client.post(f"{LOG}{mail.id}/resend")
    send_all()

    shown = client.get(f"{LOG}{mail.id}").text

    tries = [line["said"] for line in mail.story]
    assert tries == [
        "451 4.7.1 Greylisted, come later",
        "452 4.2.2 Mailbox full",
        "550 5.7.1 We do not want this",
    ]
    assert all(said in shown for said in tries)
    assert "250 2.0.0 Ok: queued as 4711" in shown


def test_all_that_failed_among_the_shown_are_sent_again(sink: Sink, client: FlaskClient) -> None:
    sign_in(client, an_admin())
    gone, other = a_customer("Gone", email="a@gone.test"), a_customer("Other", email="a@other.test")
    sink.refuse |= {gone.email: "550 5.7.1 No", other.email: "550 5.7.1 No"}
    mails = [a_mail(customer=gone), a_mail(customer=other)]
    link = Delivery(kind="sign_in_link", address="b@gone.test", customer_id=gone.id, state=DeliveryState.FAILED)
    db.session.add(link)
    send_all()
    sink.refuse.clear()

    said = client.post(f"{LOG}resend", data={"address": "gone.test"}, follow_redirects=True).text
    send_all()

    assert "are on their way again" in said and "1 held a link that was forgotten" in said
    assert mails[0].state is DeliveryState.SENT
    assert mails[1].state is DeliveryState.FAILED
    assert link.state is DeliveryState.FAILED


def test_why_a_mail_was_not_sent_stands_in_the_log(app: Flask, client: FlaskClient) -> None:
    sign_in(client, an_admin())
    setting(mail_cap_an_hour=1)
    gone = a_customer("Gone", address_works=False)
    capped = a_customer("Capped")
    for _ in range(2):
        a_mail(customer=capped)
    a_mail(customer=gone)
    outgoing.put_unsent("ticket_closed", "They chose not to get this by mail.", customer_id=gone.id)
    db.session.commit()

    shown = client.get(f"{LOG}?state=suppressed").text

    for why in ("already got 1 automatic mails within an hour", "the mailbox is gone", "They chose not to get this by mail."):  # fmt: skip
        assert why in shown


def test_an_agent_sees_no_log(app: Flask, client: FlaskClient) -> None:
    mail = a_mail()
    db.session.commit()
    sign_in(client, an_agent())

    assert client.get(f"{LOG}{mail.id}").status_code == 403
    assert client.post(f"{LOG}resend").status_code == 403
