"""What filters, bans and spam do to mail on its way in."""

from __future__ import annotations

import smtplib
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.core.errors import Invalid
from app.core.extensions import db
from app.mail import banned, facts, filters, incoming, parsing, quarantine
from app.mail.boxes import Mailbox
from app.mail.filters import Condition, Field, How, MailFilter, Verdict
from app.mail.headers import Headers
from app.mail.models import Delivery, RawMail, RawState
from app.tickets.choices import State
from app.tickets.models import Ticket
from app.tickets.queues import TicketQuery
from app.tickets.thread import Message
from tests.effort import effort
from tests.factories import a_category, a_department, a_priority, a_supervisor, a_ticket, acting, run_jobs
from tests.mail.test_incoming import DESK, a_mail, delivered, reply_to
from tests.security.receiving import listening


def a_filter(
    *conditions: Condition, verdict: Verdict = Verdict.DELIVER, name: str = "Lottery", **given: Any
) -> MailFilter:
    kept = [vars(condition) for condition in conditions]
    one = MailFilter(name=name, conditions=kept, verdict=verdict, **{"position": 0, "tags": "", **given})
    db.session.add(one)
    db.session.commit()
    return one


SUBJECT = Condition(Field.SUBJECT, How.CONTAINS, "lottery|prize")


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (Condition("from", "ends", "@northwind.test"), True),
        (Condition("from", "equals", "ADA@northwind.test"), True),
        (Condition("from", "like", "a*@*.test"), True),
        (Condition("from", "like", "a*@*.org"), False),
        (Condition("subject", "starts", "you won"), True),
        (Condition("subject", "contains", "nothing|prize"), True),
        (Condition("subject", "lacks", "prize"), False),
        (Condition("subject", "lacks", "invoice"), True),
        (Condition("to", "equals", DESK), True),
        (Condition("body", "contains", "on fire"), True),
        (Condition("header", "contains", "yes", "X-Spam-Flag"), True),
        (Condition("header", "contains", "yes", "X-Other"), False),
        (Condition("header", "lacks", "yes", "X-Other"), True),
        (Condition("automatic", "yes"), False),
        (Condition("automatic", "no"), True),
        (Condition("size", "over", "1"), False),
        (Condition("size", "under", "1"), True),
    ],
    ids=lambda value: f"{value.field} {value.how} {value.value}" if isinstance(value, Condition) else str(value),
)  # fmt: skip
def test_a_condition_holds(condition: Condition, holds: bool) -> None:
    raw = a_mail(subject="You won a PRIZE", X_Spam_Flag="YES")
    assert condition.holds(facts.of_mail(RawMail(content=raw, recipient=""), parsing.read(raw))) is holds


def test_no_pattern_takes_long_on_a_hostile_text() -> None:
    hostile = facts.Facts("a@b.test", (), "a" * 1_000_000, Headers(), False, 1.0, "ab" * 500_000)

    def ask() -> None:
        for field in ("subject", "body"):
            assert not Condition(field, "like", "*a" * 240 + "c").holds(hostile)
            assert not Condition(field, "like", "*" * 500 + "c").holds(hostile)
            assert not Condition(field, "contains", "a" * 499 + "b").holds(hostile) or field == "subject"

    assert effort(ask, enough=20) < 20


@pytest.mark.parametrize(
    ("verdict", "state"),
    [(Verdict.QUARANTINE, RawState.QUARANTINED), (Verdict.IGNORE, RawState.IGNORED), (Verdict.REJECT, RawState.IGNORED)],
)  # fmt: skip
def test_a_filter_stops_a_mail_and_says_so(app: Flask, verdict: Verdict, state: RawState) -> None:
    a_filter(SUBJECT, verdict=verdict)

    stopped, other = delivered(a_mail(subject="The lottery")), delivered(a_mail(subject="The printer"))

    assert (stopped.state, other.state) == (state, RawState.DELIVERED)
    assert "Lottery" in stopped.verdict


@pytest.mark.parametrize(
    ("how", "to", "state"),
    [
        (How.EQUALS, "billing@desk.test", RawState.IGNORED),
        (How.EQUALS, "invoices@desk.test", RawState.IGNORED),
        (How.EQUALS, DESK, RawState.DELIVERED),
        (How.OTHER, "billing@desk.test", RawState.DELIVERED),
        (How.OTHER, DESK, RawState.IGNORED),
    ],
    ids=["its address", "its other address", "the main one", "not another", "another"],
)
def test_a_filter_may_ask_which_mailbox_a_mail_came_to(app: Flask, how: How, to: str, state: RawState) -> None:
    box = a_box()
    a_filter(Condition(Field.MAILBOX, how, mailbox=box.id), verdict=Verdict.IGNORE)
    box.name = "Renamed"
    db.session.commit()

    assert delivered(a_mail(to=to)).state is state


def test_a_mail_that_names_nobody_is_asked_by_the_mailbox_it_was_found_in(app: Flask) -> None:
    box = a_box()
    a_filter(Condition(Field.MAILBOX, How.EQUALS, mailbox=box.id), verdict=Verdict.IGNORE)

    row = incoming.store(a_mail(to="undisclosed-recipients:;"), "imap", box_id=box.id)
    run_jobs()

    assert db.session.get_one(RawMail, row.id, populate_existing=True).state is RawState.IGNORED


def test_a_mailbox_that_is_gone_neither_fits_nor_is_any_other_one_than_it(app: Flask) -> None:
    raw = a_mail()
    for how in (How.EQUALS, How.OTHER):
        assert not Condition(Field.MAILBOX, how).holds(facts.of_head(raw, DESK))


def test_a_mailbox_may_reject_by_its_address_while_the_sender_waits(app: Flask) -> None:
    box = a_box()
    a_filter(Condition(Field.MAILBOX, How.EQUALS, mailbox=box.id), verdict=Verdict.REJECT)

    assert incoming.refused_by(a_mail(to=DESK), "billing@desk.test") == "Lottery"
    assert incoming.refused_by(a_mail(to=DESK), DESK) == ""


def a_box() -> Mailbox:
    box = Mailbox(name="Billing", address="billing@desk.test", aliases="invoices@desk.test")
    db.session.add(box)
    db.session.commit()
    return box


def test_what_a_filter_set_aside_is_delivered_when_a_person_says_so(app: Flask) -> None:
    a_filter(SUBJECT, verdict=Verdict.QUARANTINE)
    banned.ban("ada@northwind.test")
    db.session.commit()
    row = delivered(a_mail(subject="The lottery"))
    row.state = RawState.QUARANTINED

    quarantine.again(quarantine.take(row.id))
    run_jobs()

    assert db.session.get_one(RawMail, row.id, populate_existing=True).state is RawState.DELIVERED


def test_filters_file_the_ticket_that_a_mail_opens_and_are_asked_in_their_order(app: Flask) -> None:
    printers, ink, high = a_department(), a_category(), a_priority(3)
    db.session.commit()
    a_filter(SUBJECT, name="One", last=False, department_id=printers.id, tags="prize, Odd", position=1)
    a_filter(SUBJECT, name="Two", category_id=ink.id, priority_id=high.id, department_id=None, position=2)
    a_filter(SUBJECT, name="Three", verdict=Verdict.IGNORE, position=3)

    row = delivered(a_mail(subject="The lottery"))

    ticket = db.session.get_one(Ticket, row.ticket_id)
    assert (ticket.department_id, ticket.category_id, ticket.priority_id) == (printers.id, ink.id, high.id)
    assert {tag.name for tag in ticket.tags} == {"prize", "odd"}


def test_one_switched_off_is_not_asked_and_one_of_any_fits_when_one_holds(app: Flask) -> None:
    a_filter(SUBJECT, verdict=Verdict.IGNORE, active=False)
    a_filter(SUBJECT, Condition("from", "ends", "@northwind.test"), every=False, verdict=Verdict.QUARANTINE)

    assert delivered(a_mail(subject="The printer")).state is RawState.QUARANTINED


@pytest.mark.parametrize(("answers", "state"), [(False, RawState.DELIVERED), (True, RawState.IGNORED)])
def test_an_answer_is_filtered_only_where_the_filter_says_so(app: Flask, answers: bool, state: RawState) -> None:
    ticket = a_ticket()
    a_filter(SUBJECT, verdict=Verdict.IGNORE, answers=answers)

    row = delivered(a_mail(sender=ticket.requester.email, to=reply_to(ticket), subject="The lottery"))

    assert row.state is state


def test_what_a_header_decides_is_rejected_while_the_sender_waits(app: Flask) -> None:
    a_filter(SUBJECT, verdict=Verdict.REJECT)

    with listening(app) as port, smtplib.SMTP("127.0.0.1", port, timeout=30) as line:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            line.sendmail("ada@northwind.test", [DESK], a_mail(subject="The lottery"))
        line.sendmail("ada@northwind.test", [DESK], a_mail(subject="The printer"))

    assert refused.value.smtp_code == 550
    db.session.rollback()
    assert db.session.scalars(select(RawMail.subject)).all() == ["The printer"]


def test_spam_opens_a_ticket_that_nobody_is_told_of_and_no_queue_shows(app: Flask) -> None:
    a_filter(SUBJECT, verdict=Verdict.SPAM)

    row = delivered(a_mail(subject="The lottery"))

    ticket = db.session.get_one(Ticket, row.ticket_id)
    assert ticket.spam and ticket.state is State.CLOSED
    assert db.session.scalars(select(Delivery.kind)).all() == []
    viewer = acting(a_supervisor())
    assert db.session.scalars(TicketQuery.seen_by(viewer).live().statement).all() == []
    assert db.session.scalars(TicketQuery.seen_by(viewer).spam().statement).all() == [ticket]


def test_an_answer_to_spam_stays_with_it_and_changes_nothing(app: Flask) -> None:
    ticket = a_ticket()
    ticket.mark_spam(acting(a_supervisor()))
    db.session.commit()

    row = delivered(a_mail(sender=ticket.requester.email, to=reply_to(ticket)))

    ticket = db.session.get_one(Ticket, ticket.id, populate_existing=True)
    assert row.ticket_id == ticket.id and ticket.spam and not ticket.live
    assert not db.session.get_one(Message, row.entry_id).trusted


@pytest.mark.parametrize("entry", ["ada@northwind.test", "@northwind.test", "@test"])
def test_mail_of_a_banned_sender_is_ignored_and_kept(app: Flask, entry: str) -> None:
    db.session.add(banned.BannedSender(sender=entry))
    db.session.commit()

    row, other = delivered(a_mail(sender="Ada@Northwind.test")), delivered(a_mail(sender="kim@notnorthwind.example"))

    assert (row.state, other.state) == (RawState.IGNORED, RawState.DELIVERED)
    assert row.content and entry in row.verdict


@pytest.mark.parametrize("text", ["", "nobody", "@", "a b@c.test", DESK, "@deskhand.example"])
def test_what_is_no_sender_or_the_desk_itself_is_never_banned(app: Flask, text: str) -> None:
    with pytest.raises(Invalid):
        banned.ban(text)


def test_banning_twice_is_one_entry(app: Flask) -> None:
    assert banned.ban("Eve@Other.test").id == banned.ban("eve@other.test").id


def test_a_message_is_kept_before_any_filter_sees_it(app: Flask) -> None:
    a_filter(Condition("body", "contains", "fire"), verdict=Verdict.REJECT)

    row = incoming.store(a_mail(), "pipe")

    assert row.state is RawState.NEW
    assert filters.refuses(facts.of_head(a_mail(), DESK), answer=False) == ""
