"""An admin's own fields of tickets, the categories they belong to, and what tickets hold in them."""

from __future__ import annotations

import datetime as dt
import enum

from flask_babel import lazy_gettext as _l
from sqlalchemy import Column, ForeignKey, Index, Table, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.model import Base, BigId, intpk, longtext
from app.tickets.choices import Category

LONGEST_KEY = 40
LONGEST_FOLDED = 200
"""Letters of a value by which it is looked for."""


class FieldKind(enum.StrEnum):
    TEXT = "text"
    LONG_TEXT = "long_text"
    NUMBER = "number"
    DATE = "date"
    CHOICE = "choice"
    CHOICES = "choices"
    CHECKBOX = "checkbox"
    LINK = "link"


class Required(enum.StrEnum):
    NEVER = "never"
    RESOLVE = "resolve"
    CREATE = "create"


class Readers(enum.StrEnum):
    STAFF = "staff"
    READ = "read"
    FILL = "fill"


KIND_LABELS = {
    FieldKind.TEXT: _l("Text"),
    FieldKind.LONG_TEXT: _l("Long text"),
    FieldKind.NUMBER: _l("Number"),
    FieldKind.DATE: _l("Date"),
    FieldKind.CHOICE: _l("One of several choices"),
    FieldKind.CHOICES: _l("Any of several choices"),
    FieldKind.CHECKBOX: _l("Checkbox"),
    FieldKind.LINK: _l("Link"),
}
REQUIRED_LABELS = {
    Required.NEVER: _l("Never"),
    Required.RESOLVE: _l("To resolve a ticket"),
    Required.CREATE: _l("To open a ticket, and to resolve it"),
}
READER_LABELS = {
    Readers.STAFF: _l("Staff only"),
    Readers.READ: _l("Customers read it"),
    Readers.FILL: _l("Customers fill it in"),
}

custom_field_category = Table(
    "custom_field_category",
    Base.metadata,
    Column("field_id", BigId, ForeignKey("custom_field.id", ondelete="CASCADE"), primary_key=True),
    Column("category_id", BigId, ForeignKey("category.id"), primary_key=True, index=True),
)
"""A category with a field of its own is switched off and not deleted: the field would belong to all of them."""


class CustomField(Base):
    """One field. Everything but this page reads it as a `fieldkinds.Field`, kept in the settings (`fields.keep`)."""

    __tablename__ = "custom_field"

    id: Mapped[intpk]
    name: Mapped[str]
    key: Mapped[str] = mapped_column(unique=True)
    """How the API, the search box and addresses call it."""
    help: Mapped[str] = mapped_column(default="")
    kind: Mapped[FieldKind]
    choices: Mapped[longtext] = mapped_column(default="")
    """One a line."""
    required: Mapped[Required] = mapped_column(default=Required.NEVER)
    readers: Mapped[Readers] = mapped_column(default=Readers.STAFF)
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)

    categories: Mapped[list[Category]] = relationship(
        Category, secondary=custom_field_category, order_by=Category.position
    )
    """None: it belongs to all."""

    def __str__(self) -> str:
        return self.name


class CustomValue(Base):
    """What a ticket holds in a field; any of several choices are a row each. Typed besides, so that it is found and sorted as what it is."""

    __tablename__ = "custom_value"
    __table_args__ = (
        Index("ix_custom_value_folded", "field_id", "folded", "ticket_id"),
        Index("ix_custom_value_number", "field_id", "number", "ticket_id", sqlite_where=text("number IS NOT NULL"), postgresql_where=text("number IS NOT NULL")),
        Index("ix_custom_value_day", "field_id", "day", "ticket_id", sqlite_where=text("day IS NOT NULL"), postgresql_where=text("day IS NOT NULL")),
    )  # fmt: skip

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"), primary_key=True)
    field_id: Mapped[int] = mapped_column(ForeignKey("custom_field.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, default=0)
    text: Mapped[longtext]
    folded: Mapped[str]
    """The beginning of the text without case."""
    number: Mapped[float | None]
    day: Mapped[dt.date | None]
