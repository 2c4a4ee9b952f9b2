"""A message as it came, read once into a value that the rest of the desk can trust.

Each field is read by itself, and what cannot be read is empty: mail is far too often broken to be refused for it.
"""

import datetime as dt
from dataclasses import dataclass

from flask_babel import lazy_gettext as _

from app.core.errors import HelpdeskError
from app.core.html import text_of
from app.mail.automatic import evidence
from app.mail.bounces import Bounce, bounce_of
from app.mail.contents import Part, contents, opened
from app.mail.headers import Headers, split
from app.mail.mime import leaves
from app.mail.people import Address

__all__ = ["Address", "Bounce", "IncomingMail", "Part", "Said", "Unreadable", "envelope", "plain_text", "read"]

MAX_MESSAGE_BYTES = 25 * 1024 * 1024
MAX_SUBJECT = 255


class Unreadable(HelpdeskError):
    """Too large to be taken apart; the raw message stays where it is, to be looked at."""


@dataclass(frozen=True)
class Said:
    """What costs time to find in a message; reading.py finds it."""

    whole: str
    """All of it as text, whichever form it came in."""
    newly: str
    """What the sender newly wrote."""
    html: str | None
    """The same as HTML, cleaned; None when it came as text alone."""


@dataclass(frozen=True)
class IncomingMail:
    """What we read from a message. Names as in RFC 5322; Message-IDs are without their brackets."""

    message_id: str
    in_reply_to: str
    references: tuple[str, ...]
    sender: Address
    reply_to: Address | None
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    delivered_to: tuple[str, ...]
    return_path: str | None
    """Empty for `<>`, which no answer may be sent to; None when the message does not say."""
    subject: str
    date: dt.datetime | None
    text: str
    html: str
    """As it came: clean it before anybody sees it."""
    attachments: tuple[Part, ...]
    headers: Headers
    bounce: Bounce | None
    automatic: bool
    """A machine wrote it: never answer by machine (RFC 3834)."""
    reason: str
    """The field that says so, as it stands in the header."""
    cut: bool = False
    """It has more parts, or deeper ones, than we take apart."""
    said: Said | None = None

    @property
    def empty(self) -> bool:
        """Neither a sender nor anything to read: whoever sent this, a person should look at it."""
        return not (self.sender.address or self.text.strip() or self.html.strip() or self.attachments)


def read(raw: bytes) -> IncomingMail:
    """The message in `raw`; raises only `Unreadable`."""
    if len(raw) > MAX_MESSAGE_BYTES:
        raise Unreadable(_("This message is larger than 25 MB."))
    headers, body = split(raw)
    taken, cut = leaves(headers, body)
    parts = opened(taken)
    text, html, attachments = contents(parts)
    sender = _sender(headers)
    bounce = bounce_of(headers, sender, parts)
    reason = evidence(headers, sender.address)
    return IncomingMail(
        message_id=next(iter(headers.message_ids("message-id")), ""),
        in_reply_to=next(iter(headers.message_ids("in-reply-to")), ""),
        references=headers.message_ids("references"),
        sender=sender,
        reply_to=next(iter(headers.addresses("reply-to")), None),
        to=headers.addresses("to"),
        cc=headers.addresses("cc"),
        delivered_to=_delivered_to(headers),
        return_path=_return_path(headers),
        subject=headers.text("subject")[:MAX_SUBJECT],
        date=headers.date(),
        text=text,
        html=html,
        attachments=attachments,
        headers=headers,
        bounce=bounce,
        automatic=bool(reason) or bounce is not None,
        reason=reason,
        cut=cut,
    )


@dataclass(frozen=True)
class Envelope:
    """What the header alone says, for whoever keeps a message before it is read."""

    message_id: str
    sender: Address
    subject: str
    automatic: bool
    recipients: tuple[str, ...]
    """As the servers on its way wrote them, then as the header does."""


def envelope(raw: bytes) -> Envelope:
    """Only the header is looked at, whatever the message's size."""
    headers, _body = split(raw)
    sender = _sender(headers)
    message_id = next(iter(headers.message_ids("message-id")), "")
    written = (person.address for name in ("to", "cc") for person in headers.addresses(name))
    return Envelope(
        message_id,
        sender,
        headers.text("subject")[:MAX_SUBJECT],
        bool(evidence(headers, sender.address)),
        (*_delivered_to(headers), *written),
    )


def _sender(headers: Headers) -> Address:
    """Who wrote it; some say only whom to answer. Broken mail may say neither."""
    for name in ("from", "sender", "reply-to"):
        for address in headers.addresses(name):
            return address
    return Address(headers.text("from")[:MAX_SUBJECT].strip("<> "), "")


def _delivered_to(headers: Headers) -> tuple[str, ...]:
    names = ("delivered-to", "x-original-to", "envelope-to", "x-delivered-to", "x-envelope-to")
    return tuple(dict.fromkeys(address.address for name in names for address in headers.addresses(name)))


def _return_path(headers: Headers) -> str | None:
    if "return-path" not in headers:
        return None
    return next((address.address for address in headers.addresses("return-path")), "")


def plain_text(mail: IncomingMail) -> str:
    """The whole message as text, whichever form it came in."""
    if mail.said is not None:
        return mail.said.whole
    return mail.text if mail.text.strip() else text_of(mail.html)
