"""The rows an admin shapes: statuses, priorities, categories, tags, canned responses."""

from __future__ import annotations

import datetime as dt
import enum

from flask_babel import lazy_gettext as _l
from sqlalchemy import Column, ForeignKey, Table, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Department
from app.accounts.skills import Skill
from app.core import clock
from app.core.model import Base, BigId, intpk, longtext
from app.core.shipped import shown


class State(enum.StrEnum):
    """What the code keys on; an admin's statuses map to these."""

    NEW = "new"
    OPEN = "open"
    WAITING = "waiting"
    HOLD = "hold"
    RESOLVED = "resolved"
    CLOSED = "closed"

    @property
    def live(self) -> bool:
        return self not in (State.RESOLVED, State.CLOSED)


STATE_LABELS = {
    State.NEW: _l("New: nobody worked on it"),
    State.OPEN: _l("Open: our turn"),
    State.WAITING: _l("Waiting: the customer's turn"),
    State.HOLD: _l("On hold: paused by us or a third party"),
    State.RESOLVED: _l("Resolved: a fix is given"),
    State.CLOSED: _l("Closed: archived"),
}


class Status(Base):
    """A named step of an admin's vocabulary; it maps to one state."""

    __tablename__ = "status"

    id: Mapped[intpk]
    name: Mapped[str] = mapped_column(unique=True)
    customer_label: Mapped[str | None]
    """What customers read; empty: the name."""
    state: Mapped[State]
    colour: Mapped[str | None]
    position: Mapped[int] = mapped_column(default=0)
    manual: Mapped[bool] = mapped_column(default=True)
    """Staff may pick it by hand."""
    initial: Mapped[bool] = mapped_column(default=False)
    """New tickets start here."""
    active: Mapped[bool] = mapped_column(default=True)
    after_customer_reply_id: Mapped[int | None] = mapped_column(ForeignKey("status.id", ondelete="SET NULL"))
    after_assignment_id: Mapped[int | None] = mapped_column(ForeignKey("status.id", ondelete="SET NULL"))

    after_customer_reply: Mapped[Status | None] = relationship(
        foreign_keys=[after_customer_reply_id], remote_side="Status.id", post_update=True
    )
    after_assignment: Mapped[Status | None] = relationship(
        foreign_keys=[after_assignment_id], remote_side="Status.id", post_update=True
    )

    @property
    def label(self) -> str:
        return shown(self.customer_label or self.name)

    def __str__(self) -> str:
        return shown(self.name)


class Priority(Base):
    """Rank 1 is low, 4 is critical; filters, imports and the API take every alias."""

    __tablename__ = "priority"

    id: Mapped[intpk]
    name: Mapped[str] = mapped_column(unique=True)
    rank: Mapped[int]
    aliases: Mapped[str] = mapped_column(default="")
    """Other names of it, separated by commas."""
    meaning: Mapped[str | None]
    colour: Mapped[str | None]
    active: Mapped[bool] = mapped_column(default=True)

    def answers_to(self, name: str) -> bool:
        wanted = name.strip().casefold()
        return wanted in {
            self.name.casefold(),
            *(alias.strip().casefold() for alias in self.aliases.split(",") if alias.strip()),
        }

    def __str__(self) -> str:
        return shown(self.name)


category_skill = Table(
    "category_skill",
    Base.metadata,
    Column("category_id", BigId, ForeignKey("category.id", ondelete="CASCADE"), primary_key=True),
    Column("skill_id", BigId, ForeignKey("skill.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class Category(Base):
    """What a ticket is about."""

    __tablename__ = "category"

    id: Mapped[intpk]
    name: Mapped[str] = mapped_column(unique=True)
    description: Mapped[longtext | None]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("category.id", ondelete="SET NULL"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id", ondelete="SET NULL"))
    """Where its tickets go when the customer chose no department."""
    public: Mapped[bool] = mapped_column(default=True)
    """Customers may choose it."""
    active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)

    any_skill: Mapped[bool] = mapped_column(default=False, server_default=false())
    """One of the skills is enough; else all of them are needed."""

    skills: Mapped[list[Skill]] = relationship(Skill, secondary=category_skill, order_by=Skill.name)
    parent: Mapped[Category | None] = relationship(remote_side="Category.id")
    department: Mapped[Department | None] = relationship(Department)

    def __str__(self) -> str:
        return shown(self.name)


ticket_tag = Table(
    "ticket_tag",
    Base.metadata,
    Column("ticket_id", BigId, ForeignKey("ticket.id", ondelete="CASCADE"), primary_key=True),
    Column("tag_id", BigId, ForeignKey("tag.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class Tag(Base):
    __tablename__ = "tag"

    id: Mapped[intpk]
    name: Mapped[str] = mapped_column(unique=True)
    """Lower case, without blanks at the ends."""

    def __str__(self) -> str:
        return self.name


class CannedResponse(Base):
    """A prepared answer; `{{customer_name}}` and the other variables are filled when it is inserted."""

    __tablename__ = "canned_response"

    id: Mapped[intpk]
    title: Mapped[str]
    shortcut: Mapped[str | None] = mapped_column(index=True)
    """Typed as /shortcut in the editor."""
    body: Mapped[longtext]
    category_id: Mapped[int | None] = mapped_column(ForeignKey("category.id", ondelete="SET NULL"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id", ondelete="SET NULL"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    """Somebody's own; empty: everybody's."""
    active: Mapped[bool] = mapped_column(default=True)
    uses: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)

    category: Mapped[Category | None] = relationship(Category)
    department: Mapped[Department | None] = relationship(Department)

    def __str__(self) -> str:
        return self.title
