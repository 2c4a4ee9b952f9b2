"""A mail server that refuses, puts off, hangs or cuts the line: each mail has its own outcome, and none is lost."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core import clock
from app.core.extensions import db
from app.mail import line
from app.mail.models import Delivery, DeliveryState
from app.notifications.models import Notice, Notification
from tests.factories import a_customer, an_admin, an_agent, sign_in
from tests.mail.smtp import Sink, serving
from tests.mail.test_transport import a_mail, mail_url, send_all


class Hanging(Sink):
    """Says nothing more at this point, for longer than the desk waits."""

    def __init__(self, at: str) -> None:
        super().__init__()
        self.at = at

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if self.at == "a recipient":
            await asyncio.sleep(3)
        return await super().handle_RCPT(server, session, envelope, address, options)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.at == "the whole mail":
            self._keep(envelope)
            await asyncio.sleep(3)
            return "250 nobody hears it"
        return await super().handle_DATA(server, session, envelope)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "TIMEOUT_SECONDS", 0.5)


@pytest.mark.parametrize("at", ["a recipient", "the whole mail"])
def test_a_server_that_hangs_costs_a_try_and_no_mail(app: Flask, impatient: None, at: str) -> None:
    sink = Hanging(at)
    with serving(sink) as port, mail_url(app, f"smtp://127.0.0.1:{port}"):
        mail = a_mail()
        send_all()
        first = mail.state, mail.reason, list(mail.story)
        sink.at = "nothing"
        with time_machine.travel(mail.due_at):
            send_all()

    assert first[0] is DeliveryState.QUEUED and "timed out" in str(first[1])
    assert [told["became"] for told in first[2]] == ["later"]
    assert mail.state is DeliveryState.SENT
    ids = [parsed["Message-ID"] for parsed in sink.parsed() if parsed["Message-ID"] == f"<{mail.rfc_message_id}>"]
    assert len(ids) == (2 if at == "the whole mail" else 1)


@pytest.fixture
def silent() -> Iterator[int]:
    """Takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_server_that_never_greets_is_asked_once_a_run(app: Flask, impatient: None, silent: int) -> None:
    with mail_url(app, f"smtp://127.0.0.1:{silent}"):
        mails = [a_mail(), a_mail(), a_mail()]
        began = clock.now()
        send_all()

    assert {mail.state for mail in mails} == {DeliveryState.QUEUED}
    assert {mail.tries for mail in mails} == {1}
    assert clock.now() - began < dt.timedelta(seconds=60)


def test_each_recipient_has_an_outcome_of_their_own(app: Flask) -> None:
    sink = Sink()
    answers = {"Refused": "550 5.7.1 Not wanted", "Put off": "451 4.7.1 Greylisted", "Busy": "421 4.3.2 Too busy", "Fine": "250 OK"}  # fmt: skip
    people = {name: a_customer(name) for name in answers}
    sink.refuse |= {people[name].email: answer for name, answer in answers.items()}
    with serving(sink) as port, mail_url(app, f"smtp://127.0.0.1:{port}"):
        mails = {name: a_mail(customer=people[name]) for name in answers}
        send_all()

    assert {name: mail.state.value for name, mail in mails.items()} == {"Refused": "failed", "Put off": "queued", "Busy": "queued", "Fine": "sent"}  # fmt: skip
    assert mails["Refused"].reason == answers["Refused"] and mails["Put off"].reason == answers["Put off"]
    assert mails["Put off"].due_at - clock.now() > dt.timedelta(seconds=30)
    assert set(sink.recipients) == {people["Fine"].email}


def test_when_days_of_tries_are_over_admins_are_told_once_a_day(app: Flask, client: FlaskClient) -> None:
    admin, _agent = an_admin(), an_agent()
    sink = Sink()
    away = [a_customer("Away"), a_customer("Gone")]
    sink.refuse |= {customer.email: "451 4.7.1 Try again later" for customer in away}
    with serving(sink) as port, mail_url(app, f"smtp://127.0.0.1:{port}"):
        mails = [a_mail(customer=customer) for customer in away]
        for mail in mails:
            mail.tries = 22
        send_all()

    assert {mail.state for mail in mails} == {DeliveryState.FAILED}
    told = db.session.scalars(select(Notification).where(Notification.kind == Notice.MAIL_GAVE_UP)).all()
    assert [notice.staff_id for notice in told] == [admin.id]
    sign_in(client, admin)
    assert "did not leave in three days" in client.get("/admin/notifications/").text
    assert client.post(f"/admin/notifications/{told[0].id}/open").location == "/admin/mail-log/?state=failed"
    assert db.session.query(Delivery).filter_by(state=DeliveryState.QUEUED, kind="waiting_reminder").count() == 0
