"""What a mail says, as plain words: read from the rows when it leaves, public things only where a customer reads it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from flask import current_app
from flask_appbuilder.security.sqla.models import User
from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import select

from app.accounts.models import Customer, StaffProfile
from app.core import html, language
from app.core.extensions import db
from app.core.shipped import shown
from app.core.web import filesize
from app.mail import boxes, outgoing, saying, supplierletters
from app.mail.models import Delivery
from app.mail.quoting import DELIMITER
from app.mail.wordable import LABELS
from app.settings import desk
from app.tickets.inactivity import closes_at
from app.tickets.mergeable import entries_of
from app.tickets.models import Participant, Ticket
from app.tickets.requests import HERE, DocumentRequest
from app.tickets.tasks import Task
from app.tickets.thread import Channel, Message, MessageKind, readable

HISTORY = 3
"""Earlier entries that a reply repeats."""
LONGEST_QUOTE = 3000
BARE = ("guest_proof",)
"""Mails that say nothing of a ticket's words."""
SIGNED = ("staff_replied", "documents_asked", "supplier_asked")
"""A colleague's words: below them stands the signature of the mailbox they leave from."""
SAID = {
    "who": "",
    "was": "",
    "now": "",
    "link": "",
    "outcome": "",
    "request": "",
    "near": "",
    "over": "",
    "month": "",
    "lines": "",
}
"""What whoever asked for the mail may add, as `values` of put_notice."""


class More(NamedTuple):
    """What a higher floor says in a mail of its own."""

    subject: Callable[[Delivery], str]
    words: Callable[[Delivery], dict[str, Any]]


MORE: dict[str, More] = {}
"""Kind of mail → its words, put here by whoever writes it."""


def words_of(
    delivery: Delivery, linked_files: Sequence[tuple[str, int]] = (), before: Sequence[Any] | None = None
) -> dict[str, Any]:
    """Everything its template may say. `linked_files` are names and sizes of what was too large to send along,
    `before` the entries before its own where those were read for many mails at once."""
    settings, box = desk.current(), boxes.of_mail(delivery)
    ticket = delivery.ticket
    said: dict[str, Any] = {
        "subject": subject_of(delivery),
        "desk": {"name": box.sender_name or settings.desk_name, "address": box.address},
        "desk_name": box.sender_name or settings.desk_name,
        "signature": box.signature if delivery.kind in SIGNED else "",
        "to": name_of(delivery),
        "lang": language.of_this_page(),
        "proven": outgoing.proven(delivery),
        "files": [{"name": name, "size": filesize(count)} for name, count in linked_files],
        "said": SAID | {name: shown(str(value)) if name in ("was", "now") else str(value) for name, value in delivery.values.items()},
        "ticket": None, "entry": None, "task": None, "history": [], "asked": None, "documents": None, "url": "", "delimiter": "", "reference": "", "portal_url": "", "preview": "", "why": "", "keep_link": "", "solved_link": "",
    }  # fmt: skip
    if ticket is not None:
        said |= (
            _about_to_supplier(ticket, delivery) if outgoing.to_supplier(delivery) else _about(ticket, delivery, before)
        )
    if delivery.task_id is not None:
        said |= _about_task(delivery.task_id)
    return said | (MORE[delivery.kind].words(delivery) if delivery.kind in MORE else {})


def subject_of(delivery: Delivery) -> str:
    """One subject for the whole thread of a ticket, so that mail programs keep it together."""
    if delivery.kind in MORE:
        return MORE[delivery.kind].subject(delivery)
    ticket = delivery.ticket
    if ticket is not None and outgoing.to_supplier(delivery):
        return f"[{ticket.display}] {supplierletters.subject_of(delivery)}"
    if ticket is not None and delivery.kind not in BARE:
        if outgoing.silent(delivery):
            first = delivery.kind == "ticket_created"
            return f"[{ticket.display}] {_('We have your message') if first else _('Your ticket')}"
        return f"[{ticket.display}] {ticket.subject}"
    task = db.session.get(Task, delivery.task_id) if delivery.task_id else None
    if task is not None:
        return _("Task: %(title)s", title=task.title)
    name = desk.current().desk_name
    subjects = {
        "sign_in_link": _("Your sign-in link for %(desk)s", desk=name),
        "password_reset": _("A new password for %(desk)s", desk=name),
        "invitation": _("Your invitation to %(desk)s", desk=name),
        "factor_reset": _("Your second factor for %(desk)s was switched off", desk=name),
        "guest_proof": _("Please confirm your address for %(desk)s", desk=name),
        "monthly_summary": _("%(desk)s: the figures of %(month)s", desk=name, month=delivery.values.get("month", "")),
        "test_mail": _test_subject(delivery),
    }
    return subjects.get(delivery.kind, name)


def _test_subject(delivery: Delivery) -> str:
    tried = LABELS.get(str(delivery.values.get("of")))
    if tried:
        return _("Test of the mail “%(mail)s”", mail=tried)
    return _("Test mail of %(desk)s", desk=desk.current().desk_name)


def name_of(delivery: Delivery) -> str:
    """How the recipient is addressed; empty for an address nobody proved, whose name is the sender's own words."""
    if delivery.staff_id is not None:
        user = db.session.get(User, delivery.staff_id)
        return str(user.first_name) if user is not None else ""
    if outgoing.to_supplier(delivery):
        return supplierletters.name_of(delivery)
    customer = _customer(delivery)
    if customer is None or (customer.verified_at is None and delivery.automatic):
        return ""
    return customer.name if customer.name.casefold() != customer.email_key else ""


def language_of(delivery: Delivery) -> str:
    """The recipient's own, else the desk's."""
    if delivery.staff_id is not None:
        profile = db.session.get(StaffProfile, delivery.staff_id)
        chosen = profile.language if profile is not None else None
    elif outgoing.to_supplier(delivery):
        chosen = supplierletters.language_of(delivery)
    else:
        customer = _customer(delivery)
        chosen = customer.language if customer is not None else None
    return language.known(chosen) or language.of_desk()


def entry_of(delivery: Delivery) -> Message | None:
    """The entry it tells of: for customers a public one, for a supplier what was written to them, for staff not even a note's words,
    because answers quote what they answer."""
    entry = db.session.get(Message, delivery.message_id) if delivery.message_id else None
    wanted = MessageKind.SUPPLIER if outgoing.to_supplier(delivery) else MessageKind.REPLY
    return entry if entry is not None and entry.kind is wanted else None


def writer_of_note(delivery: Delivery) -> User | None:
    """The colleague whose note this mail tells of; None for every other mail."""
    entry = db.session.get(Message, delivery.message_id) if delivery.message_id else None
    return entry.staff if entry is not None and entry.kind is MessageKind.NOTE else None


def full(at: dt.datetime | None) -> str:
    """An instant with its zone, in the language of the mail: a mail is read on any day."""
    if at is None:
        return ""
    local = at.astimezone(ZoneInfo(desk.current().time_zone))
    written = format_datetime(local, _("EEEE d MMMM yyyy, HH:mm"), tzinfo=local.tzinfo, locale=get_locale() or "en")
    return f"{written} {local.tzname()}"


def _about(ticket: Ticket, delivery: Delivery, before: Sequence[Any] | None) -> dict[str, Any]:
    customers = outgoing.to_customer(delivery)
    entry = entry_of(delivery)
    silent = outgoing.silent(delivery)
    place = ticket.place()
    url = f"{current_app.config['PUBLIC_URL']}/{'portal' if customers else 'admin'}/tickets/{ticket.number}"
    return {
        "url": url, "delimiter": _(DELIMITER), "reference": ticket.display, "portal_url": url if customers and outgoing.proven(delivery) else "",
        "ticket": {
            "number": ticket.display, "subject": ticket.display if silent else ticket.subject, "department": str(ticket.department), "state": place.state.value, "live": place.live,
            "priority": str(ticket.priority), "requester": "" if silent else ticket.requester.name or ticket.requester.email, "organization": str(ticket.requester.organization or ""),
            "answer_by": full(place.first_response_due_at) if place.first_response_at is None else "",
            "due": full(place.next_due_at), "action": full(ticket.action_required_at), "closes": full(closes_at(place)), "conversation": ticket.opened_by_staff,
        },
        "entry": as_entry(entry) if entry is not None and not silent else None,
        "history": [as_quote(message) for message in (_before(ticket, entry) if before is None else before)] if delivery.kind == "staff_replied" else [],
        "asked": _asked(ticket) if delivery.kind == "waiting_reminder" else None,
        **_says(ticket, delivery),
        "documents": _documents(int(delivery.values["request"])) if delivery.values.get("request") else None,
    }  # fmt: skip


def _says(ticket: Ticket, delivery: Delivery) -> dict[str, str]:
    """Its own customer's two links; anybody else could only press in their name."""
    theirs = outgoing.to_customer(delivery) and delivery.customer_id == ticket.requester_id
    return saying.links(ticket) if theirs and outgoing.proven(delivery) else {}


def _about_to_supplier(ticket: Ticket, delivery: Delivery) -> dict[str, Any]:
    """What was written to them and what goes along. No subject of the customer's, no name and no address of theirs, and no link."""
    entry = entry_of(delivery)
    return {
        "delimiter": _(DELIMITER),
        "reference": ticket.display,
        "entry": as_entry(entry) if entry is not None else None,
        "history": [as_quote(message) for message in supplierletters.along(delivery)],
    }


def _about_task(task_id: int) -> dict[str, Any]:
    """For staff alone: no customer is ever written to about a task."""
    task = db.session.get_one(Task, task_id)
    due = str(format_date(task.due_on, _("EEEE d MMMM yyyy"), locale=get_locale() or "en")) if task.due_on else ""
    return {
        "url": f"{current_app.config['PUBLIC_URL']}/admin/tasks/{task.id}",
        "task": {"title": task.title, "details": task.details or "", "due": due},
    }


def _documents(request_id: int) -> dict[str, Any]:
    """What was asked for, each with what became of it; as it is when the mail leaves."""
    request = db.session.get_one(DocumentRequest, request_id)
    return {
        "due": str(format_date(request.due_on, _("EEEE d MMMM yyyy"), locale=get_locale() or "en")) if request.due_on else "",
        "slots": [
            {
                "name": slot.name, "hint": slot.hint, "takes": slot.takes, "required": slot.required, "missing": slot.state not in HERE, "label": slot.label,
                "reason": slot.reason or "",
            }
            for slot in request.slots
        ],
    }  # fmt: skip


def as_entry(message: Message) -> dict[str, Any]:
    """A mail's own HTML may quote anything, so of mails only what was newly written is said."""
    text = message.text or html.text_of(message.html or "")
    shown = message.html if message.html and message.via is not Channel.MAIL else readable(text, message.via)
    return {
        "who": message.author_name,
        "at": full(message.created_at),
        "text": text,
        "html": Markup(_absolute(shown)),
        "trusted": message.trusted,
    }  # cleaned when it was stored


def _absolute(cleaned: str) -> str:
    """Addresses on this server lead nowhere from a mail program."""
    base = current_app.config["PUBLIC_URL"]
    return cleaned.replace(' href="/', f' href="{base}/').replace(' src="/', f' src="{base}/')


def as_quote(message: Any) -> dict[str, Any]:
    text = message.text or html.text_of(message.html or "")
    text = text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE].rstrip() + " …"
    return {"who": message.author_name, "at": full(message.created_at), "text": text}


def _before(ticket: Ticket, entry: Message | None) -> Sequence[Message]:
    """The public thread before this entry, newest first; what nobody proved to belong to it is left out."""
    public = select(Message).where(entries_of(ticket), Message.kind == MessageKind.REPLY, Message.trusted.is_(True))
    if entry is not None:
        public = public.where(Message.id < entry.id)
    return db.session.scalars(public.order_by(Message.id.desc()).limit(HISTORY)).all()


def _asked(ticket: Ticket) -> dict[str, Any] | None:
    """What we asked: our newest public words."""
    newest = select(Message).where(entries_of(ticket), Message.kind == MessageKind.REPLY, Message.staff_id.is_not(None))
    message = db.session.scalar(newest.order_by(Message.id.desc()).limit(1))
    return as_quote(message) if message is not None else None


def _customer(delivery: Delivery) -> Customer | None:
    customer_id = delivery.customer_id
    if customer_id is None and delivery.participant_id is not None:
        part = db.session.get(Participant, delivery.participant_id)
        customer_id = part.customer_id if part is not None else None
    return db.session.get(Customer, customer_id) if customer_id is not None else None
