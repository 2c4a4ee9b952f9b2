"""The second look before a public reply: what it stops, and what it leaves in peace."""

from typing import Any

import pytest
from flask import Flask

from app.accounts.viewer import CustomerActor
from app.core.extensions import db
from app.tickets import copies
from app.tickets.leaks import Kind, leaks
from app.tickets.models import Ticket
from app.tickets.thread import Words
from tests.effort import effort
from tests.factories import a_customer, a_ticket, acting, an_agent, an_organization, setting

NOTE = "Their contract ends in March and they have not paid since summer, be careful"


@pytest.fixture
def ticket(app: Flask) -> Ticket:
    northwind = an_organization("Northwind")
    ada = a_customer("Ada", email="ada@northwind.test", organization_id=northwind.id)
    a_customer("Bob", email="bob@northwind.test", organization_id=northwind.id)
    a_ticket("Bobs", requester=a_customer("Eve", email="eve@other.test"))
    ticket = a_ticket(requester=ada, assignee=an_agent())
    ticket.note(Words(NOTE), by=acting(an_agent_of(ticket)))
    db.session.commit()
    return ticket


def an_agent_of(ticket: Ticket) -> Any:
    return ticket.assignee


def kinds(ticket: Ticket, text: str, recipients: tuple[str, ...] = (), files: int = 0) -> list[Kind]:
    return [leak.kind for leak in leaks(ticket, text, recipients, files)]


def test_six_words_in_a_row_of_a_note_are_a_quote_however_they_are_written(ticket: Ticket) -> None:
    found = leaks(ticket, "I see:\nTHEY have not -- paid since Summer. Right?", (), 0)

    assert [leak.kind for leak in found] == [Kind.NOTE]
    assert "they have not paid since summer" in found[0].sentence


@pytest.mark.parametrize(
    "text",
    ["You have not paid since June, be careful please", "Thank you for your patience.", ""],
    ids=["five words alike", "other words", "nothing"],
)
def test_other_words_are_no_quote(ticket: Ticket, text: str) -> None:
    assert kinds(ticket, text) == []


def test_what_the_customer_wrote_themselves_is_no_secret_of_a_note(ticket: Ticket) -> None:
    said = "We have not paid since summer because the invoice never came"
    ticket.receive(Words(said), by=CustomerActor.of(ticket.requester))
    ticket.note(Words(f"They say: {said}"), by=acting(an_agent_of(ticket)))

    assert kinds(ticket, f"You wrote: {said}. I have sent it again.") == []


def test_another_customers_address_and_ticket_are_named(ticket: Ticket) -> None:
    others = ticket.number - 1

    assert kinds(ticket, f"It is as in #{others}, ask EVE@other.test.") == [Kind.OTHERS, Kind.OTHERS]


def test_ones_own_ticket_a_colleague_and_an_unknown_address_are_not(ticket: Ticket) -> None:
    text = f"In #{ticket.number} bob@northwind.test wrote; see also nobody@nowhere.test, #99999 and &#1001;"

    assert kinds(ticket, text) == []


def test_what_stands_in_a_quoted_mail_was_theirs_already(ticket: Ticket) -> None:
    assert kinds(ticket, "Yes.\n> eve@other.test wrote, see attached") == []


def test_a_number_is_found_as_this_desk_writes_it(ticket: Ticket) -> None:
    setting(number_pattern="TICK-{n}")

    assert kinds(ticket, f"As in TICK-{ticket.number - 1}, not in #{ticket.number - 1}") == [Kind.OTHERS]


def test_a_copy_to_a_strange_domain_is_named_and_one_to_a_known_one_is_not(ticket: Ticket) -> None:
    found = leaks(ticket, "Hello", ("kim@rival.test", "bob@northwind.test", "boss@desk.test"), 0)

    assert [(leak.kind, leak.what) for leak in found] == [(Kind.DOMAIN, "rival.test")]


def test_a_domain_that_takes_part_already_is_no_stranger(ticket: Ticket) -> None:
    copies.copy_to(ticket, ["kim@partner.test"], acting(an_agent_of(ticket)))

    assert kinds(ticket, "Hello", ("lee@partner.test",)) == []


@pytest.mark.parametrize(
    "text",
    ["Please find the log attached.", "See the attachment", "Das Formular ist im Anhang.", "Anbei die Rechnung.", "ich habe es beigefügt"],
)  # fmt: skip
def test_a_promised_file_that_is_not_there_is_missed(ticket: Ticket, text: str) -> None:
    assert kinds(ticket, text) == [Kind.FILE]
    assert kinds(ticket, text, files=1) == []


@pytest.mark.parametrize(
    "text",
    ["Thank you for the log you attached.", "Ihr Anhang war leer.", "There is no attachment here.", "You detached it."],
)
def test_the_customers_own_file_is_no_promise(ticket: Ticket, text: str) -> None:
    assert kinds(ticket, text) == []


@pytest.mark.parametrize(
    ("name", "text", "recipients"),
    [("guard_notes", NOTE, ()), ("guard_others", "Ask eve@other.test", ()), ("guard_domains", "Hello", ("kim@rival.test",)), ("guard_files", "It is attached.", ())],
    ids=["notes", "others", "domains", "files"],
)  # fmt: skip
def test_each_look_can_be_switched_off(ticket: Ticket, name: str, text: str, recipients: tuple[str, ...]) -> None:
    assert len(kinds(ticket, text, recipients)) == 1

    setting(**{name: False})

    assert kinds(ticket, text, recipients) == []


def test_a_long_text_and_a_long_note_are_read_in_no_time(ticket: Ticket) -> None:
    ticket.note(Words("word " * 60_000 + "@#" * 20_000), by=acting(an_agent_of(ticket)))
    text = ("a@" * 100_000) + "#1 " * 50_000 + "attached you " * 10_000

    assert effort(lambda: kinds(ticket, text), enough=40) < 40
