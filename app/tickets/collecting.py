"""Asking for documents, handing them in, asking no more: the verbs of a document request. Judging them is in judging.py."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import hashlib
from collections.abc import Sequence

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.accounts import rights
from app.accounts.viewer import Actor
from app.core import clock, web
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.settings import desk
from app.tickets import files, requests, uploadlinks
from app.tickets.choices import State
from app.tickets.conversation import Then, storable
from app.tickets.lifecycle import status_for
from app.tickets.models import Ticket, TicketKind
from app.tickets.opening import NewTicket, open_ticket
from app.tickets.requests import (
    LONGEST_HINT,
    LONGEST_NAME,
    MOST_SLOTS,
    DocumentRequest,
    RequestState,
    Slot,
    SlotState,
)
from app.tickets.slotkinds import Allowed
from app.tickets.sorting import clean_line
from app.tickets.thread import Attachment, Channel, Message, Words
from app.tickets.timeline import Did

LATEST = dt.timedelta(days=3650)
"""So far ahead documents may be due: what is counted from there still has a date."""


class NotNow(HelpdeskError):
    """The request, or a document of it, is not in a state for this."""


@dc.dataclass(frozen=True)
class Wanted:
    """A document to be asked for."""

    name: str
    hint: str = ""
    allowed: Allowed = Allowed.ANY
    required: bool = True


@dc.dataclass(frozen=True)
class Upload:
    """A file on its way into a slot."""

    slot_id: int
    name: str
    content: bytes


@dc.dataclass(frozen=True)
class HandedIn:
    """What became of an upload: the entry that holds the good files, and a sentence for each refused one by its slot."""

    message: Message | None
    refused: dict[int, HelpdeskError]


def begin(new: NewTicket, by: Actor) -> Ticket:
    """Staff write to a customer: a conversation, answered by us already."""
    status = new.status or status_for(State.WAITING)
    kind = TicketKind.CONVERSATION if new.kind is TicketKind.TICKET else new.kind
    return open_ticket(dc.replace(new, status=status, kind=kind, opened_by_staff=True), by)


def begin_request(new: NewTicket, wanted: Sequence[Wanted], due_on: dt.date | None, by: Actor) -> DocumentRequest:
    """The same with documents to be sent: a ticket of its own kind."""
    rights.demand(by, "documents")
    wanted = checked(wanted, due_on)
    asking = dc.replace(new.words, asks=True)
    ticket = begin(dc.replace(new, kind=TicketKind.DOCUMENT_REQUEST, words=asking), by)
    return _enter(ticket, wanted, due_on, by, ticket.messages[0])


def ask(ticket: Ticket, words: Words, wanted: Sequence[Wanted], due_on: dt.date | None, by: Actor) -> DocumentRequest:
    """Ask for documents in a ticket that is there: a reply that waits for the customer."""
    place = ticket.place_in_turn()
    rights.demand(by, "documents", place)
    if place.hidden_from_client:
        raise NotNow(_("The ticket is hidden from the customer: nobody could be asked."))
    wanted = checked(wanted, due_on)
    message = place.reply(dc.replace(words, asks=True), by, waiting_for(by, place))
    return _enter(place, wanted, due_on, by, message)


def checked(wanted: Sequence[Wanted], due_on: dt.date | None) -> list[Wanted]:
    """As they will be kept. Raises Invalid naming what is wrong."""
    kept = [dc.replace(one, name=clean_line(one.name), hint=storable(one.hint).strip()) for one in wanted]
    wrong: dict[str, str] = {}
    if not any(one.required for one in kept):
        wrong["slots"] = _("Please name at least one document that is required.")
    elif len(kept) > MOST_SLOTS:
        wrong["slots"] = _("At most %(most)s documents in one request.", most=MOST_SLOTS)
    elif any(not one.name or len(one.name) > LONGEST_NAME or len(one.hint) > LONGEST_HINT for one in kept):
        wrong["slots"] = _("Each document has a name of at most %(name)s characters, and a hint of at most %(hint)s.", name=LONGEST_NAME, hint=LONGEST_HINT)  # fmt: skip
    today = web.desk_day(clock.now())
    if due_on is not None and not today <= due_on <= today + LATEST:
        wrong["due_on"] = _("This day is over.") if due_on < today else _("Please choose a day within ten years.")
    if not desk.current().allow_customer_attachments:
        wrong["slots"] = _("This desk takes no files from customers.")
    if wrong:
        raise Invalid(_("The request is not complete yet."), wrong)
    return kept


def hand_in(request: DocumentRequest, uploads: Sequence[Upload], by: Actor, note: str = "", via: Channel = Channel.PORTAL) -> HandedIn:  # fmt: skip
    """The customer sent files. The good ones stay, whatever is wrong with others; the very same file again changes nothing."""
    place = request.ticket.place_in_turn()
    read_anew(request)
    _demand_open(request, place)
    kept: list[tuple[Slot, Attachment]] = []
    refused: dict[int, HelpdeskError] = {}
    for upload in uploads:
        try:
            slot = slot_of(request, upload.slot_id)
            if not _same(slot, upload):
                kept.append((slot, _kept(slot, upload, by)))
        except HelpdeskError as refusal:
            refused[upload.slot_id] = refusal
    if not kept:
        return HandedIn(None, refused)
    db.session.flush()
    said = "\n".join(f"{slot.name}: {file.name}" for slot, file in kept)
    text = f"{note.strip()}\n\n{said}" if note.strip() else said
    sent = Words(text, via=via, attachments=tuple(dict.fromkeys(file for _slot, file in kept)))
    message = request.ticket.receive(sent, by)
    for slot, file in kept:
        slot.state, slot.reason, slot.received_at = SlotState.RECEIVED, None, message.created_at
        slot.attachment_id = file.id
        request.ticket.record(Did.DOCUMENT_SENT, by, name=slot.name, file=file.name, message_id=message.id)
    requests.count(request.ticket)
    return HandedIn(message, refused)


def _kept(slot: Slot, upload: Upload, by: Actor) -> Attachment:
    """Held against the same bounds as every file, then against its slot."""
    if not slot.fillable:
        raise NotNow(_("“%(name)s” was accepted already.", name=slot.name))
    if len(upload.content) <= desk.current().max_attachment_mb * 1024 * 1024 and upload.content:
        slot.demand_fitting(files.safe_name(upload.name), upload.content, files.sniffed(upload.content))
    return files.keep(upload.name, upload.content, by)


def _same(slot: Slot, upload: Upload) -> bool:
    """A form that was pressed twice."""
    known = slot.file.sha256 if slot.file is not None and slot.state is SlotState.RECEIVED else None
    return known == hashlib.sha256(upload.content).hexdigest()


def slot_of(request: DocumentRequest, slot_id: int) -> Slot:
    found = next((slot for slot in request.slots if slot.id == slot_id), None)
    if found is None:
        raise NotNow(_("This document does not belong to the request."))
    return found


def withdraw(request: DocumentRequest, by: Actor) -> None:
    """We do not need the documents (any more): links and reminders end. Withdrawing again does nothing."""
    rights.demand(by, "documents", request.ticket.place_in_turn())
    read_anew(request)
    if request.state is RequestState.DONE:
        raise NotNow(_("This request has ended."))
    if request.open:
        request.state, request.ended_at = RequestState.WITHDRAWN, clock.now()
        uploadlinks.end_all(request)
        request.ticket.record(Did.DOCUMENTS_WITHDRAWN, by, request_id=request.id)
        requests.count(request.ticket)


def _enter(ticket: Ticket, wanted: Sequence[Wanted], due_on: dt.date | None, by: Actor, message: Message) -> DocumentRequest:  # fmt: skip
    slots = [
        Slot(position=place, name=one.name, hint=one.hint, allowed=one.allowed, required=one.required, state=SlotState.REQUESTED)
        for place, one in enumerate(wanted)
    ]  # fmt: skip
    request = DocumentRequest(
        ticket=ticket, asked_by_id=by.staff_id, asked_by=by.name, state=RequestState.OPEN, due_on=due_on, created_at=clock.now(), slots=slots
    )  # fmt: skip
    db.session.add(request)
    requests.count(ticket)
    ticket.record(Did.DOCUMENTS_ASKED, by, request_id=request.id, message_id=message.id, count=len(slots))
    return request


def waiting_for(by: Actor, place: Ticket) -> Then:
    return Then.WAIT if rights.may(by, "status", place) else Then.KEEP


def _demand_open(request: DocumentRequest, place: Ticket) -> None:
    if not request.open or place.state is State.CLOSED:
        raise NotNow(_("We need no documents for this (any more). Thank you."))
    if request.ticket.hidden_from_client or place.hidden_from_client:
        raise uploadlinks.LinkOver


def read_anew(request: DocumentRequest) -> None:
    """As it is now that it is our turn."""
    wanted = select(DocumentRequest).where(DocumentRequest.id == request.id)
    loaded = wanted.options(selectinload(DocumentRequest.slots).joinedload(Slot.file))
    db.session.scalars(loaded.execution_options(populate_existing=True)).one()
