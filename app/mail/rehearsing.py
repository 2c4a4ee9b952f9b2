"""What would become of a message: it is delivered by the functions that deliver real mail, looked at, and all of it taken back."""

from __future__ import annotations

import dataclasses as dc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from flask_babel import gettext as _
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from app.core import audit, queue, storage
from app.core.database import writing
from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.core.outbox import Outbox
from app.mail import composing, incoming, outgoing, parsing, quoting, reading
from app.mail.models import Delivery, DeliveryState, RawMail, RawState
from app.mail.parsing import IncomingMail
from app.mail.quoting import Hidden
from app.mail.reasons import Reason, reasons_of
from app.tickets.models import Participant, Ticket
from app.tickets.thread import Attachment, Message
from app.tickets.timeline import TicketEvent

FOLLOWED = ("notifications.tell_department", "assignment.assign")
"""Jobs that a delivery puts on their way, and that write mails themselves."""
MOST_ROUNDS = 5
MOST_LETTERS = 12
"""Written out whole; of further ones the recipient is named."""


class Letter(NamedTuple):
    """A mail that would be sent, or the reason why not."""

    kind: str
    address: str
    subject: str
    text: str
    held_back: str


class Outcome(NamedTuple):
    """What the delivery wrote, as plain values: its rows are gone when somebody looks."""

    state: RawState
    verdict: str
    ticket_number: int | None = None
    ticket: str = ""
    subject: str = ""
    new: bool = False
    trusted: bool = True
    events: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    files: tuple[tuple[str, int, str], ...] = ()
    letters: tuple[Letter, ...] = ()


@dc.dataclass(frozen=True)
class Rehearsal:
    """What was read, why it goes where, and what would follow."""

    mail: IncomingMail
    visible: str
    hidden: Hidden
    reasons: tuple[Reason, ...]
    outcome: Outcome
    came_before: bool

    @property
    def leaving(self) -> list[Letter]:
        return [letter for letter in self.outcome.letters if not letter.held_back]


def rehearse(raw: bytes, recipient: str = "") -> Rehearsal:
    """Raises Unreadable with a sentence. Nothing is stored, sent or kept, whatever happens."""
    mail = reading.read(raw)
    visible, hidden = quoting.visible(mail.text, mail.html), quoting.hidden(mail.text, mail.html)
    with taken_back() as made:
        row = _row(raw, recipient)
        came_before = bool(db.session.scalar(select(RawMail.id).where(RawMail.identity == row.identity).limit(1)))
        row.identity = None
        reasons = tuple(reasons_of(mail, recipient))
        outcome = _carried_out(row, mail, made)
    return Rehearsal(mail, visible, hidden, reasons, outcome, came_before)


@contextmanager
def taken_back() -> Iterator[list[Any]]:
    """Yields the list of the rows that are written inside. Afterwards they are gone; a commit inside is a fault."""
    db.session.rollback()
    session = db.session()
    event.listen(session, "before_commit", _refuse)
    try:
        with writing(), storage.tried(), audit.silent(), collected() as made:
            yield made
    finally:
        event.remove(session, "before_commit", _refuse)
        db.session.rollback()


def _refuse(session: Session) -> None:
    """The end of a savepoint commits nothing yet."""
    assert session.in_nested_transaction(), "what is only tried is never committed"


@contextmanager
def collected() -> Iterator[list[Any]]:
    """The rows that are made inside, in their order."""
    session = db.session()
    made: list[Any] = []

    def collect(session: Session, _context: object) -> None:
        made.extend(session.new)

    event.listen(session, "after_flush", collect)
    try:
        yield made
    finally:
        event.remove(session, "after_flush", collect)


def follow(rows: Iterable[Any]) -> None:
    """The jobs among these rows that would write mails, in the present transaction; they are done then."""
    for row in rows:
        if isinstance(row, Outbox) and row.job in FOLLOWED and row.done_at is None:
            queue.carry_out(row.job, row.arguments)
            row.done_at = row.created_at
    db.session.flush()


def _row(raw: bytes, recipient: str) -> RawMail:
    row = RawMail(via="lab", recipient=recipient[:255], sha256="", content=raw, state=RawState.NEW)
    incoming.describe(row, raw)
    return row


def _carried_out(row: RawMail, mail: IncomingMail, made: list[Any]) -> Outcome:
    try:
        db.session.add(row)
        db.session.flush()
        incoming.decide(row, mail)
        db.session.flush()
        for _round in range(MOST_ROUNDS):
            follow(list(made))
    except HelpdeskError as refusal:
        incoming.set_aside(row, str(refusal))
        return Outcome(row.state, row.verdict)
    return _told(row, made)


def _told(row: RawMail, made: list[Any]) -> Outcome:
    entry = next((one for one in made if isinstance(one, Message) and one.id == row.entry_id), None)
    ticket = entry.ticket if entry is not None else None
    return Outcome(
        row.state,
        row.verdict,
        ticket.number if ticket is not None else None,
        ticket.display if ticket is not None else "",
        ticket.subject if ticket is not None else "",
        new=any(isinstance(one, Ticket) for one in made),
        trusted=entry is None or entry.trusted,
        events=tuple(_event(one, ticket) for one in made if isinstance(one, TicketEvent)),
        copies=tuple(one.email or "" for one in made if isinstance(one, Participant) and not one.approved),
        files=tuple((one.name, one.bytes, one.type) for one in made if isinstance(one, Attachment)),
        letters=tuple(_letters([one for one in made if isinstance(one, Delivery)])),
    )


def _event(one: TicketEvent, ticket: Ticket | None) -> str:
    """As a timeline has it; of another ticket with its number."""
    said = f"{one.actor_name} {one.sentence}"
    return said if one.ticket is ticket else f"{one.ticket.display}: {said}"


def _letters(mails: list[Delivery]) -> Iterator[Letter]:
    for place, mail in enumerate(mails):
        reason = (mail.reason or "") if mail.state is DeliveryState.SUPPRESSED else outgoing.held_back(mail) or ""
        subject, text = ("", "") if reason or place >= MOST_LETTERS else _written(mail)
        yield Letter(mail.kind, mail.address, subject, text, reason)


def _written(mail: Delivery) -> tuple[str, str]:
    try:
        composed = parsing.read(composing.compose(mail).raw)
    except HelpdeskError as problem:
        return "", str(problem)
    return composed.subject, parsing.plain_text(composed)


def sentence(found: Rehearsal) -> str:
    """In one line, for a list or a program."""
    said = found.outcome.verdict
    if found.came_before:
        said = _("It came before and would be dropped. Otherwise: %(verdict)s", verdict=said)
    return said
