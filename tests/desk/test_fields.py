"""The desk's own fields on staff's pages: their admin page, beside a ticket, with a new one, in the list and what leaves it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.accounts.viewer import SYSTEM
from app.core.extensions import db
from app.tickets import fields
from app.tickets.choices import State
from app.tickets.fieldmodels import LONGEST_KEY, CustomField, FieldKind, Readers, Required
from app.tickets.models import Ticket
from app.tickets.timeline import Did
from tests.factories import a_category, a_field, a_supervisor, a_ticket, an_admin, sign_in

SIZES = ("Small", "Large")
JSON = {"Accept": "application/json"}


def held(ticket: Ticket) -> dict[str, Any]:
    return {one.field.key: one.field.plain(one.values) for one in fields.held(ticket)}


def committed() -> Ticket:
    ticket = a_ticket()
    db.session.commit()
    return ticket


@pytest.fixture
def admin(app: Flask, client: FlaskClient) -> FlaskClient:
    sign_in(client, an_admin())
    return client


@pytest.fixture
def desk(app: Flask, client: FlaskClient) -> FlaskClient:
    sign_in(client, a_supervisor())
    return client


def filled(**given: str) -> dict[str, str]:
    usual = {
        "name": "Size",
        "key": "size",
        "kind": "text",
        "required": "never",
        "readers": "staff",
        "position": "0",
        "active": "y",
    }
    return {**usual, **given}


def test_an_admin_makes_a_field(admin: FlaskClient) -> None:
    category = a_category("Printers")

    shown = admin.get("/admin/fields/add").text
    made = admin.post(
        "/admin/fields/add", data=filled(kind="choice", choices="Small\n Large \nSmall", categories=str(category.id))
    )

    assert "Who sees it" in shown and made.status_code == 302
    field = fields.by_key("size")
    assert field is not None and field.choices == SIZES and field.categories == (category.id,)
    assert "One of several choices" in admin.get("/admin/fields/list/").text


@pytest.mark.parametrize(
    ("name", "key"),
    [("Grosse Größe (cm)", "grosse_grosse_cm"), ("2nd size", "nd_size"), ("Taken", "taken_2"), ("x" * 60, "x" * (LONGEST_KEY - 3))],
    ids=["plain letters of all", "a letter first", "one of its own", "short enough"],
)  # fmt: skip
def test_a_key_nobody_wrote_is_made_of_the_name(admin: FlaskClient, name: str, key: str) -> None:
    a_field("Other", key="taken")

    assert admin.post("/admin/fields/add", data=filled(name=name, key="")).status_code == 302

    field = fields.by_key(key)
    assert field is not None and field.name == name


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"name": "寸法", "key": ""}, "Small letters, digits and _, with a letter first."),
        ({"key": "Größe 1"}, "Small letters, digits and _"),
        ({"key": "taken"}, "Already exists."),
        ({"kind": "choice", "choices": " \n"}, "Please write at least one choice."),
        ({"kind": "choices", "choices": "red\nRed"}, "Two choices differ in nothing but capitals."),
    ],
)
def test_what_makes_no_field_is_said_beside_it(admin: FlaskClient, given: dict[str, str], sentence: str) -> None:
    a_field("Other", key="taken")

    answer = admin.post("/admin/fields/add", data=filled(**given))

    assert sentence in answer.text and fields.by_key("size") is None


def test_the_kind_of_a_field_with_values_stays(admin: FlaskClient) -> None:
    field, ticket = a_field("Size"), a_ticket()
    ticket.set_field("size", "12", by=SYSTEM)
    db.session.commit()

    answer = admin.post(f"/admin/fields/edit/{field.id}", data=filled(kind="number"))

    assert "so its kind stays" in answer.text
    assert db.session.get_one(CustomField, field.id).kind is FieldKind.TEXT


def test_deleting_a_field_with_values_asks_and_says_how_many(admin: FlaskClient) -> None:
    field, ticket = a_field("Size"), a_ticket()
    ticket.set_field("size", "12", by=SYSTEM)
    db.session.commit()
    address = f"/admin/fields/delete/{field.id}"

    asked = admin.post(address)
    kept = fields.tickets_with(field.id)
    done = admin.post(address, data={"sure": "1"})

    assert "1 ticket holds a value in this field" in asked.text and kept == 1
    assert done.status_code == 302 and fields.every() == () and fields.tickets_with(field.id) == 0


def test_an_agent_shapes_no_fields(desk: FlaskClient) -> None:
    assert desk.post("/admin/fields/add", data=filled()).status_code in (302, 403)
    assert fields.every() == ()


def test_a_field_is_changed_beside_the_ticket(desk: FlaskClient) -> None:
    a_field("Size", kind=FieldKind.CHOICE, choices=SIZES)
    a_field("Serial number", help="On the back")
    ticket = committed()

    page = desk.get(f"/admin/tickets/{ticket.number}").text
    saved = desk.post(f"/admin/tickets/{ticket.number}/properties", data={"fields.size": "Large"}, headers=JSON)
    refused = desk.post(f"/admin/tickets/{ticket.number}/properties", data={"fields.size": "Huge"}, headers=JSON)

    assert 'name="fields.size"' in page and 'title="On the back"' in page
    assert saved.json == {"saved": True} and refused.status_code == 422
    assert list((refused.json or {})["fields"]) == ["fields.size"]
    assert held(ticket) == {"size": "Large", "serial_number": None}
    assert "changed “Size” from “–” to “Large”" in desk.get(f"/admin/tickets/{ticket.number}").text


def test_boxes_of_several_choices_are_ticked_one_by_one(desk: FlaskClient) -> None:
    a_field("Sizes", kind=FieldKind.CHOICES, choices=SIZES)
    ticket = committed()

    for name, value in (("Large", "1"), ("Small", "1"), ("Large", "")):
        desk.post(f"/admin/tickets/{ticket.number}/properties", data={f"fields.sizes:{name}": value}, headers=JSON)

    assert held(ticket) == {"sizes": ["Small"]}


def test_the_form_without_script_saves_all_properties_and_fields(desk: FlaskClient) -> None:
    a_field("Urgent", kind=FieldKind.CHECKBOX)
    a_field("Sizes", kind=FieldKind.CHOICES, choices=SIZES)
    ticket = committed()
    form = {
        "priority": str(ticket.priority_id),
        "fields.urgent": ["", "1"],
        "fields.sizes:Small": ["", "1"],
        "fields.sizes:Large": "",
    }

    answer = desk.post(f"/admin/tickets/{ticket.number}/properties", data=form)

    assert answer.status_code == 303 and held(ticket) == {"urgent": True, "sizes": ["Small"]}


def test_an_empty_required_field_refuses_resolving_beside_the_ticket_and_in_bulk(desk: FlaskClient) -> None:
    a_field("Cause", required=Required.RESOLVE)
    ticket = committed()
    resolved = db.session.scalars(select(Ticket.status.property.mapper.class_).filter_by(state=State.RESOLVED)).first()

    beside = desk.post(f"/admin/tickets/{ticket.number}/properties", data={"status": str(resolved.id)}, headers=JSON)
    desk.post("/admin/tickets/action_post", data={"action": "resolve", "rowid": [str(ticket.id)]})
    told = desk.get("/admin/tickets/").text

    assert beside.status_code == 422 and list((beside.json or {})["fields"]) == ["fields.cause"]
    assert "please fill in: “Cause”" in told
    assert "needed to resolve" in desk.get(f"/admin/tickets/{ticket.number}").text
    assert ticket.live


def new(**given: Any) -> dict[str, Any]:
    return {
        "email": "kim@example.com",
        "name": "Kim",
        "begun_by": "customer",
        "subject": "Fire",
        "body": "It burns.",
        **given,
    }


def test_staff_open_a_ticket_with_its_fields(desk: FlaskClient) -> None:
    category = a_category("Printers")
    a_field("Toner", categories=[category])
    form = new(category=str(category.id), **{"fields.toner": "black", "fields_for": str(category.id)})

    shown = desk.get("/admin/tickets/new").text
    answer = desk.post("/admin/tickets/new", data=form)

    ticket = db.session.scalars(select(Ticket)).one()
    assert f'data-field-of="{category.id}" hidden disabled' in shown and answer.status_code == 303
    assert held(ticket) == {"toner": "black"}
    assert not [event for event in ticket.events if event.what is Did.FIELD_CHANGED]


def test_without_script_the_fields_of_a_category_come_with_the_first_answer_and_nothing_is_lost(
    desk: FlaskClient,
) -> None:
    category = a_category("Printers")
    a_field("Toner", categories=[category])

    first = desk.post("/admin/tickets/new", data=new(category=str(category.id), fields_for=""))

    assert first.status_code == 422 and "Please look at the new fields" in first.text
    assert f'data-field-of="{category.id}">' in first.text and "It burns." in first.text
    assert not db.session.scalars(select(Ticket)).all()


def test_a_wrong_field_of_a_new_ticket_is_said_beside_it_and_stays_typed(desk: FlaskClient) -> None:
    a_field("Copies", kind=FieldKind.NUMBER)
    a_field("Order", required=Required.CREATE)

    answer = desk.post("/admin/tickets/new", data=new(**{"fields.copies": "many", "fields_for": ""}))

    assert answer.status_code == 422 and 'value="many"' in answer.text
    assert 'id="fields.copies-error"' in answer.text and "Please fill in “Order”." in answer.text


FOUND = [
    ("field.size:large", {"Large"}),
    ("field.size:none", {"nothing"}),
    ("field.copies:>5", {"ten"}),
    ("field.copies:..5", {"two"}),
    ("field.copies:2", {"two"}),
    ("field.copies:2..10", {"two", "ten"}),
    ("field.bought:>2026-01-01", {"new"}),
    ("field.bought:2025-06-01..2025-06-30", {"old"}),
    ("field.urgent:yes", {"urgent"}),
    ("field.serial:b-1", {"serial"}),
    ("field.copies:>5 field.size:large", set()),
]


@pytest.fixture
def shelf(app: Flask) -> None:
    a_field("Size", kind=FieldKind.CHOICE, choices=SIZES)
    a_field("Copies", kind=FieldKind.NUMBER)
    a_field("Bought", kind=FieldKind.DATE)
    a_field("Urgent", kind=FieldKind.CHECKBOX)
    a_field("Serial")
    for subject, key, value in (
        ("Large", "size", "Large"), ("two", "copies", "2"), ("ten", "copies", "10"), ("new", "bought", "2026-02-01"), ("old", "bought", "2025-06-07"),
        ("urgent", "urgent", "1"), ("serial", "serial", "AB-100%"), ("small", "size", "Small"),
    ):  # fmt: skip
        a_ticket(subject).set_field(key, value, by=SYSTEM)
    a_ticket("nothing")
    db.session.commit()


@pytest.mark.parametrize(("question", "subjects"), FOUND, ids=[each[0] for each in FOUND])
def test_the_search_box_finds_by_a_field(desk: FlaskClient, shelf: None, question: str, subjects: set[str]) -> None:
    from app.desk import asked
    from app.desk.listing import Listing
    from tests.factories import acting

    listing = asked.plainly(Listing(q=question).widened)
    found = db.session.scalars(listing.query(acting(a_supervisor())).statement.order_by(Ticket.id)).all()

    told = {ticket.subject for ticket in found}
    assert subjects <= told if question.endswith("none") else told == subjects
    assert desk.get("/admin/tickets/", query_string={"q": question}).status_code == 200


@pytest.mark.parametrize(
    "question", ["field.nothing:1", "field.size:huge", "field.copies:many", "field.bought:soon", "field.size:"]
)
def test_what_a_field_does_not_know_is_said_and_narrows_nothing(desk: FlaskClient, shelf: None, question: str) -> None:
    page = desk.get("/admin/tickets/", query_string={"q": question, "view": "everything"}).text

    assert 'class="asked-wrong"' in page or "field." in page
    assert "nothing" in page and "AB-100" not in page


def test_the_filter_form_and_its_chips_know_choices_and_boxes(desk: FlaskClient, shelf: None) -> None:
    page = desk.get("/admin/tickets/?view=everything&field.size=Large&field.copies=>5").text

    assert '<select class="input" name="field.size">' in page and '<select class="input" name="field.urgent">' in page
    assert "Size: Large" in page and "Copies: &gt;5" in page
    assert '<input type="hidden" name="field.copies" value="&gt;5">' in page


def test_a_column_a_field_is_shown_sorted_and_costs_one_statement(
    desk: FlaskClient, shelf: None, at_most: Callable[[int], Any]
) -> None:
    offered = desk.get("/admin/views/columns").text
    desk.post(
        "/admin/views/columns",
        data={"order": ["subject", "field.copies", "field.size"], "show": ["field.copies", "field.size"]},
    )
    for each in range(20):
        a_ticket(f"More {each}").set_field("copies", str(each), by=SYSTEM)
    db.session.commit()
    desk.get("/admin/tickets/")

    with at_most(8):
        page = desk.get("/admin/tickets/").text
    down = desk.get("/admin/tickets/?view=everything&sort=-field.copies").text
    up = desk.get("/admin/tickets/?view=everything&sort=field.copies").text

    assert 'name="show" value="field.copies"' in offered
    assert "Copies</a>" in page and ">Large</span>" in desk.get("/admin/tickets/?view=everything&sort=created").text
    assert down.index("More 19<") < down.index("More 9<") and up.index("More 2<") < up.index("More 12<")


def test_what_leaves_the_list_says_the_fields(desk: FlaskClient, shelf: None) -> None:
    rows = list(
        csv.DictReader(io.StringIO(desk.get("/admin/tickets/export.csv?view=everything").text.lstrip("\ufeff")))
    )

    told = {row["Subject"]: row for row in rows}
    assert told["Large"]["Size"] == "Large" and told["ten"]["Copies"] == "10" and told["urgent"]["Urgent"] == "Yes"
    assert desk.get("/admin/tickets/export.xlsx?view=everything").status_code == 200


def test_a_saved_view_keeps_what_a_field_narrows_it_by(desk: FlaskClient, shelf: None) -> None:
    desk.post("/admin/views/add", data={"name": "Large ones", "back": "?view=everything&field.size=Large"})
    from app.tickets.lists import SavedView

    assert "field.size=Large" in db.session.scalars(select(SavedView)).one().query


def test_the_page_of_a_ticket_with_fields_stays_within_its_statements(
    desk: FlaskClient, at_most: Callable[[int], Any]
) -> None:
    a_field("Size", kind=FieldKind.CHOICE, choices=SIZES, readers=Readers.FILL)
    ticket = committed()
    number = ticket.number
    desk.get(f"/admin/tickets/{number}")

    with at_most(12):
        assert 'name="fields.size"' in desk.get(f"/admin/tickets/{number}").text
