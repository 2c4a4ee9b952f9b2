"""The door by which a mail provider hands mails in: signed, no cookie and no key."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, jsonify, request

from app.core import limits
from app.core.errors import HelpdeskError
from app.core.extensions import csrf
from app.core.limits import Limit
from app.mail import hooks

MOST_REQUEST_BYTES = 26 * 1024 * 1024


def register(app: Flask) -> None:
    """Only the signature counts here, so no form of another site can act: that is why the CSRF check may be left out."""
    door = Blueprint("mail_hook", __name__)
    door.add_url_rule("/hooks/mail/<int:pk>", view_func=take, methods=["POST"])
    csrf.exempt(take)
    app.register_blueprint(door)


def take(pk: int) -> Response:
    """The body is the mail as it came. 202: it is kept, or was before."""
    request.max_content_length = MOST_REQUEST_BYTES
    said = request.headers
    try:
        row = hooks.take(pk, said.get("X-Deskhand-Timestamp", ""), said.get("X-Deskhand-Signature", ""), request.get_data(cache=False))  # fmt: skip
    except hooks.NotSigned as refusal:
        limits.spend(Limit.API_NETWORK, limits.network())
        return _refused(refusal)
    except HelpdeskError as refusal:
        return _refused(refusal)
    answer = jsonify({"state": row.state.value})
    answer.status_code = 202
    return answer


def _refused(refusal: HelpdeskError) -> Response:
    codes = {401: "unauthorized", 409: "conflict", 413: "too_large"}
    answer = jsonify({"error": {"code": codes[refusal.code], "message": str(refusal), "fields": {}}})
    answer.status_code = refusal.code
    return answer
