"""Every address that takes a form or JSON, with values that make no sense: a sentence comes back, never a failure of ours."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.routing import Rule

from app.core.extensions import db
from tests.security import sweep
from tests.security import world as worlds
from tests.security.world import Who, World

FIELDS = (
    "name", "email", "title", "subject", "message", "body", "text", "kind", "then", "seen", "files_id", "attachments", "category", "department", "priority", "status", "state", "assignee", "tags",
    "add", "remove", "hidden", "was", "back", "value", "rowid", "action", "tag", "customer", "customer_id", "sender", "recipient", "vocabulary", "theme", "locale", "language", "phone", "notes",
    "organization_name", "organization", "domain", "rank", "position", "aliases", "meaning", "slug", "shortcut", "scope", "scope_list", "role", "roles", "categories", "permissions", "user", "username",
    "first_name", "last_name", "active", "members", "lead", "policy", "hours", "priority_rank", "first_response_minutes", "resolution_business_days", "availability", "away_until", "capacity",
    "desk_name", "number_pattern", "first_number", "reopen_policy", "max_attachment_mb", "time_zone", "mail_from", "default_department", "id", "next", "last", "how", "old", "password", "again",
    "source", "signature", "address", "login", "step", "parent", "color",
)  # fmt: skip
VALUES = {
    "nothing": "", "a zero byte": "a\x00b", "very long": "ä" * 2000, "a huge number": "9" * 40, "a negative one": "-1", "half a pair": "\ud800", "marks": "'\"%_*\\;--{{1}}<b>", "a line break": "a\r\nBcc: x@evil.example",
    "scripts": "مرحبا 田中 שלום नमस्ते 🙂", "not a number": "NaN",
}  # fmt: skip
SIGNS_OUT = ("/logout", "/sign-out-others", "/password", "/account")
"""Last, since they end the session."""
pytestmark = pytest.mark.parametrize("app", ["postgresql"], indirect=True)
"""The stricter of the two: what it keeps, SQLite keeps too. On SQLite the forms are bent field by field (test_fuzz_forms.py)."""
KEPT_BETWEEN_TESTS = "/admin/roles"
"""Its rows outlive a test, so this test leaves them alone."""


@pytest.mark.parametrize("words", VALUES)
def test_no_form_fails_whatever_it_is_sent(app: Flask, words: str) -> None:
    world = worlds.build(app)
    db.session.remove()
    failed = [line for rule in forms(app) for line in attempts(app, world, rule, VALUES[words])]

    assert failed == [], chr(10).join(failed)


def forms(app: Flask) -> list[Rule]:
    found = [
        rule for rule in sweep.rules(app, "POST", "PATCH") if not rule.rule.startswith(("/api/", KEPT_BETWEEN_TESTS))
    ]
    return sorted(found, key=lambda rule: any(sign in rule.rule for sign in SIGNS_OUT))


def attempts(app: Flask, world: World, rule: Rule, value: str) -> list[str]:
    who = Who.CUSTOMER if rule.rule.startswith("/portal") else Who.SUPER
    path = next(sweep.addresses(rule, world))[1]
    form = {name: value.encode("utf-8", "surrogatepass") for name in FIELDS}
    came = sweep.apart(lambda: sweep.visit(app, world, who, path, "-", path, "POST", data=form))
    return [f"{path}: {came.status}"] if came.status >= 500 else []


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{", b'{"a": NaN}', b"\xff\xfe", b'"x"', b"[" * 5000, b'{"subject": {"a": [1]}, "body": 7, "customer": []}', b'{"subject": "a\\u0000b", "body": "a\\u0000b", "customer": {"email": "a\\u0000@b.c"}}', b'{"body": "\\ud800"}'],
    ids=["nothing", "null", "a list", "half an object", "NaN", "no UTF-8", "a string", "deep", "wrong types", "zero bytes", "half a pair"],
)  # fmt: skip
def test_no_address_of_the_api_fails_whatever_it_is_sent(app: Flask, body: bytes) -> None:
    world = worlds.build(app)
    db.session.remove()
    failed = []
    for rule in sweep.rules(app, "POST", "PATCH"):
        for method in {"POST", "PATCH"} & (rule.methods or set()) if rule.rule.startswith("/api/") else ():
            path = next(sweep.addresses(rule, world))[1]
            came = sweep.apart(
                lambda method=method, path=path: sweep.visit(
                    app,
                    world,
                    Who.SUPER,
                    path,
                    "-",
                    path,
                    method,
                    data=body,
                    headers={"Content-Type": "application/json"},
                )
            )
            failed += [f"{method} {path}: {came.status}"] if came.status >= 500 else []

    assert failed == [], chr(10).join(failed)


@pytest.mark.parametrize(
    "value",
    ["\x00", "9" * 40, "-1", "'", "ä" * 300, "%", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")],
    ids=["a zero byte", "a huge number", "a negative one", "a quote", "long", "a wildcard", "half a pair"],
)
def test_no_question_in_an_address_fails(app: Flask, value: str) -> None:
    world = worlds.build(app)
    db.session.remove()
    names = (
        "q",
        "view",
        "sort",
        "page",
        "state",
        "status",
        "priority",
        "assigned",
        "customer",
        "created_from",
        "tag",
        "tab",
        "days",
        "department",
        "before",
        "address",
        "as",
        "category",
        "subject",
        "limit",
        "cursor",
        "updated_since",
        "email",
        "next",
        "inline",
    )
    failed = []
    for rule in sweep.rules(app, "GET"):
        who = Who.CUSTOMER if rule.rule.startswith("/portal") else Who.SUPER
        path = next(sweep.addresses(rule, world))[1]
        if rule.rule != "/readyz":
            came = sweep.apart(
                lambda who=who, path=path: sweep.visit(
                    app, world, who, path, "-", path, query_string=dict.fromkeys(names, value)
                )
            )
            failed += [f"{path}: {came.status}"] if came.status >= 500 else []

    assert failed == [], chr(10).join(failed)
