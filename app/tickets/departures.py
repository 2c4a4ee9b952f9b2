"""A reply, or a question to a supplier, on its way out: sent, to be read by the team, and not gone before its moment. Until then it can be taken back.

Nothing of it has happened while it waits: status, promises, sums and mails follow when it leaves, in one transaction.
"""

from __future__ import annotations

import datetime as dt

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, false, or_, select, update

from app.accounts.viewer import SYSTEM, Actor, Kind, Viewer, viewer
from app.core import clock
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.core.outbox import Outbox
from app.tickets import canned, copies, drafts, fields, suppliers
from app.tickets.choices import Priority, Status
from app.tickets.conversation import LONGEST_MESSAGE, Then, status_after
from app.tickets.drafts import LAST_TURN, Draft, Written
from app.tickets.lifecycle import demand_choosable
from app.tickets.mergeable import Merge
from app.tickets.models import Ticket
from app.tickets.supplied import SupplierContact
from app.tickets.suppliers import Question
from app.tickets.thread import Attachment, Channel, Message, MessageKind, Words
from app.tickets.timeline import Did
from app.tickets.turns import demand, take

FARTHEST = dt.timedelta(days=366)
"""Who chooses a later day has mistyped the year."""
UNDONE, CUSTOMER_WROTE, SUPPLIER_WROTE = "undone", "customer_wrote", "supplier_wrote"
CONTACT = "contact:"
"""Before the id of whom at a supplier it goes to, in place of an outcome."""


class Gone(HelpdeskError):
    """It left, or somebody else took it back."""

    def __init__(self) -> None:
        super().__init__(_("This reply has left already, or somebody took it back."))


class HeldBack(HelpdeskError):
    """What was written for a later time does not fit any more."""


def departures_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Whoever of the staff sees the ticket; customers read a reply when it has left."""
    return and_(Draft.leaves_at.is_not(None), Draft.spent_at.is_(None)) if actor.kind is Kind.STAFF else false()


def send(ticket: Ticket, by: Viewer, written: Written, mark: str = "") -> Message:
    """It leaves now: a reply with its copies, outcome and priority, or a question to a supplier."""
    drafts.spend(ticket.id, by, mark, written.text)
    return _say(ticket, by, written)


def put_off(
    ticket: Ticket, by: Viewer, written: Written, leaves_at: dt.datetime, mark: str, seen_id: int, scheduled: bool
) -> Draft:
    """It leaves then; whatever would refuse it refuses it now, while its writer is here."""
    _demand(ticket, by, written)
    if scheduled and not clock.now() < leaves_at <= clock.now() + FARTHEST:
        raise Invalid(
            _("This is no time to send it."), {"leaves_at": _("Please choose a time in the future, within a year.")}
        )
    drafts.clear(ticket.id, by, mark, written.text)
    draft = Draft(
        ticket_id=ticket.id, staff_id=by.id, mark=drafts.free_mark(by, mark), leaves_at=leaves_at, scheduled=scheduled, seen_id=seen_id, saved_at=clock.now(), **written.columns()
    )  # fmt: skip
    db.session.add(draft)
    db.session.flush()
    _wake(draft)
    if scheduled:
        ticket.record(Did.SCHEDULED, by, supplier=_whose(draft))
    return draft


def take_back(ticket: Ticket, by: Viewer, draft_id: int) -> Draft:
    """Undo: it is a draft of its writer's again, and nobody outside has read a word. Raises Gone."""
    take(ticket)
    draft = _waiting(ticket, draft_id)
    demand(by, right_for(draft.kind), ticket)
    _return(draft, UNDONE)
    ticket.record(Did.UNSENT, by, supplier=_whose(draft))
    return draft


def hurry(ticket: Ticket, by: Viewer, draft_id: int) -> None:
    """It leaves at once. Raises Gone."""
    take(ticket)
    draft = _waiting(ticket, draft_id)
    demand(by, right_for(draft.kind), ticket)
    draft.leaves_at = clock.now()
    _wake(draft)


def right_for(kind: MessageKind) -> str:
    """Whoever may write it may take it back, and may have it leave at once."""
    return "supplier" if kind is MessageKind.SUPPLIER else "reply"


def leave(draft_id: int) -> None:
    """Its moment has come. What refuses it now makes it a draft again, and its writer is told."""
    draft = db.session.get(Draft, draft_id)
    if draft is None or draft.leaves_at is None:
        return
    if draft.leaves_at > clock.now():  # this machine's clock is behind that of the one which found it due
        _wake(draft)
        return
    ticket = db.session.get_one(Ticket, draft.ticket_id)
    take(ticket)
    written, author_id = _written(draft), draft.staff_id
    try:
        author = viewer(author_id)
        if not _spend(draft):
            return
        if author is None:
            raise HeldBack(_("Its writer does not work here any more."))
        _hold_if_answered(ticket, draft)
        _hold_if_merged(ticket, draft)
        _say(ticket, author, written)
    except HelpdeskError as refusal:
        db.session.rollback()
        _hold_back(draft_id, refusal)


def outcome(then: str) -> Then | Status:
    """An outcome, or `status:` and the id of a chosen one."""
    kind, _sep, status_id = then.partition(":")
    if kind == "status" and status_id.isascii() and status_id.isdigit() and len(status_id) < 10:
        status = db.session.get(Status, int(status_id))
        if status is None or not status.active:
            raise Invalid(_("This choice does not exist (any more)."), {"then": _("Please choose again.")})
        return status
    if then and then not in set(Then):
        raise Invalid(_("We do not know this way to send."), {"then": _("Please choose how to send it.")})
    return Then(then or Then.KEEP)


def _wake(draft: Draft) -> None:
    assert draft.leaves_at is not None
    after = max(draft.leaves_at - clock.now(), dt.timedelta(0))
    Outbox.put("tickets.leave", after=after, draft_id=draft.id, ticket_id=draft.ticket_id)


def question(written: Written, by: Viewer) -> Question:
    """What goes to a supplier. Raises Invalid when nobody is chosen."""
    word = written.then.removeprefix(CONTACT)
    known = written.then.startswith(CONTACT) and word.isascii() and word.isdigit() and len(word) < 19
    contact = db.session.get(SupplierContact, int(word)) if known else None
    if contact is None:
        raise Invalid(_("Nobody is chosen."), {"contact": _("Please choose whom you write to.")})
    words = Words(written.text, via=Channel.STAFF, attachments=_files(written, by), activity_id=written.activity_id)
    return Question(contact, written.about, words, written.along, written.along_files)


def _whose(draft: Draft) -> str | None:
    """Of a question to a supplier, who that is."""
    if draft.kind is not MessageKind.SUPPLIER:
        return None
    word = draft.then.removeprefix(CONTACT)
    contact = db.session.get(SupplierContact, int(word)) if word.isdigit() else None
    return contact.supplier.name if contact is not None else "–"


def _demand(ticket: Ticket, by: Viewer, written: Written) -> None:
    """What would refuse it."""
    if written.kind is MessageKind.SUPPLIER:
        suppliers.check(ticket, question(written, by), by)
    else:
        _demand_reply(ticket, by, written)
    if written.empty:
        raise Invalid(_("The message is empty."), {"body": _("Please write something.")})
    if len(written.text) > LONGEST_MESSAGE:
        raise Invalid(
            _("The message is too long."),
            {"body": _("At most %(most)s characters; attach longer texts as a file.", most=LONGEST_MESSAGE)},
        )


def _demand_reply(ticket: Ticket, by: Viewer, written: Written) -> None:
    demand(by, "reply", ticket)
    then = outcome(written.then)
    if then is not Then.KEEP:
        demand(by, "status", ticket)
        if ticket.live and (not then.state.live if isinstance(then, Status) else then in (Then.RESOLVE, Then.CLOSE)):
            fields.demand_filled(ticket)
    if isinstance(then, Status):
        demand_choosable(then, by)
    outcome_status = status_after(ticket, then)
    if outcome_status is not None:
        ticket.demand_step(outcome_status, by)
    if _priority(written.priority) is not None:
        demand(by, "priority", ticket)
    for text, field in ((written.cc, "cc"), (written.bcc, "bcc")):
        copies.read(text, field)
    copies.read_to(written.sent_to, ticket)


def _say(ticket: Ticket, by: Viewer, written: Written) -> Message:
    if written.kind is MessageKind.SUPPLIER:
        return suppliers.ask(ticket, question(written, by), by)
    cc = copies.read(written.cc, "cc")
    to = copies.write_to(ticket, copies.read_to(written.sent_to, ticket), cc)
    if written.cc is not None:
        copies.copy_to(ticket, cc, by)
    bcc = copies.once_to(ticket, copies.read(written.bcc, "bcc"), to) if written.bcc else ()
    then, priority = outcome(written.then), _priority(written.priority)
    words = Words(
        written.text,
        via=Channel.STAFF,
        attachments=_files(written, by),
        bcc=bcc,
        to=to,
        activity_id=written.activity_id,
    )
    message = ticket.reply(words, by=by, then=then)
    if priority is not None:
        ticket.set_priority(priority, by=by)
    canned.count_uses(written.text, ticket, by)
    return message


def _priority(chosen: str) -> Priority | None:
    if not chosen:
        return None
    known = chosen.isascii() and chosen.isdigit() and len(chosen) < 10
    priority = db.session.get(Priority, int(chosen)) if known else None
    if priority is None or not priority.active:
        raise Invalid(_("This choice does not exist (any more)."), {"priority": _("Please choose again.")})
    return priority


def _files(written: Written, by: Viewer) -> tuple[Attachment, ...]:
    if not written.files:
        return ()
    own = select(Attachment).where(
        Attachment.id.in_(written.files), Attachment.message_id.is_(None), Attachment.staff_id == by.id
    )
    return tuple(db.session.scalars(own.order_by(Attachment.id)))


def _waiting(ticket: Ticket, draft_id: int) -> Draft:
    """Of those who undo it and the worker that sends it, whoever has the ticket's turn first finds it here."""
    wanted = select(Draft).where(
        Draft.id == draft_id, Draft.ticket_id == ticket.id, Draft.leaves_at.is_not(None), Draft.spent_at.is_(None)
    )
    draft = db.session.scalar(wanted.execution_options(populate_existing=True))
    if draft is None:
        raise Gone
    return draft


def _written(draft: Draft) -> Written:
    return Written(
        draft.text, draft.kind, draft.then, draft.priority, draft.cc, draft.bcc, tuple(draft.file_ids), draft.activity_id,
        draft.sent_to, draft.about, tuple(map(int, draft.along.split())), tuple(map(int, draft.along_files.split())),
    )  # fmt: skip


def _spend(draft: Draft) -> bool:
    """Whether it is still here to be sent; of two workers one sends it."""
    waiting = and_(Draft.id == draft.id, Draft.leaves_at.is_not(None), Draft.spent_at.is_(None))
    gone = {"spent_at": clock.now(), "leaves_at": None, "turn": LAST_TURN, "text": "", "files": "", "cc": None, "bcc": None, "sent_to": None, "about": "", "along": "", "along_files": ""}  # fmt: skip
    spent = update(Draft).where(waiting).values(**gone).execution_options(synchronize_session=False)
    return bool(db.session.execute(spent).rowcount)


def _hold_if_answered(ticket: Ticket, draft: Draft) -> None:
    """Some seconds ago its writer saw all there was; what waited for hours may answer another question."""
    if not draft.scheduled:
        return
    newer = select(Message.id).where(
        Message.ticket_id == ticket.id, Message.id > draft.seen_id, Message.kind == draft.kind, Message.trusted.is_(True),
        Message.staff_id.is_(None), or_(Message.via != Channel.STAFF, Message.supplier_id.is_not(None)),
    )  # fmt: skip
    if draft.kind is MessageKind.SUPPLIER:
        contact = db.session.get(SupplierContact, int(draft.then.removeprefix(CONTACT)))
        newer = newer.where(Message.supplier_id == (contact.supplier_id if contact is not None else 0))
    if db.session.scalar(newer.limit(1)) is not None:
        raise HeldBack(SUPPLIER_WROTE if draft.kind is MessageKind.SUPPLIER else CUSTOMER_WROTE)


def _hold_if_merged(ticket: Ticket, draft: Draft) -> None:
    """Others would read it than its writer wrote to."""
    since = and_(or_(Merge.ticket_id == ticket.id, Merge.into_id == ticket.id), Merge.at > draft.saved_at)
    if (
        ticket.merged
        or db.session.scalar(select(Merge.id).where(since, Merge.undone_at.is_(None)).limit(1)) is not None
    ):
        raise HeldBack(_("The ticket was merged with another one before its time."))


def _hold_back(draft_id: int, refusal: HelpdeskError) -> None:
    draft = db.session.get_one(Draft, draft_id)
    ticket = db.session.get_one(Ticket, draft.ticket_id).place()
    draft.ticket_id = ticket.id
    _return(draft, str(refusal))
    author = viewer(draft.staff_id)
    ticket.record(
        Did.HELD_BACK, SYSTEM, who=author.name if author else None, who_id=draft.staff_id, supplier=_whose(draft)
    )


def _return(draft: Draft, why: str) -> None:
    """Under a new mark: the composer it was sent from has closed."""
    draft.leaves_at, draft.scheduled, draft.returned = None, False, why
    draft.mark, draft.turn, draft.saved_at = drafts.new_mark(), 0, clock.now()
