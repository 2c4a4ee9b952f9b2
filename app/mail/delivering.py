"""A message that was read becomes an entry of its ticket, or a ticket."""

from __future__ import annotations

from flask_babel import gettext as _

from app.accounts import customers
from app.accounts.models import Customer, Department
from app.accounts.viewer import SYSTEM, CustomerActor, viewer
from app.core import clock
from app.core.errors import Forbidden, Invalid
from app.core.extensions import db
from app.mail import addresses, supplieranswers, threading
from app.mail.addresses import RecipientKind
from app.mail.boxes import Box
from app.mail.entering import words_of
from app.mail.filters import Outcome, Verdict
from app.mail.parsing import IncomingMail
from app.mail.threading import Match
from app.tickets.choices import Category, Priority
from app.tickets.models import Participant, ParticipantRole
from app.tickets.opening import NewTicket, open_ticket
from app.tickets.thread import Channel, Message, Words

MOST_CC = 10


def to_ticket(match: Match, mail: IncomingMail) -> tuple[Message, str]:
    """The entry and a sentence for the mail log. Raises Forbidden when a staff user has lost the right to answer."""
    if match.supplier_id is not None:
        return supplieranswers.to_ticket(match, mail)
    if match.token is not None and match.token.kind is RecipientKind.SUPPLIER:
        raise Forbidden(_("The supplier for whom this address was made is gone."))
    staff_id = threading.staff_token(match)
    if staff_id is not None:
        return _from_staff(match, mail, staff_id)
    customer = _sender(mail)
    trusted = threading.takes_part(customer, match.ticket) and customer.active
    actor = CustomerActor.of(customer)
    if mail.automatic:
        return _automatic(match, mail, customer)
    if trusted:
        _prove(match, customer)
    message = match.ticket.receive(words_of(mail, actor, trusted=trusted), by=actor)
    if not trusted:
        return message, _(
            "Kept in %(number)s as unverified: %(how)s, but the sender takes no part in it.",
            number=match.ticket.display,
            how=match.how,
        )
    if message.home_id != match.ticket.id:
        return message, _(
            "%(number)s stays closed; the reply opened %(new)s.",
            number=match.ticket.display,
            new=message.ticket.display,
        )
    return message, _("Added to %(number)s: %(how)s.", number=match.ticket.place().display, how=match.how)


def to_new_ticket(mail: IncomingMail, box: Box, outcome: Outcome | None = None) -> tuple[Message, str]:
    """A fresh mail: a ticket of its sender's, filed as the filters say, else as the mailbox that it came to."""
    filed = outcome or Outcome()
    customer = _sender(mail)
    actor = CustomerActor.of(customer)
    new = NewTicket(
        mail.subject.strip() or _("(no subject)"),
        words_of(mail, actor),
        customer,
        filed.department or (db.session.get(Department, box.department_id) if box.department_id else None),
        filed.category or (db.session.get(Category, box.category_id) if box.category_id else None),
        filed.priority or (db.session.get(Priority, box.priority_id) if box.priority_id else None),
        tags=filed.tags,
        spam=filed.verdict is Verdict.SPAM,
        mailbox_id=None if box.main else box.id,
    )
    ticket = open_ticket(new, SYSTEM if mail.automatic else actor)
    _copy_in(ticket.id, mail, customer)
    if ticket.spam:
        return ticket.messages[0], _("Opened %(number)s as spam: the filter “%(name)s” says so.", number=ticket.display, name=filed.name)  # fmt: skip
    return ticket.messages[0], _("Opened %(number)s.", number=ticket.display)


def _from_staff(match: Match, mail: IncomingMail, staff_id: int) -> tuple[Message, str]:
    """Only the address made for that person lets them answer as staff, and only with the rights they have now."""
    staff = viewer(staff_id)
    if staff is None or staff.email.casefold() != mail.sender.address.casefold():
        raise Forbidden(_("The reply address was made for somebody else."))
    if mail.automatic:
        raise Forbidden(_("An automatic answer to a notice of ours."))
    message = match.ticket.reply(words_of(mail, staff), by=staff)
    return message, _("%(name)s answered %(number)s by mail.", name=staff.name, number=match.ticket.display)


def _automatic(match: Match, mail: IncomingMail, customer: Customer) -> tuple[Message, str]:
    """An absence note and its like: staff see it, the status stays, nobody is answered."""
    words = words_of(mail, SYSTEM)
    text = _("Automatic reply from %(address)s:", address=mail.sender.address) + "\n\n" + words.text
    note = match.ticket.note(
        Words(
            text,
            full_text=words.full_text,
            via=Channel.MAIL,
            message_id=words.message_id,
            attachments=words.attachments,
        ),
        by=SYSTEM,
    )
    return note, _("A machine wrote it; kept in %(number)s as a note.", number=match.ticket.display)


def _sender(mail: IncomingMail) -> Customer:
    """By their address; a new one is made, an existing name stays."""
    try:
        customer = customers.find_or_create(
            mail.sender.address, mail.sender.name or mail.sender.address.partition("@")[0]
        )
    except Invalid:
        raise Invalid(
            _("“%(address)s” is not an address anybody could be answered at.", address=mail.sender.address[:100])
        )
    return customer


def _prove(match: Match, customer: Customer) -> None:
    """We gave this reply address to them alone: whoever writes to it reads their mail."""
    token = match.token
    if (
        customer.verified_at is None
        and token is not None
        and token.kind is RecipientKind.CUSTOMER
        and token.recipient_id == customer.id
    ):
        customer.verified_at = clock.now()


def _copy_in(ticket_id: int, mail: IncomingMail, requester: Customer) -> None:
    """Others the sender wrote to wait for an agent's word before they get anything."""
    others = {
        person.address.casefold()
        for person in (*mail.to, *mail.cc)
        if person.address and not addresses.ours(person.address)
    } - {requester.email_key}
    for address in sorted(others)[:MOST_CC]:
        db.session.add(Participant(ticket_id=ticket_id, role=ParticipantRole.CC, email=address[:255], approved=False))
