"""The built-in mailbox: what the desk sent as its recipient sees it, and mails written back as they would be from outside."""

from __future__ import annotations

import dataclasses as dc
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr, formatdate, make_msgid

from flask_babel import gettext as _

from app.core import clock
from app.core.errors import Invalid
from app.mail import addresses, incoming, parsing, quoting, threading
from app.mail.models import Delivery, DeliveryState, RawMail
from app.mail.parsing import IncomingMail
from app.tickets.sorting import clean_line

LONGEST = 200_000


@dc.dataclass(frozen=True)
class Verdict:
    """What would happen to a message: shown, nothing stored."""

    mail: IncomingMail
    visible: str
    sentence: str


def opened(delivery: Delivery) -> IncomingMail | None:
    """The mail as its recipient's program reads it; None before it was written."""
    return parsing.read(delivery.raw) if delivery.raw else None


def answer(delivery: Delivery, text: str) -> RawMail:
    """The recipient answers, quoting what they got, as mail programs do. Commits.

    Its reply address lets whoever has it write as the recipient: a mail that left the house is answered by them alone.
    """
    if delivery.state is DeliveryState.SENT:
        raise Invalid(_("This mail left for its recipient's own mailbox: it is answered there."), {})
    text = text.strip()
    if not text or len(text) > LONGEST:
        raise Invalid(_("The answer is empty or too long."), {"text": _("Please write something.")})
    sent = opened(delivery)
    if sent is None:
        raise Invalid(_("This mail was not written yet; wait a moment."), {})
    message = EmailMessage(policy=SMTP)
    message["From"] = delivery.address
    message["To"] = (sent.reply_to or sent.sender).address
    message["Subject"] = sent.subject if sent.subject.lower().startswith("re:") else f"Re: {sent.subject}"
    message["In-Reply-To"] = message["References"] = f"<{sent.message_id}>"
    quoted = "\n".join(f"> {line}" for line in parsing.plain_text(sent).splitlines())
    return _take(
        message,
        f"{text}\n\nOn {formatdate(clock.now().timestamp())}, {sent.sender.address} wrote:\n{quoted}\n",
        delivery.address,
    )


def write(sender: str, name: str, subject: str, text: str) -> RawMail:
    """A fresh mail from anybody. Commits."""
    wrong = {}
    if "@" not in sender.strip() or not sender.isprintable() or " " in sender.strip():
        wrong["sender"] = _("Please type an email address.")
    if not text.strip():
        wrong["text"] = _("Please write something.")
    if wrong:
        raise Invalid(_("The mail is not complete yet."), wrong)
    message = EmailMessage(policy=SMTP)
    message["From"] = formataddr((clean_line(name), sender.strip()))
    message["To"] = addresses.sender_address()
    message["Subject"] = clean_line(subject)
    return _take(message, text[:LONGEST], sender.strip())


def _take(message: EmailMessage, text: str, sender: str) -> RawMail:
    message["Date"] = formatdate(clock.now().timestamp())
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2] or "lab.example")
    message.set_content(text)
    return incoming.store(message.as_bytes(), "lab", sender, str(message["To"]))


def what_if(raw: bytes) -> Verdict:
    """Read, matched and judged as a real mail would be. Nothing is stored."""
    mail = parsing.read(raw)
    if mail.bounce is not None:
        sentence = _("A mail that came back: noted at the mail it names, nobody is answered.")
    else:
        match = threading.find(mail, ())
        sentence = (
            _("It would be added to %(number)s: %(how)s.", number=match.ticket.display, how=match.how)
            if match
            else _("It would open a new ticket.")
        )
    if mail.automatic:
        sentence += " " + _("A machine wrote it (%(reason)s), so nobody would be answered.", reason=mail.reason)
    return Verdict(mail, quoting.visible(mail.text, mail.html), sentence)
