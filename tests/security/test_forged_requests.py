"""Requests that another site makes a browser send: without our token, with somebody else's, as a link or a picture."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.extensions import csrf
from tests.factories import a_customer, a_ticket, an_agent, sign_in, sign_in_customer
from tests.security import sweep

TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"|value="([^"]+)"[^>]*name="csrf_token"')
ELSEWHERE = {"Origin": "https://evil.example", "Referer": "https://evil.example/"}


@pytest.fixture
def guarded(app: Flask) -> Flask:
    """With the check that the other tests leave out."""
    app.config["WTF_CSRF_ENABLED"] = True
    yield app
    app.config["WTF_CSRF_ENABLED"] = False


def token_of(page: str) -> str:
    found = TOKEN.search(page)
    assert found is not None, "this page has no token"
    return found[1] or found[2]


EXEMPT = {
    "app.api.mailhook.take": "what counts there is a signature in headers that no form can send",
    "app.accounts.views.elsewhere.acs": "the company's own sign-in posts here; its answer is signed, and begins no session that was not asked for",
}
"""Views that take a form of another site, each with its reason."""


def test_nothing_but_the_api_is_exempt(app: Flask) -> None:
    """Its key comes in a header that no form can send; cookies count for nothing there."""
    assert csrf._exempt_views <= set(EXEMPT)
    assert {blueprint if isinstance(blueprint, str) else blueprint.name for blueprint in csrf._exempt_blueprints} == {"api"}  # fmt: skip


def test_the_token_of_another_session_is_no_token(guarded: Flask) -> None:
    attacker, victim = guarded.test_client(), guarded.test_client()
    customer = a_customer()
    ticket = a_ticket(requester=customer)
    sign_in_customer(victim, customer)
    sign_in_customer(attacker, a_customer())
    stolen = token_of(attacker.get("/portal/tickets/new").text)

    answer = victim.post(f"/portal/tickets/{ticket.number}/reply", data={"message": "x", "csrf_token": stolen}, headers=ELSEWHERE)  # fmt: skip

    assert answer.status_code == 400
    assert len(ticket.messages) == 1


def test_a_token_in_the_address_is_no_token(guarded: Flask, client: FlaskClient) -> None:
    """Addresses are logged and sent on; a token there would not stay secret."""
    agent = an_agent()
    ticket = a_ticket()
    sign_in(client, agent)
    token = token_of(client.get(f"/admin/tickets/{ticket.number}").text)

    assert client.post(f"/admin/tickets/{ticket.number}/take?csrf_token={token}").status_code == 400
    assert client.post(f"/admin/tickets/{ticket.number}/take", data={"csrf_token": token}).status_code == 303


def test_a_method_in_a_field_or_header_changes_no_method(client: FlaskClient) -> None:
    """A GET stays one, so that a picture's address deletes nothing."""
    sign_in(client, an_agent())
    ticket = a_ticket()
    before = sweep.hashes()

    for path in (f"/admin/tickets/{ticket.number}/take", f"/admin/tickets/action/close/{ticket.id}"):
        answer = client.get(path, query_string={"_method": "POST"}, headers={"X-HTTP-Method-Override": "POST"})
        assert answer.status_code in (404, 405)

    assert sweep.hashes() == before


def test_the_api_counts_no_cookie_whatever_it_says(client: FlaskClient) -> None:
    ticket = a_ticket()
    sign_in(client, an_agent())

    for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
        answer = client.post(f"/api/v1/tickets/{ticket.number}/replies", data='{"body": "x"}', content_type=kind, headers=ELSEWHERE)  # fmt: skip
        assert answer.status_code == 401

    assert len(ticket.messages) == 1
