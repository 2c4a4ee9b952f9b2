"""The desk's commands: answers on stdout, everything else on stderr."""

from __future__ import annotations

import json

from click.testing import Result
from flask import Flask
from sqlalchemy import select

from app.accounts.models import ApiKey
from app.core.extensions import db
from tests.api.desk import Program
from tests.factories import a_supervisor


def desk(app: Flask, *words: str, typed: str | None = None) -> Result:
    return app.test_cli_runner().invoke(args=["desk", *words], input=typed)


def test_a_key_stands_alone_on_the_last_line(app: Flask) -> None:
    a_supervisor(name="sue")
    db.session.commit()

    made = desk(
        app, "api-key", "create", "--user", "sue", "--scopes", "tickets:read", "tickets:write", "--name", "Importer"
    )

    assert made.exit_code == 0, made.output
    assert made.stdout.splitlines()[-1].startswith("dsk_")
    key = db.session.scalars(select(ApiKey)).one()
    assert (key.scopes, key.name) == ("tickets:read tickets:write", "Importer")
    assert Program(app.test_client(), made.stdout.splitlines()[-1]).get("/tickets").status_code == 200


def test_scopes_may_be_given_in_any_way(app: Flask) -> None:
    a_supervisor(name="sue")
    db.session.commit()

    for words in (
        ("--scopes", "tickets:read,tickets:write"),
        ("--scopes", "tickets:read", "--scopes", "tickets:write"),
        ("--scopes", "tickets:read tickets:write"),
    ):
        assert desk(app, "api-key", "create", *words, "--user", "sue").exit_code == 0

    assert set(db.session.scalars(select(ApiKey.scopes))) == {"tickets:read tickets:write"}


def test_nobodys_key_and_a_scope_that_does_not_exist_are_refused(app: Flask) -> None:
    a_supervisor(name="sue")
    db.session.commit()

    nobody, scope = (
        desk(app, "api-key", "create", "--user", "nobody", "--scopes", "*"),
        desk(app, "api-key", "create", "--user", "sue", "--scopes", "all"),
    )

    assert (nobody.exit_code, scope.exit_code) == (1, 1)
    assert "nobody" in nobody.stderr
    assert "all" in scope.stderr
    assert nobody.stdout + scope.stdout == ""


def test_status_says_every_part_on_a_line(app: Flask) -> None:
    told = desk(app, "status")

    assert told.exit_code == 1, "the desk of the tests has no queue"
    assert [line.split()[0] for line in told.stdout.splitlines()] == [
        "database",
        "migrations",
        "queue",
        "ticker",
        "outbox",
        "disk",
        "quarantine",
        "mailboxes",
        "data",
    ]
    assert "NOT OK" in told.stdout


def test_sla_cases_are_answered_line_by_line(app: Flask) -> None:
    case = {
        "id": "a",
        "kind": "auto_close",
        "now": "2026-01-09T00:00:00Z",
        "last_activity": "2026-01-01T00:00:00Z",
        "inactive_days": 8,
    }

    told = desk(
        app,
        "sla",
        "evaluate",
        typed="\n".join([json.dumps(case), "", "nonsense", '{"id": "b", "kind": "unknown"}', "[]"]),
    )

    answers = [json.loads(line) for line in told.stdout.splitlines()]
    assert answers[0] == {"id": "a", "result": True}
    assert [answer["id"] for answer in answers[1:]] == [None, "b", None]
    assert all("error" in answer for answer in answers[1:])


def test_a_folder_without_files_is_named(app: Flask, tmp_path: object) -> None:
    told = desk(app, "load", str(tmp_path))

    assert told.exit_code == 1
    assert "departments.csv" in told.stderr
    assert told.stdout == ""
