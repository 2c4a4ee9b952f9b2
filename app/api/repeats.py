"""A POST that comes twice under one Idempotency-Key has its effect once; both get the same answer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from flask import Response, g, request
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.api.models import IdempotentAnswer
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db

Answer = tuple[dict[str, Any] | Response, int]
LONGEST = 200
"""Characters of an Idempotency-Key."""


def once(key_id: int, handle: Callable[[], Answer]) -> Answer:
    """What `handle` answers, committed; of a repeated POST, what it answered before."""
    name = request.headers.get("Idempotency-Key", "")
    if request.method != "POST" or not name:
        answer = handle()
        db.session.commit()
        return answer
    if len(name) > LONGEST or not name.isprintable():
        raise Invalid(
            _("Some fields are not right."), {"Idempotency-Key": _("At most %(most)s characters.", most=LONGEST)}
        )
    digest = _digest()
    return _again(key_id, name, digest) or _first(key_id, name, digest, handle)


def _digest() -> str:
    """Of what is asked, and not of how it is packed: each try of an upload has its own boundary."""
    asked = hashlib.sha256(f"{request.method} {request.path}\n".encode())
    if request.mimetype != "multipart/form-data":
        asked.update(request.get_data(cache=True))
    for file in request.files.values():
        asked.update(f"{file.filename}\n".encode("utf-8", "replace") + file.read())
        file.seek(0)
    return asked.hexdigest()


def _again(key_id: int, name: str, digest: str) -> Answer | None:
    kept = db.session.scalar(
        select(IdempotentAnswer).where(IdempotentAnswer.api_key_id == key_id, IdempotentAnswer.key == name)
    )
    if kept is None:
        return None
    if kept.request_digest != digest:
        raise HelpdeskError(_("This Idempotency-Key was used for another request."))
    g.api_repeated = True
    return kept.answer, kept.status


def _first(key_id: int, name: str, digest: str, handle: Callable[[], Answer]) -> Answer:
    """The answer is kept in the transaction of its effect; of two at once, the second gets the first one's."""
    payload, status = handle()
    assert isinstance(payload, dict), "only GET answers with a file"
    db.session.add(IdempotentAnswer(api_key_id=key_id, key=name, request_digest=digest, status=status, answer=payload))
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        replayed = _again(key_id, name, digest)
        if replayed is None:
            raise
        return replayed
    return payload, status
