"""Files on their way into a ticket: measured, looked at, renamed, kept."""

import datetime as dt
import hashlib
import re
import unicodedata

import puremagic
from flask_babel import gettext as _
from sqlalchemy import select

from app.accounts.viewer import Actor, Kind
from app.core import clock, storage
from app.core.errors import Forbidden, Invalid, NotThere, TooLarge
from app.core.extensions import db
from app.core.storage import StorageAway
from app.settings import desk
from app.tickets.thread import Attachment
from app.tickets.visibility import attachments_visible_to

UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]')
LONGEST_NAME = 150
NAMELESS_KEPT = dt.timedelta(days=2)
"""Longer than any transaction, and than a backup takes that read the rows before the files."""


def keep(name: str, content: bytes, by: Actor, inline: bool = False, content_id: str | None = None) -> Attachment:
    """Store a file that belongs to nobody's message yet. Raises TooLarge, Forbidden or Invalid with a sentence."""
    settings = desk.current()
    if by.kind is Kind.CUSTOMER and not settings.allow_customer_attachments:
        raise Forbidden(_("This desk takes no files from customers."))
    if len(content) > settings.max_attachment_mb * 1024 * 1024:
        raise TooLarge(
            _("“%(name)s” is larger than %(most)s MB.", name=safe_name(name), most=settings.max_attachment_mb)
        )
    if not content:
        raise Invalid(_("“%(name)s” is empty.", name=safe_name(name)), {"file": _("This file has no content.")})
    return store(name, content, by, inline, content_id)


def store(name: str, content: bytes, by: Actor, inline: bool = False, content_id: str | None = None) -> Attachment:
    """Keep the bytes without asking for their size: mail has bounds of its own and is never refused for one."""
    return _row(storage.save(content), name, content, by, inline, content_id)


def store_or_await(
    name: str, content: bytes, by: Actor, inline: bool = False, content_id: str | None = None
) -> Attachment:
    """Where the bytes are kept elsewhere too: while the storage is away, the row says that they are awaited."""
    try:
        key = storage.save(content)
    except StorageAway:
        key = storage.await_bytes()
    return _row(key, name, content, by, inline, content_id)


def _row(key: str, name: str, content: bytes, by: Actor, inline: bool, content_id: str | None) -> Attachment:
    attachment = Attachment(
        name=safe_name(name), type=sniffed(content), bytes=len(content), sha256=hashlib.sha256(content).hexdigest(), storage_key=key,
        staff_id=by.staff_id, customer_id=by.customer_id, inline=inline, content_id=content_id,
    )  # fmt: skip
    db.session.add(attachment)
    return attachment


def sweep() -> int:
    """Remove bytes that no row names: their transaction was refused, or its process died. Returns how many those were."""
    swept = 0
    for keys in storage.kept_before(clock.now() - NAMELESS_KEPT):
        named = set(db.session.scalars(select(Attachment.storage_key).where(Attachment.storage_key.in_(keys))))
        for key in set(keys) - named:
            storage.remove(key)
            swept += 1
    return swept


def safe_name(name: str) -> str:
    """What may be shown and offered as a file name: no path, no control or direction marks, not too long."""
    name = UNSAFE.sub("_", unicodedata.normalize("NFC", name.replace("\\", "/").rsplit("/", 1)[-1])).strip(" .")
    stem, dot, ending = name.rpartition(".")
    if dot and len(ending) <= 10 and len(name) > LONGEST_NAME:
        return stem[: LONGEST_NAME - len(ending) - 1] + "." + ending
    return name[:LONGEST_NAME] or "file"


def sniffed(content: bytes) -> str:
    """The type that the bytes say, `application/octet-stream` when they say none."""
    try:
        return puremagic.from_string(content[:8192], mime=True) or "application/octet-stream"
    except (puremagic.PureError, ValueError):
        return "text/plain" if _is_text(content[:8192]) else "application/octet-stream"


def _is_text(sample: bytes) -> bool:
    return b"\x00" not in sample and not sample[:-4].decode("utf-8", "replace").count("\ufffd")


def uploaded(ids: list[int], by: Actor) -> tuple[Attachment, ...]:
    """Files this actor uploaded earlier and has not sent yet; NotThere when one is not theirs."""
    if not ids:
        return ()
    if len(ids) > desk.current().max_attachments:
        raise Invalid(
            _("Too many files."),
            {"attachment_ids": _("At most %(most)s files a message.", most=desk.current().max_attachments)},
        )
    found = tuple(
        db.session.scalars(
            select(Attachment).where(
                Attachment.id.in_(ids), Attachment.message_id.is_(None), attachments_visible_to(by)
            )
        )
    )
    if len(found) != len(set(ids)):
        raise NotThere(_("One of the files is not there (any more). Please attach it again."))
    return found
