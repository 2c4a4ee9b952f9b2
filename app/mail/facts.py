"""What filters ask of a message, as plain texts of a bounded length."""

from __future__ import annotations

import dataclasses as dc

from app.mail import boxes, parsing, reading
from app.mail.headers import Headers, split
from app.mail.models import RawMail
from app.mail.parsing import IncomingMail

LONGEST = 200_000
"""Letters of a text that are looked at."""


@dc.dataclass(frozen=True)
class Facts:
    """`body` is None where only the header was looked at."""

    sender: str
    to: tuple[str, ...]
    subject: str
    headers: Headers
    automatic: bool
    kilobytes: float
    body: str | None
    mailbox_id: int | None = None
    """Where that is known; else the addresses say so."""

    @property
    def taken_by(self) -> int | None:
        """The mailbox that takes it in: for an address of nobody, and for one that is switched off, the main one."""
        ours = boxes.in_force()
        return (ours.by_id(self.mailbox_id) if self.mailbox_id else ours.of(self.to) or ours.main).id

    def texts(self, field: str, header: str = "") -> tuple[str, ...]:
        """What stands there, in lower case: more than one where a field may come more than once."""
        if field == "header":
            found = self.headers.all(header)
        elif field == "to":
            found = self.to
        else:
            found = ({"from": self.sender, "subject": self.subject, "body": self.body or ""}[field],)
        return tuple(text[:LONGEST].casefold() for text in found)


def of_mail(row: RawMail, mail: IncomingMail) -> Facts:
    """Of a message that was read whole."""
    people = (*mail.to, *mail.cc)
    said = mail.said or reading.found_in(mail)
    return Facts(
        mail.sender.address, _distinct(row.recipient, *mail.delivered_to, *(person.address for person in people)), mail.subject, mail.headers,
        mail.automatic, len(row.content) / 1024, said.whole, row.mailbox_id,
    )  # fmt: skip


def of_head(raw: bytes, recipient: str, mailbox_id: int | None = None) -> Facts:
    """Of its header alone, which takes no time whatever the message is."""
    headers, _body = split(raw)
    known = parsing.envelope(raw)
    people = (*headers.addresses("to"), *headers.addresses("cc"))
    to = _distinct(recipient, *known.recipients, *(person.address for person in people))
    return Facts(known.sender.address, to, known.subject, headers, known.automatic, len(raw) / 1024, None, mailbox_id)


def _distinct(*addresses: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(address for address in addresses if address))
