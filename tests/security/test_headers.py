"""What every response carries, which hosts are answered, and where a sign-in may lead."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.http import parse_cookie

from tests.factories import HASH, PASSWORD, a_customer, an_agent
from tests.security import sweep

ELSEWHERE = (
    "https://evil.example/", "//evil.example", "///evil.example", "////evil.example", "/\\evil.example", "\\\\evil.example", "https:evil.example", "http:///evil.example",
    "javascript:alert(1)", "data:text/html,x", "https://127.0.0.1@evil.example/", "https://localhost.evil.example/", "/\t/evil.example", "%2f%2fevil.example", "\x00//evil.example",
)  # fmt: skip
FRAMES = ("/html",)
"""Ends of the addresses that are shown in a frame of ours: the bodies of mails."""


def test_every_response_says_what_a_browser_may_do_with_it(app: Flask) -> None:
    wrong = []
    for visit in sweep.of(app).visits:
        headers = visit.headers
        framed = visit.path.endswith(FRAMES) and visit.status == 200
        fine = (
            headers.get("X-Content-Type-Options") == "nosniff"
            and headers.get("X-Frame-Options") == ("SAMEORIGIN" if framed else "DENY")
            and f"frame-ancestors {'self' if framed else 'none'}"
            in headers.get("Content-Security-Policy", "").replace("'", "")
            and headers.get("Referrer-Policy") == "same-origin"
        )
        if not fine:
            wrong.append(f"{visit.who} {visit.path} ({visit.status}): {dict(headers)}")

    assert wrong == []


def test_no_response_but_a_static_file_is_kept_by_anybody(app: Flask) -> None:
    assert {
        visit.path
        for visit in sweep.of(app).visits
        if not visit.path.startswith("/static/") and visit.headers.get("Cache-Control") != "no-store"
    } == set()


def test_no_page_allows_a_script_without_its_nonce(app: Flask) -> None:
    for visit in sweep.of(app).visits:
        policy = dict(part.strip().partition(" ")[::2] for part in visit.headers["Content-Security-Policy"].split(";"))
        scripts = policy.get("script-src", policy["default-src"])
        assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "https:", "data:"} & set(scripts.split()), visit.path


def test_no_nonce_is_permitted_twice(app: Flask) -> None:
    """Also not on pages that need none: whoever puts a script there must not know what lets it run."""
    nonces = [
        nonce
        for visit in sweep.of(app).visits
        for nonce in re.findall(r"'nonce-([^']*)'", visit.headers["Content-Security-Policy"])
    ]

    assert nonces
    assert len(set(nonces)) == len(nonces)


@pytest.mark.parametrize(
    "address",
    [
        "/nowhere",
        "/admin/tickets/99999999",
        "/portal/tickets/1",
        "/api/v1/tickets",
        "/help/nothing",
        "/static/nothing.js",
    ],
)
def test_errors_carry_the_same_headers(client: FlaskClient, address: str) -> None:
    answer = client.get(address)

    assert answer.status_code in (302, 401, 404)
    assert {
        "Content-Security-Policy",
        "X-Frame-Options",
        "X-Content-Type-Options",
        "Referrer-Policy",
        "Cache-Control",
    } <= set(answer.headers.keys())


def test_the_session_cookie_is_for_our_pages_alone(app: Flask, client: FlaskClient) -> None:
    an_agent(name="lena")
    answer = client.post("/login/", data={"username": "lena", "password": PASSWORD})

    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Domain=" not in cookie


def test_over_https_the_cookie_is_bound_to_this_host(app: Flask) -> None:
    assert app.config["SESSION_COOKIE_NAME"] == "deskhand"
    assert app.config["SESSION_COOKIE_SECURE"] is app.config["HTTPS"]


def test_a_sign_in_begins_a_new_session(client: FlaskClient) -> None:
    an_agent(name="lena")
    with client.session_transaction() as session:
        session["planted"] = "before"

    client.post("/login/", data={"username": "lena", "password": PASSWORD})

    with client.session_transaction() as session:
        assert "planted" not in session


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", ""])
def test_a_forged_host_is_refused(client: FlaskClient, host: str) -> None:
    answer = client.get("/login/", headers={"Host": host})

    assert answer.status_code == 400
    assert "evil" not in answer.text


def test_a_forwarded_host_is_not_believed(client: FlaskClient) -> None:
    answer = client.get("/admin/tickets/", headers={"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"})

    assert "evil" not in answer.headers["Location"]


@pytest.mark.parametrize("target", ELSEWHERE)
def test_no_sign_in_of_staff_leads_to_another_host(app: Flask, client: FlaskClient, target: str) -> None:
    an_agent(name="lena")

    answer = client.post("/login/", query_string={"next": target}, data={"username": "lena", "password": PASSWORD})

    assert answer.status_code == 302
    assert stays_here(answer.headers["Location"])


@pytest.mark.parametrize("target", ELSEWHERE)
def test_no_sign_in_of_a_customer_leads_to_another_host(app: Flask, client: FlaskClient, target: str) -> None:
    a_customer(email="ada@own.test", password_hash=HASH)

    answer = client.post("/portal/login", data={"email": "ada@own.test", "password": PASSWORD, "next": target})

    assert answer.status_code == 303
    assert stays_here(answer.headers["Location"])


def stays_here(location: str) -> bool:
    """As browsers read it: a backslash is a slash, and blanks and control characters are nothing."""
    read = "".join(letter for letter in location if letter > " ").replace("\\", "/")
    return urlsplit(urljoin("http://localhost/login/", read)).netloc in ("localhost", "127.0.0.1")


def test_no_cookie_of_ours_is_readable_by_scripts_but_the_theme(app: Flask, client: FlaskClient) -> None:
    answer = client.post("/portal/preferences", data={"theme": "dark"})

    for cookie in answer.headers.getlist("Set-Cookie"):
        name = next(iter(parse_cookie(cookie.partition(";")[0])))
        assert name == "theme" or "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
