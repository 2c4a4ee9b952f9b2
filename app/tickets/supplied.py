"""Suppliers: companies that help with tickets, their people, and what a ticket keeps of those that were brought in."""

from __future__ import annotations

import datetime as dt
import enum
from email.utils import formataddr

from sqlalchemy import Column, ForeignKey, Index, Table, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Department
from app.core import clock
from app.core.model import Base, BigId, intpk, longtext
from app.tickets.choices import Category


class Turn(enum.StrEnum):
    """How it stands with a supplier of a ticket."""

    LISTED = "listed"
    WAITING = "waiting"
    """We asked; it is their turn."""
    ANSWERED = "answered"
    """They wrote, and nobody has done anything with it yet."""


supplier_category = Table(
    "supplier_category",
    Base.metadata,
    Column("supplier_id", BigId, ForeignKey("supplier.id", ondelete="CASCADE"), primary_key=True),
    Column("category_id", BigId, ForeignKey("category.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class Supplier(Base):
    """A company outside. It reads what was written to it, and nothing else of a ticket."""

    __tablename__ = "supplier"

    id: Mapped[intpk]
    name: Mapped[str] = mapped_column(unique=True)
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id", ondelete="SET NULL"))
    """Whose tickets it is offered for first; empty: all."""
    language: Mapped[str | None]
    notes: Mapped[longtext | None]
    active: Mapped[bool] = mapped_column(default=True)

    department: Mapped[Department | None] = relationship(Department)
    categories: Mapped[list[Category]] = relationship(
        Category, secondary=supplier_category, order_by=Category.name, passive_deletes=True
    )
    contacts: Mapped[list[SupplierContact]] = relationship(
        back_populates="supplier",
        order_by="SupplierContact.position, SupplierContact.id",
        cascade="all, delete-orphan",
        passive_deletes=True,
    )

    @property
    def people(self) -> str:
        """Those who are written to, one a line, the first of them first."""
        return "\n".join(str(contact) for contact in self.contacts if contact.active)

    def contact(self, address: str) -> SupplierContact | None:
        """Whoever of its people has this address."""
        wanted = address.strip().casefold()
        return next((one for one in self.contacts if one.active and one.email_key == wanted), None)

    def __str__(self) -> str:
        return self.name


class SupplierContact(Base):
    """One of its people. Who left is switched off and stays: a mail to them may still be answered, and is then a stranger's."""

    __tablename__ = "supplier_contact"

    id: Mapped[intpk]
    supplier_id: Mapped[int] = mapped_column(ForeignKey("supplier.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(default="")
    email: Mapped[str]
    email_key: Mapped[str] = mapped_column(index=True)
    """The address case-folded."""
    address_works: Mapped[bool] = mapped_column(default=True)
    active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)

    supplier: Mapped[Supplier] = relationship(back_populates="contacts")

    def __str__(self) -> str:
        return (
            formataddr((self.name, self.email), charset="utf-8")
            if self.name.isascii()
            else f"{self.name} <{self.email}>"
        )


class TicketSupplier(Base):
    """A supplier of a ticket, and whose turn it is. In a merge it stays with its ticket."""

    __tablename__ = "ticket_supplier"
    __table_args__ = (
        UniqueConstraint("ticket_id", "supplier_id"),
        Index("ix_ticket_supplier_supplier", "supplier_id", "ticket_id"),
    )

    id: Mapped[intpk]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    supplier_id: Mapped[int] = mapped_column(ForeignKey("supplier.id"))
    turn: Mapped[Turn] = mapped_column(default=Turn.LISTED)
    subject: Mapped[str] = mapped_column(default="")
    """Of the last mail to them."""
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"))
    asked_at: Mapped[dt.datetime | None]
    answered_at: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)

    supplier: Mapped[Supplier] = relationship(Supplier)


class Supplied:
    """What a ticket itself keeps, so that lists need no join and a ticket without suppliers costs nothing."""

    supplier_turn: Mapped[Turn | None] = mapped_column()
    """The most urgent one of its suppliers; empty: it has none."""
    further: Mapped[int] = mapped_column(default=0, server_default="0")
    """Further staff and departments that were added."""
    environment_id: Mapped[int | None] = mapped_column(ForeignKey("environment.id"))


INDEXES = (
    Index("ix_ticket_supplier_turn", "supplier_turn", "last_activity_at", "id", sqlite_where=text("supplier_turn IS NOT NULL"), postgresql_where=text("supplier_turn IS NOT NULL")),
    Index("ix_ticket_environment", "environment_id", "last_activity_at", "id", sqlite_where=text("environment_id IS NOT NULL"), postgresql_where=text("environment_id IS NOT NULL")),
)  # fmt: skip
"""Of the table ticket."""
