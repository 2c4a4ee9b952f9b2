"""What the desk reads from a raw message and would make of it, as plain values for programs."""

import hashlib
from typing import Any

from app.mail import rehearsing
from app.mail.parsing import Address, IncomingMail, Unreadable, read
from app.mail.quoting import visible


def describe(raw: bytes) -> dict[str, Any]:
    """The message, what is hidden of it, and whether a machine wrote it. Nothing is decided or stored.

    `ticket` and `verdict` are for whoever knows the tickets.
    """
    try:
        mail = read(raw)
    except Unreadable as refusal:
        return {"error": str(refusal)}
    return {**_envelope(mail), **_contents(mail), **_verdicts(mail)}


def decided(raw: bytes) -> dict[str, Any]:
    """Which ticket, and what would be decided, by the delivery itself; all of it is taken back."""
    try:
        found = rehearsing.rehearse(raw)
    except Unreadable:
        return {}
    outcome = found.outcome
    return {
        "ticket": None if outcome.new else outcome.ticket_number,
        "verdict": rehearsing.sentence(found),
        "mails": [
            {"to": letter.address, "kind": letter.kind, "held_back": letter.held_back} for letter in outcome.letters
        ],
    }


def _envelope(mail: IncomingMail) -> dict[str, Any]:
    return {
        "message_id": mail.message_id,
        "in_reply_to": mail.in_reply_to,
        "references": list(mail.references),
        "reply_to": mail.reply_to.address if mail.reply_to else None,
        "subject": mail.subject,
        "date": mail.date.isoformat() if mail.date else None,
        "from": {"name": mail.sender.name, "address": mail.sender.address},
        "to": _only_addresses(mail.to),
        "cc": _only_addresses(mail.cc),
    }


def _only_addresses(people: tuple[Address, ...]) -> list[str]:
    return [person.address for person in people]


def _contents(mail: IncomingMail) -> dict[str, Any]:
    return {
        "text": mail.text,
        "html": mail.html,
        "visible_text": visible(mail.text, mail.html),
        "attachments": [
            {
                "name": part.name,
                "type": part.type,
                "bytes": len(part.content),
                "sha256": hashlib.sha256(part.content).hexdigest(),
            }
            for part in mail.attachments
        ],
    }


def _verdicts(mail: IncomingMail) -> dict[str, Any]:
    bounce = mail.bounce
    return {
        "is_auto_reply": mail.automatic,
        "is_bounce": bounce is not None,
        "reason": mail.reason,
        "failed_recipients": list(bounce.recipients) if bounce else [],
        "permanent": bounce.permanent if bounce else False,
        "status": bounce.status if bounce else "",
        "ticket": None,
        "verdict": None,
    }
