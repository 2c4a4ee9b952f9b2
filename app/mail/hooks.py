"""Mails that a provider hands in by HTTP: proven by a signature over instant and message, taken once."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock, sealing
from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.core.model import Base
from app.mail import incoming
from app.mail.boxes import Mailbox
from app.mail.models import RawMail, RawState

PURPOSE = "mailbox"
WINDOW = dt.timedelta(minutes=5)
"""How old, or how far ahead, the signed instant may be."""


class HookSeen(Base):
    """A signature that was used: its message is not taken a second time."""

    __tablename__ = "mail_hook_seen"

    signature: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(default=clock.now)


class NotSigned(HelpdeskError):
    code = 401

    def __init__(self) -> None:
        super().__init__(
            _("The signature is missing, wrong or older than %(minutes)s minutes.", minutes=WINDOW.seconds // 60)
        )


class Replayed(HelpdeskError):
    code = 409

    def __init__(self) -> None:
        super().__init__(_("This very delivery was taken before."))


class TooLarge(HelpdeskError):
    code = 413

    def __init__(self) -> None:
        super().__init__(_("A mail may have at most %(most)s MB.", most=incoming.MOST_BYTES // 1024**2))


def new_secret(box: Mailbox) -> str:
    """Shown once; an earlier one ends."""
    secret = "mbx_" + secrets.token_urlsafe(32)
    box.hook_secret = sealing.seal(PURPOSE, secret)
    return secret


def address(box: Mailbox) -> str:
    """Where a provider posts to."""
    return f"{current_app.config['PUBLIC_URL']}/hooks/mail/{box.id}"


def signature_of(secret: str, timestamp: str, body: bytes) -> str:
    """What the header has to say: HMAC-SHA256 over the seconds since 1970, a full stop and the body, in hex."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def take(box_id: int, timestamp: str, signature: str, body: bytes) -> RawMail:
    """Keep a signed mail for this mailbox. Commits. Raises NotSigned, also for a mailbox that is not there, Replayed or TooLarge."""
    box = db.session.get(Mailbox, box_id)
    secret = sealing.opened(PURPOSE, box.hook_secret) if box is not None and box.active else None
    wanted = signature_of(secret or "no secret", timestamp, body)
    given = signature.strip().removeprefix("sha256=").lower()
    right = hmac.compare_digest(wanted.encode(), given.encode("utf-8", "replace"))
    if secret is None or not right or not _fresh(timestamp):
        raise NotSigned
    if len(body) > incoming.MOST_BYTES:
        raise TooLarge
    _once(wanted)
    row = incoming.store(body, "http", box_id=box_id)
    if row.state is RawState.DUPLICATE:  # what stood in its transaction was given up with it
        _once(wanted)
        db.session.commit()
    return row


def forget_seen() -> None:
    """What is older than the window is refused by its age."""
    db.session.execute(delete(HookSeen).where(HookSeen.at < clock.now() - 3 * WINDOW))


def _fresh(timestamp: str) -> bool:
    if not timestamp.isascii() or not timestamp.isdecimal() or len(timestamp) > 12:
        return False
    return abs(clock.now().timestamp() - int(timestamp)) <= WINDOW.total_seconds()


def _once(signature: str) -> None:
    """Kept in the transaction of the message: one that could not be stored may come again."""
    db.session.add(HookSeen(signature=signature))
    try:
        db.session.flush()
    except IntegrityError:
        db.session.rollback()
        raise Replayed from None
