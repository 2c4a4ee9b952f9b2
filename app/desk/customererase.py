"""Erases a customer: no table, file or index holds their name, address or words any longer."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, delete, func, or_, select, text, update

from app.accounts.customernotes import CustomerNote, CustomerNoteWording
from app.accounts.customers import find
from app.accounts.models import Customer, OneTimeToken
from app.accounts.sessions import SignedIn
from app.automation import running as automation
from app.core import storage
from app.core.audit import What, note
from app.core.database import is_postgresql
from app.core.errors import NotThere
from app.core.extensions import db
from app.core.model import Base
from app.core.outbox import Outbox
from app.desk import taskserase
from app.desk.customernames import Known, Theirs, everything_they_were_called
from app.mail.models import Delivery, RawMail
from app.notifications.models import Notification
from app.satisfaction.models import Rating
from app.search import index
from app.tickets import drafts, fields, macroruns, merging, suppliers, timefigures
from app.tickets.models import Participant, Ticket
from app.tickets.thread import Attachment, Message
from app.tickets.timeentries import TimeEntry
from app.tickets.timeline import Did, TicketEvent

ERASED = "Erased customer"
EMPTIED = "(erased)"


class Erased(NamedTuple):
    tickets: int
    messages: int
    files: int
    mails: int


def erase(address: str, with_tickets: bool) -> Erased:
    """Commits. Tickets stay as empty shells, so that numbers and figures still add up, or go with `with_tickets`."""
    customer = find(address)
    if customer is None:
        raise NotThere(f"There is no customer with the address {address}.")
    person, known = customer.id, everything_they_were_called(customer)
    tickets = list(db.session.scalars(select(Ticket.id).where(Ticket.requester_id == person)))
    _separate(tickets)
    theirs = or_(Message.customer_id == person, Message.ticket_id.in_(tickets))
    messages = list(db.session.scalars(select(Message.id).where(theirs)))
    touched = list(db.session.scalars(select(Message.ticket_id).where(theirs).distinct()))
    keys = _forget_files(person, tickets)
    mails = _forget_mails(person, tickets, messages, known)
    _forget_traces(person, tickets, messages, known)
    if with_tickets:
        for ticket in db.session.scalars(select(Ticket).where(Ticket.requester_id == person)):
            timefigures.forget(ticket.id)
            db.session.delete(ticket)
        db.session.flush()
    _empty_fields(tickets)
    _empty_time(tickets, known)
    _empty_ratings(person, tickets, known)
    _empty_messages(theirs)
    _forget_recipients(known)
    _empty_tickets(tickets, touched)
    _empty_customer(customer)
    note(What.ERASED, f"customer {person}", tickets=len(tickets), with_tickets=with_tickets)
    db.session.flush()
    for ticket_id in {*tickets, *touched}:
        index.index_ticket(ticket_id)
    db.session.commit()
    for key in keys:
        _remove_file(key)
    _forget_free_space()
    return Erased(len(tickets), len(messages), len(keys), mails)


def _separate(tickets: list[int]) -> None:
    """What is theirs stands in their own tickets, and nothing of others among it."""
    one = or_(Ticket.merged_into_id.is_not(None), Ticket.merged_in > 0)
    for ticket in db.session.scalars(select(Ticket).where(Ticket.id.in_(tickets), one).order_by(Ticket.id)).all():
        merging.separate(ticket)
    db.session.flush()


def _forget_files(person: int, tickets: list[int]) -> list[str]:
    """Of whoever, in tickets of theirs; theirs wherever. Gone from the storage after the commit."""
    of_theirs = or_(
        Attachment.customer_id == person,
        Attachment.ticket_id.in_(tickets),
        Attachment.message_id.in_(select(Message.id).where(Message.customer_id == person)),
    )
    keys = list(db.session.scalars(select(Attachment.storage_key).where(of_theirs)))
    _do(delete(Attachment).where(of_theirs))
    return keys


def _forget_mails(person: int, tickets: list[int], messages: list[int], known: Known) -> int:
    """What came goes whole. What went keeps when and how it left, without a word."""
    came = or_(RawMail.ticket_id.in_(tickets), RawMail.entry_id.in_(messages), RawMail.id.in_(_mails_that_name(known)))
    mails = _do(delete(RawMail).where(came))
    went = or_(
        Delivery.customer_id == person,
        Delivery.address.in_(known.addresses),
        Delivery.ticket_id.in_(tickets),
        Delivery.message_id.in_(messages),
    )
    to_them = or_(Delivery.customer_id == person, Delivery.address.in_(known.addresses))
    _do(update(Delivery).where(to_them).values(address="", reason=None))
    return mails + _do(update(Delivery).where(or_(went, to_them)).values(subject="", raw=None, values={}))


def _mails_that_name(known: Known) -> list[int]:
    """Among those that became no ticket: quarantined, ignored, from a machine. Their words are bytes, so they are read one by one."""
    rows = db.session.execute(
        select(RawMail.id, RawMail.sender, RawMail.recipient, RawMail.content)
        .where(RawMail.ticket_id.is_(None))
        .execution_options(yield_per=100)
    )
    return [
        row.id
        for row in rows
        if known.stand_in(f"{row.sender} {row.recipient}") or known.stand_in(row.content.decode("utf-8", "replace"))
    ]


def _forget_traces(person: int, tickets: list[int], messages: list[int], known: Known) -> None:
    events = or_(TicketEvent.customer_id == person, TicketEvent.ticket_id.in_(tickets))
    _do(update(TicketEvent).where(TicketEvent.customer_id == person).values(actor_name=ERASED))
    for event in db.session.scalars(select(TicketEvent).where(events)):
        event.particulars = {key: value for key, value in event.particulars.items() if not isinstance(value, str) or not known.named_in(value)}  # fmt: skip
    taskserase.forget(tickets, known)
    _forget_notes(person, known)
    for address in known.addresses:
        drafts.forget_of(tickets, address)
    _do(delete(Notification).where(Notification.ticket_id.in_(tickets)))
    for notice in db.session.scalars(
        select(Notification).where(_value(Notification.parts, "who").in_(known.names | known.addresses))
    ):
        notice.parts = {**notice.parts, "who": ERASED}
    _do(
        delete(Participant).where(
            or_(Participant.customer_id == person, func.lower(Participant.email).in_(known.addresses))
        )
    )
    numbers = db.session.scalars(select(Ticket.number).where(Ticket.id.in_(tickets)))
    _forget_answers(Theirs(person, frozenset(numbers), frozenset(messages), known))
    _do(delete(Outbox).where(func.lower(_value(Outbox.arguments, "address")).in_(known.addresses)))
    _do(delete(OneTimeToken).where(OneTimeToken.customer_id == person))
    _do(delete(SignedIn).where(SignedIn.customer_id == person))


def _forget_notes(person: int, known: Known) -> None:
    """What staff noted about them, and each note about others that names them."""
    theirs = set(db.session.scalars(select(CustomerNote.id).where(CustomerNote.customer_id == person)))
    _do(delete(CustomerNoteWording).where(CustomerNoteWording.note_id.in_(theirs)))
    _do(delete(CustomerNote).where(CustomerNote.id.in_(theirs)))
    for table in (CustomerNote, CustomerNoteWording):
        rows = db.session.execute(select(table.id, table.text).execution_options(yield_per=500))
        naming = [row.id for row in rows if known.named_in(row.text)]
        _do(update(table).where(table.id.in_(naming)).values(text=EMPTIED))


def _empty_messages(theirs: ColumnElement[bool]) -> None:
    emptied = {"text": EMPTIED, "full_text": None, "html": None, "message_id": None, "in_reply_to": None, "sent_to": None}  # fmt: skip
    _do(update(Message).where(theirs).values(**emptied))
    _do(update(Message).where(theirs, Message.customer_id.is_not(None)).values(author_name=ERASED))


def _forget_recipients(known: Known) -> None:
    """Replies in others' tickets that were written to them stay, and no longer say to whom."""
    rows = db.session.execute(select(Message.id, Message.sent_to).where(Message.sent_to.is_not(None)))
    naming = [row.id for row in rows if known.named_in(row.sent_to)]
    _do(update(Message).where(Message.id.in_(naming)).values(sent_to=None))


def _empty_time(tickets: list[int], known: Known) -> None:
    """How long it took stays; what was written of it goes, as does a note elsewhere that names them."""
    rows = db.session.execute(select(TimeEntry.id, TimeEntry.ticket_id, TimeEntry.note).where(TimeEntry.note != ""))
    gone = [row.id for row in rows if row.ticket_id in tickets or known.named_in(row.note)]
    _do(update(TimeEntry).where(TimeEntry.id.in_(gone)).values(note="", updated_at=TimeEntry.updated_at))


def _empty_ratings(person: int, tickets: list[int], known: Known) -> None:
    """How good they found it stays a figure; their words go, as do those of others that name them."""
    _do(update(Rating).where(or_(Rating.customer_id == person, Rating.ticket_id.in_(tickets))).values(comment=None))
    rows = db.session.execute(select(Rating.id, Rating.comment).where(Rating.comment.is_not(None)))
    naming = [row.id for row in rows if known.named_in(row.comment)]
    _do(update(Rating).where(Rating.id.in_(naming)).values(comment=EMPTIED))


def _empty_fields(tickets: list[int]) -> None:
    """What customers wrote in the desk's own fields; the history says which changed and no more."""
    emptied = set(fields.forget_words(tickets))
    if not emptied:
        return
    changed = select(TicketEvent).where(TicketEvent.ticket_id.in_(tickets), TicketEvent.what == Did.FIELD_CHANGED)
    for event in db.session.scalars(changed):
        if event.particulars.get("field_id") in emptied:
            event.particulars = {key: value for key, value in event.particulars.items() if key not in ("was", "now")}


def _empty_tickets(tickets: list[int], touched: list[int]) -> None:
    _do(update(Ticket).where(Ticket.id.in_(tickets)).values(subject=EMPTIED, reference=None))
    _do(update(Ticket).where(Ticket.id.in_([*tickets, *touched])).values(excerpt=""))
    suppliers.forget_words(tickets)
    macroruns.forget(tickets)
    automation.forget(tickets)


def _empty_customer(customer: Customer) -> None:
    """The row stays under an address that nobody can have: tickets of others still point to it."""
    customer.name, customer.email = ERASED, f"erased-{customer.id}@erased.invalid"
    customer.phone = customer.notes = customer.password_hash = customer.language = customer.verified_at = None
    customer.organization, customer.staff = None, []
    customer.active, customer.address_works = False, False
    customer.generation += 1


def _value(column: Any, key: str) -> ColumnElement[str]:
    """One value of a row's JSON, whole: a customer called Al is not meant by what only holds these letters."""
    found: ColumnElement[str] = column[key].as_string()
    return found


def _forget_answers(theirs: Theirs) -> None:
    """Of the API, read one by one: as text, a customer called Al would be meant by every word with these letters."""
    answers = Base.metadata.tables["idempotent_answer"]  # the API's own: a neighbour
    kept = db.session.execute(select(answers.c.id, answers.c.answer).execution_options(yield_per=200))
    gone = [row.id for row in kept if theirs.told_in(row.answer)]
    _do(delete(answers).where(answers.c.id.in_(gone)))


def _remove_file(key: str) -> None:
    try:
        storage.remove(key)
    except FileNotFoundError:
        pass


def _forget_free_space() -> None:
    """What was deleted still lies in the database's free pages until they are written over."""
    db.session.remove()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if is_postgresql():
            connection.execute(text("VACUUM"))
        else:
            raw: Any = connection.connection.driver_connection
            for name in index.TABLES:
                raw.execute(f"INSERT INTO {name}({name}) VALUES ('optimize')")
            raw.execute("VACUUM")
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _do(statement: Any) -> int:
    return int(db.session.execute(statement.execution_options(synchronize_session=False)).rowcount)
