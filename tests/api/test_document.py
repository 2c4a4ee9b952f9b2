"""The OpenAPI document says what the API does: held against the URL map, against its answers, and against made-up requests."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.api.document import document
from app.api.routes import FILE, ROUTES, Route
from app.api.schema import SCHEMAS
from app.core.extensions import db
from app.tickets import merging, suppliers
from app.tickets.choices import CannedResponse
from app.tickets.models import Ticket
from app.tickets.thread import Words
from tests.api.desk import API, Program, a_program
from tests.factories import a_category, a_customer, a_macro, a_supplier, a_ticket, an_admin, an_organization

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
FIELDS = sorted(
    {
        name
        for schema in SCHEMAS.values()
        if schema.get("additionalProperties") is False
        for name in schema["properties"]
    }
)


def test_it_names_every_address_and_no_other(app: Flask) -> None:
    served = {
        (method, re.sub(r"<int:(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("api.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    written = {(method.upper(), API + path) for path, methods in document()["paths"].items() for method in methods}

    assert served == written | {("GET", f"{API}/openapi.json")}
    assert [
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and not rule.endpoint.startswith("api.")
    ] == []


def test_everybody_may_read_it_and_it_tells_nothing_of_anybody(client: FlaskClient) -> None:
    a_ticket(subject="canary")
    db.session.commit()

    answer = client.get(f"{API}/openapi.json")

    assert answer.status_code == 200
    assert answer.json["openapi"].startswith("3.")
    assert "canary" not in answer.text


def test_every_reference_leads_somewhere_and_every_operation_has_its_own_name() -> None:
    written = json.dumps(document())

    for kind, name in re.findall(r"#/components/(\w+)/(\w+)", written):
        assert name in document()["components"][kind], name
    assert len({route.name for route in ROUTES}) == len(ROUTES)


@pytest.fixture
def program(client: FlaskClient) -> Program:
    return a_program(client, an_admin())


def matches(value: Any, schema: dict[str, Any], at: str = "") -> None:
    """The part of JSON Schema that the document uses."""
    if "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rsplit("/", 1)[1]]
    if value is None:
        assert schema.get("nullable"), f"{at} is null"
        return
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
    assert type(value) is kinds[schema["type"]], f"{at} is {value!r}"
    assert value in schema.get("enum", [value]), f"{at} is {value!r}"
    if "properties" in schema:
        assert set(schema.get("required", ())) <= set(value) <= set(schema["properties"]), f"{at} has {sorted(value)}"
        for name, inner in value.items():
            matches(inner, schema["properties"][name], f"{at}.{name}")
    for inner in value if isinstance(value, list) else ():
        matches(inner, schema["items"], f"{at}[]")


def an_address(route: Route, program: Program) -> str:
    """Of something that is there."""
    customer, organization, ticket = (
        a_customer(organization=an_organization()),
        an_organization(),
        a_ticket(tags=("a",)),
    )
    ticket.assign_to(None, by=_system())
    a_category()
    db.session.add(CannedResponse(title="Hello", body="Hello"))
    db.session.commit()
    there = {"number": ticket.number, "customer_id": customer.id, "organization_id": organization.id}
    if "attachment_id" in route.variables:
        there["attachment_id"] = program.upload(b"x").json["id"]
    if "entry_id" in route.variables:
        there["entry_id"] = program.post(f"/tickets/{ticket.number}/time", {"minutes": 5}).json["id"]
    if "macro_id" in route.variables:
        there["macro_id"] = a_macro({"do": "tag", "text": "seen"}).id
        db.session.commit()
    if "task_id" in route.variables:
        there["task_id"] = program.post(f"/tickets/{ticket.number}/tasks", {"title": "Call"}).json["id"]
    if "supplier" in route.path or "questions" in route.path:
        there["supplier_id"] = _a_supplier_of(ticket)
    if route.path.endswith("/unmerge"):
        merging.merge(ticket, into=a_ticket(), by=_system())
        db.session.commit()
    if "other" in route.variables:
        there["other"] = a_ticket().number
        db.session.commit()
    return route.path.format(**there)


def _a_supplier_of(ticket: Ticket) -> int:
    """The one that the examples name."""
    supplier = a_supplier("Printer Works", people=("jo@maker.example",))
    suppliers.add(ticket, supplier, _system())
    db.session.commit()
    return supplier.id


def an_example(route: Route, path: str) -> dict[str, Any]:
    """As it is written; where it names a ticket or message, one that is there."""
    example = dict(SCHEMAS[str(route.takes)]["example"])
    number = re.search(r"/tickets/(\d+)/", path)
    if not number or not {"into", "to", "message_id", "number"} & set(example):
        return example
    ticket = db.session.scalars(select(Ticket).where(Ticket.number == int(number[1]))).one()
    ticket.note(Words("another entry"), by=_system())
    there = {name: a_ticket().number for name in ("into", "to", "number")} | {"message_id": ticket.messages[0].id}
    db.session.commit()
    return example | {name: value for name, value in there.items() if isinstance(example.get(name), int)}


def _system() -> Any:
    from app.accounts.viewer import SYSTEM

    return SYSTEM


@pytest.mark.parametrize("route", ROUTES, ids=[f"{route.method} {route.path}" for route in ROUTES])
def test_examples_work_and_answers_have_the_shape_that_is_written(program: Program, route: Route) -> None:
    path = an_address(route, program)

    if route.takes == FILE:
        answer = program.upload(b"x", path=path)
    else:
        answer = program.call(route.method, path, an_example(route, path) if route.takes else None)

    assert answer.status_code == route.status, answer.text
    if route.gives != FILE:
        matches(answer.json, SCHEMAS[route.gives])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=8), JUNK, max_size=4),
    route=st.sampled_from([route for route in ROUTES if route.takes and route.takes != FILE]),
)
def test_no_body_breaks_it(program: Program, body: dict[str, Any], route: Route) -> None:
    path = route.path.format(number=_number(program), customer_id=1, supplier_id=1, task_id=1, entry_id=1, macro_id=1)
    example = dict(SCHEMAS[str(route.takes)]["example"])

    for sent in (body, {**example, **body}):
        answer = program.call(
            route.method, path, data=json.dumps(sent).encode("utf-8", "surrogatepass"), content_type="application/json"
        )

        assert answer.status_code < 500, (path, sent, answer.text)


def _number(program: Program) -> int:
    found = program.get("/tickets?limit=1").json["items"]
    if not found:
        a_ticket()
        db.session.commit()
        return _number(program)
    return int(found[0]["number"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.dictionaries(
        st.sampled_from(sorted({name for route in ROUTES for name in route.query})), st.text(max_size=20), max_size=4
    ),
    route=st.sampled_from([route for route in ROUTES if route.method == "GET" and not route.variables]),
)
def test_no_question_breaks_it(program: Program, query: dict[str, str], route: Route) -> None:
    clean = {name: value.encode("utf-8", "replace").decode() for name, value in query.items()}

    answer = program.get(route.path, query_string=clean)

    assert answer.status_code < 500, (route.path, clean, answer.text)
