"""Who may change what: each address that takes POST, PUT, PATCH or DELETE, by everybody. The answers stand in writes.txt."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from tests.security import tables, writes
from tests.security.test_canaries import KEPT_FROM, said
from tests.security.world import CUSTOMERS, STAFF, Who

TABLE = Path(__file__).with_name("writes.txt")
pytestmark = pytest.mark.parametrize("app", ["sqlite"], indirect=True)
"""The row rules are the same statements on both; here each try is undone by putting a file back."""
FOR_ANYBODY = ("/portal/contact", "/portal/login", "/portal/password")
"""Writing as a guest, and asking for a link."""
THEIRS_TOO = ("/admin/customers/", "/admin/organizations/", "/api/v1/customers")
"""Customers belong to no department: whoever may work on one may work on all."""


def test_every_change_is_answered_as_the_table_says(app: Flask) -> None:
    found: dict[tuple[str, str], dict[str, str]] = {}
    for attempt in writes.of(app):
        found.setdefault((attempt.visit.rule, attempt.visit.whose), {})[attempt.visit.who] = attempt.outcome

    tables.hold(TABLE, found, [who.value for who in Who])


def test_no_change_fails_for_anybody(app: Flask) -> None:
    assert [
        f"{attempt.visit.who} {attempt.visit.rule}" for attempt in writes.of(app) if attempt.visit.status >= 500
    ] == []


@pytest.mark.parametrize("who", [Who.ANONYMOUS, Who.CUSTOMER, Who.COLLEAGUE, Who.AGENT, Who.DEVELOPER])
def test_nobody_leaves_a_trace_on_a_foreign_object(app: Flask, who: Who) -> None:
    assert [
        attempt.visit.path
        for attempt in writes.of(app)
        if attempt.visit.who is who and attempt.visit.whose == "foreign" and attempt.changed
        if not (who is Who.AGENT and attempt.visit.path.startswith(THEIRS_TOO))
    ] == []


def test_a_customers_session_changes_nothing_behind_the_desk(app: Flask) -> None:
    assert [
        f"{attempt.visit.who} {attempt.visit.path}: {attempt.outcome}"
        for attempt in writes.of(app)
        if attempt.visit.path.startswith("/admin") and attempt.visit.who in (Who.ANONYMOUS, *CUSTOMERS)
        if attempt.changed or attempt.outcome not in ("in", "302", "404")
    ] == []


def test_a_staff_session_changes_nothing_in_the_portal(app: Flask) -> None:
    """They may write as a guest, as anybody may."""
    assert [
        f"{attempt.visit.who} {attempt.visit.path}: {attempt.outcome}"
        for attempt in writes.of(app)
        if attempt.visit.path.startswith("/portal") and attempt.visit.who in STAFF
        if attempt.changed and attempt.visit.path not in FOR_ANYBODY
    ] == []


@pytest.mark.parametrize("who", list(Who))
def test_no_answer_to_a_change_says_what_is_kept_from_its_reader(app: Flask, who: Who) -> None:
    assert [
        f"{attempt.visit.rule} says {word}"
        for attempt in writes.of(app)
        for word in KEPT_FROM[who]
        if attempt.visit.who is who and word.encode() in said(attempt.visit)
    ] == []


def test_the_table_holds_deeds_of_everybody(app: Flask) -> None:
    """Where nobody ever succeeds, nothing is proved."""
    assert {attempt.visit.who for attempt in writes.of(app) if attempt.changed} == set(Who)
