"""An erased customer is in no table, file or index any longer; an exported one has all that is theirs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from app.accounts import keys
from app.accounts.models import Customer
from app.accounts.viewer import SYSTEM, CustomerActor
from app.api.models import IdempotentAnswer
from app.core.extensions import db
from app.core.model import Base
from app.core.outbox import Outbox
from app.mail import incoming
from app.mail.models import RawMail
from app.notifications.models import Notice, Notification
from app.search import find
from app.tickets.files import keep
from app.tickets.models import Participant, ParticipantRole, Ticket
from app.tickets.thread import Channel, Words
from tests.factories import a_customer, a_ticket, acting, an_agent, run_jobs

MAIL = b"""From: Kanari Vogel <kanari@vogel.test>\r
To: support@deskhand.example\r
Subject: kanarisubject by mail\r
Message-ID: <kanari-1@vogel.test>\r
\r
kanariwords by mail\r
"""
CANARIES = ("kanari", "vogel")


def a_busy_customer() -> Customer:
    """In tickets, files, mails, events, notices, searches: their own and a colleague's."""
    agent = an_agent(name="kim")
    person = a_customer("Kanari Vogel", email="kanari@vogel.test", phone="kanariphone", notes="kanarinotes")
    own = a_ticket("kanarisubject", requester=person, text="kanariwords: the printer burns")
    own.assign_to(agent, by=SYSTEM)
    own.reply(Words("Dear kanari, we look at it.", via=Channel.STAFF), by=acting(agent))
    own.note(Words("kanari called twice", via=Channel.STAFF), by=acting(agent))
    file = keep("kanarifile.txt", b"kanaribytes", by=CustomerActor.of(person))
    file.ticket_id, file.message_id = own.id, own.messages[0].id
    other = a_ticket("Somebody else's", text="Nothing of them.")
    db.session.add(Participant(ticket_id=other.id, role=ParticipantRole.CC, customer_id=person.id, email=person.email))
    db.session.commit()
    run_jobs()
    incoming.deliver(incoming.store(MAIL, "smtp").id)
    db.session.commit()
    incoming.store(MAIL.replace(b"kanari-1", b"kanari-2").replace(b"To: support", b"To: nobody"), "smtp")
    db.session.commit()
    run_jobs()
    return person


def where_words_are(app: Flask) -> list[str]:
    """Each table that holds one of the words in any row, the index and the stored files among them."""
    db.session.rollback()
    found = []
    names = [*(table.name for table in Base.metadata.sorted_tables), *app.extensions["search_tables"]]
    with db.engine.connect() as connection:
        for name in names:
            for row in connection.execute(text(f"SELECT * FROM {name}")):
                said = repr(tuple(bytes(cell) if isinstance(cell, memoryview) else cell for cell in row)).casefold()
                if any(word in said for word in CANARIES):
                    found.append(name)
    files = Path(app.config["STORAGE_URL"].removeprefix("file://"))
    found += [str(path) for path in files.rglob("*") if path.is_file() and b"kanari" in path.read_bytes()]
    return sorted(set(found))


@pytest.mark.parametrize("with_tickets", [False, True], ids=["tickets stay empty", "tickets go"])
def test_no_table_file_or_index_holds_an_erased_customer(app, with_tickets):
    a_busy_customer()
    before = where_words_are(app)
    assert {"customer", "ticket", "message", "raw_mail", "delivery", "search_ticket"} <= set(before), before
    tickets = db.session.scalar(select(func.count()).select_from(Ticket))
    words = ["kanari@vogel.test", *(["--with-tickets"] if with_tickets else [])]

    told = app.test_cli_runner().invoke(args=["desk", "erase-customer", *words])

    assert told.exit_code == 0, told.output
    assert "Erased: 2 tickets" in told.stdout or "Erased: 3 tickets" in told.stdout
    assert where_words_are(app) == []
    left = db.session.scalar(select(func.count()).select_from(Ticket))
    assert left == 1 if with_tickets else left == tickets
    assert find.matching("kanariwords", SYSTEM) == []


@pytest.mark.parametrize("app", ["sqlite"], indirect=True)
def test_the_file_of_the_database_holds_them_no_longer_either(app):
    """PostgreSQL writes over freed space in its own time."""
    a_busy_customer()

    app.test_cli_runner().invoke(args=["desk", "erase-customer", "kanari@vogel.test"])
    db.session.remove()

    place = Path(str(db.engine.url.database))
    held = [path.name for path in place.parent.glob(f"{place.name}*") if b"kanariwords" in path.read_bytes().lower()]
    assert held == []


def test_other_customers_keep_their_words(app):
    a_busy_customer()

    app.test_cli_runner().invoke(args=["desk", "erase-customer", "kanari@vogel.test"])

    kept = db.session.scalars(select(Ticket).where(Ticket.subject == "Somebody else's")).one()
    assert kept.messages[0].text == "Nothing of them."
    assert db.session.scalar(select(func.count()).where(Customer.active.is_(True))) == 1


def test_a_short_name_erases_nothing_of_anybody_else(app):
    a_customer("Ed", email="ed@x.test")
    Outbox.put("portal.mail_sign_in_link", address="ED@x.test")
    Outbox.put("portal.mail_sign_in_link", address="fred@x.test")
    Outbox.put("assignment.assign", ticket_id=1, edited="Ed")
    db.session.commit()

    app.test_cli_runner().invoke(args=["desk", "erase-customer", "ed@x.test"])

    kept = db.session.scalars(select(Outbox.arguments).where(Outbox.job != "search.index_customer").order_by(Outbox.id))
    assert list(kept) == [{"address": "fred@x.test"}, {"ticket_id": 1, "edited": "Ed"}]


def test_nobody_is_erased_by_an_address_that_nobody_has(app):
    told = app.test_cli_runner().invoke(args=["desk", "erase-customer", "nobody@vogel.test"])

    assert told.exit_code == 1
    assert "There is no customer" in told.stderr


def test_an_export_has_all_that_is_theirs_and_no_internal_note(app, tmp_path):
    a_busy_customer()

    told = app.test_cli_runner().invoke(args=["desk", "export-customer", "kanari@vogel.test", str(tmp_path / "out")])

    assert told.exit_code == 0, told.output
    written = (tmp_path / "out" / "customer.json").read_text(encoding="utf-8")
    given = json.loads(written)
    assert given["customer"]["email"] == "kanari@vogel.test"
    assert {ticket["subject"] for ticket in given["tickets"]} >= {"kanarisubject", "kanarisubject by mail"}
    assert "we look at it" in written and "called twice" not in written
    assert [path.read_bytes() for path in (tmp_path / "out" / "files").iterdir()] == [b"kanaribytes"]
    assert (tmp_path / "out").stat().st_mode & 0o077 == 0


def test_mails_and_answers_of_somebody_with_a_longer_address_stay(app):
    """ed@x.test stands in fred@x.test, and in ed@x.test.example."""
    person = a_customer("Ed", email="ed@x.test")
    own = a_ticket("Fedora", requester=person, text="It burns.")
    key = keys.make("Program", an_agent().id, ["*"])[0]
    db.session.flush()
    others = {"customer": {"id": 0, "name": "Fred", "email": "fred@x.test"}, "subject": "Edited, see ed@x.test.example"}
    told = [
        others,
        {"number": own.number, "text": "…"},
        {"id": own.messages[0].id, "kind": "reply", "text": "It burns."},
        {"text": "He is <ED@x.test>."},
    ]
    for number, answer in enumerate(told):
        db.session.add(
            IdempotentAnswer(api_key_id=key.id, key=str(number), request_digest="", status=201, answer=answer)
        )
    db.session.commit()
    for address in (b"fred@x.test", b"ed@x.test.example", b"ed@x.test"):
        incoming.store(
            MAIL.replace(b"kanari@vogel.test", b"")
            .replace(b"kanari-1@vogel.test", address)
            .replace(b"words by mail", b" <" + address + b">"),
            "smtp",
        )
    run_jobs()

    app.test_cli_runner().invoke(args=["desk", "erase-customer", "ed@x.test"])

    assert list(db.session.scalars(select(IdempotentAnswer.answer))) == [others]
    assert len(db.session.scalars(select(RawMail.id)).all()) == 2


def test_the_name_and_address_they_had_before_go_as_well(app):
    agent = an_agent()
    person = a_busy_customer()
    ticket = db.session.scalars(select(Ticket).where(Ticket.requester_id == person.id).limit(1)).one()
    ticket.assign_to(agent, by=SYSTEM)
    ticket.receive(Words("More words."), by=CustomerActor.of(person))
    person.name, person.email = "Amsel Meise", "amsel@meise.test"
    db.session.commit()
    run_jobs()
    elsewhere = a_ticket("Not theirs")
    db.session.add(
        Notification(
            staff_id=agent.id, kind=Notice.CUSTOMER_REPLIED, ticket_id=elsewhere.id, parts={"who": "Kanari Vogel"}
        )
    )
    db.session.commit()

    app.test_cli_runner().invoke(args=["desk", "erase-customer", "amsel@meise.test"])

    assert [place for place in where_words_are(app) if "/" not in place] == [], "files of other tests aside"
