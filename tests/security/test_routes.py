"""Who gets what from every address of the desk. The answers stand in routes.txt; an address without a line there fails."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import pytest
from flask import Flask

from app.core.extensions import db
from tests.security import sweep
from tests.security.sweep import Visit
from tests.security.world import STAFF, Who

TABLE = Path(__file__).with_name("routes.txt")
MAY_WRITE_BY_GET: dict[str, str] = {
    "/admin/tickets/export.csv": "Who took customers' words out of the desk is noted in the audit log.",
}
"""Rule → why a GET of it may change a row."""
NOTED = "audit"
"""The one table that these write to."""
TELLS_HEALTH = "/readyz"
"""Its answer says how the desk fares, whoever asks: 200 or 503."""
WITHOUT_TOKEN = "/api/v1/"
"""Its requests carry a key in a header, which no other site can send: beside SIGNED the only addresses without a CSRF token."""
SIGNED = "/hooks/mail/"
"""Its requests are refused for the want of a signature, which no form of another site can send."""
HEADING = f"{'# rule':<66}{'whose':<9}" + "".join(f"{who.value:<11}" for who in Who)


def test_every_address_answers_each_person_as_the_table_says(app: Flask) -> None:
    found = answers(sweep.of(app).visits)
    if os.environ.get("ROUTES_WRITE"):
        TABLE.write_text(
            introduction()
            + HEADING.rstrip()
            + "\n"
            + "\n".join(line(*key, outcomes) for key, outcomes in found.items())
            + "\n"
        )
    expected = table()

    unknown = [key for key in found if key not in expected]
    gone = [key for key in expected if key not in found]
    differing = [
        f"{' '.join(key)} for {who}: {expected[key][who]} is expected, {came} came"
        for key, outcomes in found.items()
        if key in expected
        for who, came in outcomes.items()
        if expected[key][who] != came
    ]
    assert not unknown, (
        "Say in tests/security/routes.txt who may read these (or run the test with ROUTES_WRITE=1 and read what it wrote): "
        + ", ".join(map(" ".join, unknown))
    )
    assert not gone, f"These are no addresses any more; take their lines out of routes.txt: {gone}"
    assert not differing, "\n".join(differing)


def answers(visits: list[Visit]) -> dict[tuple[str, str], dict[Who, str]]:
    found: dict[tuple[str, str], dict[Who, str]] = defaultdict(dict)
    for visit in visits:
        if visit.whose != "further" and visit.rule != TELLS_HEALTH:
            key = (visit.rule, visit.whose)
            both = {found[key].get(visit.who, visit.outcome), visit.outcome}
            found[key][visit.who] = "/".join(sorted(both))
    return found


def table() -> dict[tuple[str, str], dict[Who, str]]:
    lines = [words.split() for words in TABLE.read_text().splitlines() if words.strip() and not words.startswith("#")]
    return {
        (words[-len(Who) - 2], words[-len(Who) - 1]): dict(zip(Who, words[-len(Who) :], strict=True)) for words in lines
    }


def line(rule: str, whose: str, outcomes: dict[Who, str]) -> str:
    return (f"{rule.replace(' ', ''):<66}{whose:<9}" + "".join(f"{outcomes[who]:<11}" for who in Who)).rstrip()


def introduction() -> str:
    kept = (
        [words for words in TABLE.read_text().splitlines() if words.startswith("#") and not words.startswith("# rule")]
        if TABLE.exists()
        else []
    )
    return "".join(f"{words}\n" for words in kept)


def test_no_address_fails_for_anybody(app: Flask) -> None:
    assert [
        f"{visit.who} {visit.path}"
        for visit in sweep.of(app).visits
        if visit.status >= 500 and visit.rule != TELLS_HEALTH
    ] == []


def test_no_get_writes_a_row(app: Flask) -> None:
    done = sweep.of(app)

    assert [
        f"{visit.who} {visit.path}: {visit.wrote}" for visit in done.visits if visit.wrote and not may_write(visit)
    ] == []
    assert set(done.changed) <= {NOTED}


def may_write(visit: Visit) -> bool:
    """A line of the audit log, and nothing else."""
    rule = visit.path.partition("?")[0]
    return rule in MAY_WRITE_BY_GET and all(f" {NOTED} " in statement for statement in visit.wrote)


def test_none_of_flask_appbuilders_rest_doors_is_there(app: Flask) -> None:
    paths = [rule.rule for rule in app.url_map.iter_rules()]

    assert [
        path for path in paths if path.startswith(("/api/v1/security", "/api/v1/menu", "/swagger", "/api/v1/_openapi"))
    ] == []
    assert [path for path in paths if path.startswith("/api/") and not path.startswith("/api/v1/")] == []


@pytest.mark.parametrize("who", [Who.CUSTOMER, Who.SUPER])
def test_a_session_opens_no_address_of_the_api(app: Flask, who: Who) -> None:
    world = sweep.of(app).world
    keyless = world.__class__(**{**world.__dict__, "keys": dict.fromkeys(STAFF, "dsk_wrong")})

    for rule in sweep.rules(app, "GET", "POST", "PATCH"):
        if rule.rule.startswith("/api/v1/") and rule.rule != "/api/v1/openapi.json":
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                path = next(sweep.addresses(rule, world))[1]
                assert (
                    sweep.apart(
                        lambda method=method, path=path: sweep.visit(
                            app, keyless, who, path, "-", path, method, json={}
                        )
                    ).status
                    == 401
                ), f"{method} {path}"


@pytest.mark.parametrize("who", [Who.ANONYMOUS, Who.CUSTOMER, Who.SUPER])
def test_nothing_is_changed_without_the_token_of_our_own_pages(app: Flask, guarded_app: Flask, who: Who) -> None:
    """Each address that takes POST, PUT, PATCH or DELETE, as another site's form would send it."""
    world = sweep.of(app).world
    taken = []
    for rule in sweep.rules(guarded_app, "POST", "PUT", "PATCH", "DELETE"):
        for method in sorted((rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}):
            _whose, path = next(sweep.addresses(rule, world))
            came = sweep.apart(
                lambda method=method, path=path: sweep.visit(
                    guarded_app,
                    world,
                    who,
                    path,
                    "-",
                    path,
                    method,
                    data={"a": "b"},
                    headers={"Origin": "https://evil.example"},
                )
            )
            refused = 401 if path.startswith(SIGNED) else 400
            if not path.startswith(WITHOUT_TOKEN) and (came.status != refused or came.wrote):
                taken.append(f"{method} {path}: {came.status} {came.wrote}")

    assert taken == []


@pytest.fixture(scope="module")
def guarded_app(app: Flask) -> Flask:
    """The same desk with its CSRF check on, which the other tests leave out."""
    from app import create_app

    guarded = create_app(
        **{
            name: app.config[name]
            for name in ("SQLALCHEMY_DATABASE_URI", "TESTING", "QUEUE_OFF", "STORAGE_URL", "SERVER_NAME")
        },
        WTF_CSRF_ENABLED=True,
    )
    yield guarded
    with guarded.app_context():
        db.engine.dispose()
