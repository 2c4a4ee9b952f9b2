"""Mail as rows: each mail to one recipient on its way out, and each message that came in, as it came."""

from __future__ import annotations

import datetime as dt
import enum
from typing import TYPE_CHECKING, Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Customer
from app.core import clock
from app.core.model import Base, BigId, intpk, longtext

if TYPE_CHECKING:
    from app.tickets.models import Ticket

QUEUED = text("state = 'queued'")
ALL = ""
"""Own words for readers of every language."""
MOST_TRIES_TOLD = 60
OF_A_MESSAGE = text("message_id IS NOT NULL")
OF_A_MAILBOX = text("mailbox_id IS NOT NULL")


class DeliveryState(enum.StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    CAPTURED = "captured"
    """Without a mail server: it lies in the built-in mailbox."""
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    """A rule held it back; `reason` says which."""


class Delivery(Base):
    """One mail to one recipient, from the change that caused it to what the recipient's server said."""

    __tablename__ = "delivery"
    __table_args__ = (
        Index("ix_delivery_due", "due_at", "id", sqlite_where=QUEUED, postgresql_where=QUEUED),
        Index("ix_delivery_ticket", "ticket_id", "id"),
        Index("ix_delivery_address", "address", "created_at"),
        Index("ix_delivery_state", "state", "id"),
        Index("ix_delivery_created", "created_at"),
        Index("ix_delivery_message", "message_id", "id", sqlite_where=OF_A_MESSAGE, postgresql_where=OF_A_MESSAGE),
    )

    id: Mapped[intpk]
    kind: Mapped[str]
    """A name of outgoing.KINDS."""
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id", ondelete="SET NULL"), index=True)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"))
    participant_id: Mapped[int | None] = mapped_column(ForeignKey("participant.id", ondelete="SET NULL"))
    """For a CC: the row that makes them one."""
    address: Mapped[str]
    """Case-folded: the caps count by it."""
    supplier_contact_id: Mapped[int | None] = mapped_column(ForeignKey("supplier_contact.id"))
    """For a mail to a supplier: whom of them."""
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id", ondelete="SET NULL"))
    """The entry of the thread it tells of."""
    task_id: Mapped[int | None] = mapped_column(BigId)
    """The task it tells of, to staff alone."""
    values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    automatic: Mapped[bool] = mapped_column(default=True)
    """A machine's mail, not a person's words: it says so and is counted against the cap."""
    subject: Mapped[str] = mapped_column(default="")
    rfc_message_id: Mapped[str | None] = mapped_column(index=True)
    """Without angle brackets; addresses.message_id_for of this row."""
    raw: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    """The whole mail, once it was written."""
    state: Mapped[DeliveryState] = mapped_column(default=DeliveryState.QUEUED)
    reason: Mapped[longtext | None]
    """Why it was held back or failed, in the server's own words where it said some."""
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    lease_until: Mapped[dt.datetime | None]
    story: Mapped[list[Any]] = mapped_column(JSON, default=list, server_default="[]", deferred=True)
    """Its earlier tries, oldest first: when, what became of them and what the server said. The newest is the row itself."""
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    sent_at: Mapped[dt.datetime | None]
    bounced_at: Mapped[dt.datetime | None]
    """When a bounce came back for it; `reason` then holds the bounce's words."""

    ticket: Mapped[Ticket | None] = relationship("Ticket")
    customer: Mapped[Customer | None] = relationship(Customer)
    staff: Mapped[User | None] = relationship(User)

    def tell(self, became: str, said: str | None) -> None:
        """One more line of its story: what became of this try, and why."""
        line = {"at": clock.now().isoformat(), "became": became, "said": (said or "")[:1000]}
        self.story = [*(self.story or ()), line][-MOST_TRIES_TOLD:]

    def __str__(self) -> str:
        return f"{self.subject} → {self.address}"


class RawState(enum.StrEnum):
    NEW = "new"
    DELIVERED = "delivered"
    QUARANTINED = "quarantined"
    """It could not be read or belongs nowhere: kept and shown, and can be read again."""
    IGNORED = "ignored"
    DUPLICATE = "duplicate"


class RawMail(Base):
    """A message as it came in, stored before anything reads it."""

    __tablename__ = "raw_mail"
    __table_args__ = (
        Index("ix_raw_mail_state", "state", "id"),
        Index("ix_raw_mail_received", "received_at"),
        Index("ix_raw_mail_ticket", "ticket_id", "id"),
        Index("ix_raw_mail_mailbox", "mailbox_id", "id", sqlite_where=OF_A_MAILBOX, postgresql_where=OF_A_MAILBOX),
    )

    id: Mapped[intpk]
    received_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    via: Mapped[str]
    """smtp, lmtp, imap, pipe, http, lab."""
    mailbox_id: Mapped[int | None] = mapped_column(ForeignKey("mailbox.id"))
    """Whose address it was sent to; empty: none of ours is named."""
    sender: Mapped[str] = mapped_column(default="")
    """Of the envelope; empty for a bounce or when nobody said."""
    recipient: Mapped[str] = mapped_column(default="")
    """Of the envelope."""
    subject: Mapped[str] = mapped_column(default="")
    message_id: Mapped[str | None] = mapped_column(index=True)
    sha256: Mapped[str] = mapped_column(index=True)
    identity: Mapped[str | None] = mapped_column(unique=True)
    """What makes two deliveries the same message, a digest; empty on those that came again."""
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    state: Mapped[RawState] = mapped_column(default=RawState.NEW)
    verdict: Mapped[longtext] = mapped_column(default="")
    """What was decided, as a sentence."""
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id", ondelete="SET NULL"))
    entry_id: Mapped[int | None] = mapped_column(BigId, index=True)
    """The message of the thread it became."""
    automatic: Mapped[bool] = mapped_column(default=False)
    """A machine wrote it: no machine of ours answers what came of it."""
    error: Mapped[longtext | None]
    unfiltered: Mapped[bool] = mapped_column(default=False, server_default=false())
    """A person had it read again: no filter and no ban sets it aside once more."""

    def __str__(self) -> str:
        return f"{self.sender}: {self.subject}"


class EmailTemplate(Base):
    """An admin's own words for one kind of mail, in one language or for all; without a row the desk's stand."""

    __tablename__ = "email_template"

    kind: Mapped[str] = mapped_column(primary_key=True)
    language: Mapped[str] = mapped_column(primary_key=True, default=ALL)
    source: Mapped[longtext]
    changed_at: Mapped[dt.datetime] = mapped_column(default=clock.now, onupdate=clock.now)
    changed_by: Mapped[str | None]

    def __str__(self) -> str:
        return f"{self.kind} {self.language}".strip()


class SigningKey(Base):
    """With what the desk signs its mails (DKIM). The newest one counts; the private half is sealed."""

    __tablename__ = "signing_key"

    id: Mapped[intpk]
    domain: Mapped[str]
    selector: Mapped[str]
    sealed: Mapped[longtext]
    public: Mapped[longtext]
    """As the record in the DNS has it."""
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    found_at: Mapped[dt.datetime | None]
    """When its record was last seen in the DNS."""

    def __str__(self) -> str:
        return f"{self.selector}._domainkey.{self.domain}"
