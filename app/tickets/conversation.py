"""What people write: the customer's messages, the staff's replies and notes, and what a message does to the ticket."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import enum
import re
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts import rights
from app.accounts.models import StaffProfile
from app.accounts.viewer import Actor, Kind, viewer
from app.core import clock
from app.core.errors import Forbidden, Invalid
from app.core.extensions import db
from app.settings import desk
from app.tickets import mergeable
from app.tickets.choices import State, Status
from app.tickets.lifecycle import status_for
from app.tickets.thread import Message, MessageKind, Words
from app.tickets.timeline import Did, Timeline
from app.tickets.turns import demand

if TYPE_CHECKING:
    from app.tickets.models import Ticket

LONGEST_MESSAGE = 500_000
EXCERPT = 160
MENTION = re.compile(r"(?<![\w@.])@([A-Za-z0-9][\w.-]{0,62})")


class Then(enum.StrEnum):
    """What a staff reply does to the status."""

    KEEP = "keep"
    WAIT = "wait"
    RESOLVE = "resolve"
    CLOSE = "close"


LEADS_TO = {Then.WAIT: State.WAITING, Then.RESOLVE: State.RESOLVED, Then.CLOSE: State.CLOSED}
"""The state that each asks for; `status_for` says which status that is."""


class Conversation(Timeline):
    """The counts and instants that lists and rules need, kept with each message."""

    needs_response: Mapped[bool] = mapped_column(default=False, active_history=True)
    """The customer wrote, and nothing of ours has reached them since."""
    awaiting_since: Mapped[dt.datetime | None]
    """The oldest customer message nobody answered yet."""
    message_count: Mapped[int] = mapped_column(default=0)
    first_response_at: Mapped[dt.datetime | None]
    last_customer_at: Mapped[dt.datetime | None]
    last_staff_at: Mapped[dt.datetime | None]

    def receive(self, words: Words, by: Actor) -> Message:
        """The customer (or a member of their organization) wrote. Returns the message, which stands in a new, linked
        ticket when this one is closed and may not be reopened: a reply is never lost."""
        ticket: Ticket = self  # type: ignore[assignment]  # every conversation is a ticket
        place = ticket.place_in_turn()
        rights.demand(by, "receive")
        if place.spam:  # whatever they write to it, nothing follows from it
            words = dc.replace(words, trusted=False)
        if words.trusted and not ticket.open_to(by):
            raise Forbidden(_("You take no part in this ticket."))
        if words.trusted and not place.live and not place.reopens_by_reply():
            from app.tickets.opening import follow_up

            return follow_up(ticket, words, by)
        message = place._compose(MessageKind.REPLY, words, by, origin=ticket)
        place.last_customer_at = message.created_at
        place.awaiting_since = place.awaiting_since or message.created_at
        place.needs_response = True
        place._enter_message(message, words)
        place.record(Did.RECEIVED, by, message_id=message.id, trusted=words.trusted)
        place.come_back("customer_wrote")
        if place is not ticket:  # its promises are told of it too, for the day it is taken out again
            ticket.remember(Did.RECEIVED, by, message_id=message.id, trusted=words.trusted, forwarded=True)
        if words.trusted:
            place._follow_customer_reply(by)
        return message

    def reply(self, words: Words, by: Actor, then: Then | Status = Then.KEEP) -> Message:
        """Staff answered in public; the customer gets it by mail. `then` is an outcome or a status chosen with the reply."""
        ticket: Ticket = self  # type: ignore[assignment]
        if ticket.merged:
            return ticket.place_in_turn().reply(words, by, then)
        demand(by, "reply", self)
        if isinstance(then, Status) or then is not Then.KEEP:
            demand(by, "status", self)
        message = self._compose(MessageKind.REPLY, words, by)
        message.sent_to = words.to.words if words.to is not None else None
        answers = by.kind is not Kind.SYSTEM and words.reaches_requester
        first = answers and self.first_response_at is None
        if answers:  # by a person and to the customer: whoever was written to besides, they still wait
            self.last_staff_at, self.awaiting_since, self.needs_response = message.created_at, None, False
            self.first_response_at = self.first_response_at or message.created_at
        self._enter_message(message, words)
        self.record(
            Did.REPLIED,
            by,
            message_id=message.id,
            first=first,
            bcc=list(words.bcc) or None,
            asks=words.asks or None,
            to=list(words.to.parts) if words.to is not None else None,
            elsewhere=not words.reaches_requester or None,
        )
        self._mention(words.text, by, message)
        if by.kind is not Kind.SYSTEM and (answers or then is not Then.KEEP):
            self._follow_staff_reply(then, by)
        return message

    def note(self, words: Words, by: Actor) -> Message:
        """An internal note: no customer ever reads it, and it changes no status."""
        ticket: Ticket = self  # type: ignore[assignment]
        place = ticket.place_in_turn()
        demand(by, "note", place)
        note = place._compose(MessageKind.NOTE, words, by, origin=ticket)
        place._enter_message(note, words)
        place.record(Did.NOTED, by, message_id=note.id)
        place._mention(words.text, by, note)
        return note

    def reopens_by_reply(self) -> bool:
        """Whether a customer's reply may bring this finished ticket back."""
        settings = desk.current()
        if self.state is State.RESOLVED:  # type: ignore[attr-defined]
            return True
        if not settings.customer_can_reopen or settings.reopen_policy == "new_always":
            return False
        closed_at: dt.datetime = self.closed_at or clock.now()  # type: ignore[attr-defined]
        return settings.reopen_policy == "reopen" or clock.now() - closed_at <= dt.timedelta(days=settings.reopen_days)

    def _compose(self, kind: MessageKind, words: Words, by: Actor, origin: Conversation | None = None) -> Message:
        """`origin` is the ticket it was written to, which may go on in this one. What else a verb changes in the ticket
        it changes before `_enter_message`: then both are written together."""
        text = storable(words.text).strip()
        if not text and not words.attachments and not words.html:
            raise Invalid(_("The message is empty."), {"body": _("Please write something.")})
        if len(text) > LONGEST_MESSAGE:
            raise Invalid(
                _("The message is too long."),
                {"body": _("At most %(most)s characters; attach longer texts as a file.", most=LONGEST_MESSAGE)},
            )
        message = Message(
            ticket=self, kind=kind, author_name=by.name, staff_id=by.staff_id, customer_id=by.customer_id, via=words.via, text=text,
            full_text=storable(words.full_text) if words.full_text and words.full_text.strip() != text else None,
            html=storable(words.html) if words.html else None, created_at=clock.now(),
            message_id=words.message_id, in_reply_to=words.in_reply_to, trusted=words.trusted,
            origin_ticket_id=origin.id if origin is not None and origin is not self else None,  # type: ignore[attr-defined]
            activity_id=words.activity_id if by.kind is Kind.STAFF else None, attachments=[],
        )  # fmt: skip
        self._count(message)
        return message

    def _enter_message(self, message: Message, words: Words) -> None:
        """From here on it has its id."""
        db.session.add(message)
        db.session.flush()
        for attachment in words.attachments:
            attachment.message, attachment.ticket_id = message, message.ticket_id
        mergeable.share(message, self)  # type: ignore[arg-type]

    def _count(self, message: Message) -> None:
        self.message_count += 1
        self._touch(message.created_at)  # type: ignore[attr-defined]
        if message.public:
            self.excerpt = " ".join(message.text.split())[:EXCERPT]

    def _follow_customer_reply(self, by: Actor) -> None:
        ticket: Any = self
        if not ticket.live:
            ticket._enter(ticket._status_when_reopened(), by)
        elif ticket.status.after_customer_reply is not None and ticket.status.after_customer_reply.active:
            ticket._enter(ticket.status.after_customer_reply, by)

    def _follow_staff_reply(self, then: Then | Status, by: Actor) -> None:
        ticket: Any = self
        if isinstance(then, Status):
            ticket.set_status(then, by)
        elif then is Then.WAIT:
            ticket.wait(by)
        elif then is Then.RESOLVE:
            ticket.resolve(by)
        elif then is Then.CLOSE:
            ticket.close(by)
        else:
            self._keep_status(ticket, by)

    def _keep_status(self, ticket: Any, by: Actor) -> None:
        chosen = desk.current().status_on_staff_reply
        status = db.session.get(Status, chosen) if chosen and ticket.state in (State.NEW, State.OPEN) else None
        if status is not None and status.active:
            ticket._enter(status, by)
        elif ticket.state is State.WAITING:
            ticket.status_since, ticket.reminded_at = clock.now(), None

    def _mention(self, text: str, by: Actor, message: Message) -> None:
        """@username tells that person and lets them see the ticket."""
        from app.tickets.models import Participant, ParticipantRole

        names = set(MENTION.findall(text)) if by.kind is Kind.STAFF and "@" in text else set()
        if not names:
            return
        people = db.session.scalars(
            select(StaffProfile)
            .join(StaffProfile.user)
            .where(StaffProfile.user.property.mapper.class_.username.in_(names))
        )
        for profile in people:
            mentioned = viewer(profile.user_id)
            if mentioned is not None and mentioned.can("show") and profile.user_id != by.staff_id:
                db.session.add(
                    Participant(ticket_id=message.ticket_id, role=ParticipantRole.MENTIONED, staff_id=profile.user_id)
                )
                self.record(Did.MENTIONED, by, now=mentioned.name, now_id=profile.user_id, message_id=message.id)


def status_after(ticket: Any, then: Then | Status) -> Status | None:
    """What an outcome that was chosen with a reply changes the status to; None where it changes nothing by hand."""
    if isinstance(then, Status):
        return then
    if then is Then.WAIT:
        return status_for(State.WAITING)
    if then is Then.RESOLVE:
        return status_for(State.RESOLVED) if ticket.live else None
    return status_for(State.CLOSED) if then is Then.CLOSE and not ticket.closed else None


def storable(text: str) -> str:
    """Without NUL, which PostgreSQL cannot keep, and with lone halves of letters made visible."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
