"""An answer that did not reach its customer: its ticket says so, and whoever has the ticket is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core.extensions import db
from app.mail import transport
from app.mail.models import Delivery, DeliveryState
from app.notifications.models import Notice, Notification
from app.tickets.models import Ticket
from app.tickets.thread import Message, MessageKind, Words
from tests.factories import a_customer, a_supervisor, a_ticket, acting, an_agent, run_jobs, setting, sign_in
from tests.mail.smtp import Sink, serving


@pytest.fixture
def sink(app: Flask) -> Iterator[Sink]:
    sink, before = Sink(), app.config["MAIL_URL"]
    with serving(sink) as port:
        app.config["MAIL_URL"] = f"smtp://127.0.0.1:{port}"
        yield sink
    app.config["MAIL_URL"] = before


def told() -> list[tuple[int, str]]:
    failed = select(Notification).where(Notification.kind == Notice.MAIL_FAILED)
    return [(one.staff_id, one.sentence) for one in db.session.scalars(failed)]


def notes() -> list[str]:
    return list(db.session.scalars(select(Message.text).where(Message.kind == MessageKind.NOTE)))


def answered(ticket: Ticket, sink: Sink, answer: str = "550 5.7.1 Not from you") -> None:
    """Staff answered; their customer's server refuses."""
    sink.refuse[ticket.requester.email] = answer
    ticket.reply(Words("Try it again."), by=acting(a_supervisor()))
    run_jobs()


def test_whoever_has_the_ticket_is_told_of_an_answer_that_was_refused(sink: Sink, client: FlaskClient) -> None:
    agent = an_agent()
    ticket = a_ticket(requester=a_customer("Kim"), assignee=agent)
    answered(ticket, sink)

    assert told() == [(agent.id, "The answer to kim@customer.test did not arrive")]
    assert notes() == ["This answer did not reach kim@customer.test: 550 5.7.1 Not from you"]
    sign_in(client, agent)
    assert "The answer to kim@customer.test did not arrive" in client.get("/admin/notifications/").text
    assert 'name="mail_failed.mail"' not in client.get("/admin/notifications/preferences").text


def test_the_supervisors_are_told_when_nobody_has_the_ticket(sink: Sink) -> None:
    boss = a_supervisor()
    answered(a_ticket(), sink)

    assert boss.id in [person for person, _sentence in told()]


def test_a_confirmation_that_was_refused_bothers_nobody(sink: Sink) -> None:
    agent, customer = an_agent(), a_customer()
    sink.refuse[customer.email] = "550 5.7.1 Not from you"
    a_ticket(requester=customer, assignee=agent)
    run_jobs()

    assert (told(), notes()) == ([], [])


def test_a_mail_that_is_only_late_is_no_alarm(sink: Sink) -> None:
    answered(a_ticket(assignee=an_agent()), sink, "451 4.7.1 Later")

    assert (told(), notes()) == ([], [])


def test_whoever_was_too_slow_with_a_mail_changes_nothing_of_what_its_next_sender_found(sink: Sink) -> None:
    setting(mail_acknowledge=False)
    ticket = a_ticket()
    ticket.reply(Words("Try it again."), by=acting(a_supervisor()))
    db.session.commit()
    mail_id = db.session.scalars(select(Delivery.id).where(Delivery.kind == "staff_replied")).one()
    slow = transport._lease(mail_id)
    assert slow is not None
    db.session.get_one(Delivery, mail_id).lease_until = None
    db.session.commit()
    transport.deliver_due()

    transport._settle(slow, DeliveryState.FAILED, "too late")
    transport._later(slow, "too late")

    mail = db.session.get_one(Delivery, mail_id, populate_existing=True)
    assert (mail.state, mail.reason) == (DeliveryState.SENT, "250 2.0.0 Ok: queued as 4711")
    assert told() == []


def test_a_mail_whose_sender_died_at_every_try_is_failed_in_the_end(sink: Sink) -> None:
    ticket = a_ticket()
    ticket.reply(Words("Try it again."), by=acting(a_supervisor()))
    db.session.flush()
    mail = db.session.scalars(select(Delivery).where(Delivery.kind == "staff_replied")).one()
    mail.tries = len(transport.PAUSES) + 1
    db.session.commit()

    transport.deliver_due()

    assert db.session.get_one(Delivery, mail.id, populate_existing=True).state is DeliveryState.FAILED
    assert not any(b"Try it again" in raw for raw in sink.mails)
