"""Customers, organizations and lists through the API."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.core.extensions import db
from app.tickets.choices import CannedResponse
from tests.api.desk import Program, a_program, refused
from tests.factories import a_category, a_customer, a_department, a_supervisor, an_agent, an_organization


@pytest.fixture
def program(client: FlaskClient) -> Program:
    return a_program(client, a_supervisor())


def test_a_customer_is_made_once(program: Program) -> None:
    made = program.post("/customers", {"email": "Ines@Customer.test", "name": "Ines", "phone": "+49 30 1"})

    assert made.status_code == 201, made.text
    assert {name: made.json[name] for name in ("name", "email", "phone", "active", "verified_at")} == {
        "name": "Ines", "email": "Ines@Customer.test", "phone": "+49 30 1", "active": True, "verified_at": None,
    }  # fmt: skip
    refused(program.post("/customers", {"email": "INES@customer.TEST"}), 409)
    assert program.get(f"/customers/{made.json['id']}").json == made.json


def test_a_customer_is_changed_field_by_field(program: Program) -> None:
    northwind, customer = an_organization("Northwind"), a_customer("Ada", phone="1")
    db.session.commit()

    changed = program.patch(
        f"/customers/{customer.id}", {"name": "Ada L.", "phone": None, "organization": northwind.id, "notes": "VIP"}
    )

    assert changed.status_code == 200, changed.text
    assert (changed.json["name"], changed.json["phone"], changed.json["notes"]) == ("Ada L.", None, "VIP")
    assert changed.json["organization"] == {"id": northwind.id, "name": "Northwind"}
    assert program.patch(f"/customers/{customer.id}", {"organization": None}).json["organization"] is None


def test_a_new_address_has_to_be_proven_anew_and_must_be_free(program: Program) -> None:
    ada, bob = a_customer("Ada"), a_customer("Bob")
    db.session.commit()

    refused(program.patch(f"/customers/{ada.id}", {"email": bob.email.upper()}), 409)
    assert program.patch(f"/customers/{ada.id}", {"email": "ada@new.test"}).json["verified_at"] is None


@pytest.mark.parametrize(
    ("given", "field"),
    [({"email": "x"}, "email"), ({"email": None}, "email"), ({"name": ""}, "name"), ({"active": 1}, "active"), ({"active": None}, "active"), ({"organization": 999_999}, "organization"), ({"notes": 5}, "notes")]
    + [({name: "x"}, name) for name in ("password", "password_hash", "generation", "verified_at", "id", "created_at")],
    ids=str,
)  # fmt: skip
def test_a_wrong_or_forbidden_field_of_a_customer_is_named(
    program: Program, given: dict[str, object], field: str
) -> None:
    customer = a_customer()
    db.session.commit()

    refused(program.patch(f"/customers/{customer.id}", given), 422, field)


def test_no_answer_tells_a_password(program: Program) -> None:
    customer = a_customer("Ada", password_hash="scrypt:canary")
    db.session.commit()

    assert "canary" not in program.get("/customers").text + program.get(f"/customers/{customer.id}").text


def test_customers_are_found_by_the_beginning_of_name_or_address(program: Program) -> None:
    northwind = an_organization()
    for name in ("Ada", "Adam", "Eve%"):
        a_customer(name, organization=northwind if name == "Ada" else None)
    db.session.commit()

    def found(query: str) -> list[str]:
        return sorted(row["name"] for row in program.get(f"/customers?{query}").json["items"])

    assert found("q=ADA") == ["Ada", "Adam"]
    assert found("q=%25") == []
    assert found("email=adam@customer.test") == ["Adam"]
    assert found(f"organization={northwind.id}") == ["Ada"]
    refused(program.get("/customers?q=%00"), 422, "q")
    refused(program.get("/customers?organization=x"), 422, "organization")
    page = program.get("/customers?limit=2").json
    assert [row["name"] for row in page["items"]] == ["Eve%", "Adam"]
    assert [row["name"] for row in program.get("/customers", query_string={"cursor": page["next"]}).json["items"]] == [
        "Ada"
    ]


def test_organizations_are_read(program: Program) -> None:
    organization = an_organization("Northwind")
    an_organization("Other")
    db.session.commit()

    assert [row["name"] for row in program.get("/organizations?name=Northwind").json["items"]] == ["Northwind"]
    assert program.get(f"/organizations/{organization.id}").json["name"] == "Northwind"
    refused(program.get("/organizations/424242"), 404)
    refused(program.get("/customers/" + "9" * 40), 404)


def test_what_tickets_are_filed_under_is_read(program: Program) -> None:
    billing = a_department("Billing")
    a_category("Invoices", department=billing)
    db.session.commit()

    assert "Billing" in [row["name"] for row in program.get("/departments").json["items"]]
    assert ("Invoices", "Billing") in [
        (row["name"], row["department"]) for row in program.get("/categories").json["items"]
    ]
    assert program.get("/statuses").json["items"][0]["state"] == "open"
    assert [row["rank"] for row in program.get("/priorities").json["items"]] == [1, 2, 3, 4]
    refused(program.get("/categories?limit=5"), 422, "limit")


def test_canned_responses_are_everybodys_and_ones_own_of_ones_departments(client: FlaskClient) -> None:
    ours, theirs = a_department(), a_department()
    agent, other = an_agent(ours), an_agent(ours)
    for title, given in {
        "all": {}, "own": {"owner_id": agent.id}, "other's": {"owner_id": other.id}, "ours": {"department": ours}, "theirs": {"department": theirs}, "off": {"active": False},
    }.items():  # fmt: skip
        db.session.add(CannedResponse(title=title, body="Hello", **given))
    program = a_program(client, agent)

    assert [row["title"] for row in program.get("/canned-responses").json["items"]] == ["ours", "own", "all"]
