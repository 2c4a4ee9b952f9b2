"""Puts a mail together: header, text and HTML, files, and what keeps it in its thread."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from email.errors import MessageError
from email.headerregistry import Address
from email.message import MIMEPart
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache
from typing import NamedTuple

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select

from app.core import clock, storage
from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.mail import addresses, boxes, letters, outgoing, signing, supplierletters, trying, wording, written
from app.mail.addresses import Recipient, RecipientKind
from app.mail.models import Delivery
from app.mail.told import Told
from app.settings import desk
from app.tickets.mergeable import entries_of
from app.tickets.thread import Attachment, Message, MessageKind

MOST_REFERENCES = 20
PERSONAL = ("staff_replied", "documents_asked", "supplier_asked")
"""A colleague's words, with their name and their files."""
FILES_SENT_BYTES = 10 * 1024 * 1024
"""Of a reply's files that travel with its mail; larger ones are a link."""
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
MESSAGE_ID = re.compile(r"[!-;=?-~]{1,400}")
TYPE = re.compile(r"(application|audio|font|image|text|video)/([a-z0-9][a-z0-9.+-]{0,80})")


class Unsendable(HelpdeskError):
    """Nobody could be reached at this address, ever."""


class Parcel(NamedTuple):
    """What the mail server gets: the envelope and the bytes."""

    sender: str
    recipient: str
    raw: bytes
    box_id: int | None = None
    """By whose server it leaves; None: the desk's own."""


def compose(delivery: Delivery, told: Told | None = None) -> Parcel:
    """Write the mail, keep its bytes in its row, and return what is sent, signed. A mail written before stays as it was."""
    recipient = ascii_address(outgoing.address_of(delivery) or "")
    if delivery.raw is None:
        told = told or Told([delivery.id])
        with force_locale(letters.language_of(delivery)):
            delivery.raw = _whole(delivery, recipient, told)
        told.leaves(delivery)
    box, own = boxes.of_mail(delivery), ascii_address(_own_address(delivery))
    return Parcel(own, recipient, signing.signed(delivery.raw), box.id if box.sends else None)


def one_line(text: str, most: int = 250) -> str:
    """Words for a header: no line end, no control, no sign that turns the direction of reading."""
    return CONTROLS.sub(" ", text.encode("utf-8", "replace").decode()).strip()[:most]


@lru_cache(1024)
def ascii_address(address: str) -> str:
    """As SMTP takes it. Raises Unsendable when there is no such form. The desk's own is asked for four times a mail."""
    local, at, host = address.strip().rpartition("@")
    try:
        host = host if host.isascii() else host.encode("idna").decode()
        Address(addr_spec=f"{local}@{host}")
    except (ValueError, IndexError, MessageError):
        at = ""
    if (
        not at
        or not local.isascii()
        or CONTROLS.search(address)
        or len(local) > 64
        or any(mark in address for mark in " <>,;")
    ):
        raise Unsendable(_("“%(address)s” is no address that mail can be sent to.", address=one_line(address)))
    return f"{local}@{host}"


def _whole(delivery: Delivery, recipient: str, told: Told) -> bytes:
    sent, linked = _files(delivery)
    said = letters.words_of(delivery, [(file.name, file.bytes) for file in linked], told.before(delivery))
    own = told.own_words(delivery.kind, letters.language_of(delivery))
    words = trying.written(delivery) or wording.written(delivery.kind, said, own)
    delivery.subject = one_line(letters.subject_of(delivery))
    delivery.rfc_message_id = addresses.message_id_for(delivery.id, boxes.of_mail(delivery).address).strip("<>")
    body = written.multipart(
        "alternative", (written.body("plain", _clean(words.text)), written.body("html", _clean(words.html)))
    )
    if sent:
        body = written.multipart("mixed", (body, *(_attached(file, content) for file, content in sent)))
    return (_thread(delivery, told) + _addressed(delivery, recipient)).encode("ascii") + body


def _addressed(delivery: Delivery, recipient: str) -> str:
    lines = [
        written.header("From", written.mailbox(_sender_name(delivery), ascii_address(boxes.of_mail(delivery).address))),
        written.header("To", written.mailbox(one_line(letters.name_of(delivery), 100), recipient)),
        written.header("Reply-To", written.mailbox(*_reply_to(delivery))),
        written.text("Subject", delivery.subject),
        written.header("Date", format_datetime(clock.now())),
        written.header("MIME-Version", "1.0"),
    ]
    if delivery.automatic:
        lines.append(written.header("Auto-Submitted", "auto-generated"))
        lines.append(written.header("X-Auto-Response-Suppress", "OOF, AutoReply"))
    return "".join(lines)


def _sender_name(delivery: Delivery) -> str:
    """A person's answer comes from that person, at the desk's address."""
    name = boxes.of_mail(delivery).sender_name or desk.current().desk_name
    entry = letters.entry_of(delivery) if delivery.kind in PERSONAL else None
    return one_line(f"{entry.author_name} ({name})" if entry is not None else name, 120)


def _reply_to(delivery: Delivery) -> tuple[str, str]:
    """Name and address. Answers become entries of the ticket, which customers read. So whoever is mentioned in a note answers the colleague who wrote it."""
    writer = letters.writer_of_note(delivery)
    if writer is not None:
        return one_line(writer.get_full_name(), 100), ascii_address(writer.email)
    return one_line(boxes.of_mail(delivery).sender_name or desk.current().desk_name, 100), ascii_address(
        _own_address(delivery)
    )


def _own_address(delivery: Delivery) -> str:
    """The address that proves ticket and recipient; bounces come back there, too. Without a ticket, the mailbox's plain one."""
    recipient = recipient_of(delivery)
    if delivery.ticket_id is None or recipient is None:
        return boxes.of_mail(delivery).address
    return addresses.reply_address(delivery.ticket_id, recipient, boxes.of_mail(delivery).address)


def recipient_of(delivery: Delivery) -> Recipient | None:
    """For whom its reply token is made."""
    if delivery.participant_id is not None:
        return Recipient(RecipientKind.CC, delivery.participant_id)
    if delivery.customer_id is not None:
        return Recipient(RecipientKind.CUSTOMER, delivery.customer_id)
    if delivery.supplier_contact_id is not None:
        return Recipient(RecipientKind.SUPPLIER, delivery.supplier_contact_id)
    return Recipient(RecipientKind.STAFF, delivery.staff_id) if delivery.staff_id is not None else None


def _thread(delivery: Delivery, told: Told) -> str:
    """Message-ID, In-Reply-To and References: no id is broken."""
    lines = written.header("Message-ID", f"<{delivery.rfc_message_id}>")
    before = _references(delivery, told)
    if before:
        lines += written.header("In-Reply-To", f"<{before[-1]}>")
        lines += written.header("References", written.FOLD.join(f"<{one}>" for one in before))
    return lines


def _references(delivery: Delivery, told: Told) -> list[str]:
    """Of the mails of this ticket that this recipient sent or got, the first and the newest, oldest first."""
    if delivery.ticket is None:
        return []
    known = told.thread(delivery)
    ids = list(dict.fromkeys(_usable(one for _at, one in sorted(_asked_for(delivery) if known is None else known))))
    return ids if len(ids) <= MOST_REFERENCES else [ids[0], *ids[1 - MOST_REFERENCES :]]


def _asked_for(delivery: Delivery) -> Iterable[tuple[dt.datetime, str]]:
    """When and under which Message-ID. By itself, as few are: those of merged tickets and to suppliers."""
    assert delivery.ticket is not None
    got = select(Delivery.rfc_message_id, Delivery.created_at).where(
        Delivery.ticket_id == delivery.ticket_id, Delivery.id < delivery.id, Delivery.rfc_message_id.is_not(None), Delivery.address == delivery.address
    )  # fmt: skip
    wrote = select(Message.message_id, Message.created_at).where(
        entries_of(delivery.ticket), Message.kind == MessageKind.REPLY, Message.message_id.is_not(None)
    )
    if outgoing.to_supplier(delivery):
        got, wrote = supplierletters.own_thread(delivery, got)
    else:
        got = got.where(Delivery.supplier_contact_id.is_(None))
        wrote = wrote.where(
            Message.staff_id == delivery.staff_id if delivery.staff_id else Message.customer_id == delivery.customer_id
        )
    if delivery.message_id is not None:
        wrote = wrote.where(Message.id <= delivery.message_id)
    return [(row[1], row[0]) for row in (*db.session.execute(got), *db.session.execute(wrote))]


def _usable(ids: Iterable[str]) -> Iterable[str]:
    """A foreign Message-ID is its sender's words: what is not of its shape is left out."""
    return (one.strip("<> ") for one in ids if MESSAGE_ID.fullmatch(one.strip("<> ")))


def _files(delivery: Delivery) -> tuple[list[tuple[Attachment, bytes]], list[Attachment]]:
    """The files of a reply, in their order: those that travel along, and those that are a link."""
    entry = letters.entry_of(delivery) if delivery.kind in PERSONAL else None
    sent: list[tuple[Attachment, bytes]] = []
    linked: list[Attachment] = []
    room = FILES_SENT_BYTES
    for file in (*entry.attachments, *supplierletters.files_along(delivery)) if entry is not None else ():
        content = _content(file) if file.bytes <= room else None
        if content is None:
            linked.append(file)
        else:
            sent.append((file, content))
            room -= file.bytes
    return sent, linked


def _content(file: Attachment) -> bytes | None:
    try:
        return storage.load(file.storage_key)
    except FileNotFoundError:
        return None


def _attached(file: Attachment, content: bytes) -> bytes:
    match = TYPE.fullmatch(file.type.lower())
    main, sub = match.groups() if match else ("application", "octet-stream")
    part: MIMEPart = MIMEPart(policy=SMTP)
    part.set_content(content, main, sub, disposition="attachment", filename=one_line(file.name, 150))
    return part.as_bytes(policy=SMTP)


def _clean(text: str) -> str:
    """Without what no mail may hold: lone surrogates and the zero byte."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "")
