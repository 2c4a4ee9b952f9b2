"""Every GET of the desk by everybody, once a database: the tests of this folder read what came back."""

from __future__ import annotations

import dataclasses as dc
import hashlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from werkzeug.routing import Rule

from app.core.extensions import db
from app.core.model import Base
from tests.security import world as worlds
from tests.security.world import COMMON, STAFF, Who, World

T = TypeVar("T")
SEEN = ("UPDATE signed_in SET last_seen_at", "INSERT INTO audit")
"""Any request may note that a session is in use, once a minute; an export and a look at a one-time link are in the audit log."""
WRITING = ("INSERT", "UPDATE", "DELETE", "REPLACE", "TRUNCATE", "DROP", "ALTER")
FURTHER = (
    "/admin/tickets/?view=everything", f"/admin/tickets/?q={COMMON}", "/admin/tickets/export.csv?view=everything", f"/admin/tickets/export.csv?q={COMMON}",
    "/admin/tickets/customers?q=e", "/admin/customers/list/?_flt_0_name=e", "/admin/mail-log/?state=captured", "/admin/jobs/?state=done", "/admin/dashboard?days=90",
    f"/portal/tickets?q={COMMON}", "/portal/tickets?tab=all", "/portal/tickets?tab=closed", f"/portal/tickets/new/suggest?subject={COMMON}", f"/help/?q={COMMON}",
    f"/api/v1/tickets?q={COMMON}", "/api/v1/tickets?limit=100", "/api/v1/customers?email=ada@own.test", "/api/v1/canned-responses?limit=100",
    "/api/v1/tickets?columns=html,notes,password_hash", "/api/v1/tickets?keys=list_columns,show_columns", "/api/v1/customers?select_columns=password_hash&order_by=password_hash",
    "/admin/staff/list/?_flt_0_password=pbkdf2&_oc_StaffView=password&_od_StaffView=asc", "/admin/api-keys/list/?_flt_0_key_hash=a&_oc_ApiKeyView=key_hash&_od_ApiKeyView=asc",
    f"/admin/canned/list/?_flt_2_title={COMMON}", "/admin/notifications/?before=999999999", "/admin/tickets/?view=everything&sort=requester", "/admin/dashboard?department=1",
)  # fmt: skip
"""Beside the bare rules: the same pages with questions that could make them say more."""


@dc.dataclass(frozen=True)
class Visit:
    """One request of one person, and what it did."""

    who: Who
    rule: str
    whose: str
    """own, foreign, or - for a rule without variables."""
    path: str
    status: int
    location: str
    headers: Any
    body: bytes
    wrote: tuple[str, ...]
    """The statements that wrote."""

    @property
    def outcome(self) -> str:
        """As routes.txt says it: the status, or `in` when somebody is led to a sign-in page."""
        return (
            "in"
            if self.status in (301, 302, 303, 308) and "/login" in self.location.partition("?")[0]
            else str(self.status)
        )


@dc.dataclass(frozen=True)
class Sweep:
    world: World
    visits: list[Visit]
    changed: list[str]
    """Tables whose rows were not the same afterwards."""


def of(app: Flask) -> Sweep:
    """Made by the first test that asks; what it returns is plain values, so it outlives the rows."""
    if "sweep" not in app.extensions:
        world = worlds.build(app)
        db.session.remove()
        before = hashes()
        visits = apart(lambda: list(_all(app, world)))
        after = hashes()
        app.extensions["sweep"] = Sweep(world, visits, [name for name in before if before[name] != after[name]])
    return app.extensions["sweep"]  # type: ignore[no-any-return]


def apart(deed: Callable[[], T]) -> T:
    """In a thread of its own, so that each request has its own app context, session and transaction, as in the running desk."""
    found: list[T] = []
    trouble: list[BaseException] = []

    def run() -> None:
        try:
            found.append(deed())
        except BaseException as error:  # handed to the test, whatever it is
            trouble.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if trouble:
        raise trouble[0]
    return found[0]


def _all(app: Flask, world: World) -> Iterator[Visit]:
    for rule in rules(app, "GET"):
        for whose, path in addresses(rule, world):
            for who in Who:
                yield visit(app, world, who, rule.rule, whose, path)
    for path in FURTHER:
        for who in Who:
            yield visit(app, world, who, path, "further", path)


def rules(app: Flask, *methods: str) -> list[Rule]:
    return sorted(
        (rule for rule in app.url_map.iter_rules() if set(methods) & (rule.methods or set())),
        key=lambda rule: rule.rule,
    )


def addresses(rule: Rule, world: World) -> Iterator[tuple[str, str]]:
    """The rule with its variables filled: once for one's own, once for foreign objects."""
    if not rule.arguments:
        yield "-", rule.rule
        return
    strange = rule.arguments - {"pk"} - set(world.own)
    assert not strange, f"Say in _ids() of tests/security/world.py what stands for {strange} in {rule}."
    for whose, ids in (("own", world.own), ("foreign", world.foreign)):
        values: dict[str, object] = {name: ids[name] for name in rule.arguments if name != "pk"}
        if "pk" in rule.arguments:
            values["pk"] = world.rows.get(rule.endpoint.partition(".")[0], (1, 999_999))[whose == "foreign"]
        built = rule.build(values, append_unknown=False)
        assert built is not None, rule
        yield whose, built[1]


def visit(
    app: Flask, world: World, who: Who, rule: str, whose: str, path: str, method: str = "GET", **more: Any
) -> Visit:
    """With this person's session; on the API with their key, which customers do not have."""
    client = FlaskClient(app, app.response_class, use_cookies=True)
    if who is not Who.ANONYMOUS:
        client.set_cookie(app.config["SESSION_COOKIE_NAME"], world.cookies[who])
    headers = dict(more.pop("headers", {}))
    if path.startswith("/api/") and who in STAFF:
        headers["Authorization"] = f"Bearer {world.keys[who]}"
    with writing(app) as wrote:
        answer = client.open(path, method=method, headers=headers, **more)
        body = answer.get_data()
        answer.close()
    return Visit(
        who,
        rule,
        whose,
        path,
        answer.status_code,
        answer.headers.get("Location", ""),
        answer.headers,
        body,
        tuple(wrote),
    )


class writing:
    """`with writing(app) as wrote:` collects the statements that wrote."""

    def __init__(self, app: Flask) -> None:
        with app.app_context():
            self.engine = db.engine
        self.wrote: list[str] = []

    def __enter__(self) -> list[str]:
        event.listen(self.engine, "before_cursor_execute", self._note)
        return self.wrote

    def __exit__(self, *_: object) -> None:
        event.remove(self.engine, "before_cursor_execute", self._note)

    def _note(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.lstrip().upper().startswith(WRITING) and not statement.startswith(SEEN):
            self.wrote.append(" ".join(statement.split())[:160])


def hashes() -> dict[str, str]:
    """A digest of all committed rows of each table. What the session holds is given up: it would lock SQLite."""
    db.session.rollback()
    found = {}
    with db.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            if table.name == "audit":
                continue
            columns = [column for column in table.columns if str(column) != "signed_in.last_seen_at"]
            rows = sorted(repr(tuple(row)) for row in connection.execute(select(*columns)))
            found[table.name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found
