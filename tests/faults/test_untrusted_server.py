"""TLS is refused: nothing is sent in clear, and whoever can mend it hears of it at the first mail."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Iterator

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core import clock
from app.core.extensions import db
from app.mail import outgoing, transport
from app.mail.models import Delivery, DeliveryState
from app.notifications.models import Notice, Notification
from tests.factories import a_customer, a_super_admin, a_ticket, an_admin, an_agent, sign_in
from tests.mail.smtp import Sink, serving
from tests.mail.test_transport import certificate, mail_url  # noqa: F401  # a fixture

SERVERS = ("no STARTTLS", "STARTTLS with a strange certificate", "TLS with a strange certificate")


@pytest.fixture(params=SERVERS)
def sink(request: pytest.FixtureRequest, app: Flask, certificate: tuple[str, str]) -> Iterator[Sink]:  # noqa: F811
    """A mail server that the desk was told to speak TLS with."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    kind = request.param
    given = {"no STARTTLS": {}, SERVERS[1]: {"tls_context": context}, SERVERS[2]: {"ssl_context": context}}[kind]
    url = "smtps://localhost:%s" if kind == SERVERS[2] else "smtp://localhost:%s?starttls=1"
    sink = Sink()
    with serving(sink, **given) as port, mail_url(app, url % port):
        yield sink


def a_mail() -> Delivery:
    customer = a_customer()
    mail = outgoing.put_notice("waiting_reminder", customer_id=customer.id, ticket_id=a_ticket(requester=customer).id)
    db.session.commit()
    return mail


def told() -> list[int]:
    untrusted = select(Notification.staff_id).where(Notification.kind == Notice.MAIL_UNTRUSTED)
    return sorted(db.session.scalars(untrusted))


def test_admins_are_told_at_once_and_nothing_is_sent(sink: Sink, client: FlaskClient) -> None:
    admin, boss, _agent = an_admin(), a_super_admin(), an_agent()
    a_mail()
    mail = a_mail()
    transport.deliver_due()

    assert sink.mails == []
    assert db.session.get_one(Delivery, mail.id, populate_existing=True).state is DeliveryState.QUEUED
    assert told() == sorted([admin.id, boss.id])
    sign_in(client, admin)
    page = client.get("/admin/notifications/").text
    assert "No mail leaves the desk" in page
    assert client.get("/admin/notifications/unread").json["count"] == 1
    notice = db.session.scalars(select(Notification.id).where(Notification.staff_id == admin.id)).one()
    assert client.post(f"/admin/notifications/{notice}/open").location == "/admin/mail-log/?state=queued"


def test_they_are_told_once_a_day_and_not_once_a_mail(sink: Sink) -> None:
    an_admin()
    for hours in (0, 1, 25):
        with time_machine.travel(clock.now() + dt.timedelta(hours=hours)):
            a_mail()
            transport.deliver_due()

    assert len(told()) == 2


def test_a_server_that_is_only_away_is_no_such_alarm(app: Flask) -> None:
    an_admin()
    with mail_url(app, "smtp://127.0.0.1:9?starttls=1"):
        a_mail()
        transport.deliver_due()

    assert told() == []
