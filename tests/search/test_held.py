"""Words of the desk's own fields: staff find by all of them, customers by those they read, on both databases alike."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from app.accounts.viewer import SYSTEM, Actor, CustomerActor
from app.core.extensions import db
from app.desk.customererase import erase
from app.desk.finding import criteria
from app.desk.passages import passages
from app.search import find, held, index
from app.tickets.fieldmodels import FieldKind, Readers
from app.tickets.models import Ticket
from tests.factories import a_category, a_customer, a_field, a_supervisor, a_ticket, acting, run_jobs

CHOICES = ("Laser printer", "Ink jet")
KINDS = {
    FieldKind.TEXT: ("Acme quokka 7", "quok"), FieldKind.LONG_TEXT: ("many words,\nquokka last", "QUOKKA"), FieldKind.LINK: ("https://wiki.example/quokka?a=1", "wiki.example"),
    FieldKind.CHOICE: ("Laser printer", "laser"), FieldKind.CHOICES: (list(CHOICES), "jet laser"),
}  # fmt: skip


def found(words: str, by: Actor = SYSTEM) -> list[str]:
    return [db.session.get_one(Ticket, id).subject for id in find.matching(words, by)]


def listed(question: str) -> list[str]:
    by = acting(a_supervisor())
    return [ticket.subject for ticket in db.session.query(Ticket).where(*criteria(question, by)).order_by(Ticket.id)]


def with_value(subject: str, key: str, value: object, **given: object) -> Ticket:
    ticket = a_ticket(subject, **given)
    ticket.set_field(key, value, SYSTEM)
    db.session.commit()
    return ticket


def kept(ticket: Ticket) -> int:
    key = "ticket_id" if db.engine.dialect.name == "postgresql" else "rowid"
    return db.session.scalar(text(f"SELECT count(*) FROM search_field WHERE {key} = :id"), {"id": ticket.id}) or 0


@pytest.mark.parametrize("kind", KINDS)
def test_staff_find_a_ticket_by_what_stands_in_a_field(app: Flask, kind: FieldKind) -> None:
    value, asked = KINDS[kind]
    a_field("Device", kind=kind, choices=CHOICES if "choice" in kind else ())
    ticket = with_value("Wanted", "device", value)
    a_ticket("Another")
    db.session.commit()

    assert found(asked) == found(asked, acting(a_supervisor())) == listed(asked) == ["Wanted"]
    assert listed(f"-{asked.split()[0]}") == ["Another"]
    ticket.set_field("device", None, SYSTEM)
    db.session.commit()
    assert (found(asked), kept(ticket)) == ([], 0)


@pytest.mark.parametrize("kind", [FieldKind.NUMBER, FieldKind.DATE, FieldKind.CHECKBOX])
def test_numbers_days_and_ticks_are_no_words(app: Flask, kind: FieldKind) -> None:
    a_field("Device", kind=kind)
    ticket = with_value("Wanted", "device", {"number": "777", "date": "2026-12-24", "checkbox": True}[kind])

    assert kept(ticket) == 0


def test_a_new_ticket_is_found_by_what_its_form_was_given(app: Flask) -> None:
    a_field("Device", readers=Readers.FILL)
    a_ticket("Wanted", fields={"device": "quokka"})
    db.session.commit()

    assert found("quokka") == ["Wanted"]


def test_the_words_may_stand_in_several_fields_of_one_ticket_and_a_phrase_in_one(app: Flask) -> None:
    a_field("Device")
    a_field("Site")
    ticket = with_value("Wanted", "device", "blue quokka")
    ticket.set_field("site", "hall seven", SYSTEM)
    with_value("Other", "site", "quokka blue")
    db.session.commit()

    assert found("quokka seven") == ["Wanted"]
    assert (listed('"blue quokka"'), listed('"quokka hall"')) == (["Wanted"], [])


@pytest.mark.parametrize("readers", list(Readers))
def test_customers_find_by_the_fields_they_read_and_by_no_other(app: Flask, readers: Readers) -> None:
    field = a_field("Device", readers=readers)
    ada, eve = a_customer(), a_customer()
    with_value("Ours", "device", "quokka", requester=ada)
    a_ticket("Ours too", requester=ada)
    db.session.commit()
    public = readers is not Readers.STAFF

    assert found("quokka", CustomerActor.of(ada)) == (["Ours"] if public else [])
    assert found("quokka", CustomerActor.of(eve)) == []
    field.readers = Readers.STAFF
    db.session.commit()
    assert found("quokka", CustomerActor.of(ada)) == []
    assert found("quokka") == ["Ours"]


def test_a_hidden_ticket_is_not_found_by_its_customer(app: Flask) -> None:
    a_field("Device", readers=Readers.FILL)
    ticket = with_value("Ours", "device", "quokka")
    ticket.hide(SYSTEM)
    db.session.commit()

    assert found("quokka", CustomerActor.of(ticket.requester)) == []


def test_values_of_another_category_are_found_again_with_it(app: Flask) -> None:
    here, elsewhere = a_category("Here"), a_category("Elsewhere")
    a_field("Device", categories=[here], readers=Readers.READ)
    ticket = with_value("Wanted", "device", "quokka", category=here)
    customer = CustomerActor.of(ticket.requester)
    assert found("quokka") == found("quokka", customer) == ["Wanted"]

    ticket.set_category(elsewhere, SYSTEM)
    db.session.commit()
    assert found("quokka") == found("quokka", customer) == []
    ticket.set_category(here, SYSTEM)
    db.session.commit()
    assert found("quokka") == found("quokka", customer) == ["Wanted"]


def test_a_field_that_is_switched_off_or_deleted_finds_nothing_soon_after(app: Flask) -> None:
    field, other = a_field("Device"), a_field("Site")
    with_value("Wanted", "device", "quokka")
    with_value("Second", "site", "wombat")

    field.active = False
    db.session.delete(other)
    db.session.commit()
    run_jobs()
    assert (found("quokka"), found("wombat")) == ([], [])
    field.active = True
    db.session.commit()
    run_jobs()
    assert found("quokka") == ["Wanted"]


def test_rebuilding_writes_them_too(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "BATCH", 2)
    a_field("Device")
    for n in range(5):
        with_value(f"S{n}", "device", f"quokka{n}")
    db.session.execute(text("DELETE FROM search_field"))
    db.session.commit()
    assert found("quokka3") == []

    assert index.rebuild() == 15
    assert found("quokka3") == ["S3"]
    assert held.rebuild() == 5


def test_what_an_erased_customer_filled_in_is_found_no_more(app: Flask) -> None:
    a_field("Device", readers=Readers.FILL)
    ticket = with_value("Wanted", "device", "quokka")

    erase(ticket.requester.email, with_tickets=False)

    assert db.session.scalar(text("SELECT count(*) FROM search_field")) == 0


def test_the_passage_says_in_which_field_the_words_stand(app: Flask) -> None:
    by = acting(a_supervisor())
    a_field("Device")
    a_field("Notes", kind=FieldKind.LONG_TEXT)
    ticket = with_value("Wanted", "device", "a Quokka in blue")
    written = with_value("Written", "device", "quokka", text="the quokka of the message")
    long = with_value("Long", "notes", "filler " * 200 + "then a wombat came")

    shown = passages([ticket.id, written.id, long.id], "quokka", by)
    assert shown[ticket.id] == (("Device: ", False), ("a ", False), ("Quokka", True), (" in blue", False))
    assert ("Device: ", False) not in shown[written.id] and long.id not in shown
    shown = passages([long.id], "wombat", by)
    assert shown[long.id][0] == ("Notes: ", False) and ("wombat", True) in shown[long.id]


def test_a_desk_without_fields_asks_nothing_for_them(app: Flask, at_most: Callable[..., Any]) -> None:
    ticket = a_ticket("Printer")
    db.session.commit()
    by = acting(a_supervisor())
    with at_most(60) as statements:
        a_ticket("Another", text="words")
        passages([ticket.id], "printer", by)
        find.matching("printer", CustomerActor.of(ticket.requester))

    assert not [one for one in statements if "custom_value" in one or "INTO search_field" in one]
