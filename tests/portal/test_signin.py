"""How customers get in and out, and what ends a session or a link."""

import datetime as dt
import re

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.security import generate_password_hash

from app.accounts import tokens
from app.accounts.models import Customer, OneTimeToken
from app.accounts.tokens import Purpose
from app.core.extensions import db
from app.mail.models import Delivery
from tests.factories import PASSWORD, a_customer, a_ticket, an_agent, run_jobs, sign_in, sign_in_customer

CHEAP = generate_password_hash(PASSWORD, method="pbkdf2:sha256:1")


def with_password(**given: object) -> Customer:
    customer = a_customer(password_hash=CHEAP, **given)
    db.session.commit()
    return customer


def a_link(purpose: Purpose, customer: Customer) -> str:
    secret = tokens.issue(purpose, customer)
    db.session.commit()
    return secret


def test_the_portal_leads_a_stranger_to_the_sign_in_page_and_back(client: FlaskClient) -> None:
    answer = client.get("/portal/tickets?tab=closed")

    assert answer.status_code == 302
    assert answer.location == "/portal/login?next=/portal/tickets%3Ftab%3Dclosed"
    assert b'value="/portal/tickets?tab=closed"' in client.get(answer.location).data


def test_the_right_password_signs_in_and_leads_on(client: FlaskClient) -> None:
    customer = with_password()

    answer = client.post(
        "/portal/login", data={"email": customer.email.upper(), "password": PASSWORD, "next": "/portal/tickets/new"}
    )

    assert (answer.status_code, answer.location) == (303, "/portal/tickets/new")
    assert client.get("/portal/tickets").status_code == 200


@pytest.mark.parametrize(
    ("email", "password"),
    [("", PASSWORD), ("nobody", PASSWORD), ("nobody@customer.test", PASSWORD), ("ada@customer.test", ""), ("ada@customer.test", "wrong"), ("ada@customer.test", PASSWORD + "x" * 1_000_000), ("a@b@c.test", "x"), ("ada@customer.test\r\nBcc: x@y.test", PASSWORD), ("\x00", "\x00")],
    ids=["no address", "no address at all", "unknown", "no password", "wrong", "a megabyte", "two ats", "a line break", "a NUL"],
)  # fmt: skip
def test_anything_else_does_not(client: FlaskClient, email: str, password: str) -> None:
    with_password(name="Ada", email="ada@customer.test")

    answer = client.post("/portal/login", data={"email": email, "password": password})

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    with client.session_transaction() as session:
        assert "customer" not in session


def test_an_unknown_address_and_a_wrong_password_get_the_same_answer(client: FlaskClient) -> None:
    with_password(name="Ada", email="ada@customer.test")

    known = client.post("/portal/login", data={"email": "ada@customer.test", "password": "not this one"}).text
    unknown = client.post("/portal/login", data={"email": "ida@customer.test", "password": "not this one"}).text

    assert without_token(known).replace("ada@", "ida@") == without_token(unknown)


def without_token(page: str) -> str:
    return re.sub(r'name="csrf_token" value="[^"]*"', "", page)


def test_a_switched_off_customer_stays_outside(client: FlaskClient) -> None:
    customer = with_password(active=False)

    assert client.post("/portal/login", data={"email": customer.email, "password": PASSWORD}).status_code == 422


@pytest.mark.parametrize(
    "target",
    [
        "//evil.test",
        "https://evil.test",
        "/\\evil.test",
        "/portal//evil.test",
        "/portal\\@evil.test",
        "javascript:alert(1)",
        "/admin/tickets/",
        "/portal/\r\nX: y",
        "portal",
        "/portalevil",
    ],
)
def test_no_sign_in_leads_away_from_the_portal(client: FlaskClient, target: str) -> None:
    customer = with_password()

    answer = client.post("/portal/login", data={"email": customer.email, "password": PASSWORD, "next": target})

    assert answer.location == "/portal/tickets"


def test_a_sign_in_begins_a_new_session(client: FlaskClient) -> None:
    customer = with_password()
    with client.session_transaction() as session:
        session["planted"], session["locale"] = "before", "en"

    client.post("/portal/login", data={"email": customer.email, "password": PASSWORD})

    with client.session_transaction() as session:
        assert "planted" not in session
        assert session["locale"] == "en"


def test_signing_out_ends_the_session_and_needs_a_press(client: FlaskClient) -> None:
    sign_in_customer(client, a_customer())

    assert client.get("/portal/logout").status_code == 405
    client.post("/portal/logout")

    assert client.get("/portal/tickets").status_code == 302


def test_staff_are_nobody_in_the_portal_and_customers_nobody_at_the_desk(client: FlaskClient, app: Flask) -> None:
    sign_in(client, an_agent())
    other = app.test_client()
    sign_in_customer(other, a_customer())

    assert client.get("/portal/tickets").location.startswith("/portal/login")
    assert other.get("/admin/tickets/").status_code in (302, 403)


def test_a_mailed_link_signs_in_once_and_only_by_a_press(client: FlaskClient) -> None:
    customer = a_customer(verified_at=None)
    secret = a_link(Purpose.SIGN_IN, customer)

    shown = client.get(f"/portal/link/{secret}")
    assert shown.status_code == 200
    assert client.get("/portal/tickets").status_code == 302

    assert client.post(f"/portal/link/{secret}").status_code == 303
    assert client.get("/portal/tickets").status_code == 200
    assert db.session.get(Customer, customer.id, populate_existing=True).verified_at is not None  # type: ignore[union-attr]
    assert client.post(f"/portal/link/{secret}").status_code == 404
    assert client.get(f"/portal/link/{secret}").status_code == 404


def test_a_link_is_asked_for_and_mailed_by_a_worker(client: FlaskClient) -> None:
    customer = a_customer(name="Ada", email="ada@customer.test")
    db.session.commit()

    known = client.post("/portal/login", data={"email": "ADA@customer.test", "how": "link"})
    unknown = client.post("/portal/login", data={"email": "ida@customer.test", "how": "link"})
    run_jobs(1)

    assert known.status_code == unknown.status_code == 200
    assert known.text.replace("ADA@", "ida@") == unknown.text
    sent = db.session.scalars(select(Delivery)).all()
    assert [(mail.kind, mail.customer_id) for mail in sent] == [("sign_in_link", customer.id)]
    assert sent[0].values["link"].startswith("http://127.0.0.1:8080/portal/link/")


def test_the_desk_keeps_no_link_that_could_be_used(client: FlaskClient) -> None:
    secret = a_link(Purpose.SIGN_IN, a_customer())

    kept = db.session.scalars(select(OneTimeToken)).one()

    assert secret not in repr(vars(kept))


@pytest.mark.parametrize(
    ("purpose", "path", "minutes", "status"),
    [
        (Purpose.SIGN_IN, "link", 29, 200),
        (Purpose.SIGN_IN, "link", 31, 404),
        (Purpose.RESET, "password", 59, 200),
        (Purpose.RESET, "password", 61, 404),
    ],
    ids=["sign-in in time", "sign-in too late", "reset in time", "reset too late"],
)
def test_a_link_dies_of_age(client: FlaskClient, purpose: Purpose, path: str, minutes: int, status: int) -> None:
    secret = a_link(purpose, a_customer())

    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(minutes=minutes), tick=False):
        assert client.get(f"/portal/{path}/{secret}").status_code == status


@pytest.mark.parametrize("secret", ["x", "%00", "é" * 50, "a" * 5000, "..%2f..%2fetc", "' OR 1=1 --"])
def test_a_made_up_link_is_none(client: FlaskClient, secret: str) -> None:
    a_link(Purpose.SIGN_IN, a_customer())

    assert client.get(f"/portal/link/{secret}").status_code == 404
    assert client.post(f"/portal/link/{secret}").status_code == 404


def test_a_link_for_one_purpose_serves_no_other(client: FlaskClient) -> None:
    secret = a_link(Purpose.SIGN_IN, a_customer())

    assert (
        client.post(
            f"/portal/password/{secret}", data={"password": "a long enough password", "again": "a long enough password"}
        ).status_code
        == 404
    )


def test_a_reset_sets_the_password_and_ends_other_sessions_and_links(client: FlaskClient, app: Flask) -> None:
    customer = with_password()
    elsewhere = app.test_client()
    sign_in_customer(elsewhere, customer)
    first, second = a_link(Purpose.RESET, customer), a_link(Purpose.RESET, customer)

    answer = client.post(
        f"/portal/password/{first}", data={"password": "violet tractor sings", "again": "violet tractor sings"}
    )

    assert (answer.status_code, answer.location) == (303, "/portal/tickets")
    assert client.get("/portal/tickets").status_code == 200
    assert elsewhere.get("/portal/tickets").status_code == 302
    assert (
        client.get(f"/portal/password/{first}").status_code
        == client.get(f"/portal/password/{second}").status_code
        == 404
    )
    assert (
        app.test_client().post("/portal/login", data={"email": customer.email, "password": PASSWORD}).status_code == 422
    )


@pytest.mark.parametrize(
    "password",
    ["", "short", "password1234", "customercustomer", "aaaaaaaaaaaaaaaa", "x" * 129, "é" * 1_000_000],
    ids=["empty", "short", "on every list", "own name", "one letter", "129", "a megabyte"],
)
def test_a_weak_password_is_refused_and_the_link_still_works(client: FlaskClient, password: str) -> None:
    secret = a_link(Purpose.RESET, a_customer())

    answer = client.post(f"/portal/password/{secret}", data={"password": password, "again": password})

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert client.get(f"/portal/password/{secret}").status_code == 200


def test_changing_the_password_asks_for_the_old_one(client: FlaskClient, app: Flask) -> None:
    customer = with_password()
    sign_in_customer(client, customer)
    elsewhere = app.test_client()
    sign_in_customer(elsewhere, customer)
    new = {"password": "violet tractor sings", "again": "violet tractor sings"}

    assert client.post("/portal/account/password", data=new).status_code == 422
    assert client.post("/portal/account/password", data={**new, "old": "wrong"}).status_code == 422
    assert client.post("/portal/account/password", data={**new, "old": PASSWORD, "again": "other"}).status_code == 422
    assert elsewhere.get("/portal/account").status_code == 200
    assert client.post("/portal/account/password", data={**new, "old": PASSWORD}).status_code == 303
    assert client.get("/portal/account").status_code == 200
    assert elsewhere.get("/portal/account").status_code == 302


def test_signing_out_elsewhere_keeps_this_session(client: FlaskClient, app: Flask) -> None:
    customer = a_customer()
    sign_in_customer(client, customer)
    elsewhere = app.test_client()
    sign_in_customer(elsewhere, customer)

    client.post("/portal/account/sessions")

    assert client.get("/portal/account").status_code == 200
    assert elsewhere.get("/portal/account").status_code == 302


def test_the_account_page_changes_the_name(client: FlaskClient) -> None:
    customer = a_customer()
    sign_in_customer(client, customer)

    assert client.post("/portal/account", data={"name": "  "}).status_code == 422
    client.post("/portal/account", data={"name": "Zoë <b>\r\nBcc: x@y.test 陳 👩‍🚀" + "n" * 300, "language": "xx"})

    assert db.session.scalar(select(Customer.name)).startswith("Zoë <b> Bcc: x@y.test 陳 👩‍🚀nnn")  # type: ignore[union-attr]
    assert "Zoë &lt;b&gt; Bcc" in client.get("/portal/account").text


def test_looks_are_a_cookie_and_lead_back_where_one_was(client: FlaskClient) -> None:
    answer = client.post(
        "/portal/preferences", data={"theme": "dark"}, headers={"Referer": "http://localhost/help/?q=x"}
    )

    assert answer.location == "/help/?q=x"
    assert 'data-theme="dark"' in client.get("/portal/login").text
    assert (
        client.post(
            "/portal/preferences", data={"theme": "x"}, headers={"Referer": "http://evil.test/portal/"}
        ).location
        == "/portal/"
    )


@pytest.mark.parametrize("kept", [None, "x", [1], [1, 2, 3], ["1", "1"], [True, 1], [10**30, 1], {"a": 1}], ids=repr)
def test_a_strange_session_is_nobodys(client: FlaskClient, kept: object) -> None:
    a_ticket()
    with client.session_transaction() as session:
        session["customer"] = kept

    assert client.get("/portal/tickets").status_code == 302


@pytest.mark.parametrize("path", ["login", "logout", "password", "contact", "tickets/new", "tickets/1/reply", "tickets/1/close", "tickets/1/keep", "files", "account", "account/password", "account/sessions", "preferences", "link/x", "prove/x", "password/x"])  # fmt: skip
def test_no_form_is_taken_without_its_token(client: FlaskClient, app: Flask, path: str) -> None:
    sign_in_customer(client, a_customer())
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        assert client.post(f"/portal/{path}").status_code == 400
    finally:
        app.config["WTF_CSRF_ENABLED"] = False


def test_asking_for_a_link_counts_no_customer(client: FlaskClient) -> None:
    client.post("/portal/login", data={"email": "new@customer.test", "how": "link"})
    run_jobs(1)

    assert db.session.scalar(select(func.count()).select_from(Customer)) == 0
