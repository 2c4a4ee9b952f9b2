"""The API's door: one blueprint at /api/v1, made from the table of routes."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, jsonify

from app.api.document import document
from app.api.doorman import guarded
from app.api.routes import ROUTES
from app.core.extensions import csrf

PREFIX = "/api/v1"


def register(app: Flask) -> None:
    """No cookie counts here, so no form of another site can act: that is why the CSRF check may be left out."""
    api = Blueprint("api", __name__, url_prefix=PREFIX)
    for route in ROUTES:
        api.add_url_rule(
            route.rule, endpoint=route.name, view_func=guarded(route.scope, route.handler), methods=[route.method]
        )
    api.add_url_rule("/openapi.json", view_func=openapi)
    api.after_request(_say_how_to_come_in)
    csrf.exempt(api)
    app.register_blueprint(api)


def openapi() -> Response:
    """For everybody: it tells shapes and no content."""
    return jsonify(document())


def _say_how_to_come_in(response: Response) -> Response:
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
