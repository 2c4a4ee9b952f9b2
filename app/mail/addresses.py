"""Addresses and Message-IDs that prove what they name: nobody but this desk can make one."""

from __future__ import annotations

import base64
import binascii
import enum
import hashlib
import hmac
import re
from collections.abc import Iterator
from typing import NamedTuple

from flask import current_app

from app.mail import boxes
from app.settings import desk

KEY_VERSION = 1
"""Raised when the meaning of a token changes: older ones are then no longer read."""
MAC_BYTES = 16
"""128 bits of HMAC-SHA256: not to be guessed by trying addresses."""
LONGEST_TOKEN = 60
_TOKEN = re.compile(r"[a-z2-7]{30,60}")
_MESSAGE_ID = re.compile(r"([1-9][0-9]{0,18})\.([a-z2-7]{26})@[^@\s<>]{1,255}")


class RecipientKind(enum.StrEnum):
    CUSTOMER = "customer"
    STAFF = "staff"
    CC = "cc"
    SUPPLIER = "supplier"


KINDS = (RecipientKind.CUSTOMER, RecipientKind.STAFF, RecipientKind.CC, RecipientKind.SUPPLIER)
"""A token holds the place in this list, in two bits: these four are all there can be."""


class Recipient(NamedTuple):
    """Somebody we write to. `id` is a customer's, a staff user's, for CC a participant's, or of a supplier the person's."""

    kind: RecipientKind
    id: int


class Token(NamedTuple):
    """What a reply address of ours proves: this ticket, and to whom we gave the address."""

    ticket_id: int
    kind: RecipientKind
    recipient_id: int


def sender_address() -> str:
    """The desk's own address: that of its main mailbox."""
    return desk.current().mail_from


def domain(address: str = "") -> str:
    return (address or sender_address()).rpartition("@")[2]


def reply_address(ticket_id: int, recipient: Recipient, at: str = "") -> str:
    """An address of ours, the desk's own unless `at` is another, with a token made for this ticket and this recipient."""
    local, _, host = (at or sender_address()).rpartition("@")
    content = _content(Token(ticket_id, recipient.kind, recipient.id))
    return f"{local}+{_letters(content + _mac('reply address', content))}@{host}"


def read_token(address: str) -> Token | None:
    """The ticket and recipient of a reply address, None when it has no token or a forged one. Letter case does not matter."""
    local, _, _ = address.strip(" <>").casefold().rpartition("@")
    word = local.rpartition("+")[2]
    if "+" not in local or not _TOKEN.fullmatch(word):
        return None
    given = _bytes(word)
    content, mac = given[:-MAC_BYTES], given[-MAC_BYTES:]
    return _token(content) if _genuine("reply address", content, mac) else None


def ours(address: str) -> bool:
    """Whether it is an address of one of our mailboxes, with or without a token or another word behind a plus."""
    return boxes.in_force().owns(address)


def taken(address: str) -> bool:
    """Whether mail to it is for us: the address of a mailbox that is switched on."""
    return boxes.in_force().of((address,)) is not None


def message_id_for(delivery_id: int, sender: str = "") -> str:
    """The Message-ID of a mail of ours, with its angle brackets; the same for every try. Its domain is the sender's."""
    mac = _mac("message id", str(delivery_id).encode())
    return f"<{delivery_id}.{_letters(mac)}@{domain(sender)}>"


def read_message_id(message_id: str) -> int | None:
    """The delivery a Message-ID of ours names, None when we did not make it. The domain may have changed since."""
    match = _MESSAGE_ID.fullmatch(message_id.strip(" <>\t\r\n").casefold())
    if match is None:
        return None
    number = match.group(1)
    return int(number) if _genuine("message id", number.encode(), _bytes(match.group(2))) else None


def _content(token: Token) -> bytes:
    """One byte of version, kind and length, then the two ids without leading zeros: short enough for a local part of 64."""
    ticket = _number(token.ticket_id)
    head = KEY_VERSION << 5 | KINDS.index(token.kind) << 3 | len(ticket) - 1
    return bytes([head]) + ticket + _number(token.recipient_id)


def _token(content: bytes) -> Token | None:
    head, rest = content[0], content[1:]
    length = (head & 7) + 1
    if head >> 5 != KEY_VERSION or (head >> 3 & 3) >= len(KINDS) or not 0 < len(rest) - length <= 8:
        return None
    return Token(int.from_bytes(rest[:length]), KINDS[head >> 3 & 3], int.from_bytes(rest[length:]))


def _number(value: int) -> bytes:
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8))


def _mac(purpose: str, content: bytes, secret: str | bytes | None = None) -> bytes:
    """A key of its own for each purpose: what one proves is worth nothing for the other."""
    secret = secret if secret is not None else current_app.config["SECRET_KEY"]
    key = hmac.digest(
        secret.encode() if isinstance(secret, str) else secret, f"deskhand mail: {purpose}".encode(), hashlib.sha256
    )
    return hmac.digest(key, bytes([KEY_VERSION]) + content, hashlib.sha256)[:MAC_BYTES]


def _genuine(purpose: str, content: bytes, mac: bytes) -> bool:
    matches = [hmac.compare_digest(_mac(purpose, content, secret), mac) for secret in _secrets()]
    return any(matches)


def _secrets() -> Iterator[str | bytes]:
    """The present key, and older ones whose mails may still be answered."""
    yield current_app.config["SECRET_KEY"]
    yield from current_app.config.get("SECRET_KEY_FALLBACKS") or ()


def _letters(content: bytes) -> str:
    return base64.b32encode(content).decode().rstrip("=").lower()


def _bytes(letters: str) -> bytes:
    try:
        return base64.b32decode(letters.upper() + "=" * (-len(letters) % 8))
    except binascii.Error:
        return b"\x00" * (MAC_BYTES + 3)
