"""API keys: made, shown once, found by their hash."""

from __future__ import annotations

import hashlib
import secrets

from flask_babel import gettext as _
from sqlalchemy import select

from app.accounts import bounds
from app.accounts.models import ApiKey
from app.accounts.viewer import Viewer, viewer
from app.core import clock
from app.core.errors import Invalid
from app.core.extensions import db

SCOPES = ("tickets:read", "tickets:write", "customers:read", "customers:write", "desk:admin", "*")
MARK = "dsk_"
"""Begins every key, so that scanners of code find one that was committed by mistake."""


def make(name: str, user_id: int, scopes: list[str]) -> tuple[ApiKey, str]:
    """A new key and its secret, which nobody can read again. Does not commit."""
    key = ApiKey(name=name, user_id=user_id)
    secret = fill(key, scopes, viewer(user_id))
    db.session.add(key)
    return key, secret


def fill(key: ApiKey, scopes: list[str], owner: Viewer | None) -> str:
    """Give a new row its hash, scopes and bounds and return the secret. Raises Invalid for a scope that does not exist."""
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise Invalid(
            _("These scopes do not exist: %(names)s", names=", ".join(unknown) or "–"),
            {"scopes": _("Choose from %(names)s.", names=", ".join(SCOPES))},
        )
    secret = MARK + secrets.token_urlsafe(32)
    key.scopes, key.key_hash, key.prefix = " ".join(sorted(set(scopes))), digest(secret), secret[:8]
    key.given = bounds.written(owner) if owner is not None else ""
    return secret


def bind_old() -> None:
    """Keys of before there were bounds get those of their owner now. Does not commit."""
    for key in db.session.scalars(select(ApiKey).where(ApiKey.given == "", ApiKey.revoked_at.is_(None))):
        owner = viewer(key.user_id)
        key.given = bounds.written(owner) if owner is not None else ""


def find(secret: str) -> ApiKey | None:
    """The key of this secret, unless it was revoked or has ended."""
    key = db.session.scalar(select(ApiKey).where(ApiKey.key_hash == digest(secret)))
    if key is None or key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= clock.now()):
        return None
    return key


def digest(secret: str) -> str:
    """256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
