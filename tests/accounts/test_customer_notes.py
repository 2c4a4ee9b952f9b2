"""Notes about customers: read and written by staff alone, kept with their earlier wordings, told to the customer who asks for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.accounts import customernotes
from app.accounts.customernotes import CustomerNote, CustomerNoteWording
from app.accounts.viewer import SYSTEM, CustomerActor
from app.core.errors import Forbidden, Invalid
from app.core.extensions import db
from app.desk import customererase, customerexport
from app.tickets import merging
from tests.factories import (
    a_customer,
    a_supervisor,
    a_ticket,
    acting,
    an_agent,
    sign_in,
    sign_in_customer,
    staff,
)

SECRET = "prefers-calls-7391"


def a_note(text: str = SECRET, customer: Any = None, by: Any = None, **given: Any) -> CustomerNote:
    customer = customer or a_customer("Ada Lovelace")
    note = customernotes.write(customer.id, text, given.pop("about", "preference"), by or acting(an_agent()), **given)
    db.session.commit()
    return note


def notes() -> list[CustomerNote]:
    db.session.expire_all()
    return list(db.session.scalars(select(CustomerNote).order_by(CustomerNote.id)))


def test_pinned_notes_stand_first_then_the_newest(app: Any) -> None:
    agent, customer = acting(an_agent()), a_customer()
    for text, pinned in (("first", False), ("pinned", True), ("last", False)):
        a_note(text, customer, agent, pinned=pinned)

    assert [note.text for note in customernotes.of(customer.id, agent)] == ["pinned", "last", "first"]


def test_another_wording_keeps_the_one_before(app: Any) -> None:
    agent = acting(an_agent())
    note = a_note("Speaks German", by=agent)

    customernotes.change(note, "Speaks German and French", "context", agent)
    customernotes.change(note, "Speaks German and French", "context", agent)
    db.session.commit()

    assert notes()[0].text == "Speaks German and French" and notes()[0].changed_at
    assert [(old.text, old.by_name) for old in notes()[0].wordings] == [("Speaks German", agent.name)]


def test_a_removed_note_is_out_of_sight_and_kept_for_whoever_may_change_all(app: Any) -> None:
    agent, boss = acting(an_agent()), acting(a_supervisor())
    note = a_note("Gone", by=agent)

    customernotes.remove(note, agent)
    customernotes.remove(note, agent)
    db.session.commit()

    assert customernotes.of(note.customer_id, agent, removed=True) == []
    assert [one.text for one in customernotes.of(note.customer_id, boss, removed=True)] == ["Gone"]
    assert len(notes()[0].wordings) == 1


def test_who_may_do_what_with_a_note(app: Any) -> None:
    agent, colleague, boss, developer = (
        acting(an_agent()),
        acting(an_agent()),
        acting(a_supervisor()),
        acting(staff("Developer")),
    )
    note = a_note(by=agent)

    for stranger in (colleague, developer, CustomerActor.of(a_customer())):
        with pytest.raises(Forbidden):
            customernotes.change(note, "x", "context", stranger)
        with pytest.raises(Forbidden):
            customernotes.remove(note, stranger)
        with pytest.raises(Forbidden):
            customernotes.pin(note, True, stranger)
    with pytest.raises(Forbidden):
        customernotes.write(note.customer_id, "x", "context", developer)
    assert (
        customernotes.of(note.customer_id, developer)
        and customernotes.of(note.customer_id, CustomerActor.of(a_customer())) == []
    )
    customernotes.change(note, "by the boss", "context", boss)
    customernotes.remove(note, boss)


@pytest.mark.parametrize("text", ["", "   ", "\x00", "x" * 4001], ids=["nothing", "blanks", "a zero byte", "too long"])
def test_what_is_no_note_is_refused_in_a_sentence(app: Any, text: str) -> None:
    with pytest.raises(Invalid):
        a_note(text)


def test_notes_stand_beside_the_ticket_and_on_the_customers_page(app: Any, client: Any) -> None:
    ticket = a_ticket()
    agent = a_supervisor()
    sign_in(client, agent)
    answer = client.post(f"/admin/customers/{ticket.requester_id}/notes", data={"text": SECRET, "about": "workaround", "pinned": "1", "ticket": str(ticket.number)})  # fmt: skip

    assert answer.location == f"/admin/tickets/{ticket.number}"
    for address in (
        f"/admin/tickets/{ticket.number}",
        f"/admin/customers/{ticket.requester_id}/notes",
        f"/admin/customers/show/{ticket.requester_id}",
    ):
        assert SECRET in client.get(address).text, address


def test_the_pages_change_pin_and_remove(app: Any, client: Any) -> None:
    note = a_note()
    base = f"/admin/customers/{note.customer_id}/notes/{note.id}"
    sign_in(client, a_supervisor())

    client.post(base, data={"text": "better", "about": "trouble"})
    client.post(base + "/pin", data={"pinned": "1"})
    assert (notes()[0].text, notes()[0].purpose, notes()[0].pinned) == ("better", "trouble", True)
    client.post(base + "/remove")
    assert notes()[0].removed_at and "Removed" in client.get(f"/admin/customers/{note.customer_id}/notes").text
    other = a_customer()
    db.session.commit()
    assert client.post(f"/admin/customers/{other.id}/notes/{note.id}/pin", data={"pinned": "1"}).status_code == 404
    assert client.post(f"/admin/customers/{other.id}/notes", data={"text": ""}).status_code == 422


def test_the_customer_never_finds_a_word_of_it(app: Any, client: Any) -> None:
    customer = a_customer()
    ticket = a_ticket(requester=customer)
    a_note(customer=customer)
    sign_in_customer(client, customer)

    for address in (
        "/portal/tickets",
        f"/portal/tickets/{ticket.number}",
        "/portal/account",
        f"/admin/customers/{customer.id}/notes",
    ):
        assert SECRET not in client.get(address).text


def test_the_customer_who_asks_what_is_known_of_them_gets_their_notes(app: Any, tmp_path: Path) -> None:
    agent = acting(an_agent())
    note = a_note("Calls at noon", by=agent)
    customernotes.change(note, SECRET, "context", agent)
    db.session.commit()

    customerexport.export(db.session.get_one(type(a_customer()), note.customer_id).email, tmp_path / "told")
    told = json.loads((tmp_path / "told" / "customer.json").read_text())["notes_about_you"]

    assert told[0]["text"] == SECRET and told[0]["earlier"][0]["text"] == "Calls at noon"
    assert agent.name not in json.dumps(told)


def test_erasing_a_customer_erases_their_notes_and_their_name_in_others(app: Any) -> None:
    person, other = a_customer("Zoltan Quux"), a_customer("Someone Else")
    agent = acting(an_agent())
    a_note(customer=person)
    named = a_note("Works with Zoltan Quux", other, agent)
    customernotes.change(named, "Works alone", "context", agent)
    a_note("Likes tea", other)
    a_ticket(requester=person)
    db.session.commit()

    customererase.erase(person.email, with_tickets=False)

    assert sorted(note.text for note in notes()) == ["Likes tea", "Works alone"]
    assert not [each for each in db.session.scalars(select(CustomerNoteWording.text)) if "Zoltan" in each]


def test_notes_belong_to_people_and_not_to_tickets_that_are_merged(app: Any) -> None:
    ada, bob = a_customer("Ada"), a_customer("Bob")
    one, two = a_ticket(requester=ada), a_ticket(requester=bob)
    a_note(customer=bob)
    merging.merge(two, into=one, by=SYSTEM)
    db.session.commit()
    boss = acting(a_supervisor())

    assert not customernotes.of(ada.id, boss) and len(customernotes.of(bob.id, boss)) == 1
    merging.unmerge(two, by=SYSTEM)
    assert len(customernotes.of(bob.id, boss)) == 1


def test_a_customer_without_notes_costs_no_statement(app: Any, client: Any, at_most: Any) -> None:
    ticket = a_ticket()
    db.session.commit()
    sign_in(client, a_supervisor())
    client.get(f"/admin/tickets/{ticket.number}")

    with at_most(12) as seen:
        client.get(f"/admin/tickets/{ticket.number}")

    assert not [each for each in seen if "FROM customer_note" in each and "customer_note.text" in each]
