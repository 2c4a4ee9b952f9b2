"""A desk whose staff sign in elsewhere: made anew for each way, on SQLite, with rows of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests import setups

Made = Callable[..., Flask]


@pytest.fixture
def a_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    """`a_desk(AUTH_TYPE="oauth", …)`: the environment of a start, the desk it makes. Its app context stays open during the test."""
    contexts = []

    def make(**environment: str) -> Flask:
        from app import create_app
        from app.accounts import signon
        from tests.conftest import DeskClient

        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        desk = create_app(
            **signon.configuration(), SQLALCHEMY_DATABASE_URI=setups.ready("", tmp_path, "desk"), TESTING=True, QUEUE_OFF=True,
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
