"""A message as it came, read once into a value that the rest of the desk can trust.

Each field is read by itself, and what cannot be read is empty: mail is far too often broken to be refused for it.
"""

import datetime as dt
import mimetypes
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flask_babel import lazy_gettext as _

from app.core.errors import HelpdeskError
from app.core.html import from_text, text_of
from app.mail import tnef
from app.mail.automatic import evidence
from app.mail.bounces import Bounce, bounce_of
from app.mail.headers import Address, Headers, split
from app.mail.mime import MAX_PARTS, Leaf, file_name, leaves, uudecoded

MAX_MESSAGE_BYTES = 25 * 1024 * 1024
MAX_SUBJECT = 255

_UUENCODED = re.compile(r"^begin [0-7]{3,4} ([^\r\n]{1,250})\r?\n(?=[ -`]{2,70}\r?\n)", re.MULTILINE)
_ATTACHED_MAIL = frozenset({"message/rfc822", "message/global"})


class Unreadable(HelpdeskError):
    """Too large to be taken apart; the raw message stays where it is, to be looked at."""


@dataclass(frozen=True)
class Part:
    """A file that came along."""

    name: str
    type: str
    content: bytes
    content_id: str
    inline: bool


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

    @property
    def empty(self) -> bool:
        """Neither a sender nor anything to read: whoever sent this, a person should look at it."""
        return not (self.sender.address or self.text.strip() or self.html.strip() or self.attachments)


def read(raw: bytes) -> IncomingMail:
    """The message in `raw`; raises only `Unreadable`."""
    if len(raw) > MAX_MESSAGE_BYTES:
        raise Unreadable(_("This message is larger than 25 MB."))
    headers, body = split(raw)
    parts = _opened(list(leaves(headers, body)))
    text, html, attachments = _contents(parts)
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


def _opened(parts: Sequence[Leaf]) -> list[Leaf]:
    """Outlook's envelopes replaced by what they hold."""
    found: list[Leaf] = []
    for leaf in parts:
        envelope = tnef.opened(leaf.content) if tnef.is_envelope(leaf.type, leaf.name) else None
        found += _from_envelope(leaf, envelope) if envelope else [leaf]
    return found[:MAX_PARTS]


def _from_envelope(leaf: Leaf, envelope: tnef.Envelope) -> list[Leaf]:
    bodies = [
        (kind, body) for kind, body in (("text/plain", envelope.text), ("text/html", envelope.html)) if body.strip()
    ]
    return [
        *(
            Leaf(
                Headers(),
                kind,
                "utf-8",
                "",
                "",
                body.encode(),
                (*leaf.parents, "application/ms-tnef", "multipart/alternative"),
            )
            for kind, body in bodies
        ),
        *(
            Leaf(Headers(), _type_of(name), "", file_name(name) or "attachment", "attachment", content, leaf.parents)
            for name, content in envelope.files
        ),
    ]


def _type_of(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


@dataclass
class _Body:
    """The texts and the HTML of a message while its parts are read."""

    texts: list[str]
    htmls: list[str]

    def add(self, leaf: Leaf) -> list[Part]:
        """Takes a body part in. What stands beside an alternative belongs to both of its forms."""
        in_both = "multipart/alternative" not in leaf.parents
        if leaf.type == "text/html":
            self.htmls.append(leaf.text)
            if in_both and self.texts:
                self.texts.append(text_of(leaf.text))
            return []
        text, files = _without_uuencoded(_unflowed(leaf.text) if leaf.flowed else leaf.text)
        self.texts.append(text)
        if in_both and self.htmls:
            self.htmls.append(from_text(text))
        return files


def _contents(parts: Iterable[Leaf]) -> tuple[str, str, tuple[Part, ...]]:
    body, files = _Body([], []), list[Part]()
    from_envelope: list[Leaf] = []
    for leaf in parts:
        if not _is_body(leaf):
            files.append(_part(leaf, len(files) + 1))
        elif "application/ms-tnef" in leaf.parents:
            from_envelope.append(leaf)
        else:
            files += body.add(leaf)
    if not any(text.strip() for text in (*body.texts, *body.htmls)):
        for leaf in from_envelope:
            files += body.add(leaf)
    joined = "\n".join(body.texts).replace("\r\n", "\n").replace("\x00", "")
    return joined, "\n".join(body.htmls).replace("\x00", ""), tuple(files)


def _is_body(leaf: Leaf) -> bool:
    if (
        leaf.type not in ("text/plain", "text/html", "text/enriched", "text/richtext", "text/x-amp-html")
        or leaf.disposition == "attachment"
    ):
        return False
    return not leaf.name or leaf.parents[-1:] == ("multipart/alternative",)


def _part(leaf: Leaf, number: int) -> Part:
    content_id = leaf.headers.get("content-id").strip(" <>")[:255]
    inline = leaf.disposition == "inline" or (bool(content_id) and leaf.disposition != "attachment")
    return Part(leaf.name or _invented_name(leaf, number), leaf.type, leaf.content, content_id, inline)


def _invented_name(leaf: Leaf, number: int) -> str:
    if leaf.type in _ATTACHED_MAIL:
        attached, _body = split(leaf.content)
        return f"{file_name(attached.text('subject'))[:200] or 'message'}.eml"
    ending = mimetypes.guess_extension(leaf.type) or (".txt" if leaf.type.startswith(("text/", "message/")) else ".bin")
    return f"{leaf.type.partition('/')[0]}-{number}{ending}"


def _without_uuencoded(text: str) -> tuple[str, list[Part]]:
    """Text with files written into it, as before MIME."""
    pieces, files, at = list[str](), list[Part](), 0
    for match in _UUENCODED.finditer(text):
        end = text.find("\nend", match.end()) if match.start() >= at else -1
        if match.start() >= at and end < 0:
            break
        if match.start() < at or len(files) >= MAX_PARTS:
            continue
        name = file_name(match.group(1)) or "attachment"
        content = uudecoded(text[match.start() : end].encode("ascii", "replace"))
        files.append(Part(name, _type_of(name), content, "", False))
        pieces.append(text[at : match.start()])
        at = end + len("\nend")
    return "".join(pieces) + text[at:], files


def _unflowed(text: str) -> str:
    """Lines that end with a space go on in the next one of the same quote (RFC 3676)."""
    lines: list[list[str]] = []
    open_depth = -1
    for line in text.replace("\r\n", "\n").split("\n"):
        words_of_line = line.lstrip(">")
        depth = len(line) - len(words_of_line)
        words_of_line = words_of_line.removeprefix(" ")
        if depth == open_depth and words_of_line != "-- ":
            lines[-1].append(words_of_line)
        else:
            lines.append([">" * depth + (" " if depth else ""), words_of_line])
        open_depth = depth if words_of_line.endswith(" ") and words_of_line != "-- " else -1
    return "\n".join("".join(line) for line in lines)


def plain_text(mail: IncomingMail) -> str:
    """The whole message as text, whichever form it came in."""
    return mail.text if mail.text.strip() else text_of(mail.html)
