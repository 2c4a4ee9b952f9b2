"""What a mail newly says, as the words of an entry, with its whole body beside it and its files kept."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import ngettext

from app.accounts.viewer import SYSTEM, Actor, CustomerActor, Viewer
from app.mail import reading
from app.mail.parsing import IncomingMail
from app.tickets import files
from app.tickets.thread import Channel, Words


def words_of(mail: IncomingMail, by: Actor, trusted: bool = True) -> Words:
    """What they newly wrote, with the whole body beside it and the files kept."""
    said = mail.said or reading.found_in(mail)
    text = said.newly.strip() or said.whole.strip()
    kept = tuple(
        files.store_or_await(part.name, part.content, _uploader(by), part.inline, part.content_id or None)
        for part in mail.attachments
        if part.content
    )
    if not text:
        text = (
            ngettext("(no text, %(num)d file)", "(no text, %(num)d files)", len(kept)) if kept else _("(empty message)")
        )
    return Words(
        text[:400_000], full_text=said.whole[:1_000_000], html=said.html, via=Channel.MAIL,
        message_id=mail.message_id[:255] or None, in_reply_to=mail.in_reply_to[:255] or None, attachments=kept, trusted=trusted,
    )  # fmt: skip


def _uploader(by: Actor) -> Actor:
    return by if isinstance(by, (CustomerActor, Viewer)) else SYSTEM
