"""The thread of a ticket: messages customers read, notes only staff read, and their files."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import enum
from typing import TYPE_CHECKING, NamedTuple

from flask_appbuilder.security.sqla.models import User
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Customer
from app.core import clock
from app.core.html import from_letter, from_text
from app.core.model import Base, BigId, intpk, longtext

if TYPE_CHECKING:
    from app.tickets.models import Ticket


class MessageKind(enum.StrEnum):
    REPLY = "reply"
    NOTE = "note"
    SUPPLIER = "supplier"
    """To or from a supplier: no customer ever reads it."""


class Channel(enum.StrEnum):
    """The way in."""

    PORTAL = "portal"
    MAIL = "mail"
    API = "api"
    STAFF = "staff"
    FORM = "form"


CHANNEL_LABELS = {
    Channel.PORTAL: _l("Portal"),
    Channel.MAIL: _l("Mail"),
    Channel.API: _l("API"),
    Channel.STAFF: _l("Staff"),
    Channel.FORM: _l("Form"),
}


class Addressed(NamedTuple):
    """To whom one reply goes when that is not the requester alone."""

    words: str
    """The addresses, as the entry shows them."""
    parts: tuple[int, ...]
    """Participants; theirs is this one reply."""
    requester: bool
    """They get it, too."""


@dc.dataclass(frozen=True)
class Words:
    """What somebody wrote, as a door received it. `text` is what they newly wrote, `full_text` the whole body with quoted history."""

    text: str
    full_text: str | None = None
    html: str | None = None
    """Already cleaned by app.core.html."""
    via: Channel = Channel.PORTAL
    message_id: str | None = None
    in_reply_to: str | None = None
    attachments: tuple[Attachment, ...] = ()
    bcc: tuple[int, ...] = ()
    """Participants who get this one reply and stand in none of its mails."""
    to: Addressed | None = None
    """To whom a reply goes; None: to the requester."""
    trusted: bool = True
    """False: nobody proved that this sender takes part."""
    asks: bool = False
    """They belong to a document request, whose own mail carries them to the requester."""
    activity_id: int | None = None
    """What kind of work it was; staff's alone to read."""

    @property
    def reaches_requester(self) -> bool:
        """What goes to somebody else alone is no answer to the customer: no promise is kept by it, and they still wait."""
        return self.to is None or self.to.requester


class Message(Base):
    """One entry of a thread: a public reply of either side, or an internal note."""

    __tablename__ = "message"
    __table_args__ = (
        Index("ix_message_ticket", "ticket_id", "id"),
        Index("ix_message_time", "ticket_id", "created_at", "id"),
    )

    id: Mapped[intpk]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    kind: Mapped[MessageKind] = mapped_column(default=MessageKind.REPLY)
    author_name: Mapped[str]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id", ondelete="SET NULL"))
    via: Mapped[Channel]
    text: Mapped[longtext]
    full_text: Mapped[longtext | None]
    html: Mapped[longtext | None]
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    message_id: Mapped[str | None] = mapped_column(index=True)
    """RFC 5322 Message-ID of a mail that came in, without angle brackets."""
    in_reply_to: Mapped[str | None]
    origin_ticket_id: Mapped[int | None] = mapped_column(BigId)
    """The ticket it belongs to, while that goes on in this one (mergeable.py)."""
    moved_from_id: Mapped[int | None] = mapped_column(BigId)
    """The ticket from which somebody moved it here."""
    trusted: Mapped[bool] = mapped_column(default=True)
    activity_id: Mapped[int | None] = mapped_column(BigId)
    """What kind of work it was; staff's alone to read."""
    supplier_id: Mapped[int | None] = mapped_column(ForeignKey("supplier.id"))
    """With whom it was exchanged, of kind supplier."""
    sent_to: Mapped[longtext | None]
    """Addresses a reply was written to, where that was not the requester alone; staff's alone to read."""

    ticket: Mapped[Ticket] = relationship(back_populates="messages")
    attachments: Mapped[list[Attachment]] = relationship(back_populates="message", order_by="Attachment.id")
    staff: Mapped[User | None] = relationship(User)
    customer: Mapped[Customer | None] = relationship(Customer)

    @property
    def public(self) -> bool:
        return self.kind is MessageKind.REPLY

    @property
    def home_id(self) -> int:
        """The ticket it belongs to, which may go on in the one it stands in."""
        return self.origin_ticket_id or self.ticket_id

    @property
    def as_html(self) -> Markup:
        return readable(self.text, self.via)

    @property
    def by_customer(self) -> bool:
        return speaks_for_customer(self.kind, self.staff_id, self.customer_id, self.via)


def readable(text: str, via: Channel) -> Markup:
    """How a text reads on every page and in every mail: what the team wrote at the desk is Markdown, all else stays as typed. Both escape it."""
    return Markup(from_letter(text) if via is Channel.STAFF else from_text(text))


def speaks_for_customer(kind: MessageKind, staff_id: int | None, customer_id: int | None, via: Channel) -> bool:
    """Also what a guest wrote, whom no row stands for. What no person wrote here is the desk's: a rule's."""
    nobodys = staff_id is None and kind is MessageKind.REPLY and via is not Channel.STAFF
    return customer_id is not None or nobodys


class Attachment(Base):
    """A file. Its bytes lie in the storage under a random key; who may have it is decided by its message."""

    __tablename__ = "attachment"

    id: Mapped[intpk]
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"), index=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), index=True)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id", ondelete="SET NULL"))
    name: Mapped[str]
    type: Mapped[str]
    """As its bytes say, never as the sender said."""
    bytes: Mapped[int]
    sha256: Mapped[str]
    storage_key: Mapped[str] = mapped_column(unique=True)
    content_id: Mapped[str | None]
    inline: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)

    message: Mapped[Message | None] = relationship(back_populates="attachments")

    @property
    def image(self) -> bool:
        return pictured(self.type)

    def __str__(self) -> str:
        return self.name


def pictured(kind: str) -> bool:
    """Whether browsers show a file of this type as a picture."""
    return kind in ("image/png", "image/jpeg", "image/gif", "image/webp")


def printed(kind: str) -> bool:
    """Whether it is a PDF, which browsers show in a viewer of their own."""
    return kind == "application/pdf"
