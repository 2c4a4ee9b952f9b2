"""What leaves the desk: one row a mail and recipient, written with the change that causes it, and the rules that hold it back."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import aliased

from app.accounts.models import Customer
from app.accounts.viewer import viewer
from app.core import clock
from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.core.outbox import Outbox
from app.mail import addresses
from app.mail.models import Delivery, DeliveryState, RawMail
from app.settings import desk
from app.tickets.models import Participant, Ticket
from app.tickets.supplied import SupplierContact
from app.tickets.tasks import Task
from app.tickets.thread import Channel, Message, MessageKind


class Kind(NamedTuple):
    """What sort of mail it is."""

    automatic: bool = True
    """A machine's words: marked so that other machines do not answer, and counted against the cap."""
    secret: bool = False
    """It holds a link that lets its reader in: its text is forgotten once it was sent."""


KINDS: dict[str, Kind] = {
    "ticket_created": Kind(),
    "staff_replied": Kind(automatic=False),
    "ticket_closed": Kind(),
    "ticket_resolved": Kind(),
    "waiting_reminder": Kind(),
    "rating_asked": Kind(secret=True),
    "supplier_asked": Kind(automatic=False),
    "documents_asked": Kind(automatic=False, secret=True),
    "documents_reminder": Kind(secret=True),
    "new_ticket": Kind(),
    "assigned": Kind(),
    "customer_replied": Kind(),
    "priority_changed": Kind(),
    "mention": Kind(),
    "sla_near": Kind(),
    "sla_breach": Kind(),
    "follow_up": Kind(),
    "action_required": Kind(),
    "snooze_over": Kind(),
    "colleague_replied": Kind(),
    "noted": Kind(),
    "status_changed": Kind(),
    "rated": Kind(),
    "surge": Kind(),
    "sign_in_link": Kind(secret=True),
    "password_reset": Kind(secret=True),
    "invitation": Kind(secret=True),
    "guest_proof": Kind(secret=True),
    "task_assigned": Kind(),
    "task_due": Kind(),
    "notice_digest": Kind(),
    "factor_reset": Kind(),
    "monthly_summary": Kind(),
    "test_mail": Kind(),
}
"""Each has mail/<name>.html and mail/<name>.txt."""
SECRET = tuple(name for name, kind in KINDS.items() if kind.secret)
TO_SUPPLIERS = ("supplier_asked",)
TO_ANYBODY = ("test_mail",)
"""To a bare address. Of any other mail the recipient is a row: when that is gone, nobody is written to."""
TO_STRANGERS = ("ticket_created", "guest_proof")
UNPROVEN_A_DAY = 2
"""Of each of these a day to an address nobody proved: a stranger can make the desk write there only so often."""
STAFF_CAP_FACTOR = 10
"""A team's busy hour brings more notices than any customer gets mails; only two machines answering each other make hundreds."""
BURST, BURST_MINUTES = 2, 10
"""Confirmations of mails to one address in so short a time: a robot without any sign of one writes faster than people."""
DAEMON = re.compile(r"(?:mailer-?daemon|mail-?daemon|postmaster|double-bounce)@", re.I)
RAW_KEPT = dt.timedelta(days=90)
ALSO_HELD_BACK: dict[str, Callable[[Delivery], str | None]] = {}
"""Kind of mail → why it must not go, asked of whoever writes it."""
NOT_SECRET = tuple(name for name, kind in KINDS.items() if not kind.secret)
WRITTEN = (DeliveryState.QUEUED, DeliveryState.SENT, DeliveryState.CAPTURED)


_quiet: ContextVar[str] = ContextVar("quiet", default="")


@contextmanager
def quietly(why: str) -> Iterator[None]:
    """Inside, no mail is sent: each is written down as held back for this reason."""
    token = _quiet.set(why)
    try:
        yield
    finally:
        _quiet.reset(token)


class Written(NamedTuple):
    """How many mails an address got that the desk wrote by itself."""

    in_hour: int
    """Of the same group: links that people ask for, or all else."""
    same_in_day: int
    same_in_burst: int
    of_ticket: int
    """To whomever of its customers, within the hour."""


_of_ticket = aliased(Delivery)
_same = Delivery.kind == bindparam("kind")
RECENT = select(
    func.count().filter(Delivery.created_at > bindparam("hour"), Delivery.kind.in_(bindparam("group", expanding=True))),
    func.count().filter(_same),
    func.count().filter(_same, Delivery.created_at > bindparam("burst")),
    select(func.count())
    .where(_of_ticket.ticket_id == bindparam("ticket"), _of_ticket.created_at > bindparam("hour"))
    .where(_of_ticket.staff_id.is_(None), _of_ticket.automatic.is_(True), _of_ticket.state.in_(WRITTEN))
    .scalar_subquery(),
).where(
    Delivery.address == bindparam("address"),
    Delivery.created_at > bindparam("since"),
    Delivery.automatic.is_(True),
    Delivery.state.in_(WRITTEN),
)
"""Built once."""


def put_notice(
    kind: str,
    *,
    customer_id: int | None = None,
    staff_id: int | None = None,
    participant_id: int | None = None,
    ticket_id: int | None = None,
    message_id: int | None = None,
    task_id: int | None = None,
    supplier_contact_id: int | None = None,
    address: str | None = None,
    values: Mapping[str, str] | None = None,
    by_machine: bool = False,
) -> Delivery:
    """Write one mail into the present transaction; a worker sends it after the commit.

    To a customer, a staff user, a CC (`participant_id`), a supplier's person or, for a test mail, a bare `address`. What a rule holds back
    is written too, with the reason: the mail log answers "why did she get no mail?". `by_machine`: a kind that people write, this time written by a rule.
    """
    delivery = Delivery(
        kind=kind, customer_id=customer_id, staff_id=staff_id, participant_id=participant_id, ticket_id=ticket_id, message_id=message_id, task_id=task_id,
        supplier_contact_id=supplier_contact_id, values=dict(values or {}), automatic=by_machine or KINDS[kind].automatic, state=DeliveryState.QUEUED,
    )  # fmt: skip
    delivery.address = (address or address_of(delivery) or "").strip().casefold()[:255]
    reason = _quiet.get() or held_back(delivery) or _over_cap(delivery)
    if reason:
        delivery.state, delivery.reason = DeliveryState.SUPPRESSED, reason
    db.session.add(delivery)
    if not reason:
        wake()
    db.session.flush()
    return delivery


def put_unsent(
    kind: str,
    reason: str,
    *,
    ticket_id: int | None = None,
    staff_id: int | None = None,
    customer_id: int | None = None,
    task_id: int | None = None,
) -> None:
    """A mail that nobody wanted written: one row, so that the log answers for it as for those that a rule held back."""
    delivery = Delivery(kind=kind, staff_id=staff_id, customer_id=customer_id, ticket_id=ticket_id, task_id=task_id, state=DeliveryState.SUPPRESSED, reason=reason)  # fmt: skip
    delivery.address = (address_of(delivery) or "").strip().casefold()[:255]
    db.session.add(delivery)


def resend(delivery: Delivery) -> None:
    """Send it once more, under the same Message-ID, whatever became of it. Raises when its link is gone."""
    if delivery.kind in SECRET and delivery.raw is None and not delivery.values.get("link"):
        raise HelpdeskError(_("The link in this mail was forgotten when it was sent. Please have a new one sent."))
    delivery.tell(delivery.state.value, delivery.reason)
    delivery.state, delivery.reason, delivery.tries = DeliveryState.QUEUED, None, 0
    delivery.due_at, delivery.lease_until, delivery.bounced_at = clock.now(), None, None
    db.session.flush()
    wake()


def wake(queue: str = "urgent") -> None:
    """One outbox row a transaction, however many mails it wrote: they leave over one connection."""
    transaction = db.session().get_transaction()
    if db.session().info.get("mail_woken") is not transaction or transaction is None:
        Outbox.put("mail.send_due", queue=queue)
        db.session().info["mail_woken"] = db.session().get_transaction()


def address_of(delivery: Delivery) -> str | None:
    """Where its recipient is reached now, as they write it themselves."""
    if delivery.participant_id is not None:
        part = db.session.get(Participant, delivery.participant_id)
        if part is None or not part.approved:
            return None
        if part.customer_id is None:
            return part.email
        return _email_of(part.customer_id)
    if delivery.supplier_contact_id is not None:
        contact = db.session.get(SupplierContact, delivery.supplier_contact_id)
        return contact.email if contact is not None and contact.active and contact.supplier.active else None
    if delivery.customer_id is not None:
        return _email_of(delivery.customer_id)
    if delivery.staff_id is not None:
        user = db.session.get(User, delivery.staff_id)
        return user.email if user is not None and user.active else None
    return delivery.address if delivery.kind in TO_ANYBODY else None


def held_back(delivery: Delivery, by_machine: Callable[[int], bool] | None = None) -> str | None:
    """Why this mail must not go now; asked when it is written and again before it leaves.

    `by_machine`: whether a machine wrote this entry, where that was read for many mails at once.
    """
    address = address_of(delivery)
    if not address or address.count("@") != 1:
        return _("There is no address to send it to.")
    if addresses.ours(address):
        return _("This is the desk's own address: it would write to itself for ever.")
    if delivery.automatic and DAEMON.match(address):
        return _("A mail server's own mailbox gets no automatic mail.")
    return (
        _customers_reason(delivery)
        or _staffs_reason(delivery)
        or _suppliers_reason(delivery)
        or _entrys_reason(delivery, by_machine or _by_machine)
    )


def to_customer(delivery: Delivery) -> bool:
    """Requester or CC: somebody who reads the public thread only."""
    return delivery.staff_id is None and (delivery.customer_id is not None or delivery.participant_id is not None)


def to_supplier(delivery: Delivery) -> bool:
    """Somebody outside who reads what was written to their company, and nothing else."""
    return delivery.kind in TO_SUPPLIERS


def _suppliers_reason(delivery: Delivery) -> str | None:
    """Only what was written to this very supplier goes to them."""
    if not to_supplier(delivery):
        return None
    contact = db.session.get(SupplierContact, delivery.supplier_contact_id or 0)
    entry = db.session.get(Message, delivery.message_id or 0)
    if (
        contact is None
        or entry is None
        or entry.kind is not MessageKind.SUPPLIER
        or entry.supplier_id != contact.supplier_id
    ):
        return _("This was not written to this supplier.")
    return None if contact.address_works else _("Mail to this address came back: the mailbox is gone.")


def _customers_reason(delivery: Delivery) -> str | None:
    if not to_customer(delivery):
        return None
    customer = db.session.get(Customer, delivery.customer_id) if delivery.customer_id else None
    if customer is not None and not customer.address_works:
        return _("Mail to this address came back: the mailbox is gone.")
    ticket = db.session.get(Ticket, delivery.ticket_id) if delivery.ticket_id else None
    if ticket is not None and (ticket.hidden_from_client or ticket.place().hidden_from_client):
        return _("The ticket is hidden from the customer.")
    return None


def _staffs_reason(delivery: Delivery) -> str | None:
    """A mail may wait for days: whoever lost the ticket or task meanwhile is not told of it."""
    if delivery.kind in ALSO_HELD_BACK:
        return ALSO_HELD_BACK[delivery.kind](delivery)
    if delivery.task_id is not None:
        return _tasks_reason(delivery)
    if delivery.staff_id is None or delivery.ticket_id is None:
        return None
    ticket, reader = db.session.get(Ticket, delivery.ticket_id), viewer(delivery.staff_id)
    if ticket is None or reader is None or not ticket.seen_by(reader):
        return _("This person does not see the ticket (any more).")
    return None


def _tasks_reason(delivery: Delivery) -> str | None:
    task, reader = db.session.get(Task, delivery.task_id), viewer(delivery.staff_id or 0)
    if task is None or reader is None or not task.seen_by(reader):
        return _("This person does not see the task (any more).")
    return None


def _entrys_reason(delivery: Delivery, by_machine: Callable[[int], bool]) -> str | None:
    if delivery.message_id is None:
        return None
    entry = db.session.get(Message, delivery.message_id)
    if entry is not None and entry.kind is not MessageKind.REPLY and to_customer(delivery):
        return _("An internal note is never mailed to a customer.")
    came_by_mail = entry is None or entry.via is Channel.MAIL
    if came_by_mail and delivery.automatic and to_customer(delivery) and by_machine(delivery.message_id):
        return _("A machine wrote the mail that this answers: two machines would write to each other for ever.")
    return None


def _by_machine(entry_id: int) -> bool:
    with db.session.no_autoflush:  # of the mail that is being delivered now, its own job knows it
        return db.session.scalar(BY_MACHINE, {"entry": entry_id}) is not None


BY_MACHINE = select(RawMail.id).where(RawMail.entry_id == bindparam("entry"), RawMail.automatic.is_(True)).limit(1)


def _over_cap(delivery: Delivery) -> str | None:
    """Links that people ask for are counted among themselves, so that a flood of tickets cannot keep anyone from signing in."""
    if not delivery.automatic:
        return None
    most = desk.current().mail_cap_an_hour * (1 if delivery.staff_id is None else STAFF_CAP_FACTOR)
    written = _written_to(delivery)
    if written.in_hour >= most:
        return _("This address already got %(most)s automatic mails within an hour.", most=most)
    most = desk.current().mail_cap_a_ticket
    if delivery.staff_id is None and written.of_ticket >= most:
        return _(
            "The customers of this ticket already got %(most)s automatic mails about it within an hour.", most=most
        )
    return _too_many_confirmations(delivery, written) if delivery.kind in TO_STRANGERS else None


def _too_many_confirmations(delivery: Delivery, written: Written) -> str | None:
    if written.same_in_day >= UNPROVEN_A_DAY and not _verified(delivery):
        return _("Nobody proved this address yet, and it got %(most)s confirmations today.", most=UNPROVEN_A_DAY)
    ticket = db.session.get(Ticket, delivery.ticket_id) if delivery.ticket_id else None
    if written.same_in_burst >= BURST and ticket is not None and ticket.channel is Channel.MAIL:
        return _(
            "This address got %(most)s confirmations within %(minutes)s minutes: a robot may be answering them.",
            most=BURST,
            minutes=BURST_MINUTES,
        )
    return None


def _written_to(delivery: Delivery) -> Written:
    """Every mail of this transaction is written already: nothing has to be flushed for the question."""
    now = clock.now()
    given = {
        "address": delivery.address,
        "kind": delivery.kind,
        "ticket": delivery.ticket_id,
        "group": SECRET if delivery.kind in SECRET else NOT_SECRET,
        "hour": now - dt.timedelta(hours=1),
        "burst": now - dt.timedelta(minutes=BURST_MINUTES),
        "since": now - (dt.timedelta(days=1) if delivery.kind in TO_STRANGERS else dt.timedelta(hours=1)),
    }
    with db.session.no_autoflush:
        return Written(*db.session.execute(RECENT, given).one())


def proven(delivery: Delivery) -> bool:
    """Whether this customer's address is known to be theirs, and the ticket by them; to others the desk repeats no word of a sender."""
    ticket = db.session.get(Ticket, delivery.ticket_id) if delivery.ticket_id else None
    entry = db.session.get(Message, delivery.message_id) if delivery.message_id else None
    return _verified(delivery) and (ticket is None or ticket.proven) and (entry is None or entry.trusted)


def silent(delivery: Delivery) -> bool:
    """Whether it repeats no word of a sender: a machine's mail to a customer's address that may be a victim's. What staff write goes whole."""
    return delivery.automatic and to_customer(delivery) and not proven(delivery)


def _verified(delivery: Delivery) -> bool:
    customer = db.session.get(Customer, delivery.customer_id) if delivery.customer_id else None
    return customer is not None and customer.verified_at is not None


def _email_of(customer_id: int) -> str | None:
    customer = db.session.get(Customer, customer_id)
    return customer.email if customer is not None else None


def forget_old() -> None:
    """The bytes of old mails; that they were sent, to whom and when, stays."""
    db.session.execute(
        update(Delivery)
        .where(
            Delivery.created_at < clock.now() - RAW_KEPT,
            Delivery.raw.is_not(None),
            Delivery.state != DeliveryState.QUEUED,
        )
        .values(raw=None)
    )
