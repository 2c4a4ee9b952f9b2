"""Places for tests: the app on both databases, a client, the outbox, a clock. People and tickets come from tests/factories.py."""

import functools
import gc
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

os.environ.update(
    DESKHAND_DATA=tempfile.mkdtemp(prefix="desk-test-"),
    SECRET_KEY="a key for the tests alone, never for a desk",
    DESKHAND_PROFILE="demo",
    DESKHAND_DEMO_PASSWORD="a password of the tests",
)
for name in ("DATABASE_URL", "REDIS_URL", "MAIL_URL", "STORAGE_URL", "PUBLIC_URL"):
    os.environ.pop(name, None)

from flask import Flask, g  # noqa: E402  # config.py reads the environment when it is imported
from flask.testing import FlaskClient  # noqa: E402
from sqlalchemy import Connection, Table, TextClause, event, text  # noqa: E402

from tests import postgres, setups  # noqa: E402
from tests.security import headers  # noqa: E402

SEEDED = (
    "rights_version",
    "ticket_number",
    "calendar",
    "mailbox",
    "department",
    "category",
    "priority",
    "status",
    "link_type",
    "activity_type",
    "setting",
    "role_scope",
    "sla_policy",
    "sla_target",
)
"""Tables that the set-up step fills: their rows are put back after each test; every other table of ours is emptied."""
FAB_KEEPS = {
    "ab_permission",
    "ab_view_menu",
    "ab_permission_view",
    "ab_role",
    "ab_permission_view_role",
    "alembic_version",
}


FIRST, LAST = ("faults", "security", "run"), ("journeys",)
"""Folders. What takes minutes begins first, or one core would work on the last of it alone; the browser's turn comes when nobody kills
processes beside it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _turn(item.path.relative_to(Path(__file__).parent).parts[0]))


def _turn(folder: str) -> int:
    return FIRST.index(folder) if folder in FIRST else len(FIRST) + (folder in LAST)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A URL of a server of our own."""
    url, stop = postgres.start()
    yield url
    for desk in _desks.values():  # connections end before their server does
        with desk.app_context():
            from app.core.extensions import db

            db.engine.dispose()
    stop()


_desks: dict[str, Flask] = {}
"""Made once a database and kept: pytest asks for the fixture anew whenever the database changes from one test to the next."""


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The whole desk, set up as at a first start, without a queue: what is in the outbox is run by `run_jobs()`."""
    if request.param not in _desks:
        home = tmp_path_factory.mktemp(request.param)
        server = request.getfixturevalue("postgresql") if request.param == "postgresql" else ""
        _desks[request.param] = a_desk(setups.ready(server, home, f"desk_{os.getpid()}"), home)
        gc.freeze()  # it stays to the end: without this, every look for what nobody holds any more would go through all of it
    return _desks[request.param]


def a_desk(url: str, home: Path) -> Flask:
    """On a database that is set up."""
    from app import create_app

    desk = create_app(
        SQLALCHEMY_DATABASE_URI=url,
        TESTING=True,
        QUEUE_OFF=True,
        WTF_CSRF_ENABLED=False,
        STORAGE_URL=f"file://{home / 'files'}",
        SERVER_NAME=None,
    )
    desk.test_client_class = DeskClient
    desk.wsgi_app = headers.Checked(desk.wsgi_app)  # type: ignore[method-assign]  # every response of the suite
    with desk.app_context():
        begin(desk)
    return desk


def begin(desk: Flask) -> None:
    """Replies leave at once: most tests speak of what a reply does; those of the moment in which it can be taken back give it one."""
    from app.core import audit
    from app.core.extensions import db
    from app.settings.desk import change

    with audit.silent():
        change({"undo_send_seconds": 0})
        db.session.commit()
    desk.extensions["seeded_rows"] = _read_seeded()


Rows = dict[str, list[dict[str, object]]]
"""By table."""


def _read_seeded() -> Rows:
    from app.core.extensions import db

    with db.engine.connect() as connection:
        return _rows_of_seeded(connection)


def _rows_of_seeded(connection: Connection) -> Rows:
    return {
        table.name: [dict(row._mapping) for row in connection.execute(table.select())]
        for table in _ours()
        if table.name in SEEDED
    }


@functools.cache
def _ours() -> tuple[Table, ...]:
    """None before those that it refers to."""
    from app.core.model import Base

    return tuple(table for table in Base.metadata.sorted_tables if table.name not in FAB_KEEPS)


@pytest.fixture(autouse=True)
def clean(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test commits for real, and leaves the desk as the set-up step left it."""
    if "app" not in request.fixturenames:
        yield
        return
    desk = request.getfixturevalue("app")
    with desk.app_context():
        yield
        _empty(desk)


def _empty(desk: Flask) -> None:
    from app.accounts.viewer import forget_kept
    from app.core import limits
    from app.core.extensions import db

    db.session.remove()
    g.pop("desk_settings", None)
    with db.engine.begin() as connection:
        _put_back(connection, desk.extensions["seeded_rows"])
        for name in desk.extensions.get("search_tables", ()):
            connection.execute(text(f"DELETE FROM {name}"))
    forget_kept()
    limits.forget_all()


def _put_back(connection: Connection, seeded: Rows) -> None:
    """Asks first which tables the test has left otherwise: they are few, and a statement for each of all takes longer than most tests."""
    _empty_audit(connection)
    otherwise = _filled(connection) | _no_longer(seeded, connection)
    tables = [table for table in _ours() if table.name in otherwise]
    for table in reversed(tables):
        connection.execute(table.delete())
    for table in tables:
        if seeded.get(table.name):
            connection.execute(table.insert(), seeded[table.name])


def _filled(connection: Connection) -> set[str]:
    return set(connection.scalars(_which_are_filled()))


@functools.cache
def _which_are_filled() -> TextClause:
    names = [table.name for table in _ours() if table.name not in SEEDED]
    return text(" UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in names))


def _no_longer(seeded: Rows, connection: Connection) -> set[str]:
    """The seeded tables with other rows than then, and those that refer to them."""
    now = _rows_of_seeded(connection)
    found = {name for name, rows in seeded.items() if sorted(map(repr, rows)) != sorted(map(repr, now[name]))}
    for table in _ours():
        if table.name in SEEDED and any(key.column.table.name in found for key in table.foreign_keys):
            found.add(table.name)
    return found


def _empty_audit(connection: Connection) -> None:
    """It refuses to be emptied; only whoever may change the tables themselves gets past its triggers."""
    if connection.scalar(text("SELECT 1 FROM audit LIMIT 1")):
        from app.core.audit import unguarded

        with unguarded(connection):
            connection.execute(text("DELETE FROM audit"))


class DeskClient(FlaskClient):
    """Each request begins with an empty `g`, as in the running desk: tests hold an app context open, which Flask reuses."""

    def open(self, *arguments, **more):  # type: ignore[no-untyped-def]
        self._forget()
        try:
            return super().open(*arguments, **more)
        finally:
            self._forget()

    def _forget(self) -> None:
        for name in list(g):
            g.pop(name)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def at_most(app: Flask) -> Callable[[int], AbstractContextManager[list[str]]]:
    """`with at_most(8):` fails when the block runs more statements than that; it yields them."""
    from app.core.extensions import db

    @contextmanager
    def counted(most: int) -> Iterator[list[str]]:
        seen: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            seen.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        assert len(seen) <= most, f"{len(seen)} statements, at most {most}:\n" + "\n".join(seen)

    return counted


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser for journeys; without one the test is skipped, on CI it fails."""
    for place in ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"):
        if Path(place).exists():
            return place
    if os.environ.get("CI"):
        pytest.fail("CI has to have Chromium")
    pytest.skip("no Chromium on this machine")


CAREFUL = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)
"""How Chromium is started: it asks nobody outside this machine."""


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator["Browser"]:
    """One for all tests of a process: Playwright allows no second one beside it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CAREFUL))
        yield browser
        browser.close()
