"""Every address that changes something, asked by everybody about their own and about others' objects. The desk is put back after each."""

from __future__ import annotations

import dataclasses as dc
import io
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from flask import Flask
from sqlalchemy import Table, make_url, select
from werkzeug.routing import Rule

from app.accounts.models import Department
from app.accounts.viewer import forget_kept
from app.core.extensions import db
from app.core.model import Base
from app.tickets.choices import Priority, State, Status
from tests.factories import multipart
from tests.security import forms, sweep
from tests.security import world as worlds
from tests.security.sweep import Visit
from tests.security.world import Who, World

CHANGING = ("POST", "PUT", "PATCH", "DELETE")
NOTED = ("last_used_at", "last_seen_at", "seen_at")
"""Columns that may be written for somebody who is refused: when a key or session was used."""
BESIDES = ("audit",)
"""Beginnings of tables that grow by a refusal, too: they keep who tried what."""
JSON: dict[str, dict[str, Any]] = {
    "/api/v1/tickets": {"subject": "New", "body": "Words", "customer": {"email": "new@form.test"}},
    "/api/v1/tickets/<int:number>": {"subject": "Another"},
    "/api/v1/tickets/<int:number>/replies": {"body": "Words"},
    "/api/v1/tickets/<int:number>/notes": {"body": "Words"},
    "/api/v1/tickets/<int:number>/merge": {"into": 1},
    "/api/v1/tickets/<int:number>/split": {"subject": "Apart", "message_id": 1},
    "/api/v1/tickets/<int:number>/move": {"to": 1, "message_id": 1},
    "/api/v1/tickets/<int:number>/links": {"type": "blocks", "number": 1},
    "/api/v1/tickets/<int:number>/tasks": {"title": "New"},
    "/api/v1/tickets/<int:number>/suppliers": {"supplier": "canarysupplierxq Works 1002"},
    "/api/v1/tickets/<int:number>/questions": {
        "to": "canarysupplierxq1001@maker.test",
        "subject": "New",
        "body": "Words",
    },
    "/api/v1/tasks/<int:task_id>": {"state": "done"},
    "/api/v1/customers": {"email": "new@form.test", "name": "New"},
    "/api/v1/customers/<int:customer_id>": {"name": "Another"},
}
"""What a program sends; nothing where nothing is taken."""
TYPED: dict[str, dict[str, str]] = {
    "/admin/tickets/<int:number>/messages": {"kind": "reply", "body": "An answer"},
    "/admin/tickets/<int:number>/draft": {"kind": "reply", "body": "A draft", "mark": "a tab", "turn": "1"},
    "/admin/tickets/<int:number>/properties": {"subject": "Another"},
    "/admin/tickets/<int:number>/tags": {"add": "fresh"},
    "/admin/tickets/<int:number>/suppliers": {"add": "2"},
    "/admin/tickets/<int:number>/suppliers/accept": {"message": "1"},
    "/admin/tickets/<int:number>/further": {"add": "person:1"},
    "/admin/my-day/<int:number>/snooze": {"snooze": "tomorrow"},
    "/admin/my-day/<int:number>/done": {"what": "follow_up"},
    "/admin/tickets/<int:number>/tasks/new": {"title": "New"},
    "/admin/tasks/new": {"title": "New"},
    "/admin/tickets/new": {"email": "someone@form.test", "subject": "New", "body": "Words"},
    "/admin/tickets/add": {"email": "someone@form.test", "subject": "New", "body": "Words"},
    "/portal/login": {"email": "ada@own.test", "how": "link"},
    "/forgotten/": {"login": "agent"},
    "/portal/contact": {"name": "Somebody", "email": "someone@form.test", "subject": "New", "message": "Words"},
    "/portal/tickets/new": {"subject": "New", "message": "Words", "category": ""},
    "/portal/account": {"name": "Another"},
    "/admin/availability": {"availability": "away"},
    "/admin/me/signature": {"signature": "Yours"},
    "/admin/mail-lab/write": {"sender": "someone@form.test", "name": "S", "subject": "New", "text": "Words"},
    "/admin/mail-lab/<int:delivery_id>/answer": {"text": "Words"},
    "/admin/mail-lab/<int:delivery_id>/returns": {"kind": "away"},
    "/admin/mail-lab/in/<int:raw_id>/what-if": {"then": "deliver"},
    "/admin/mail-lab/what-if": {"pasted": "From: someone@form.test\nSubject: New\n\nWords", "then": "deliver"},
    "/admin/mail-lab/deliver": {"kept": "RnJvbTogc29tZW9uZUBmb3JtLnRlc3QKClMK"},
    "/admin/mail-lab/server": {"play": "greylists"},
}
"""Instead of what a form would send by itself, where that would change nothing or is made by a script."""


@dc.dataclass(frozen=True)
class Attempt:
    """One try of one person, and whether it left a trace."""

    visit: Visit
    method: str
    changed: bool

    @property
    def outcome(self) -> str:
        return self.visit.outcome + ("+" if self.changed else "")


class Snapshot:
    """The rows of a SQLite desk at one moment, to be put back any number of times."""

    def __init__(self, app: Flask) -> None:
        self.file = make_url(app.config["SQLALCHEMY_DATABASE_URI"]).database
        self.kept = sqlite3.connect(":memory:", check_same_thread=False)
        now = sqlite3.connect(self.file)
        now.backup(self.kept)
        now.close()
        self.was = {table.name: _rows(self.kept, table) for table in Base.metadata.sorted_tables}

    def put_back(self) -> None:
        desk = sqlite3.connect(self.file)
        desk.execute("PRAGMA synchronous=OFF")
        self.kept.backup(desk)
        desk.close()
        forget_kept()

    def changed(self, wrote: Iterable[str] = (), besides: tuple[str, ...] = ()) -> bool:
        """Whether a table holds other rows than then. Those that the statements name are looked at first: they mostly tell."""
        named = set(" ".join(wrote).replace('"', " ").split())
        tables = [table for table in Base.metadata.sorted_tables if not table.name.startswith(besides)]
        desk = sqlite3.connect(self.file)
        try:
            return any(
                _rows(desk, table) != self.was[table.name]
                for table in sorted(tables, key=lambda table: table.name not in named)
            )
        finally:
            desk.close()


def _rows(desk: sqlite3.Connection, table: Table) -> list[str]:
    columns = ", ".join(f'"{column.name}"' for column in table.columns if column.name not in NOTED)
    return sorted(map(repr, desk.execute(f'SELECT {columns} FROM "{table.name}"')))


@dc.dataclass(frozen=True)
class Ground:
    """What the tries of everybody begin with."""

    world: World
    values: dict[str, str]
    snapshot: Snapshot
    known: dict[str, forms.Form]


def of(app: Flask, who: Who) -> list[Attempt]:
    """This person's, made by the first test that asks."""
    made: dict[Who, list[Attempt]] = app.extensions.setdefault("attempts", {})
    if who not in made:
        ground = _ground(app)
        made[who] = sweep.apart(lambda: list(_all(app, ground, who)))
    return made[who]


def _ground(app: Flask) -> Ground:
    """Of the first who asks; for all others it is put back."""
    if "ground" not in app.extensions:
        world, values = worlds.build(app), _values()
        db.session.remove()
        snapshot = Snapshot(app)
        app.extensions["ground"] = Ground(world, values, snapshot, sweep.apart(lambda: forms.of_desk(app, world)))
    ground: Ground = app.extensions["ground"]
    db.session.remove()
    ground.snapshot.put_back()
    return ground


def _values() -> dict[str, str]:
    """For the actions on tickets: what each is to set."""
    return {
        "set_status": str(db.session.scalars(select(Status.id).where(Status.state == State.HOLD)).first()),
        "set_priority": str(db.session.scalars(select(Priority.id).where(Priority.rank == 4)).first()),
        "set_department": str(db.session.scalars(select(Department.id).order_by(Department.id.desc())).first()),
        "assign": "me",
        "add_tag": "fresh",
    }


def _all(app: Flask, ground: Ground, who: Who) -> Iterator[Attempt]:
    world, snapshot = ground.world, ground.snapshot
    for rule in sweep.rules(app, *CHANGING):
        for named, whose, path, body in requests(app, world, rule, ground.known, ground.values):
            for method in sorted((rule.methods or set()) & set(CHANGING)):
                came = sweep.visit(app, world, who, f"{method} {named}", whose, path, method, **wrapped(path, body))
                changed = bool(came.wrote) and snapshot.changed(came.wrote, besides=BESIDES)
                if came.wrote:
                    snapshot.put_back()
                yield Attempt(came, method, changed)


def requests(
    app: Flask, world: World, rule: Rule, known: dict[str, forms.Form], values: dict[str, str]
) -> Iterator[tuple[str, str, str, Any]]:
    """Name in the table, whose, path and body. An action of a generated page is an address of its own."""
    view = next((view for view in app.appbuilder.baseviews if view.endpoint == rule.endpoint.partition(".")[0]), None)  # type: ignore[attr-defined]
    if rule.endpoint.endswith((".action", ".action_post")) and view is not None:
        if not view.actions:
            yield (
                rule.rule,
                "-",
                rule.rule.replace("<string:name>/<pk>", "nothing/1"),
                {"action": "nothing", "rowid": "1"},
            )
        for name in view.actions:
            yield from _actions(world, rule, view, name, values.get(name, ""))
        return
    for whose, path in sweep.addresses(rule, world):
        yield rule.rule, whose, path, _body(rule, known)


def _actions(world: World, rule: Rule, view: Any, name: str, value: str) -> Iterator[tuple[str, str, str, Any]]:
    for whose, row in zip(("own", "foreign"), world.rows.get(view.endpoint, (1, 999_999)), strict=True):
        body = {"action": name, "rowid": str(row), "value": value, "tag": value}
        path = rule.rule.replace("<string:name>", name).replace("<pk>", str(row))
        yield (
            f"{rule.rule.replace('<string:name>', name)}{'=' + name if '<' not in rule.rule else ''}",
            whose,
            path,
            body,
        )


def _body(rule: Rule, known: dict[str, forms.Form]) -> Any:
    if rule.rule.startswith("/api/"):
        return JSON.get(rule.rule)
    if rule.rule in TYPED:
        return TYPED[rule.rule]
    return _joined(known[rule.rule].filled()) if rule.rule in known else {"message": "Words", "body": "Words"}


def _joined(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for name, value in pairs:
        body[name] = [*body.get(name, []), value]
    return body


def wrapped(path: str, body: Any) -> dict[str, Any]:
    """As the arguments of a client."""
    if path.endswith(("/attachments", "/portal/files")):
        return multipart({"file": (io.BytesIO(b"words"), "a.txt")})
    if path.startswith("/api/"):
        return {"json": body} if body is not None else {}
    return {"data": body}
