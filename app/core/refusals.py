"""What a refused or failed request answers: a sentence on a page, or the one error shape of the API."""

from __future__ import annotations

import errno
import logging
import secrets
from typing import Any

from flask import Flask, Response, g, jsonify, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.core.web import wants_json

log = logging.getLogger(__name__)

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FULL = ("is full", "disk i/o error", "no space left")
"""Words by which SQLite and PostgreSQL say that there is no room."""

CODES = {400: "bad_request", 401: "unauthorized", 403: "forbidden", 404: "not_found", 405: "method_not_allowed", 409: "conflict", 413: "too_large", 415: "unsupported_media_type", 422: "invalid", 429: "too_many_requests", 500: "internal", 503: "unavailable"}  # fmt: skip


def install(app: Flask) -> None:
    app.register_error_handler(HelpdeskError, refused)
    app.register_error_handler(CSRFError, stale_form)
    app.register_error_handler(HTTPException, failed)
    for kind in (OperationalError, InterfaceError, PoolTimeout):
        app.register_error_handler(kind, away)
    app.register_error_handler(Exception, broken)


def refused(refusal: HelpdeskError) -> Any:
    """A rule said no."""
    db.session.rollback()
    return answer(refusal.code, str(refusal), refusal.fields if isinstance(refusal, Invalid) else {})


def stale_form(problem: CSRFError) -> Any:
    return answer(
        400, _("This page was open for too long or came from elsewhere. Please go back, reload it and send it again.")
    )


def failed(problem: HTTPException) -> Any:
    """404, 405, 413 and their like."""
    if problem.code is None or problem.code < 400:
        return problem
    db.session.rollback()
    response = answer(problem.code, sentence(problem.code))
    for name, value in problem.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def away(problem: SQLAlchemyError | OSError) -> Any:
    """The database does not answer, is busy for too long, or has no room: it comes back, and nothing was changed."""
    try:
        db.session.rollback()
    except SQLAlchemyError:
        db.session.remove()
    log.warning("not ready for %s %s: %s", request.method, request.path, problem)
    full = isinstance(problem, OSError) or any(words in str(problem).lower() for words in FULL)
    response = answer(
        503, _("The desk's disk is full: it cannot save anything now. Nothing was changed.") if full else sentence(503)
    )
    response.headers["Retry-After"] = "5"
    return response


def broken(problem: Exception) -> Any:
    """Ours to mend: the person gets an id, the log gets the rest."""
    db.session.rollback()
    reference = g.get("request_id") or secrets.token_hex(8)
    log.exception("error %s on %s %s", reference, request.method, request.url_rule.rule if request.url_rule else "-")
    return answer(500, sentence(500), reference=reference)


def sentence(code: int) -> str:
    sentences = {
        400: _("We could not read this request."),
        401: _("Please sign in first."),
        403: _("You may not do this."),
        404: _("There is nothing here, or nothing that you may see."),
        405: _("This address does not take that."),
        413: _("This is larger than the desk takes."),
        429: _("That was a lot at once. Please wait a minute and try again."),
        500: _("Something went wrong on our side. Nothing was changed."),
        503: _("The desk is not ready. Please try again in a moment."),
    }
    return sentences.get(code, _("We could not do this."))


def answer(code: int, text: str, fields: dict[str, str] | None = None, reference: str | None = None) -> Response:
    """JSON for the API, a page for people."""
    if wants_json():
        response = jsonify(
            {
                "error": {
                    "code": CODES.get(code, "error"),
                    "message": text,
                    "fields": fields or {},
                    **({"reference": reference} if reference else {}),
                }
            }
        )
    else:
        response = Response(
            render_template("errors/error.html", code=code, sentence=text, fields=fields or {}, error_id=reference)
        )
    response.status_code = code
    return response
