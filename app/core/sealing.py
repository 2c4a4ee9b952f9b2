"""Secrets that the desk has to use and nobody has to read: sealed in the database by keys that are derived from SECRET_KEY."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app


def seal(purpose: str, secret: str) -> str:
    """For a column. A key of its own for each purpose: what was sealed for one opens for no other."""
    return _box(purpose).encrypt(secret.encode()).decode()


def opened(purpose: str, sealed: str | None) -> str | None:
    """None when SECRET_KEY is another one than when it was sealed, or there is nothing."""
    try:
        return _box(purpose).decrypt(sealed.encode()).decode() if sealed else None
    except InvalidToken:
        return None


def _box(purpose: str) -> MultiFernet:
    """Seals by the present key, opens by older ones too."""
    secrets = (current_app.config["SECRET_KEY"], *(current_app.config.get("SECRET_KEY_FALLBACKS") or ()))
    return MultiFernet([_fernet(purpose, secret) for secret in secrets])


def _fernet(purpose: str, secret: object) -> Fernet:
    key = HKDF(SHA256(), length=32, salt=None, info=f"deskhand {purpose}".encode())
    return Fernet(base64.urlsafe_b64encode(key.derive(str(secret).encode())))
