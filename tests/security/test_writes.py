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


EVERYBODY = pytest.mark.parametrize("who", list(Who))


@EVERYBODY
def test_every_change_is_answered_as_the_table_says(app: Flask, who: Who) -> None:
    found = {(attempt.visit.rule, attempt.visit.whose): {who.value: attempt.outcome} for attempt in writes.of(app, who)}

    tables.hold(TABLE, found, [who.value for who in Who])


@EVERYBODY
def test_no_change_fails_for_anybody(app: Flask, who: Who) -> None:
    assert [attempt.visit.rule for attempt in writes.of(app, who) if attempt.visit.status >= 500] == []


@pytest.mark.parametrize("who", [Who.ANONYMOUS, Who.CUSTOMER, Who.COLLEAGUE, Who.AGENT, Who.DEVELOPER])
def test_nobody_leaves_a_trace_on_a_foreign_object(app: Flask, who: Who) -> None:
    assert [
        attempt.visit.path
        for attempt in writes.of(app, who)
        if attempt.visit.whose == "foreign" and attempt.changed
        if not (who is Who.AGENT and attempt.visit.path.startswith(THEIRS_TOO))
    ] == []


@pytest.mark.parametrize("who", [Who.ANONYMOUS, *CUSTOMERS])
def test_a_customers_session_changes_nothing_behind_the_desk(app: Flask, who: Who) -> None:
    assert [
        f"{attempt.visit.path}: {attempt.outcome}"
        for attempt in writes.of(app, who)
        if attempt.visit.path.startswith("/admin")
        if attempt.changed or attempt.outcome not in ("in", "302", "404")
    ] == []


@pytest.mark.parametrize("who", STAFF)
def test_a_staff_session_changes_nothing_in_the_portal(app: Flask, who: Who) -> None:
    """They may write as a guest, as anybody may."""
    assert [
        f"{attempt.visit.path}: {attempt.outcome}"
        for attempt in writes.of(app, who)
        if attempt.visit.path.startswith("/portal")
        if attempt.changed and attempt.visit.path not in FOR_ANYBODY
    ] == []


@EVERYBODY
def test_no_answer_to_a_change_says_what_is_kept_from_its_reader(app: Flask, who: Who) -> None:
    assert [
        f"{attempt.visit.rule} says {word}"
        for attempt in writes.of(app, who)
        for word in KEPT_FROM[who]
        if word.encode() in said(attempt.visit)
    ] == []


@EVERYBODY
def test_the_table_holds_deeds_of_everybody(app: Flask, who: Who) -> None:
    """Where nobody ever succeeds, nothing is proved."""
    assert any(attempt.changed for attempt in writes.of(app, who))
