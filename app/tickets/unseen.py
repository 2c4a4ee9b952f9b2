"""What others wrote into a ticket while somebody was answering: a reply over it waits for a second look."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from sqlalchemy import func, or_, select

from app.accounts.viewer import Viewer
from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.tickets.departures import departures_visible_to
from app.tickets.drafts import Draft
from app.tickets.models import Ticket
from app.tickets.thread import Message, MessageKind


class Seen(NamedTuple):
    """The newest message on the page in which a reply was written, and the newest reply that waits to leave."""

    message_id: int
    departure_id: int = 0


class Newer(NamedTuple):
    """Something others wrote since."""

    author: str
    at: dt.datetime
    text: str
    leaving: bool = False
    """A colleague's reply that has not left yet."""


class Unseen(HelpdeskError):
    """Others wrote while the reply was typed."""

    def __init__(self, newer: list[Newer], seen: Seen) -> None:
        super().__init__(_("Somebody wrote while you were writing. Please look first."))
        self.newer, self.seen = newer, seen


def demand_seen(ticket: Ticket, seen: Seen, by: Viewer) -> None:
    """Raise Unseen when customers or colleagues wrote to each other since. A note holds nothing. To be asked when the ticket is ours alone (turns.py)."""
    written = select(Message).where(
        Message.ticket_id == ticket.id,
        Message.id > seen.message_id,
        Message.kind == MessageKind.REPLY,
        or_(Message.staff_id.is_(None), Message.staff_id != by.id),
    )
    messages = list(db.session.scalars(written.order_by(Message.id)))
    waiting = select(Draft, User).join(User, User.id == Draft.staff_id).where(
        Draft.ticket_id == ticket.id, Draft.id > seen.departure_id, Draft.staff_id != by.id, departures_visible_to(by),
        Draft.kind == MessageKind.REPLY,
    )  # fmt: skip
    leaving = list(db.session.execute(waiting.order_by(Draft.id)))
    if messages or leaving:
        newer = [Newer(each.author_name, each.created_at, each.text) for each in messages]
        newer += [Newer(user.get_full_name(), draft.saved_at, draft.text, True) for draft, user in leaving]
        raise Unseen(newer, _seen(messages, [draft for draft, _user in leaving], seen))


def newest_message(ticket: Ticket) -> int:
    """For whoever looked at no page: there is nothing they have not seen."""
    return db.session.scalar(select(func.max(Message.id)).where(Message.ticket_id == ticket.id)) or 0


def _seen(messages: list[Message], leaving: list[Draft], before: Seen) -> Seen:
    return Seen(
        max([before.message_id, *(message.id for message in messages)]),
        max([before.departure_id, *(draft.id for draft in leaving)]),
    )
