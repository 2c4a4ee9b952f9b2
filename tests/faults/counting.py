"""After the storm: whether everything that was acknowledged is there once, and every sum is what a count finds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from email import message_from_bytes

from sqlalchemy import func, or_, select, text, update

from app.core import clock, storage
from app.core.extensions import db
from app.core.outbox import Outbox
from app.mail.models import Delivery, DeliveryState, RawMail, RawState
from app.notifications.models import Notice, Notification
from app.reports import recount
from app.schedule import PERIODIC
from app.tickets import tally
from app.tickets.models import Ticket
from app.tickets.thread import Attachment, Message
from app.tickets.timeline import Did, TicketEvent
from tests.faults.load import Deed

MARK = re.compile(r"mark[0-9a-f]{16}")
OPENING = ("portal ticket", "api ticket", "mail")


def bring_forward() -> None:
    """What an error put off for minutes is due now, as if they had passed."""
    now = clock.now()
    put_off = (Outbox.done_at.is_(None), Outbox.failed_at.is_(None), Outbox.due_at > now, Outbox.tries > 0)
    db.session.execute(update(Outbox).where(*put_off).values(due_at=now))
    waiting = (Delivery.state == DeliveryState.QUEUED, Delivery.due_at > now)
    moved = db.session.execute(update(Delivery).where(*waiting).values(due_at=now))
    if moved.rowcount:
        Outbox.put("mail.send_due")
    db.session.commit()


def unfinished() -> list[str]:
    """What still waits or runs."""
    due = or_(
        Outbox.due_at <= clock.now(), Outbox.job == "tickets.leave"
    )  # a reply leaves in a moment: it is waited for
    rows = select(Outbox.job).where(Outbox.done_at.is_(None), Outbox.failed_at.is_(None), due)
    waiting = select(Delivery).where(Delivery.state == DeliveryState.QUEUED)
    raw = select(RawMail.subject).where(RawMail.state == RawState.NEW)
    mails = [f"{mail.kind} to {mail.address}, try {mail.tries}: {mail.reason}" for mail in db.session.scalars(waiting)]
    found = [*db.session.scalars(rows), *mails, *db.session.scalars(raw)]
    db.session.rollback()
    return found


def ended() -> int:
    """Jobs and mails that are through. It grows while the desk works, also while each job leaves two others behind."""
    jobs = db.session.scalar(select(func.count()).select_from(Outbox).where(Outbox.done_at.is_not(None)))
    mails = db.session.scalar(select(func.count()).select_from(Delivery).where(Delivery.state == DeliveryState.SENT))
    db.session.rollback()
    return (jobs or 0) + (mails or 0)


def wrong(done: list[Deed], received: list[bytes], may_double: int, cut: set[str]) -> Iterator[str]:
    """Every disagreement, as a sentence. `cut`: Message-IDs whose line the mail server itself cut after the last byte."""
    yield from _entries(done)
    yield from _mails_in(done)
    yield from _assignments()
    yield from _notices(done)
    yield from _mails_out(received, may_double, cut)
    yield from _sums()
    yield from _left_over()
    yield from _integrity()


def _entries(done: list[Deed]) -> Iterator[str]:
    """No mark twice, none missing, each in its ticket; nothing but what was acknowledged."""
    written = Counter(_marks(db.session.scalars(select(Message.text))))
    subjects = Counter(_marks(db.session.scalars(select(Ticket.subject))))
    expected = {deed.mark for deed in done if deed.mark}
    for mark in sorted(expected | written.keys()):
        if written[mark] != 1 or mark not in expected:
            yield f"{mark} stands {written[mark]} times in entries, acknowledged {mark in expected}"
    opened = {deed.mark for deed in done if deed.kind in OPENING}
    for mark in sorted(opened | subjects.keys()):
        if subjects[mark] != 1 or mark not in opened:
            yield f"{mark} stands {subjects[mark]} times in subjects"
    yield from _in_their_tickets(done)
    events = Counter(db.session.scalars(select(TicketEvent.ticket_id).where(TicketEvent.what == Did.OPENED)))
    yield from (f"ticket {one} was opened {times} times" for one, times in events.items() if times != 1)


def _in_their_tickets(done: list[Deed]) -> Iterator[str]:
    rows = db.session.execute(select(Ticket.number, Message.text).join(Ticket, Ticket.id == Message.ticket_id))
    lies_in = {mark: row.number for row in rows for mark in _marks([row.text])}
    for deed in done:
        if deed.number and lies_in.get(deed.mark) != deed.number:
            yield f"{deed.kind} {deed.mark} was acknowledged for {deed.number} and lies in {lies_in.get(deed.mark)}"


def _mails_in(done: list[Deed]) -> Iterator[str]:
    entries = Counter(db.session.scalars(select(Message.message_id).where(Message.message_id.is_not(None))))
    stored = Counter(db.session.scalars(select(RawMail.message_id).where(RawMail.state == RawState.DELIVERED)))
    for deed in done:
        if deed.message_id and (entries[deed.message_id], stored[deed.message_id]) != (1, 1):
            yield f"mail {deed.message_id} became {entries[deed.message_id]} entries of {stored[deed.message_id]} raw mails"
    odd = select(RawMail).where(RawMail.state.not_in((RawState.DELIVERED, RawState.DUPLICATE)))
    yield from (f"a raw mail is {mail.state}: {mail.error or mail.verdict}" for mail in db.session.scalars(odd))
    files = list(db.session.scalars(select(Attachment)))
    if len(files) != sum(deed.kind == "mail" for deed in done):
        yield f"{len(files)} files of {sum(deed.kind == 'mail' for deed in done)} mails"
    yield from (
        f"file {file.id} has other bytes" for file in files if len(storage.load(file.storage_key)) != file.bytes
    )


def _assignments() -> Iterator[str]:
    assigned = Counter(db.session.scalars(select(TicketEvent.ticket_id).where(TicketEvent.what == Did.ASSIGNED)))
    for ticket in db.session.scalars(select(Ticket)):
        if ticket.assignee_id is None or assigned[ticket.id] != 1:
            yield f"ticket {ticket.number} has assignee {ticket.assignee_id} after {assigned[ticket.id]} assignments"
    told = Counter(db.session.scalars(select(Notification.ticket_id).where(Notification.kind == Notice.ASSIGNED)))
    yield from (f"ticket {one}: {told[one]} notices of its assignment" for one in assigned if told[one] != 1)


def _notices(done: list[Deed]) -> Iterator[str]:
    """One row a ticket that was opened, one a reply."""
    rows = select(Delivery.kind, Delivery.message_id).where(Delivery.kind.in_(("ticket_created", "staff_replied")))
    twice = [
        row
        for row, times in Counter((row.kind, row.message_id) for row in db.session.execute(rows)).items()
        if times > 1
    ]
    yield from (f"two notices {kind} of entry {entry}" for kind, entry in twice)
    for kind, wanted in (("ticket_created", OPENING), ("staff_replied", ("api reply", "staff reply"))):
        written = db.session.scalar(select(func.count()).where(Delivery.kind == kind))
        deeds = sum(deed.kind in wanted for deed in done)
        if written != deeds:
            yield f"{written} notices {kind} of {deeds} deeds"


def _mails_out(received: list[bytes], may_double: int, cut: set[str]) -> Iterator[str]:
    copies = copies_of(received)
    rows = {
        row.rfc_message_id: row
        for row in db.session.scalars(select(Delivery))
        if row.state is not DeliveryState.SUPPRESSED
    }
    for message_id, row in rows.items():
        if row.state is not DeliveryState.SENT or not copies[message_id or ""]:
            yield f"mail {row.id} ({row.kind}) is {row.state}, received {copies[message_id or '']} times: {row.reason}"
    yield from (f"a mail of no row was received: {one}" for one in copies.keys() - rows.keys())
    doubled = doubled_copies(received, cut)
    if doubled > may_double:
        yield f"{doubled} second copies, but only {may_double} senders were killed"


def copies_of(received: Iterable[bytes]) -> Counter[str]:
    return Counter(str(message_from_bytes(raw)["Message-ID"]).strip("<> ") for raw in received)


def doubled_copies(received: Iterable[bytes], cut: set[str]) -> int:
    return sum(times - 1 for message_id, times in copies_of(received).items() if message_id not in cut)


def _sums() -> Iterator[str]:
    if cells := tally.recount():
        yield f"{cells} cells of the tally were wrong"
    first = recount.first_day()
    if first is not None and (rows := recount.recount(first, clock.now().date())):
        yield f"{rows} rows of the daily figures were wrong"
    db.session.rollback()
    counted = select(Message.ticket_id, func.count()).where(Message.kind != "event").group_by(Message.ticket_id)
    counts = {row[0]: row[1] for row in db.session.execute(counted)}
    for ticket in db.session.scalars(select(Ticket)):
        if ticket.message_count != counts.get(ticket.id):
            yield f"ticket {ticket.number} counts {ticket.message_count} messages, there are {counts.get(ticket.id)}"


def _left_over() -> Iterator[str]:
    left = select(Outbox).where(
        or_(Outbox.done_at.is_(None), Outbox.failed_at.is_not(None)), Outbox.due_at <= clock.now()
    )
    for row in db.session.scalars(left.where(or_(Outbox.job.not_in(list(PERIODIC)), Outbox.failed_at.is_not(None)))):
        yield f"outbox row {row.id} ({row.job}) is {row.state} after {row.tries} tries: {row.error}"


def _integrity() -> Iterator[str]:
    if db.engine.dialect.name == "sqlite":
        said = db.session.scalars(text("PRAGMA integrity_check")).all()
        if said != ["ok"]:
            yield f"the database file is damaged: {said}"


def _marks(texts: Iterable[str]) -> Iterator[str]:
    for one in texts:
        yield from MARK.findall(one)
