"""A ticket: a customer's request, the conversation about it, and what may happen to it."""

from __future__ import annotations

import datetime as dt
import enum
from typing import ClassVar

from flask_babel import lazy_gettext as _l
from sqlalchemy import ForeignKey, Index, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.environments import Environment
from app.accounts.models import Customer, Department
from app.accounts.viewer import Actor
from app.core import clock
from app.core.model import Base, BigId, intpk
from app.core.shipped import shown
from app.settings import desk
from app.tickets.assignable import Assignable
from app.tickets.choices import Category, Priority, Tag, ticket_tag
from app.tickets.conversation import Conversation
from app.tickets.dates import Dated
from app.tickets.fields import Fielded
from app.tickets.lifecycle import Lifecycle
from app.tickets.mergeable import Mergeable
from app.tickets.sorting import Sorted
from app.tickets.spam import Junk
from app.tickets.supplied import INDEXES, Supplied
from app.tickets.thread import Channel, Message


class TicketKind(enum.StrEnum):
    TICKET = "ticket"
    CONVERSATION = "conversation"
    DOCUMENT_REQUEST = "document_request"


TICKET_KIND_LABELS = {
    TicketKind.TICKET: _l("Ticket"),
    TicketKind.CONVERSATION: _l("Conversation"),
    TicketKind.DOCUMENT_REQUEST: _l("Document request"),
}


class Ticket(Conversation, Lifecycle, Assignable, Sorted, Fielded, Dated, Mergeable, Supplied, Junk, Base):
    """One request. Made by `opening.open_ticket`, changed by its verbs only."""

    __tablename__ = "ticket"
    __table_args__ = (
        Index("ix_ticket_state_activity", "state", "last_activity_at", "id"),
        Index("ix_ticket_activity", "last_activity_at", "id"),
        Index("ix_ticket_live_activity", "last_activity_at", "id", sqlite_where=text("live"), postgresql_where=text("live")),
        Index("ix_ticket_assignee_state", "assignee_id", "state", "last_activity_at"),
        Index("ix_ticket_mine", "assignee_id", "last_activity_at", "id", sqlite_where=text("live"), postgresql_where=text("live")),
        Index("ix_ticket_department_live", "department_id", "live", "last_activity_at", "id"),
        Index("ix_ticket_owner", "assignee_id", "last_activity_at"),
        Index("ix_ticket_requester", "requester_id", "id"),
        Index("ix_ticket_requester_live", "requester_id", "live", "id"),
        Index("ix_ticket_nobodys", "department_id", "last_activity_at", "id", sqlite_where=text("live AND assignee_id IS NULL"), postgresql_where=text("live AND assignee_id IS NULL")),
        Index("ix_ticket_due", "next_due_at", "id", sqlite_where=text("next_due_at IS NOT NULL"), postgresql_where=text("next_due_at IS NOT NULL")),
        Index("ix_ticket_awaiting", "assignee_id", "awaiting_since", "id", sqlite_where=text("awaiting_since IS NOT NULL"), postgresql_where=text("awaiting_since IS NOT NULL")),
        Index("ix_ticket_category", "category_id", "last_activity_at"),
        Index("ix_ticket_created", "created_at", "id"),
        Index("ix_ticket_updated", "updated_at", "id"),
        Index("ix_ticket_status_since", "state", "status_since"),
        *(
            Index(f"ix_ticket_{name}", column, "id", sqlite_where=text(f"{column} IS NOT NULL"), postgresql_where=text(f"{column} IS NOT NULL"))
            for name, column in (("follow_up", "follow_up_at"), ("action", "action_required_at"), ("snoozed", "snoozed_until"), ("woke", "woke_at"))
        ),
        Index("ix_ticket_time", "time_spent_minutes", "id"),
        Index("ix_ticket_rating", "rating", "last_activity_at", "id", sqlite_where=text("rating IS NOT NULL"), postgresql_where=text("rating IS NOT NULL")),
        Index("ix_ticket_mailbox", "mailbox_id", "id", sqlite_where=text("mailbox_id IS NOT NULL"), postgresql_where=text("mailbox_id IS NOT NULL")),
        Index("ix_ticket_merged", "merged_into_id", "id", sqlite_where=text("merged_into_id IS NOT NULL"), postgresql_where=text("merged_into_id IS NOT NULL")),
        Index("ix_ticket_spam", "spam_since", "id", sqlite_where=text("spam_since IS NOT NULL"), postgresql_where=text("spam_since IS NOT NULL")),
        *INDEXES,
    )  # fmt: skip

    turn: ClassVar[object] = None
    """The transaction that has it for itself (turns.py)."""

    id: Mapped[intpk]
    number: Mapped[int] = mapped_column(BigId, unique=True)
    reference: Mapped[str | None] = mapped_column(index=True)
    """Its number in the helpdesk it was imported from."""
    subject: Mapped[str]
    excerpt: Mapped[str] = mapped_column(default="")
    """The beginning of the newest public message."""
    mailbox_id: Mapped[int | None] = mapped_column(ForeignKey("mailbox.id"))
    """By which address of the desk it came, and from which it is answered; empty: the desk's own, or its department's."""
    kind: Mapped[TicketKind] = mapped_column(default=TicketKind.TICKET)
    channel: Mapped[Channel]
    opened_by_staff: Mapped[bool] = mapped_column(default=False)
    requester_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    proven: Mapped[bool] = mapped_column(default=True)
    """False for a guest's ticket until a mail link proved the address: until then no portal shows it."""
    hidden_from_client: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    updated_at: Mapped[dt.datetime] = mapped_column(default=clock.now, onupdate=clock.now)

    first_response_due_at: Mapped[dt.datetime | None]
    resolution_due_at: Mapped[dt.datetime | None]
    next_due_at: Mapped[dt.datetime | None]
    """The least due instant of the running SLA clocks; they keep it."""
    time_spent_minutes: Mapped[int] = mapped_column(default=0)
    """Of its entries and of those of tickets that go on in it; timespent.py keeps it."""
    budget_minutes: Mapped[int | None]
    budget_told: Mapped[int] = mapped_column(default=0, server_default="0")
    """The percentage of the budget that people were told of last."""
    watched: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Somebody follows it, or did: of all others nobody has to be looked for. A mark of theirs, no change of the ticket."""
    documents_wanted: Mapped[int] = mapped_column(default=0, server_default="0")
    """Required ones that we asked for, in requests not withdrawn; requests.count keeps these three."""
    documents_here: Mapped[int] = mapped_column(default=0, server_default="0")
    """Of them, those that came and were not refused."""
    rating: Mapped[int | None]
    """The score, 1 to 5, that its requester gave last; app/satisfaction keeps it (scores.py)."""
    documents_due_on: Mapped[dt.date | None]
    """The last day of the requests that are open: until then no silence is too long."""

    requester: Mapped[Customer] = relationship(Customer)
    department: Mapped[Department] = relationship(Department)
    environment: Mapped[Environment | None] = relationship(Environment)
    category: Mapped[Category | None] = relationship(Category)
    priority: Mapped[Priority] = relationship(Priority)
    tags: Mapped[list[Tag]] = relationship(Tag, secondary=ticket_tag, order_by=Tag.name)
    messages: Mapped[list[Message]] = relationship(
        back_populates="ticket", order_by=Message.id, cascade="all, delete-orphan", passive_deletes=True
    )

    @property
    def display(self) -> str:
        """The number as people read it."""
        return desk.current().display(self.number)

    def seen_by(self, actor: Actor) -> bool:
        """The row rule for this one ticket; visibility.py says it for lists."""
        from app.tickets import visibility

        return visibility.sees(actor, self)

    def open_to(self, actor: Actor) -> bool:
        """Whether what this customer writes belongs here."""
        from app.tickets import visibility

        return visibility.may_write(actor, self)

    def __str__(self) -> str:
        return f"{self.display} {self.subject}"


class LinkType(Base):
    """How one ticket may stand to another, with its words for both sides: "blocks", "is blocked by"."""

    __tablename__ = "link_type"

    id: Mapped[intpk]
    name: Mapped[str] = mapped_column(unique=True)
    reverse_name: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)

    @property
    def reverse(self) -> str:
        return shown(self.reverse_name)

    def __str__(self) -> str:
        return shown(self.name)


class TicketLink(Base):
    """Two tickets that belong together; `kind` says how the first stands to the second."""

    __tablename__ = "ticket_link"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"), primary_key=True)
    other_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"), primary_key=True, index=True)
    kind: Mapped[str] = mapped_column(default="follow_up")
    """`follow_up`, which the desk made itself, or `typed`."""
    type_id: Mapped[int | None] = mapped_column(ForeignKey("link_type.id"))
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)


class ParticipantRole(enum.StrEnum):
    CC = "cc"
    BCC = "bcc"
    TO = "to"
    """A reply of ours was written to them, though they are not the requester."""
    FOLLOWER = "follower"
    MENTIONED = "mentioned"
    ADDED = "added"
    DEPARTMENT = "department"


class Participant(Base):
    """Somebody besides requester and assignee who has part in a ticket: staff see it by that, further departments too, CC get its mails."""

    __tablename__ = "participant"
    __table_args__ = (
        Index("ix_participant_ticket", "ticket_id"),
        Index("ix_participant_staff", "staff_id", "ticket_id"),
        Index("ix_participant_department", "department_id", "ticket_id"),
    )

    id: Mapped[intpk]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    role: Mapped[ParticipantRole]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id", ondelete="CASCADE"))
    email: Mapped[str | None]
    approved: Mapped[bool] = mapped_column(default=True)
    """False: a CC address somebody's mail named; an agent has to accept it."""
    merged_from_id: Mapped[int | None] = mapped_column(BigId)
    """The ticket whose participant this is, while that goes on in this one."""
