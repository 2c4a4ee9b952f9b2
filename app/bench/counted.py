"""The desk as production serves it, and with each answer the number of its SQL statements. Served by the bench alone."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from app.run import loaded

if TYPE_CHECKING:
    from flask import Flask, Response

HEADER = "X-Statements"
_statements: ContextVar[int] = ContextVar("statements", default=0)


def the_app() -> Flask:
    from sqlalchemy import event

    from app.core.extensions import db

    app = loaded.the_app()
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", _count)
    app.before_request_funcs.setdefault(None, []).insert(0, _begin)
    app.after_request(_say)
    return app


def _begin() -> None:
    _statements.set(0)


def _count(*_: object) -> None:
    _statements.set(_statements.get() + 1)


def _say(response: Response) -> Response:
    response.headers[HEADER] = str(_statements.get())
    return response
