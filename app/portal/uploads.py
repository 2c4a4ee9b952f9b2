"""Documents on their way in: by the link of a mail without an account, or from one's own ticket. Both are the same page."""

from __future__ import annotations

import datetime as dt
from typing import Any

from babel.dates import format_date
from flask import abort, flash, redirect, request
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import select

from app.accounts.viewer import CustomerActor
from app.core import limits
from app.core.errors import HelpdeskError, TooLarge
from app.core.extensions import db
from app.core.limits import Limit, TooMany
from app.portal.frame import me, page, portal, signed_in, typed
from app.settings import desk
from app.tickets import collecting, requests, uploadlinks
from app.tickets.collecting import Upload
from app.tickets.models import Ticket
from app.tickets.requests import DocumentRequest
from app.tickets.thread import Channel
from app.tickets.uploadlinks import LinkOver
from app.tickets.visibility import visible_to

LONGEST_NOTE = 5000


@portal.get("/upload/<secret>")
def show_upload(secret: str) -> Any:
    """The slots of one request and nothing else of its ticket."""
    return _documents_page(_by_link(secret))


@portal.post("/upload/<secret>")
def upload_by_link(secret: str) -> Any:
    asked = _by_link(secret)
    return _taken(asked, CustomerActor.of(asked.ticket.requester), Channel.FORM)


@portal.get("/tickets/<int:number>/documents/<int:request_id>")
@signed_in
def show_documents(number: int, request_id: int) -> Any:
    return _documents_page(_own(number, request_id), number=number)


@portal.post("/tickets/<int:number>/documents/<int:request_id>")
@signed_in
def send_documents(number: int, request_id: int) -> Any:
    return _taken(_own(number, request_id), me(), Channel.PORTAL, number)


def documents_of(ticket: Ticket, actor: CustomerActor) -> list[DocumentRequest]:
    """For the ticket's page: what was asked for in it, and in those that go on in it as far as this customer sees them."""
    if not ticket.documents_wanted:
        return []
    ids = [ticket.id]
    if ticket.merged_in:
        ids = list(db.session.scalars(select(Ticket.id).where(Ticket.id.in_(ticket.family()), visible_to(actor))))
    return requests.requests_of(ids)


def due(asked: DocumentRequest) -> str:
    """The last day in the reader's language."""
    day: dt.date | None = asked.due_on
    return str(format_date(day, _("EEEE d MMMM yyyy"), locale=get_locale() or "en")) if day else ""


def _by_link(secret: str) -> DocumentRequest:
    """Whoever tries links that do not work is slowed down; a good one is never in the way."""
    try:
        return uploadlinks.look_at(secret)
    except LinkOver:
        limits.spend(Limit.UPLOAD_LINK, limits.network())
        raise


def _own(number: int, request_id: int) -> DocumentRequest:
    """404 for one of another ticket, and for a ticket they may not see."""
    wanted = select(DocumentRequest).join(Ticket, Ticket.id == DocumentRequest.ticket_id)
    mine = wanted.where(DocumentRequest.id == request_id, Ticket.number == number, visible_to(me()))
    return db.session.scalar(mine) or abort(404)


def _taken(asked: DocumentRequest, by: CustomerActor, via: Channel, number: int | None = None) -> Any:
    """What is good stays, also when something beside it is refused."""
    uploads, refused = _read(asked, by)
    if not uploads and not refused:
        return _documents_page(asked, 422, {0: _("Please choose a file.")}, number)
    if uploads:
        done = collecting.hand_in(asked, uploads, by, typed("message")[:LONGEST_NOTE], via)
        refused |= done.refused
        db.session.commit()
    if refused:
        return _documents_page(asked, _code(refused), {slot: str(problem) for slot, problem in refused.items()}, number)
    flash(_("Thank you. We have it and look at it next."))
    return redirect(request.path, 303)


def _read(asked: DocumentRequest, by: CustomerActor) -> tuple[list[Upload], dict[int, HelpdeskError]]:
    """The files of this request's own slots; a field for any other is nobody's."""
    uploads: list[Upload] = []
    refused: dict[int, HelpdeskError] = {}
    for slot in asked.slots:
        given = request.files.get(f"slot-{slot.id}")
        if given is None or not given.filename:
            continue
        try:
            limits.spend(Limit.UPLOAD, f"customer {by.customer_id}")
            uploads.append(Upload(slot.id, given.filename, given.read()))
        except HelpdeskError as refusal:
            refused[slot.id] = refusal
    return uploads, refused


def _code(refused: dict[int, HelpdeskError]) -> int:
    if limits.reached():
        return TooMany.code
    return TooLarge.code if any(isinstance(problem, TooLarge) for problem in refused.values()) else 422


def _documents_page(
    asked: DocumentRequest, code: int = 200, errors: dict[int, str] | None = None, number: int | None = None
) -> Any:
    """`number`: of the ticket of somebody signed in, to which a way leads back."""
    most = desk.current().max_attachment_mb
    return page(
        "portal/upload.html", code, asked=asked, due=due, errors=errors or {}, number=number, max_mb=most, display=asked.ticket.display
    )  # fmt: skip
