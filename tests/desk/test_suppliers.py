"""Suppliers, further people and environments on the staff's pages: the composer, what stands beside a ticket, the list, the admin's rows."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from app.core.extensions import db
from app.mail.models import Delivery
from app.tickets import suppliers, taking_part
from app.tickets.choices import State
from app.tickets.drafts import Draft
from app.tickets.models import Participant, Ticket
from app.tickets.supplied import Supplier, Turn
from app.tickets.suppliers import Question
from app.tickets.thread import Channel, Message, MessageKind, Words
from tests.factories import (
    a_customer,
    a_department,
    a_supplier,
    a_ticket,
    acting,
    an_admin,
    an_agent,
    an_environment,
    setting,
    sign_in,
    sign_in_customer,
)

COLUMNS = {"order": ["subject", "suppliers", "further", "environment"], "show": ["suppliers", "further", "environment"]}
SECRET = "The fuser unit costs four hundred in secret"


@pytest.fixture
def scene(app, client):
    user = an_agent()
    supplier, ticket = a_supplier("Printer Works"), a_ticket(assignee=user)
    db.session.commit()
    sign_in(client, user)
    return user, supplier, ticket


def post(client, ticket, **fields):
    given = {
        "kind": "supplier",
        "body": SECRET,
        "supplier_subject": "A spare part",
        "mark": fields.pop("mark", "m1"),
        **fields,
    }
    return client.post(f"/admin/tickets/{ticket.number}/messages", data=given)


def ask(ticket, supplier, user) -> None:
    words = Words(SECRET, via=Channel.STAFF)
    suppliers.ask(ticket, Question(supplier.contacts[0], "A spare part", words), acting(user))
    db.session.commit()


def test_the_composer_asks_a_supplier(client, scene):
    _user, supplier, ticket = scene

    answer = post(client, ticket, contact=str(supplier.contacts[0].id))

    message = db.session.scalars(select(Message).where(Message.kind == MessageKind.SUPPLIER)).one()
    mail = db.session.scalars(select(Delivery).where(Delivery.kind == "supplier_asked")).one()
    assert answer.status_code == 303
    assert (message.text, mail.address, ticket.state) == (SECRET, supplier.contacts[0].email, State.HOLD)


def test_the_page_offers_it_only_where_there_are_suppliers(client, scene):
    _user, supplier, ticket = scene
    offered = client.get(f"/admin/tickets/{ticket.number}").text
    supplier.active = False
    db.session.commit()

    assert 'value="supplier"' in offered
    assert "The customer does not see this" in offered
    assert 'value="supplier"' not in client.get(f"/admin/tickets/{ticket.number}").text


@pytest.mark.parametrize(
    "given", [{"contact": ""}, {"contact": "999999"}, {"supplier_subject": ""}, {"body": ""}],
    ids=["nobody", "nobody there", "no subject", "no words"],
)  # fmt: skip
def test_what_is_missing_is_said_and_what_was_typed_stays(client, scene, given):
    _user, supplier, ticket = scene

    answer = post(client, ticket, **{"contact": str(supplier.contacts[0].id), **given})

    assert answer.status_code in (400, 422)
    assert given.get("body", SECRET) in answer.text
    assert 'value="supplier" id="k-supplier" checked' in answer.text
    assert db.session.scalar(select(Delivery.id).where(Delivery.kind == "supplier_asked")) is None


def test_a_question_that_quotes_a_note_is_looked_at_again_and_goes_at_the_second_try(client, scene):
    user, supplier, ticket = scene
    ticket.note(Words("This customer has not paid for three months now"), by=acting(user))
    db.session.commit()
    given = {
        "contact": str(supplier.contacts[0].id),
        "body": "This customer has not paid for three months now, has he?",
    }

    first = post(client, ticket, **given)
    looked = re.findall(r'name="looked" value="([^"]+)"', first.text)
    second = post(client, ticket, looked=looked, mark="m2", **given)

    assert "Please look at it again" in first.text
    assert second.status_code == 303


def test_a_draft_for_a_supplier_comes_back_as_one(client, scene):
    _user, supplier, ticket = scene

    client.post(f"/admin/tickets/{ticket.number}/draft", data={
        "kind": "supplier", "body": "Half a quest", "contact": str(supplier.contacts[0].id), "mark": "m1", "turn": "1", "then": "wait",
    })  # fmt: skip

    assert db.session.scalars(select(Draft.kind)).one() is MessageKind.SUPPLIER
    page = client.get(f"/admin/tickets/{ticket.number}").text
    assert 'value="supplier" id="k-supplier" checked' in page
    assert "Half a quest" in page


def test_the_thread_names_them_and_shows_them_alone_when_asked(client, scene):
    user, supplier, ticket = scene
    ask(ticket, supplier, user)
    suppliers.hear(ticket, supplier, Words("We have two.", via=Channel.MAIL), "Jo Kim")
    db.session.commit()

    whole = client.get(f"/admin/tickets/{ticket.number}").text
    alone = client.get(f"/admin/tickets/{ticket.number}?only=suppliers").text

    assert "To the supplier Printer Works" in whole
    assert "Supplier: Printer Works" in whole
    thread = alone[alone.index('id="thread"') : alone.index('id="ws-leaving"')]
    assert "We have two." in thread
    assert "It burns" not in thread


def test_suppliers_are_brought_in_settled_and_taken_off_beside_the_ticket(client, scene):
    user, supplier, ticket = scene
    address = f"/admin/tickets/{ticket.number}/suppliers"

    client.post(address, data={"add": supplier.id})
    added = db.session.get_one(Ticket, ticket.id, populate_existing=True).supplier_turn
    ask(ticket, supplier, user)
    client.post(address, data={"settle": supplier.id})
    settled = db.session.get_one(Ticket, ticket.id, populate_existing=True).supplier_turn
    client.post(address, data={"remove": supplier.id})

    assert (added, settled) == (Turn.LISTED, Turn.LISTED)
    assert db.session.get_one(Ticket, ticket.id, populate_existing=True).supplier_turn is None


def test_an_unverified_message_is_accepted_with_one_click_in_its_own_ticket_alone(client, scene):
    user, supplier, ticket = scene
    ask(ticket, supplier, user)
    message = suppliers.hear(ticket, supplier, Words("It is I.", via=Channel.MAIL, trusted=False), "Jo")
    other = a_ticket(assignee=user)
    db.session.commit()
    page = client.get(f"/admin/tickets/{ticket.number}").text

    wrong = client.post(
        f"/admin/tickets/{other.number}/suppliers/accept",
        data={"message": message.id},
        headers={"Accept": "application/json"},
    )
    client.post(f"/admin/tickets/{ticket.number}/suppliers/accept", data={"message": message.id})

    assert "accept it" in page
    assert wrong.status_code == 404
    assert db.session.get_one(Message, message.id, populate_existing=True).trusted


def test_people_and_departments_are_added_and_taken_off(client, scene):
    _user, _supplier, ticket = scene
    colleague, department = an_agent(), a_department("Field service")
    db.session.commit()
    address = f"/admin/tickets/{ticket.number}/further"

    client.post(address, data={"add": f"person:{colleague.id}"})
    client.post(address, data={"add": f"department:{department.id}"})
    page = client.get(f"/admin/tickets/{ticket.number}").text
    client.post(address, data={"remove": f"person:{colleague.id}"})

    assert "Field service" in page
    left = db.session.scalars(select(Participant.department_id).where(Participant.ticket_id == ticket.id)).all()
    assert left == [department.id]


@pytest.mark.parametrize("value", ["", "person:", "person:999999", "department:x", "nobody:1"])
def test_nobody_is_added_who_is_not_there(client, scene, value):
    _user, _supplier, ticket = scene

    answer = client.post(
        f"/admin/tickets/{ticket.number}/further", data={"add": value}, headers={"Accept": "application/json"}
    )

    assert answer.status_code in (400, 422)


def test_the_list_finds_tickets_by_supplier_environment_and_further_people(client, scene):
    user, supplier, ticket = scene
    ask(ticket, supplier, user)
    place, boss = an_environment(), acting(an_admin())
    taking_part.set_environment(ticket, place, boss)
    taking_part.add_person(ticket, user, boss)
    other = a_ticket("Quite another matter", assignee=user)
    db.session.commit()
    found = {}
    for asked in ("supplier=waiting", "supplier=any", f"supplier={supplier.id}", f"environment={place.id}", "further=me", "q=supplier:waiting", "q=environment:staging", "q=further:me"):  # fmt: skip
        page = client.get(f"/admin/tickets/?view=everything&{asked}").text
        found[asked] = (f"/admin/tickets/{ticket.number}" in page, "Quite another matter" in page)

    assert set(found.values()) == {(True, False)}, found
    assert "Quite another matter" in client.get("/admin/tickets/?view=everything&supplier=none").text
    assert other.id


def test_the_list_has_columns_for_them(client, scene):
    user, supplier, ticket = scene
    ask(ticket, supplier, user)
    taking_part.add_department(ticket, a_department("Field service"), acting(user))
    taking_part.set_environment(ticket, an_environment("Staging"), acting(user))
    db.session.commit()
    client.post("/admin/views/columns", data=COLUMNS)

    page = client.get("/admin/tickets/?view=everything").text

    assert "Waiting for a supplier" in page
    cells = re.findall(r'<td class="c-more"><span class="ellipsis">([^<]*)', page)
    assert cells == ["Printer Works", "Field service", "Staging"]


def test_an_admin_keeps_suppliers_with_their_people(client, app):
    sign_in(client, an_admin())
    given = {"name": "Printer Works", "people_text": "Jo Kim <jo@maker.test>\nkim@maker.test", "active": "y"}

    client.post("/admin/suppliers/add", data=given)
    supplier = db.session.scalars(select(Supplier)).one()
    before = [(one.name, one.email) for one in supplier.contacts]
    client.post(
        f"/admin/suppliers/edit/{supplier.id}",
        data={**given, "people_text": "New <new@maker.test>\nJo Kim <JO@maker.test>"},
    )
    db.session.expire_all()

    assert before == [("Jo Kim", "jo@maker.test"), ("", "kim@maker.test")]
    assert [one.email for one in supplier.contacts if one.active] == ["new@maker.test", "JO@maker.test"]
    assert "new@maker.test" in client.get("/admin/suppliers/list/").text
    assert "New &lt;new@maker.test&gt;" in client.get(f"/admin/suppliers/edit/{supplier.id}").text


@pytest.mark.parametrize("people", ["", "Jo Kim", "Jo <jo@maker.test>, Kim <kim@maker.test>", "jo@@maker"])
def test_people_without_one_address_each_are_refused(client, app, people):
    sign_in(client, an_admin())

    client.post("/admin/suppliers/add", data={"name": "Printer Works", "people_text": people, "active": "y"})

    assert db.session.scalar(select(Supplier.id)) is None


def test_what_tickets_have_is_not_deleted(client, scene):
    user, supplier, ticket = scene
    ask(ticket, supplier, user)
    place = an_environment()
    taking_part.set_environment(ticket, place, acting(user))
    sign_in(client, an_admin())

    client.post(f"/admin/suppliers/delete/{supplier.id}")
    client.post(f"/admin/environments/delete/{place.id}")

    assert db.session.get(Supplier, supplier.id) is not None
    assert db.session.scalar(select(Ticket.environment_id).where(Ticket.id == ticket.id)) == place.id


def test_the_environment_is_changed_beside_the_ticket_and_asked_for_where_it_is_required(client, scene):
    _user, _supplier, ticket = scene
    place = an_environment("Staging")
    setting(environment_required=True)
    db.session.commit()
    new = {"email": "ada@customer.test", "subject": "New", "body": "It burns.", "begun_by": "customer"}

    client.post(f"/admin/tickets/{ticket.number}/properties", data={"environment": place.id})
    refused = client.post("/admin/tickets/new", data={**new, "mark": "a"})
    opened = client.post("/admin/tickets/new", data={**new, "mark": "b", "environment": place.id})

    assert db.session.get_one(Ticket, ticket.id, populate_existing=True).environment_id == place.id
    assert "Please choose where it happened" in refused.text
    assert opened.status_code == 303


def test_customers_choose_it_only_where_the_desk_says_so(client, app):
    place, customer = an_environment("Staging"), a_customer()
    sign_in_customer(client, customer)
    kept = client.get("/portal/tickets/new").text
    setting(environment_in_portal=True)
    db.session.commit()

    offered = client.get("/portal/tickets/new").text
    client.post(
        "/portal/tickets/new", data={"subject": "New", "message": "It burns.", "environment": place.id, "form": "f1"}
    )

    assert ("Staging" in kept, "Staging" in offered) == (False, True)
    assert db.session.scalars(select(Ticket.environment_id)).all() == [place.id]


def test_a_page_without_suppliers_asks_nothing_more(client, scene, at_most):
    _user, _supplier, ticket = scene
    address = f"/admin/tickets/{ticket.number}"
    client.get(address)

    with at_most(12):
        client.get(address)


def test_a_page_with_suppliers_and_people_stays_within_its_budget(client, scene, at_most):
    user, supplier, ticket = scene
    ask(ticket, supplier, user)
    taking_part.add_person(ticket, an_agent(), acting(user))
    taking_part.set_environment(ticket, an_environment(), acting(user))
    db.session.commit()
    address = f"/admin/tickets/{ticket.number}"
    client.get(address)

    with at_most(12):
        client.get(address)


def test_the_list_with_all_these_columns_stays_within_its_budget(client, scene, at_most):
    user, supplier, ticket = scene
    ask(ticket, supplier, user)
    client.post("/admin/views/columns", data=COLUMNS)
    client.get("/admin/tickets/?view=everything")

    with at_most(8):
        client.get("/admin/tickets/?view=everything")
