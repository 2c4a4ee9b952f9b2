"""Mail that was set aside, or that nobody could deliver yet: read again, made a ticket by a person, or deleted."""

from __future__ import annotations

import datetime as dt
import logging

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from app.accounts.models import Customer
from app.accounts.viewer import Actor, CustomerActor
from app.core import clock
from app.core.audit import What, note
from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.mail import incoming, parsing, reading
from app.mail.entering import words_of
from app.mail.models import RawMail, RawState
from app.tickets import files
from app.tickets.models import Ticket
from app.tickets.opening import NewTicket, open_ticket
from app.tickets.thread import Channel, Words

log = logging.getLogger(__name__)

SOON = dt.timedelta(minutes=10)
"""A message that is not delivered by then waits for something that does not come by itself."""
LONGEST_SHOWN = 100_000
"""Letters of a raw message on a page; the whole of it is a file."""
LONGEST_COPIED = 20_000


class NotWaiting(HelpdeskError):
    """Somebody else dealt with it in the meantime."""

    code = 409

    def __init__(self) -> None:
        super().__init__(_("This mail does not wait any more."))


def where_waiting() -> ColumnElement[bool]:
    late = and_(RawMail.state == RawState.NEW, RawMail.received_at < clock.now() - SOON)
    return or_(RawMail.state == RawState.QUARANTINED, late)


def waiting() -> Select[RawMail]:
    """The newest first."""
    return select(RawMail).where(where_waiting()).order_by(RawMail.id.desc())


def count() -> int:
    return db.session.scalar(select(func.count()).select_from(RawMail).where(where_waiting())) or 0


def take(raw_mail_id: int) -> RawMail:
    """The message, and nobody else deals with it before we commit. Raises NotWaiting."""
    wanted = select(RawMail).where(RawMail.id == raw_mail_id, where_waiting()).with_for_update()
    row = db.session.scalar(wanted)
    if row is None:
        raise NotWaiting
    return row


def again(row: RawMail) -> None:
    """Read and delivered as if it came now."""
    incoming.read_again(row)
    note(What.MAIL_READ_AGAIN, f"{row.id}")


def delete(row: RawMail) -> None:
    """The message is gone; that somebody deleted it stays known."""
    note(What.MAIL_DELETED, f"{row.id}", reason=(row.error or row.verdict)[:200])
    db.session.delete(row)


def make_ticket(row: RawMail, requester: Customer, by: Actor) -> Ticket:
    """A ticket of this customer's, with what can be read of the message, and the message itself as a file."""
    mail, words = _words(row, requester)
    subject = (mail.subject if mail is not None else row.subject).strip() or _("(no subject)")
    ticket = open_ticket(NewTicket(subject[:255], words, requester), by)
    entry = ticket.messages[0]
    row.state, row.error, row.ticket_id, row.entry_id = RawState.DELIVERED, None, ticket.id, entry.id
    row.verdict = _("%(name)s made it %(number)s.", name=by.name, number=ticket.display)
    note(What.MAIL_MADE_TICKET, f"{row.id}", ticket=ticket.number)
    return ticket


def _words(row: RawMail, requester: Customer) -> tuple[parsing.IncomingMail | None, Words]:
    """As it was read; of one that cannot be read the beginning of its bytes."""
    actor = CustomerActor.of(requester)
    try:
        mail = reading.read(row.content)
        return mail, words_of(mail, actor)
    except incoming.SURROUNDINGS:
        raise
    except Exception as problem:  # what is wrong with it is known: that is why it lies here
        log.warning("raw mail %s becomes a ticket unread: %s", row.id, problem)
    original = files.store("message.eml", row.content, actor)
    text = shown(row.content)[:LONGEST_COPIED].strip() or _("(empty message)")
    return None, Words(text, via=Channel.MAIL, message_id=row.message_id, attachments=(original,))


def shown(content: bytes) -> str:
    """Its bytes as text for a page, without what a page cannot show."""
    text = content[: 4 * LONGEST_SHOWN].decode("utf-8", "replace")[:LONGEST_SHOWN]
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "�" for letter in text.replace("\r\n", "\n"))
