"""A desk whose staff sign in elsewhere: made anew for each way, on SQLite, with rows of its own."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

Made = Callable[..., Flask]


@pytest.fixture(scope="session")
def a_fresh_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Set up once and copied by each test."""
    from app import create_app
    from app.core.extensions import db
    from app.desk.setup import set_up

    file = tmp_path_factory.mktemp("fresh") / "desk.sqlite3"
    desk = create_app(SQLALCHEMY_DATABASE_URI=f"sqlite:///{file}", TESTING=True, QUEUE_OFF=True)
    with desk.app_context():
        set_up()
        db.session.remove()
        db.engine.dispose()
    return file


@pytest.fixture
def a_desk(a_fresh_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    """`a_desk(AUTH_TYPE="oauth", …)`: the environment of a start, the desk it makes. Its app context stays open during the test."""
    contexts = []

    def make(**environment: str) -> Flask:
        from app import create_app
        from app.accounts import signon
        from tests.conftest import DeskClient

        shutil.copy(a_fresh_database, tmp_path / "desk.sqlite3")
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        desk = create_app(
            **signon.configuration(), SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path / 'desk.sqlite3'}", TESTING=True, QUEUE_OFF=True,
            WTF_CSRF_ENABLED=False, STORAGE_URL=f"file://{tmp_path / 'files'}", LIMITS_ON=False,
        )  # fmt: skip
        desk.test_client_class = DeskClient
        context = desk.app_context()
        context.push()
        contexts.append(context)
        return desk

    yield make
    from app.accounts.viewer import forget_kept
    from app.core.extensions import db

    for context in contexts:
        db.session.remove()
        db.engine.dispose()
        context.pop()
    forget_kept()
