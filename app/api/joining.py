"""The API on several tickets: merging, taking apart, splitting, moving, linking."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import request
from flask_babel import gettext as _
from sqlalchemy import select

from app.api import shapes
from app.api.doorman import caller
from app.api.fields import Fields, flag, number, text
from app.api.repeats import Answer
from app.api.tickets import LONGEST_SUBJECT, seen
from app.core.errors import NotThere
from app.core.extensions import db
from app.core.shipped import shown
from app.tickets import links, merging, splitting
from app.tickets.links import Linked
from app.tickets.models import LinkType, Ticket
from app.tickets.thread import Message
from app.tickets.visibility import messages_visible_to

LONGEST_TYPE = 255


def merge(number: int) -> Answer:
    """The ticket is closed and goes on in `into`, which is answered; a GET of its number answers 301 from then on."""
    ticket, fields = seen(number), Fields.of_body()
    into: Ticket | None = fields.take("into", _ticket)
    _demand(fields, "into", into)
    fields.done()
    assert into is not None
    merging.merge(ticket, into=into, by=caller())
    return _answer(into), 200


def unmerge(number: int) -> Answer:
    """Takes a merged ticket out again, with everything that is its own."""
    ticket = seen(number)
    if request.get_data(cache=True).strip():
        Fields.of_body().done()
    if not ticket.place().seen_by(caller()):
        raise NotThere(_("There is no ticket with this number, or you may not see it."))
    merging.unmerge(ticket, by=caller())
    return _answer(ticket), 200


def split(number: int) -> Answer:
    """A new ticket of one message, or of it and those after it."""
    ticket, fields = seen(number), Fields.of_body()
    subject = fields.text("subject", LONGEST_SUBJECT, required=True)
    entries = _entries(ticket, fields)
    fields.done()
    return _answer(splitting.split(entries, subject, by=caller())), 201


def move(number: int) -> Answer:
    """One message, or it and those after it, into another ticket, which is answered."""
    ticket, fields = seen(number), Fields.of_body()
    to: Ticket | None = fields.take("to", _ticket)
    _demand(fields, "to", to)
    entries = _entries(ticket, fields)
    fields.done()
    assert to is not None
    splitting.move(entries, to=to, by=caller())
    return _answer(to.place()), 200


def list_links(number: int) -> Answer:
    """Tickets linked with this one that the key's owner may see."""
    return _links(seen(number)), 200


def link(number: int) -> Answer:
    """`type` is a link type by either of its names: a ticket "blocks" another, or "is blocked by" it."""
    ticket, fields = seen(number), Fields.of_body()
    other: Ticket | None = fields.take("number", _ticket)
    kind: tuple[LinkType, bool] | None = fields.take("type", _type)
    _demand(fields, "number", other)
    _demand(fields, "type", kind)
    fields.done()
    assert other is not None and kind is not None
    links.link(ticket, other, kind[0], by=caller(), reverse=kind[1])
    db.session.flush()
    return _links(ticket), 201


def unlink(number: int, other: int) -> Answer:
    """Removing what is not linked changes nothing."""
    ticket = seen(number)
    links.unlink(ticket, seen(other), by=caller())
    db.session.flush()
    return _links(ticket), 200


def _answer(ticket: Ticket) -> dict[str, Any]:
    db.session.flush()
    return shapes.ticket(ticket)


def _links(ticket: Ticket) -> dict[str, Any]:
    return {"items": [_shape(each) for each in links.links_of(ticket.id, caller())], "next": None}


def _shape(linked: Linked) -> dict[str, Any]:
    other = linked.ticket
    kind = linked.type
    name = "follow_up" if kind is None else kind.reverse_name if linked.reverse else kind.name
    return {"type": name, "number": other.number, "display": other.display, "subject": other.subject, "state": other.state.value}  # fmt: skip


def _demand(fields: Fields, name: str, value: object) -> None:
    if value is None:
        fields.refuse(name, _("This field is required."))


def _ticket(given: Any) -> Ticket:
    """A ticket by its number. Raises NotThere for one that may not be seen."""
    return seen(number(given))


def _type(given: Any) -> tuple[LinkType, bool]:
    wanted = text(given, LONGEST_TYPE).strip().casefold()
    for kind in links.types():
        for reverse, name in ((False, kind.name), (True, kind.reverse_name)):
            if wanted in (name.casefold(), shown(name).casefold()):
                return kind, reverse
    raise ValueError(_("There is no active link type of this name."))


def _entries(ticket: Ticket, fields: Fields) -> list[Message]:
    """`message_id`, and with `onwards` those after it too."""
    entry: Message | None = fields.take("message_id", _entry_of(ticket))
    _demand(fields, "message_id", entry)
    onwards: bool = fields.take("onwards", flag, False)
    if entry is None:
        return []
    return splitting.onwards(entry) if onwards else [entry]


def _entry_of(ticket: Ticket) -> Callable[[Any], Message]:
    def read(given: Any) -> Message:
        wanted = select(Message).where(
            Message.id == number(given), Message.ticket_id == ticket.id, messages_visible_to(caller())
        )
        found = db.session.scalar(wanted)
        if found is None:
            raise ValueError(_("There is no such message in this ticket."))
        return found

    return read
