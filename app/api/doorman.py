"""Who calls, with which key, and for what: asked before any handler runs."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable
from typing import Any

from flask import Response, g, jsonify, request
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError

from app.accounts import bounds, keys
from app.accounts.models import ApiKey
from app.accounts.viewer import Viewer, viewer
from app.api import repeats
from app.api.fields import LARGEST_BODY_BYTES
from app.api.repeats import Answer
from app.core import clock, limits
from app.core.errors import Forbidden, HelpdeskError
from app.core.limits import Limit

NOTED_EVERY = dt.timedelta(minutes=1)
"""How exactly `last_used_at` is kept. Reading never writes, so only requests that change something are noted."""
READING = ("GET", "HEAD", "OPTIONS")
EVERYTHING = "*"


class NoKey(HelpdeskError):
    code = 401

    def __init__(self) -> None:
        super().__init__(_("Send a valid key as “Authorization: Bearer …”."))


class Crossed(HelpdeskError):
    def __init__(self) -> None:
        super().__init__(_("Somebody changed the same at the same time. Please try again."))


def caller() -> Viewer:
    """The staff user whose key this is, with their rights of this moment, as far as the key was given them."""
    return g.api_caller


def demand(verb: str, view: str) -> None:
    """Raise Forbidden when the key's owner has no right to that."""
    if not caller().can(verb, view):
        raise Forbidden(_("The owner of this key may not do this."))


def guarded(scope: str, handler: Callable[..., Answer]) -> Callable[..., Response]:
    """The handler for keys with `scope`; what it did is committed, then answered as JSON."""

    @functools.wraps(handler)
    def run(**arguments: Any) -> Response:
        key = present_key()
        if not has_scope(key, scope):
            raise Forbidden(_("This key lacks the scope %(scope)s.", scope=scope))
        if request.mimetype != "multipart/form-data":
            request.max_content_length = LARGEST_BODY_BYTES
        try:
            answer = repeats.once(key.id, lambda: handler(**arguments))
        except IntegrityError:
            raise Crossed
        return _json(*answer)

    return run


def present_key() -> ApiKey:
    """The key of this request; NoKey when there is none, or its owner is gone. A right one is never refused for wrong ones from the same network."""
    scheme, _blank, secret = request.headers.get("Authorization", "").partition(" ")
    key = keys.find(secret.strip()) if scheme.lower() == "bearer" and secret else None
    owner = viewer(key.user_id) if key is not None else None
    if key is None or owner is None:
        if secret:
            limits.spend(Limit.API_NETWORK, limits.network())
        raise NoKey
    limits.spend(Limit.API_KEY, key.id)
    if request.method not in READING and (key.last_used_at is None or clock.now() - key.last_used_at > NOTED_EVERY):
        key.last_used_at = clock.now()
    g.api_caller = bounds.within(owner, key.given)
    return key


def has_scope(key: ApiKey, scope: str) -> bool:
    return not {EVERYTHING, scope}.isdisjoint(key.scopes.split())


def _json(payload: dict[str, Any] | Response, status: int) -> Response:
    response = payload if isinstance(payload, Response) else jsonify(payload)
    response.status_code = status
    if g.pop("api_repeated", False):
        response.headers["Idempotency-Replayed"] = "true"
    return response
