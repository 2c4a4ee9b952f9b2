"""What staff wrote and have not sent: kept on the server for its writer alone, on every device and in every tab."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import secrets
from collections.abc import Iterable
from typing import NamedTuple

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, ForeignKey, Index, Select, UniqueConstraint, and_, delete, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.viewer import Actor, Viewer
from app.core import clock
from app.core.database import insert_new
from app.core.errors import TooLarge
from app.core.extensions import db
from app.core.model import Base, BigId, intpk, longtext
from app.tickets.conversation import LONGEST_MESSAGE, storable
from app.tickets.thread import MessageKind

MOST = 10
"""Of one person at one ticket; the oldest goes when there is another."""
SPENT_KEPT = dt.timedelta(days=2)
"""So long a form that was sent is known, lest what it saved on its way comes late and stands there again."""
LAST_TURN = 2**53


class Draft(Base):
    """What one copy of the composer holds. With `leaves_at` it was sent and may still be taken back (departures.py);
    with `spent_at` it is gone, and only its mark is left."""

    __tablename__ = "draft"
    __table_args__ = (UniqueConstraint("staff_id", "mark"), Index("ix_draft_ticket", "ticket_id", "staff_id"))

    id: Mapped[intpk]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    staff_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    mark: Mapped[str]
    """Of the copy of the composer that wrote it last."""
    turn: Mapped[int] = mapped_column(BigId, default=0)
    """Grows with what that copy saves: what comes late changes nothing."""
    kind: Mapped[MessageKind] = mapped_column(default=MessageKind.REPLY)
    text: Mapped[longtext] = mapped_column(default="")
    then: Mapped[str] = mapped_column(default="")
    """The chosen outcome, as the composer names it: a Then, or `status:` and an id."""
    priority: Mapped[str] = mapped_column(default="")
    cc: Mapped[longtext | None]
    """Addresses as typed; None: those of the ticket."""
    bcc: Mapped[longtext | None]
    sent_to: Mapped[longtext | None]
    """To whom a reply goes, as typed; None: to the requester."""
    files: Mapped[longtext] = mapped_column(default="")
    """Ids of its unsent files, between blanks."""
    about: Mapped[longtext] = mapped_column(default="", server_default="")
    """The subject of a mail to a supplier; whom it goes to says `then`."""
    along: Mapped[longtext] = mapped_column(default="", server_default="")
    """Likewise: ids of earlier messages that go with it, between blanks, and of files of theirs."""
    along_files: Mapped[longtext] = mapped_column(default="", server_default="")
    saved_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    returned: Mapped[longtext | None]
    """Why it came back although it was sent."""
    leaves_at: Mapped[dt.datetime | None]
    scheduled: Mapped[bool] = mapped_column(default=False)
    """Its writer chose when it leaves; else it waits for the moment in which it can be undone."""
    seen_id: Mapped[int] = mapped_column(BigId, default=0)
    """The newest message its writer had seen."""
    spent_at: Mapped[dt.datetime | None]
    activity_id: Mapped[int | None] = mapped_column(BigId)
    """Of a reply that waits to leave."""

    @property
    def file_ids(self) -> list[int]:
        return [int(word) for word in self.files.split()]


@dc.dataclass(frozen=True)
class Written:
    """What stands in a composer."""

    text: str
    kind: MessageKind = MessageKind.REPLY
    then: str = ""
    priority: str = ""
    cc: str | None = None
    bcc: str | None = None
    files: tuple[int, ...] = ()
    activity_id: int | None = None
    sent_to: str | None = None
    about: str = ""
    along: tuple[int, ...] = ()
    along_files: tuple[int, ...] = ()

    @property
    def empty(self) -> bool:
        return not self.text.strip() and not self.files

    def columns(self) -> dict[str, object]:
        return {
            "text": storable(self.text), "kind": self.kind, "then": self.then[:40], "priority": self.priority[:20],
            "cc": self.cc, "bcc": self.bcc, "files": " ".join(map(str, self.files)), "activity_id": self.activity_id,
            "sent_to": self.sent_to, "about": storable(self.about), "along": " ".join(map(str, self.along)), "along_files": " ".join(map(str, self.along_files)),
        }  # fmt: skip


class Copy(NamedTuple):
    """One copy of the composer, and what it has saved so far."""

    mark: str
    turn: int
    origin: str = ""
    """`mark:turn` of the draft it was opened with, and goes on writing."""


def drafts_visible_to(viewer: Actor) -> ColumnElement[bool]:
    """A draft is its writer's alone. To be combined with a ticket they may see."""
    return and_(Draft.staff_id == (viewer.staff_id or 0), Draft.spent_at.is_(None), Draft.leaves_at.is_(None))


def drafted(viewer: Viewer) -> Select[int]:
    """Ids of the tickets in which this person has a draft, for lists and counts."""
    return select(Draft.ticket_id).where(drafts_visible_to(viewer))


def save(ticket_id: int, by: Viewer, written: Written, copy: Copy) -> bool:
    """Keep it; False when this copy was sent meanwhile or saved something later already. Does not commit.

    Where another tab went on writing the same draft, both stay: the newer one is shown, the other offered.
    """
    if len(written.text) > LONGEST_MESSAGE:
        raise TooLarge(_("The message is too long."))
    changed = {**written.columns(), "turn": copy.turn, "saved_at": clock.now(), "returned": None}
    own = and_(Draft.staff_id == by.id, Draft.mark == copy.mark)
    if db.session.scalar(select(Draft.id).where(own)) is not None:
        free = and_(own, Draft.turn < copy.turn, Draft.spent_at.is_(None), Draft.leaves_at.is_(None))
        return _put(free, changed, written.empty)
    mark, _sep, turn = copy.origin.rpartition(":")
    if mark and turn.isdigit() and len(turn) < 16:
        origin = and_(Draft.mark == mark, Draft.turn == int(turn), Draft.ticket_id == ticket_id)
        if _put(and_(origin, drafts_visible_to(by)), {**changed, "mark": copy.mark}, written.empty):
            return True
    return written.empty or _add(ticket_id, by, copy.mark, changed)


def _put(which: ColumnElement[bool], changed: dict[str, object], empty: bool) -> bool:
    statement = delete(Draft).where(which) if empty else update(Draft).where(which).values(**changed)
    return bool(db.session.execute(statement.execution_options(synchronize_session=False)).rowcount)


def _add(ticket_id: int, by: Viewer, mark: str, values: dict[str, object]) -> bool:
    row = {"ticket_id": ticket_id, "staff_id": by.id, "mark": mark, "scheduled": False, "seen_id": 0, **values}
    new = insert_new(Draft, row)
    older = of(ticket_id, by)[MOST:]
    if older:
        db.session.execute(delete(Draft).where(Draft.id.in_([draft.id for draft in older])))
    return new


def of(ticket_id: int, by: Viewer) -> list[Draft]:
    """This person's drafts in this ticket, the newest first."""
    wanted = select(Draft).where(Draft.ticket_id == ticket_id, drafts_visible_to(by))
    return list(db.session.scalars(wanted.order_by(Draft.saved_at.desc(), Draft.id.desc())))


def discard(ticket_id: int, by: Viewer, draft_id: int) -> None:
    """Its writer does not want it. Does not commit."""
    wanted = delete(Draft).where(Draft.id == draft_id, Draft.ticket_id == ticket_id, drafts_visible_to(by))
    db.session.execute(wanted.execution_options(synchronize_session=False))


def spend(ticket_id: int, by: Viewer, mark: str, text: str) -> None:
    """It was sent: gone in every tab, and what this copy of the composer saves late is dropped. Does not commit."""
    if mark:
        clear(ticket_id, by, mark, text)
        insert_new(Draft, _spent(ticket_id, by, mark))


def clear(ticket_id: int, by: Viewer, mark: str, text: str) -> None:
    """What this copy saved goes, with what was a beginning of it in other tabs; another text of theirs stays. Does not commit."""
    said = _folded(text)
    gone = [one.id for one in of(ticket_id, by) if one.mark == mark or said.startswith(_folded(one.text))]
    if gone:
        db.session.execute(delete(Draft).where(Draft.id.in_(gone)).execution_options(synchronize_session=False))


def new_mark() -> str:
    """What tells one copy of the composer from another."""
    return secrets.token_urlsafe(12)


def free_mark(by: Viewer, mark: str) -> str:
    """This mark, or a new one when the same copy of a composer has sent something else already: a page one went back to."""
    used = select(Draft.id).where(Draft.staff_id == by.id, Draft.mark == mark)
    return mark if mark and db.session.scalar(used) is None else new_mark()


def _spent(ticket_id: int, by: Viewer, mark: str) -> dict[str, object]:
    """What is left: a mark under which nothing can be saved any more."""
    now = clock.now()
    return {
        "ticket_id": ticket_id, "staff_id": by.id, "mark": mark, "turn": LAST_TURN, "kind": MessageKind.REPLY, "text": "", "then": "", "priority": "",
        "files": "", "scheduled": False, "seen_id": 0, "saved_at": now, "spent_at": now, "about": "", "along": "", "along_files": "",
    }  # fmt: skip


def forget_spent() -> None:
    """Daily: marks of forms that were sent the day before yesterday. Does not commit."""
    db.session.execute(delete(Draft).where(Draft.spent_at < clock.now() - SPENT_KEPT))


def forget_of(tickets: Iterable[int], address: str) -> None:
    """A customer is erased: what was written to them, and where they were to get a copy. Does not commit."""
    copies = or_(*(column.icontains(address, autoescape=True) for column in (Draft.cc, Draft.bcc, Draft.sent_to)))
    db.session.execute(delete(Draft).where(or_(Draft.ticket_id.in_(list(tickets)), copies)))


def _folded(text: str) -> str:
    return " ".join(text.split())
