"""The floor: the least a page of this kind can cost. An empty Flask route and one indexed query on the same database."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

LATEST = "SELECT id, number, subject, last_activity_at FROM ticket WHERE live ORDER BY last_activity_at DESC, id DESC LIMIT 25"


def the_app() -> Flask:
    from flask import Flask
    from sqlalchemy import create_engine, text

    app = Flask(__name__)
    engine = create_engine(os.environ["DATABASE_URL"])
    latest = text(LATEST)

    @app.get("/")
    def floor() -> str:
        with engine.connect() as connection:
            return "\n".join(row.subject for row in connection.execute(latest))

    return app
