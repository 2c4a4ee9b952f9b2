"""The mail lab: what the desk sent and got, found and opened; and mails taken in as if they came from outside."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.utils import make_msgid
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import joinedload

from app.accounts.viewer import SYSTEM
from app.core.audit import What, note
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.mail import addresses, incoming, outgoing, parsing, played, reading, rehearsing, threading
from app.mail.addresses import RecipientKind
from app.mail.models import Delivery, DeliveryState, RawMail, RawState
from app.mail.parsing import IncomingMail
from app.tickets import numbering
from app.tickets.models import Ticket
from app.tickets.thread import Channel, Words

ROWS = 30
LOOKED_THROUGH = 20_000
"""The newest mails that a search for words reads; one for a ticket or a whole address finds all."""
MESSAGE_ID = re.compile(rb"(?im)^message-id[ \t]{0,9}:[^\r\n]*\r?\n(?:[ \t][^\r\n]*\r?\n)*")
WRITTEN = (DeliveryState.CAPTURED, DeliveryState.SENT, DeliveryState.QUEUED, DeliveryState.FAILED)


def sent(words: str = "", before: int = 0) -> Sequence[Delivery]:
    """The newest first, one more than a page."""
    wanted = select(Delivery).where(Delivery.state.in_(WRITTEN)).options(joinedload(Delivery.ticket))
    return db.session.scalars(_page(wanted, Delivery, Delivery.address, words, before)).unique().all()


def got(words: str = "", before: int = 0) -> Sequence[RawMail]:
    return db.session.scalars(_page(select(RawMail), RawMail, RawMail.sender, words, before)).all()


def _page(wanted: Select[Any], table: Any, person: Any, words: str, before: int) -> Select[Any]:
    if before:
        wanted = wanted.where(table.id < before)
    if words.strip():
        wanted = wanted.where(_found(table, person, words.strip()))
    return wanted.order_by(table.id.desc()).limit(ROWS + 1)


def _found(table: Any, person: Any, words: str) -> ColumnElement[bool]:
    number = numbering.read(words)
    if number is not None:
        return table.ticket_id == select(Ticket.id).where(Ticket.number == number).scalar_subquery()
    newest = table.id > select(func.coalesce(func.max(table.id), 0) - LOOKED_THROUGH).scalar_subquery()
    return or_(
        person == words.casefold(),
        newest & or_(table.subject.icontains(words, autoescape=True), person.icontains(words, autoescape=True)),
    )


def opened(delivery: Delivery) -> IncomingMail | None:
    """The mail as its recipient's program reads it; None before it was written."""
    return parsing.read(delivery.raw) if delivery.raw else None


def answerable(delivery: Delivery) -> str:
    """Empty, or why nobody can play its recipient.

    Its reply address lets whoever has it write as the recipient: a mail that left the house is answered by them alone.
    """
    if (delivery.state is not DeliveryState.CAPTURED and played.real()) or delivery.state is DeliveryState.SENT:
        return _("This mail left for its recipient's own mailbox: it is answered there.")
    if delivery.raw is None:
        return _("This mail was not written yet; wait a moment.")
    if delivery.sent_at is None:
        return _("This mail did not arrive yet, so nobody can answer it.")
    return ""


def take(raw: bytes, recipient: str = "", quiet: bool = False, again: bool = False) -> RawMail:
    """Deliver it as real mail is, at once, so that its page can say what became of it. Commits.

    `quiet`: no mail leaves because of it, and its ticket says how it came. `again`: the desk got it before, by a real way in.
    """
    if played.real() and not again:
        _no_colleagues_voice(raw, recipient)
    row = incoming.store(raw, "lab", recipient=recipient, by_job=not quiet)
    if row.state is RawState.NEW:
        if quiet:
            _deliver_quietly(row)
        else:
            incoming.deliver(row.id)
    row = db.session.get_one(RawMail, row.id)
    note(What.LAB_DELIVERED, row, quiet=quiet)
    db.session.commit()
    return row


def _no_colleagues_voice(raw: bytes, recipient: str) -> None:
    """Where mails leave, a colleague's reply address is in their own mailbox: who has it elsewhere does not answer as them."""
    for address in threading.addressed(reading.read(raw), (recipient,)):
        token = addresses.read_token(address)
        if token is not None and token.kind is RecipientKind.STAFF:
            raise Invalid(_("It was sent to a reply address made for a colleague: they alone write to it."), {})


def _deliver_quietly(row: RawMail) -> None:
    with outgoing.quietly(_("It was tried in the mail lab, without mails.")), rehearsing.collected() as made:
        incoming.deliver(row.id)
        db.session.flush()
        rehearsing.follow(list(made))
        ticket = db.session.get(Ticket, row.ticket_id) if row.ticket_id else None
        if ticket is not None:
            words = _("The mail above came from the mail lab, where somebody tried it: nobody was mailed because of it. An answer to it leaves as real mail.")  # fmt: skip
            ticket.place().note(Words(words, via=Channel.STAFF), by=SYSTEM)


def as_new(raw: bytes) -> bytes:
    """The same message under another Message-ID: what came before is dropped, this is not."""
    own = make_msgid(domain="lab.example")
    end = re.search(rb"\r?\n\r?\n", raw)
    head, rest = (raw[: end.start() + 1], raw[end.start() + 1 :]) if end else (raw, b"")
    kept = MESSAGE_ID.sub(b"", head)
    return f"Message-ID: {own}\r\n".encode() + kept + rest


def kept(row: RawMail) -> bytes:
    """Its bytes. One that came twice is kept once."""
    if row.content:
        return row.content
    first = select(RawMail.content).where(RawMail.sha256 == row.sha256, RawMail.identity.is_not(None)).limit(1)
    found = db.session.scalar(first)
    if not found:
        raise HelpdeskError(_("The bytes of this message are not kept any more."))
    return found
