"""Who is asked how we did, when, and who never is."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.accounts.viewer import SYSTEM
from app.core import clock
from app.core.extensions import db
from app.core.outbox import Outbox
from app.mail import incoming
from app.mail.models import DeliveryState
from app.satisfaction import asking
from app.tickets import merging
from app.tickets.models import Ticket
from app.tickets.timeline import Did
from tests.factories import a_customer, a_status, a_supervisor, a_ticket, acting, an_agent, run_jobs, setting
from tests.satisfaction.desk import a_solved, asked, asking_desk, rate, ratings

MAIL = b"""From: Robot <robot@machine.test>\r
To: support@deskhand.example\r
Subject: Disk is full\r
Message-ID: <1@machine.test>\r
%s\r
Disk is full.\r
"""


def test_a_new_desk_asks_nobody(app: Flask) -> None:
    a_solved()

    assert ratings() == [] and db.session.scalar(select(Outbox.id).where(Outbox.job == "satisfaction.ask")) is None


def test_the_requester_of_a_solved_ticket_is_asked_once(app: Flask) -> None:
    asking_desk()
    ticket = a_solved()
    ticket.close(by=SYSTEM)
    run_jobs()

    (mail,) = asked()
    (rating,) = ratings()
    assert (mail.customer_id == ticket.requester_id and mail.state is DeliveryState.QUEUED) or mail.sent_at
    assert rating.asked_at is not None and rating.score is None
    assert [event.what for event in ticket.events].count(Did.RATING_ASKED) == 1


def test_a_ticket_that_is_solved_again_is_asked_about_again(app: Flask) -> None:
    asking_desk()
    ticket = a_solved()
    ticket.reopen(by=SYSTEM)
    ticket.resolve(by=SYSTEM)
    run_jobs()

    assert [rating.round for rating in ratings()] == [0, 1] and len(asked()) == 2


def test_the_mail_leaves_after_its_hours_and_not_when_the_ticket_is_open_again(app: Flask) -> None:
    asking_desk(satisfaction_delay_hours=3)
    kept, taken_back = a_solved(), a_solved()
    taken_back.reopen(by=SYSTEM)
    taken_back.resolve(by=SYSTEM)
    taken_back.reopen(by=SYSTEM)
    db.session.commit()

    assert asked() == []
    with clock.at(clock.now() + dt.timedelta(hours=3, minutes=1)):
        run_jobs()

    assert [mail.ticket_id for mail in asked()] == [kept.id]


def test_only_the_ticked_statuses_ask(app: Flask) -> None:
    asking_desk(satisfaction_statuses=str(a_status("Closed").id))
    ticket = a_solved()
    before = len(asked())
    ticket.close(by=SYSTEM)
    run_jobs()

    assert before == 0 and len(asked()) == 1


def test_nobody_is_asked_more_often_than_the_desk_wants(app: Flask) -> None:
    asking_desk(satisfaction_pause_days=14)
    person = a_customer()
    a_solved(requester=person)
    a_solved(requester=person)
    with clock.at(clock.now() + dt.timedelta(days=15)):
        a_solved(requester=person)

    assert len(asked()) == 2


@pytest.mark.parametrize(
    "kept_from", ["unverified", "unproven", "bounced", "inactive", "hidden", "merged", "spam", "document_request"]
)
def test_people_and_tickets_that_are_never_asked(app: Flask, kept_from: str) -> None:
    asking_desk()
    ticket = a_ticket(assignee=an_agent())
    _keep(ticket, kept_from)
    if ticket.live:
        ticket.resolve(by=SYSTEM)
    run_jobs()

    assert [mail for mail in asked() if mail.ticket_id == ticket.id] == []
    assert [rating for rating in ratings() if rating.ticket_id == ticket.id] == []


def _keep(ticket: Ticket, why: str) -> None:
    changes: dict[str, tuple[Any, str, Any]] = {
        "unverified": (ticket.requester, "verified_at", None), "unproven": (ticket, "proven", False), "bounced": (ticket.requester, "address_works", False),
        "inactive": (ticket.requester, "active", False), "hidden": (ticket, "hidden_from_client", True), "document_request": (ticket, "kind", "document_request"),
    }  # fmt: skip
    if why == "merged":
        merging.merge(ticket, into=a_ticket(), by=acting(a_supervisor()))
    elif why == "spam":
        ticket.mark_spam(by=acting(a_supervisor()))
    else:
        row, name, value = changes[why]
        setattr(row, name, value)
    db.session.commit()


def test_a_machine_that_opened_a_ticket_is_not_asked(app: Flask) -> None:
    asking_desk()
    a_customer("Robot", email="robot@machine.test")
    db.session.commit()
    incoming.deliver(incoming.store(MAIL % b"Auto-Submitted: auto-generated\r\n", "smtp").id)
    ticket = db.session.scalars(select(Ticket)).one()
    ticket.resolve(by=SYSTEM)
    run_jobs()

    (mail,) = asked()
    assert mail.state is DeliveryState.SUPPRESSED
    assert ratings()[0].asked_at is None, "what was held back does not count as asked"


def test_a_mail_that_waits_does_not_leave_when_the_ticket_was_hidden_or_rated_meanwhile(app: Flask) -> None:
    from app.mail import outgoing

    asking_desk()
    ticket, rated = a_ticket(), a_ticket()
    for each in (ticket, rated):
        each.resolve(by=SYSTEM)
        db.session.flush()
        asking.ask(next(event for event in each.events if event.what is Did.RESOLVED))
    waiting = {mail.ticket_id: mail for mail in asked()}
    assert [outgoing.held_back(mail) for mail in waiting.values()] == [None, None]
    ticket.hidden_from_client = True
    rate(rated)
    db.session.commit()

    assert outgoing.held_back(waiting[ticket.id]) and outgoing.held_back(waiting[rated.id])


def test_two_workers_ask_once(app: Flask) -> None:
    asking_desk()
    ticket = a_ticket()
    ticket.resolve(by=SYSTEM)
    db.session.flush()
    event = next(event for event in ticket.events if event.what is Did.RESOLVED)
    asking.ask(event)
    db.session.commit()
    asking.ask(event)
    db.session.commit()

    assert len(ratings()) == 1 and len(asked()) == 1


@pytest.mark.parametrize(("language", "words"), [("en", "Was that good?"), ("de", "Wie zufrieden sind Sie mit uns?")])
def test_the_mail_asks_in_the_customers_language_with_the_admins_words_where_there_are_any(
    app: Flask, language: str, words: str
) -> None:
    asking_desk(satisfaction_question_en="Was that good?")
    a_solved(requester=a_customer(language=language))

    (mail,) = asked()
    assert words in _text(mail.raw or b"")
    assert len(set(re.findall(r"/portal/rating/[\w.-]+\?score=[15]", _text(mail.raw or b"")))) == 2


def _text(raw: bytes) -> str:
    import email

    message = email.message_from_bytes(raw)
    part = next(part for part in message.walk() if part.get_content_type() == "text/plain")
    return part.get_payload(decode=True).decode()  # type: ignore[union-attr]


def test_the_setting_refuses_what_is_no_status(app: Flask) -> None:
    from app.core.errors import Invalid

    with pytest.raises(Invalid):
        setting(satisfaction_statuses="3,x")
