"""What each kind of API key opens. The answers stand in keys.txt."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from app.accounts import keys
from app.core import clock
from app.core.extensions import db
from tests.factories import staff
from tests.security import sweep, tables, writes
from tests.security import world as worlds
from tests.security.world import World

TABLE = Path(__file__).with_name("keys.txt")
SCOPED = {"read": "tickets:read", "write": "tickets:write", "people": "customers:read", "change": "customers:write", "admin": "desk:admin", "all": "*"}  # fmt: skip
KINDS = ("none", "wrong", "basic", "asked", "revoked", "ended", "gone", *SCOPED)
"""none · a made-up one · a true one as a password · a true one in the address · revoked · ended · of somebody switched off · by scope."""
pytestmark = pytest.mark.parametrize("app", ["sqlite"], indirect=True)


@dc.dataclass(frozen=True)
class Try:
    kind: str
    name: str
    whose: str
    method: str
    path: str


def test_every_key_opens_what_the_table_says(app: Flask) -> None:
    world = worlds.build(app)
    secrets = _keys()
    db.session.commit()
    db.session.remove()
    snapshot = writes.Snapshot(app)

    found: dict[tuple[str, str], dict[str, str]] = {}
    for each in tries(app, world):
        answer = sweep.apart(lambda each=each: _ask(app, each, secrets))
        changed = snapshot.changed()
        if each.method != "GET":
            snapshot.put_back()
        found.setdefault((each.name, each.whose), {})[each.kind] = answer + ("+" if changed else "")

    tables.hold(TABLE, found, KINDS)


def _keys() -> dict[str, str]:
    """Of the strongest person: nothing but the key is in the way."""
    owner = db.session.scalars(select(User.id).where(User.username == "super")).one()
    secrets = {kind: keys.make(kind, owner, [scope])[1] for kind, scope in SCOPED.items()}
    secrets |= {"wrong": "dsk_" + "x" * 43, "basic": secrets["all"], "asked": secrets["all"]}
    revoked, secrets["revoked"] = keys.make("revoked", owner, ["*"])
    ended, secrets["ended"] = keys.make("ended", owner, ["*"])
    revoked.revoked_at, ended.expires_at = clock.now(), clock.now() - dt.timedelta(seconds=1)
    gone = staff("Super Admin")
    gone.active = False
    secrets["gone"] = keys.make("gone", gone.id, ["*"])[1]
    return secrets


def tries(app: Flask, world: World) -> Iterator[Try]:
    for rule in sweep.rules(app, "GET", *writes.CHANGING):
        for method in (
            sorted((rule.methods or set()) & {"GET", *writes.CHANGING}) if rule.rule.startswith("/api/") else ()
        ):
            for whose, path in sweep.addresses(rule, world):
                for kind in KINDS:
                    yield Try(kind, f"{method} {rule.rule}", whose, method, path)


def _ask(app: Flask, each: Try, secrets: dict[str, str]) -> str:
    secret, headers, path = secrets.get(each.kind, ""), {}, each.path
    if each.kind == "asked":
        path = f"{path}?key={secret}&access_token={secret}&token={secret}"
    elif each.kind != "none":
        headers["Authorization"] = f"{'Basic' if each.kind == 'basic' else 'Bearer'} {secret}"
    body = writes.JSON.get(each.name.partition(" ")[2]) if each.method != "GET" else None
    client = FlaskClient(app, app.response_class)
    answer = client.open(
        path,
        method=each.method,
        headers=headers,
        **writes.wrapped(each.path if each.method != "GET" else "/api/", body),
    )
    answer.close()
    return str(answer.status_code)
