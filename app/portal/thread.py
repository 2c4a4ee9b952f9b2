"""A ticket's story as its customer reads it: public messages and what the desk did, in the order of time. Notes never get here."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import html as entities
import re
from collections.abc import Callable
from typing import Any

from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import selectinload

from app.accounts.viewer import CustomerActor, Kind
from app.core.extensions import db
from app.core.shipped import shown
from app.tickets.choices import Status
from app.tickets.mergeable import Merge
from app.tickets.models import Ticket
from app.tickets.thread import Attachment, Channel, Message
from app.tickets.timeline import Did, TicketEvent
from app.tickets.visibility import events_visible_to, messages_visible_to, visible_to

DOCUMENTS: dict[Did, Callable[[dict[str, Any]], str]] = {
    Did.DOCUMENT_ACCEPTED: lambda given: _("“%(name)s” was accepted", name=given["name"]),
    Did.DOCUMENT_REFUSED: lambda given: _("“%(name)s” is needed again: %(reason)s", name=given["name"], reason=given.get("reason") or "–"),
    Did.DOCUMENTS_DONE: lambda given: _("All documents are here"),
    Did.DOCUMENTS_WITHDRAWN: lambda given: _("The documents are not needed any more"),
}  # fmt: skip
MOST, MOST_EVENTS = 40, 200
"""Messages with which a page opens, and what happened around them."""
EMBEDDED = re.compile(r' src="cid:([^"]*)"')


@dc.dataclass(frozen=True)
class Entry:
    """One line of the thread: a message (`role` client or staff) or an event (`role` system)."""

    at: dt.datetime
    role: str
    text: str
    id: int = 0
    author: str = ""
    by_mail: bool = False
    trusted: bool = True
    html: Markup | None = None
    files: tuple[Attachment, ...] = ()


@dc.dataclass(frozen=True)
class Thread:
    """A part of the story: the newest messages, or those before one."""

    entries: list[Entry]
    earlier: int | None = None
    """The message before which there are others."""
    later: bool = False
    """There are newer ones."""


def read(ticket: Ticket, actor: CustomerActor, before: int | None = None) -> Thread:
    """At the same instant the message stands before what it brought about."""
    place = ticket.place().id
    bound = _bound(place, actor, before) if before is not None else None
    wanted = select(Message).where(Message.ticket_id == place, messages_visible_to(actor))
    if bound is not None:
        at, id = bound
        same = and_(Message.created_at == at, Message.id < id)
        wanted = wanted.where(Message.created_at <= at, or_(Message.created_at < at, same))
    newest = wanted.order_by(Message.created_at.desc(), Message.id.desc()).limit(MOST + 1)
    rows = list(db.session.scalars(newest.options(selectinload(Message.attachments))))
    more, shown = len(rows) > MOST, rows[:MOST]
    oldest = shown[-1] if more else None
    events = _events(ticket, actor, oldest.created_at if oldest else None, bound[0] if bound else None)
    entries = sorted([*map(_message, shown), *events], key=lambda entry: (entry.at, entry.role == "system", entry.id))
    return Thread(entries, oldest.id if oldest else None, bound is not None)


def _bound(place: int, actor: CustomerActor, before: int) -> tuple[dt.datetime, int] | None:
    """Where a message stands that this customer reads; None: there is no such one, and the newest are shown."""
    wanted = select(Message.created_at, Message.id).where(
        Message.id == before, Message.ticket_id == place, messages_visible_to(actor)
    )
    row = db.session.execute(wanted).first()
    return (row.created_at, row.id) if row is not None else None


def _message(message: Message) -> Entry:
    files = tuple(message.attachments) if message.trusted else ()
    embedded = {file.content_id: file for file in files if file.content_id and file.image}
    shown: set[int] = set()
    markup = Markup(
        EMBEDDED.sub(lambda found: _picture(found, embedded, shown), message.html) if message.html else message.as_html
    )
    return Entry(
        message.created_at, "client" if message.by_customer else "staff", message.text, message.id, message.author_name,
        message.via is Channel.MAIL, message.trusted, markup, tuple(file for file in files if file.id not in shown),
    )  # fmt: skip


def _picture(found: re.Match[str], embedded: dict[str, Attachment], shown: set[int]) -> str:
    """A picture that came inside a mail, by its own guarded address; one that did not come is left out."""
    file = embedded.get(entities.unescape(found.group(1)).strip("<>"))
    if file is None:
        return ""
    shown.add(file.id)
    return f' src="/portal/files/{file.id}?inline=1"'


def _events(ticket: Ticket, actor: CustomerActor, since: dt.datetime | None, until: dt.datetime | None) -> list[Entry]:
    """Of the time in which the shown messages were written."""
    wanted = select(TicketEvent).where(_of(ticket, actor), events_visible_to(actor))
    if since is not None:
        wanted = wanted.where(TicketEvent.at >= since)
    if until is not None:
        wanted = wanted.where(TicketEvent.at < until)
    newest = wanted.order_by(TicketEvent.at.desc(), TicketEvent.id.desc()).limit(MOST_EVENTS)
    events = sorted(db.session.scalars(newest), key=lambda event: event.id)
    labels = _labels() if any("state" in event.particulars for event in events) else {}
    linked = _linked([event.particulars["other_id"] for event in events if "other_id" in event.particulars], actor)
    told = ((event, _told(event, labels, linked)) for event in events)
    return [Entry(event.at, "system", text) for event, text in told if text]


def _of(ticket: Ticket, actor: CustomerActor) -> ColumnElement[bool]:
    """Of tickets that are one, what happened to theirs; to the one it goes on in, since then."""
    if ticket.merged_in:
        theirs = select(Ticket.id).where(Ticket.id.in_(ticket.family()), visible_to(actor))
        return TicketEvent.ticket_id.in_(theirs)
    own = TicketEvent.ticket_id == ticket.id
    if not ticket.merged or ticket.place().hidden_from_client:
        return own
    since = select(func.max(Merge.at)).where(Merge.ticket_id == ticket.id).scalar_subquery()
    return or_(own, and_(TicketEvent.ticket_id == ticket.place().id, TicketEvent.at > since))


def _labels() -> dict[int, str]:
    return {status.id: status.label for status in db.session.scalars(select(Status))}


def _linked(ids: list[int], actor: CustomerActor) -> set[int]:
    """Of tickets that were linked, those this customer may know of."""
    return set(db.session.scalars(select(Ticket.id).where(Ticket.id.in_(ids), visible_to(actor)))) if ids else set()


def _told(event: TicketEvent, labels: dict[int, str], linked: set[int]) -> str | None:
    """In the customer's words; None for what is not for them to know."""
    given = event.particulars
    if event.what is Did.ASSIGNED:
        return _("%(name)s is working on your ticket", name=given["now"]) if given.get("now") else None
    if event.what is Did.PRIORITY_CHANGED:
        return _("Priority changed to %(name)s", name=shown(given.get("now")))
    if event.what is Did.DEPARTMENT_CHANGED:
        return _("Passed to %(name)s", name=shown(given.get("now")))
    if event.what in DOCUMENTS:
        return DOCUMENTS[event.what](given)
    if event.what is Did.LINKED:
        return (
            _("Belongs together with ticket %(number)s", number=given["number"])
            if given.get("other_id") in linked
            else None
        )
    if event.actor_kind is Kind.CUSTOMER and event.what is Did.CLOSED:
        return _("%(name)s closed the ticket", name=event.actor_name)
    if event.actor_kind is Kind.CUSTOMER and event.what is Did.REOPENED:
        return _("%(name)s opened the ticket again", name=event.actor_name)
    if event.what is Did.KEPT_OPEN:
        return _("%(name)s keeps the ticket open", name=event.actor_name)
    if "state" in given:
        return _("Status changed to %(status)s", status=labels.get(given.get("now_id", 0)) or shown(given.get("now")))
    return None
