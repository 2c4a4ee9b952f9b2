"""Mails as people and machines outside write them: an answer with what it quotes, a fresh mail, a mail that comes back, an absence note."""

from __future__ import annotations

import dataclasses as dc
from email.headerregistry import Address
from email.message import EmailMessage, Message
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from flask_babel import gettext as _
from markupsafe import Markup

from app.accounts import customers
from app.core import clock
from app.core.errors import Invalid
from app.core.html import text_of
from app.mail import addresses, mailbox, parsing, people, written
from app.mail.models import Delivery
from app.mail.parsing import IncomingMail
from app.tickets.files import safe_name
from app.tickets.sorting import clean_line

LONGEST = 200_000
LONGEST_HTML = 1_000_000
MOST_PEOPLE = 20
MOST_FILES = 20
MOST_BYTES = 20 * 1024 * 1024


@dc.dataclass(frozen=True)
class Letter:
    """What somebody typed."""

    sender: str
    name: str = ""
    to: str = ""
    cc: str = ""
    subject: str = ""
    text: str = ""
    html: str = ""
    files: tuple[tuple[str, str, bytes], ...] = ()
    """Name, type and bytes."""
    quoting: bool = True


def answer_to(delivery: Delivery, letter: Letter | None = None) -> Letter:
    """An answer as mail programs prepare it; what was typed stands in for what they would fill in. Raises Invalid."""
    why = mailbox.answerable(delivery)
    got = mailbox.opened(delivery)
    if why or got is None:
        raise Invalid(why, {"text": why})
    subject = got.subject if got.subject.lower().startswith("re:") else f"Re: {got.subject}"
    typed = letter or Letter("")
    return dc.replace(
        typed,
        sender=typed.sender or delivery.address,
        to=typed.to or (got.reply_to or got.sender).address,
        subject=typed.subject or subject,
    )


def composed(letter: Letter, answered: Delivery | None = None) -> bytes:
    """Its bytes. Raises Invalid with a sentence for each field that is wrong."""
    to, cc = _checked(letter)
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(clean_line(letter.name), addr_spec=letter.sender.strip())
    message["To"] = ", ".join(to)
    if cc:
        message["Cc"] = ", ".join(cc)
    message["Subject"] = clean_line(letter.subject, 250)
    _stamp(message, letter.sender)
    text, html = letter.text.strip() or text_of(letter.html), letter.html
    got = mailbox.opened(answered) if answered is not None else None
    if got is not None:
        message["In-Reply-To"] = message["References"] = f"<{got.message_id}>"
        if letter.quoting:
            text, html = text + _quoted(got), html and html + _quoted_html(got)
    message.set_content(f"{text}\n")
    if html.strip():
        message.add_alternative(html, subtype="html")
    for name, kind, content in letter.files:
        main, _slash, sub = (kind if kind.count("/") == 1 and kind.isascii() else "application/octet-stream").partition("/")  # fmt: skip
        message.add_attachment(content, maintype=main, subtype=sub, filename=safe_name(name))
    return message.as_bytes()


def _checked(letter: Letter) -> tuple[list[str], list[str]]:
    wrong: dict[str, str] = {}
    if not _usable(letter.sender.strip()):
        wrong["sender"] = _("Please type an email address.")
    to = _people(letter.to or addresses.sender_address(), "to", wrong)
    cc = _people(letter.cc, "cc", wrong)
    if not letter.text.strip() and not letter.html.strip() and not letter.files:
        wrong["text"] = _("Please write something.")
    if len(letter.text) > LONGEST:
        wrong["text"] = _("At most %(most)s characters.", most=LONGEST)
    if len(letter.html) > LONGEST_HTML:
        wrong["html"] = _("At most %(most)s characters.", most=LONGEST_HTML)
    if len(letter.files) > MOST_FILES or sum(len(content) for _name, _kind, content in letter.files) > MOST_BYTES:
        wrong["files"] = _("At most %(most)s files with 20 MB together.", most=MOST_FILES)
    if wrong:
        raise Invalid(_("The mail is not complete yet."), wrong)
    return to, cc


def _usable(address: str) -> bool:
    """One that a header can hold as it is."""
    try:
        Address(addr_spec=customers.checked_address(address))
    except (Invalid, ValueError, IndexError):
        return False
    return address.isascii()


def _people(typed: str, field: str, wrong: dict[str, str]) -> list[str]:
    found = [person.address for person in people.addresses(typed)]
    bad = [address for address in found if not _usable(address)]
    if bad or (typed.strip() and not found):
        wrong[field] = _("“%(address)s” is no address that mail can be sent to.", address=(bad or [typed])[0][:100])
    elif len(found) > MOST_PEOPLE:
        wrong[field] = _("At most %(most)s addresses.", most=MOST_PEOPLE)
    return found


def _stamp(message: Message, sender: str) -> None:
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = make_msgid(domain=sender.strip().rpartition("@")[2] or "lab.example")


def _quoted(got: IncomingMail) -> str:
    lines = "\n".join(f"> {line}" for line in parsing.plain_text(got).splitlines())
    return f"\n\nOn {format_datetime(clock.now())}, {got.sender.address} wrote:\n{lines}"


def _quoted_html(got: IncomingMail) -> str:
    """As Gmail does it."""
    said = Markup("On {}, {} wrote:").format(format_datetime(clock.now()), got.sender.address)
    quote = Markup(
        '<div class="gmail_quote"><div class="gmail_attr">{}</div><blockquote><pre>{}</pre></blockquote></div>'
    )
    return str(quote.format(said, parsing.plain_text(got)))


def bounced(delivery: Delivery, gone: bool) -> bytes:
    """The report of the recipient's mail server that it did not arrive: the mailbox is not there, or is full."""
    got = _arrived(delivery)
    host = delivery.address.rpartition("@")[2]
    status, words = ("5.1.1", "550 5.1.1 user unknown") if gone else ("4.2.2", "452 4.2.2 mailbox full")
    head = (
        written.header("Return-Path", "<>")
        + written.header("From", written.mailbox("Mail Delivery System", f"mailer-daemon@{host}"))
        + written.header("To", addresses.sender_address())
        + written.header("Subject", "Undelivered Mail Returned to Sender")
        + written.header("Date", format_datetime(clock.now()))
        + written.header("Message-ID", make_msgid(domain=host))
        + written.header("Auto-Submitted", "auto-replied")
        + written.header("MIME-Version", "1.0")
    )
    said = f"This is the mail system at host {host}.\n\nYour message could not be delivered.\n\n<{delivery.address}>: {words}\n"
    fields = f"Reporting-MTA: dns; {host}\r\n\r\nFinal-Recipient: rfc822; {delivery.address}\r\nAction: failed\r\nStatus: {status}\r\nDiagnostic-Code: smtp; {words}\r\n"
    copied = written.header("Message-ID", f"<{got.message_id}>") + written.text("Subject", clean_line(got.subject)) + written.header("To", delivery.address)  # fmt: skip
    parts = (written.body("plain", said), _part("message/delivery-status", fields), _part("text/rfc822-headers", copied))  # fmt: skip
    return head.encode() + written.multipart("report; report-type=delivery-status", parts)


def away(delivery: Delivery) -> bytes:
    """The absence note of its recipient's mail program."""
    got = _arrived(delivery)
    note = EmailMessage(policy=SMTP)
    note["From"] = delivery.address
    note["To"] = (got.reply_to or got.sender).address
    note["Subject"] = clean_line(f"Automatic reply: {got.subject}", 250)
    note["In-Reply-To"] = note["References"] = f"<{got.message_id}>"
    note["Auto-Submitted"] = "auto-replied"
    note["Precedence"] = "bulk"
    _stamp(note, delivery.address)
    note.set_content("I am out of the office until Monday and read my mail when I am back.\n")
    return note.as_bytes()


def _arrived(delivery: Delivery) -> IncomingMail:
    why, got = mailbox.answerable(delivery), mailbox.opened(delivery)
    if why or got is None or not _usable(delivery.address):
        why = why or _("“%(address)s” is no address that mail can be sent to.", address=delivery.address)
        raise Invalid(why, {"text": why})
    return got


def _part(kind: str, lines: str) -> bytes:
    return f"Content-Type: {kind}\r\n\r\n{lines}".encode()
