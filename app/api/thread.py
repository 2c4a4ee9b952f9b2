"""The API on a ticket's thread: replies, notes, closing, reopening, files."""

from __future__ import annotations

import dataclasses as dc
from collections.abc import Collection

from flask import Response, request
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.exceptions import UnsupportedMediaType

from app.api import reading, shapes
from app.api.doorman import caller
from app.api.fields import Fields
from app.api.fields import number as whole_number
from app.api.repeats import Answer
from app.api.tickets import seen
from app.core import storage
from app.core.errors import Invalid, NotThere
from app.core.extensions import db
from app.tickets import copies, endings, files
from app.tickets.choices import Status
from app.tickets.conversation import Then
from app.tickets.endings import Rest
from app.tickets.leaks import demand_looked, leaks
from app.tickets.models import Ticket
from app.tickets.thread import Attachment, Words
from app.tickets.turns import demand, take
from app.tickets.unseen import Seen, demand_seen
from app.tickets.visibility import attachments_visible_to


def reply(number: int) -> Answer:
    """Public: the customer gets it by mail. `status` is the ticket's status from then on; with `seen`, the id of the newest message
    its author has read, it is refused (409) when others wrote since."""
    ticket, fields = seen(number), Fields.of_body()
    words = reading.message(fields, caller())
    status: Status | None = fields.take("status", reading.status)
    rest = reading.rest_of_tasks(fields)
    newest: int | None = fields.take("seen", whole_number)
    to: list[str] | None = fields.take("to", reading.written_to(ticket.place()))
    accept: tuple[str, ...] = fields.take("accept", reading.keys, ())
    fields.done()
    if newest is not None:
        take(ticket)
        demand_seen(ticket, Seen(newest), by=caller())
    if to is not None:
        words = _addressed(ticket.place_in_turn(), to, words, accept)
    with endings.minding_tasks(ticket.place(), rest if status is not None else Rest.KEEP, caller()):
        message = ticket.reply(words, by=caller(), then=status or Then.KEEP)
    db.session.flush()
    return shapes.message(message), 201


def _addressed(ticket: Ticket, to: list[str], words: Words, accept: Collection[str]) -> Words:
    """To somebody else than the customer: what it gives away is told first, as in the composer."""
    demand(caller(), "reply", ticket)
    demand_looked(leaks(ticket, words.text, to, len(words.attachments)), accept)
    return dc.replace(words, to=copies.write_to(ticket, to))


def note(number: int) -> Answer:
    """Internal: no customer ever reads it."""
    ticket, fields = seen(number), Fields.of_body()
    words = reading.message(fields, caller())
    fields.done()
    message = ticket.note(words, by=caller())
    db.session.flush()
    return shapes.message(message), 201


def close(number: int) -> Answer:
    """Closing a closed ticket changes nothing. While tasks of it are open it is refused (409) with their names, unless `open_tasks`
    says what becomes of them."""
    ticket = seen(number)
    fields = Fields.of_body() if request.get_data(cache=True).strip() else Fields({})
    rest = reading.rest_of_tasks(fields)
    fields.done()
    with endings.minding_tasks(ticket, rest, caller()):
        ticket.close(by=caller())
    db.session.flush()
    return shapes.ticket(ticket), 200


def reopen(number: int) -> Answer:
    """Reopening a live ticket changes nothing."""
    ticket = seen(number)
    _nothing_given()
    ticket.reopen(by=caller())
    db.session.flush()
    return shapes.ticket(ticket), 200


def _nothing_given() -> None:
    if request.get_data(cache=True).strip():
        Fields.of_body().done()


def upload() -> Answer:
    """The id goes into `attachment_ids` of a ticket, reply or note."""
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType
    unknown = {name: _("There is no such field.") for name in (*request.form, *request.files) if name != "file"}
    sent = request.files.getlist("file")
    if len(sent) != 1 or unknown:
        raise Invalid(
            _("Some fields are not right."), unknown or {"file": _("Send one file as multipart field “file”.")}
        )
    attachment = files.keep(sent[0].filename or "file", sent[0].read(), by=caller())
    db.session.flush()
    return shapes.attachment(attachment), 201


def upload_to_ticket(number: int) -> Answer:
    """The same, for a ticket that the caller sees; a reply or note with its id puts it there."""
    seen(number)
    return upload()


def download(attachment_id: int) -> Answer:
    """The bytes, never as a page: whatever they are, a browser saves them."""
    found = db.session.scalar(
        select(Attachment).where(Attachment.id == reading.path_id(attachment_id), attachments_visible_to(caller()))
    )
    if found is None:
        raise NotThere(_("There is no such file, or you may not see it."))
    try:
        response = Response(storage.load(found.storage_key), mimetype="application/octet-stream")
    except FileNotFoundError:
        raise NotThere(_("There is no such file, or you may not see it."))
    response.headers.set("Content-Disposition", "attachment", filename=found.name)
    response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'; sandbox"
    return response, 200
