"""A program that calls the API, for tests."""

from __future__ import annotations

import dataclasses as dc
import io
from typing import Any

from flask.testing import FlaskClient
from flask_appbuilder.security.sqla.models import User

from app.accounts import keys
from app.core.extensions import db
from tests.factories import multipart

Response = Any
API = "/api/v1"


@dc.dataclass(frozen=True)
class Program:
    """Calls with one key; addresses are relative to the API's."""

    client: FlaskClient
    secret: str

    def call(self, method: str, path: str, body: object = None, **more: Any) -> Response:
        headers = {"Authorization": f"Bearer {self.secret}", **more.pop("headers", {})}
        given = {"json": body} if body is not None else {}
        return self.client.open(API + path, method=method, headers=headers, **given, **more)

    def get(self, path: str, **more: Any) -> Response:
        return self.call("GET", path, **more)

    def post(self, path: str, body: object = None, **more: Any) -> Response:
        return self.call("POST", path, body, **more)

    def patch(self, path: str, body: object = None, **more: Any) -> Response:
        return self.call("PATCH", path, body, **more)

    def upload(self, content: bytes, name: str = "file.txt", path: str = "/attachments", **more: Any) -> Response:
        return self.call("POST", path, **multipart({"file": (io.BytesIO(content), name)}), **more)


def a_program(client: FlaskClient, owner: User, *scopes: str) -> Program:
    """Commits, as a program is never in the transaction of the test."""
    db.session.flush()
    _key, secret = keys.make("test", owner.id, list(scopes) or ["*"])
    db.session.commit()
    return Program(client, secret)


def refused(answer: Response, status: int, *fields: str) -> str:
    """The sentence of a refusal in the one shape, which names just these fields."""
    assert answer.status_code == status, answer.text
    assert set(answer.json) == {"error"}
    assert set(answer.json["error"]) == {"code", "message", "fields"}
    assert sorted(answer.json["error"]["fields"]) == sorted(fields), answer.json
    return str(answer.json["error"]["message"])
