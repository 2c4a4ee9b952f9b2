"""Who may call: keys, scopes, owners. No browser session ever counts."""

from __future__ import annotations

import datetime as dt

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select

from app.accounts import keys
from app.accounts.models import ApiKey
from app.api.routes import FILE, ROUTES, Route
from app.core import clock
from app.core.extensions import db
from app.desk.setup import seed
from tests.api.desk import API, Program, a_program, refused
from tests.factories import (
    a_customer,
    a_department,
    a_supervisor,
    a_ticket,
    an_admin,
    an_agent,
    sign_in,
    sign_in_customer,
    staff,
)


def place(route: Route) -> str:
    """An address where nothing is."""
    for name in route.variables:
        route = Route(route.method, route.path.replace(f"{{{name}}}", "424242"), route.handler, route.scope, "", "")
    return route.path


def call(program: Program, route: Route) -> int:
    if route.takes == FILE:
        return int(program.upload(b"x", path=place(route)).status_code)
    return int(program.call(route.method, place(route), {} if route.takes else None).status_code)


IDS = [f"{route.method} {route.path}" for route in ROUTES]


HEADERS = (
    None,
    "",
    "Bearer",
    "Bearer ",
    "Bearer nonsense",
    "Basic YTpi",
    "Bearer dsk_" + "x" * 43,
    "Bearer ☃",
    "bearer\tx",
)


@pytest.mark.parametrize("route", ROUTES, ids=IDS)
def test_nobody_comes_in_without_a_key(app: Flask, client: FlaskClient, route: Route) -> None:
    for header in HEADERS:
        headers = {"Authorization": header} if header is not None else {}

        answer = client.open(API + place(route), method=route.method, headers=headers)

        refused(answer, 401)
        assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("route", ROUTES, ids=IDS)
def test_a_key_opens_only_what_its_scopes_name(client: FlaskClient, route: Route) -> None:
    owner = an_admin()
    others = sorted({one.scope for one in ROUTES} - {route.scope})

    assert call(a_program(client, owner, *others, "desk:admin"), route) == 403
    assert call(a_program(client, owner, route.scope), route) not in (401, 403)
    assert call(a_program(client, owner, "*"), route) not in (401, 403)


def test_a_browsers_session_is_no_key(client: FlaskClient) -> None:
    sign_in(client, an_admin())

    for route in ROUTES:
        refused(client.open(API + place(route), method=route.method), 401)


def test_a_customers_session_is_no_key(client: FlaskClient) -> None:
    sign_in_customer(client, a_customer())

    refused(client.get(f"{API}/tickets"), 401)


def test_a_key_acts_as_its_owner_also_in_somebody_elses_browser(client: FlaskClient) -> None:
    program = a_program(client, an_agent(a_department()))
    a_ticket(department=a_department())
    sign_in(client, an_admin())

    assert program.get("/tickets").json["items"] == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda key: setattr(key, "revoked_at", clock.now()),
        lambda key: setattr(key, "expires_at", clock.now() - dt.timedelta(seconds=1)),
        lambda key: setattr(key.user, "active", False),
        lambda key: db.session.delete(key),
    ],
    ids=["revoked", "ended", "its owner left", "deleted"],
)
def test_a_key_that_is_over_opens_nothing(client: FlaskClient, spoil: object) -> None:
    program = a_program(client, a_supervisor())
    assert program.get("/tickets").status_code == 200

    spoil(db.session.scalars(select(ApiKey)).one())  # type: ignore[operator]
    db.session.commit()

    refused(program.get("/tickets"), 401)


def test_a_right_taken_from_the_owner_is_taken_from_the_key(client: FlaskClient) -> None:
    owner = a_supervisor()
    program = a_program(client, owner)
    assert program.get("/customers").status_code == 200

    owner.roles = []
    db.session.commit()

    refused(program.get("/customers"), 403)
    assert program.get("/tickets").json["items"] == []


def test_a_right_the_owner_gains_is_not_the_keys(client: FlaskClient) -> None:
    owner, customer, others = staff("Developer"), a_customer(), a_ticket("Nobody's category")
    program = a_program(client, owner)

    owner.roles = [db.session.scalars(select(Role).where(Role.name == "Admin")).one()]
    db.session.commit()

    refused(program.patch(f"/customers/{customer.id}", {"name": "x"}), 403)
    refused(program.get(f"/tickets/{others.number}"), 404)
    assert program.get("/tickets").json["items"] == []
    assert a_program(client, owner).get(f"/tickets/{others.number}").status_code == 200


def test_a_department_the_owner_comes_to_or_leaves_widens_no_key(client: FlaskClient) -> None:
    here, there = a_department(), a_department()
    owner = a_supervisor(departments=(here,))
    program = a_program(client, owner)
    tickets = {place: a_ticket(department=place).number for place in (here, there)}
    db.session.commit()

    for joined in ([there], [here, there], []):
        here.members[:], there.members[:] = ([owner] if each in joined else [] for each in (here, there))
        db.session.commit()
        seen = [item["number"] for item in program.get("/tickets").json["items"]]
        assert seen == ([] if joined == [there] else [tickets[here]]), joined


def test_a_key_of_before_is_bound_by_the_next_set_up_to_what_its_owner_may_then(client: FlaskClient) -> None:
    owner, customer = staff("Developer"), a_customer()
    program = a_program(client, owner)
    db.session.scalars(select(ApiKey)).one().given = ""
    db.session.commit()
    seed()

    owner.roles = [db.session.scalars(select(Role).where(Role.name == "Admin")).one()]
    db.session.commit()

    refused(program.patch(f"/customers/{customer.id}", {"name": "x"}), 403)


def test_nobody_makes_a_key_for_somebody_who_sees_more(client: FlaskClient) -> None:
    mine, other = a_department(), a_department()
    maker = an_admin(departments=(mine,))
    people = {
        an_admin(departments=(mine,)): 1,
        an_admin(departments=(mine, other)): 0,
        an_admin(): 0,
        an_agent(mine): 1,
    }
    sign_in(client, maker)

    for person, made in people.items():
        before = len(db.session.scalars(select(ApiKey.id)).all())
        client.post("/admin/api-keys/add", data={"name": "x", "user": str(person.id), "scope_list": ["*"]})
        assert len(db.session.scalars(select(ApiKey.id)).all()) - before == made


def test_a_developer_reads_customers_and_changes_none(client: FlaskClient) -> None:
    customer = a_customer()
    program = a_program(client, staff("Developer"))

    assert program.get(f"/customers/{customer.id}").status_code == 200
    refused(program.patch(f"/customers/{customer.id}", {"name": "x"}), 403)
    refused(program.post("/customers", {"email": "n@customer.test"}), 403)


def test_use_of_a_key_is_noted_when_it_writes(client: FlaskClient) -> None:
    program = a_program(client, a_supervisor())
    program.get("/tickets")
    assert db.session.scalars(select(ApiKey.last_used_at)).one() is None

    program.post("/customers", {"email": "n@customer.test"})

    db.session.rollback()
    assert db.session.scalars(select(ApiKey.last_used_at)).one() is not None


def test_the_secret_is_kept_nowhere(client: FlaskClient) -> None:
    program = a_program(client, a_supervisor())

    kept = db.session.scalars(select(ApiKey)).one()

    assert program.secret not in repr({column.name: getattr(kept, column.name) for column in ApiKey.__table__.columns})
    assert keys.digest(program.secret) == kept.key_hash


@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1", "/api/v1/", "/api/v2/tickets", "/api/v1/security/login", "/api/v1/menu/"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_address_answers_as_the_api_does(app: Flask, client: FlaskClient, path: str, method: str) -> None:
    refused(client.open(path, method=method), 404)
