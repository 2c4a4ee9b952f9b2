"""Notes about a customer, which staff alone read: what to know of them in every ticket. Each keeps its earlier wordings."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ForeignKey, Index, exists, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Customer
from app.accounts.viewer import Actor
from app.core import clock
from app.core.errors import Forbidden, Invalid
from app.core.extensions import db
from app.core.model import Base, intpk, longtext

LONGEST = 4_000
MOST = 200
"""Notes about one customer."""
VIEW = "CustomerNote"


class Purpose(enum.StrEnum):
    """What a note is for."""

    CONTEXT = "context"
    PREFERENCE = "preference"
    WORKAROUND = "workaround"
    TROUBLE = "trouble"


WORDS = {
    Purpose.CONTEXT: _l("Context"),
    Purpose.PREFERENCE: _l("Preference"),
    Purpose.WORKAROUND: _l("Workaround"),
    Purpose.TROUBLE: _l("Troubleshooting"),
}


class CustomerNote(Base):
    """Removed ones stay with their words until the customer is erased, so that nobody rewrites what others relied on."""

    __tablename__ = "customer_note"
    __table_args__ = (Index("ix_customer_note_customer", "customer_id", "id"),)

    id: Mapped[intpk]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"))
    purpose: Mapped[Purpose] = mapped_column(default=Purpose.CONTEXT)
    text: Mapped[longtext]
    pinned: Mapped[bool] = mapped_column(default=False)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"))
    author_name: Mapped[str]
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    changed_at: Mapped[dt.datetime | None]
    removed_at: Mapped[dt.datetime | None]

    wordings: Mapped[list[CustomerNoteWording]] = relationship(
        order_by="CustomerNoteWording.id", cascade="all, delete-orphan", passive_deletes=True, lazy="selectin"
    )

    @property
    def label(self) -> str:
        return str(WORDS[self.purpose])


class CustomerNoteWording(Base):
    """What a note said before."""

    __tablename__ = "customer_note_wording"

    id: Mapped[intpk]
    note_id: Mapped[int] = mapped_column(ForeignKey("customer_note.id", ondelete="CASCADE"), index=True)
    text: Mapped[longtext]
    until: Mapped[dt.datetime]
    by_name: Mapped[str]
    """Who replaced or removed it."""


NOTED = exists().where(CustomerNote.customer_id == Customer.id, CustomerNote.removed_at.is_(None))
"""Whether there is anything to read about a customer; for a statement that reads the customer anyway."""


def may_read(actor: Actor) -> bool:
    return actor.can("list", VIEW)


def may_write(actor: Actor) -> bool:
    return may_read(actor) and actor.can("add", VIEW)


def may_change(actor: Actor, note: CustomerNote) -> bool:
    """One's own, or everybody's by a right of its own."""
    return may_write(actor) and (note.staff_id == actor.staff_id or actor.can("edit", VIEW))


def of(customer_id: int, actor: Actor, removed: bool = False) -> Sequence[CustomerNote]:
    """Pinned ones first, then the newest. Nothing for whoever may not read them; removed ones only for whoever may change all."""
    if not may_read(actor):
        return []
    wanted = select(CustomerNote).where(CustomerNote.customer_id == customer_id)
    if not (removed and actor.can("edit", VIEW)):
        wanted = wanted.where(CustomerNote.removed_at.is_(None))
    order = (CustomerNote.removed_at.is_not(None), CustomerNote.pinned.desc(), CustomerNote.id.desc())
    return db.session.scalars(wanted.order_by(*order).limit(MOST)).all()


def write(customer_id: int, text: str, purpose: str, by: Actor, pinned: bool = False) -> CustomerNote:
    if not may_write(by):
        raise Forbidden(_("Your role does not allow this."))
    note = CustomerNote(
        customer_id=customer_id, purpose=_purpose(purpose), text=_words(text), pinned=pinned, staff_id=by.staff_id, author_name=by.name, created_at=clock.now()
    )  # fmt: skip
    db.session.add(note)
    return note


def change(note: CustomerNote, text: str, purpose: str, by: Actor) -> None:
    """The words that stood there are kept. The same words again change nothing."""
    _demand(by, note)
    words, note.purpose = _words(text), _purpose(purpose)
    if words != note.text:
        _keep(note, by)
        note.text, note.changed_at = words, clock.now()


def pin(note: CustomerNote, pinned: bool, by: Actor) -> None:
    _demand(by, note)
    note.pinned = pinned


def remove(note: CustomerNote, by: Actor) -> None:
    """Out of sight, with its words kept. Does nothing to one that is removed."""
    if not may_change(by, note) or (note.staff_id != by.staff_id and not by.can("delete", VIEW)):
        raise Forbidden(_("Your role does not allow this."))
    if note.removed_at is None:
        _keep(note, by)
        note.removed_at, note.pinned = clock.now(), False


def _demand(by: Actor, note: CustomerNote) -> None:
    if not may_change(by, note) or note.removed_at is not None:
        raise Forbidden(_("Your role does not allow this."))


def _keep(note: CustomerNote, by: Actor) -> None:
    note.wordings.append(CustomerNoteWording(text=note.text, until=clock.now(), by_name=by.name))


def _words(text: str) -> str:
    words = text.replace("\x00", "").replace("\r\n", "\n").strip()
    if not words:
        raise Invalid(_("Please write something."), {"text": _("Please write something.")})
    if len(words) > LONGEST:
        sentence = _("At most %(most)s characters.", most=LONGEST)
        raise Invalid(sentence, {"text": sentence})
    return words


def _purpose(purpose: str) -> Purpose:
    try:
        return Purpose(purpose)
    except ValueError:
        return Purpose.CONTEXT
