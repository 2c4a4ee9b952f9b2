"""What waits behind the bell, and what each person wants to be told of."""

from __future__ import annotations

import datetime as dt
import enum

from sqlalchemy import ColumnElement, CursorResult, Select, and_, delete, exists, func, or_, select, update
from sqlalchemy.orm import aliased, joinedload

from app.accounts.viewer import Viewer
from app.core import clock
from app.core.database import put
from app.core.extensions import db
from app.notifications.models import Notice, NoticePreference, Notification
from app.notifications.wishes import DEFAULTS, Wanted, default_of, fitting
from app.tickets import taskvisibility
from app.tickets.models import Ticket
from app.tickets.tasks import Task
from app.tickets.visibility import visible_to

PAGE = 30
KEPT = dt.timedelta(days=90)
"""Older notices are forgotten; what happened stays in the tickets."""
MOST_COUNTED = 100
"""The bell says 99+ from here on."""


class Only(enum.StrEnum):
    """What of the notices is listed."""

    ALL = ""
    UNREAD = "unread"
    MENTIONS = "mentions"


def chosen_by(staff_id: int) -> dict[Notice, Wanted]:
    """Of each kind they chose for themselves."""
    rows = db.session.scalars(select(NoticePreference).where(NoticePreference.staff_id == staff_id))
    return {row.kind: Wanted(row.app, row.mail, row.digest) for row in rows}


def all_wanted(viewer: Viewer) -> dict[Notice, Wanted]:
    """With what holds where they chose nothing."""
    chosen = chosen_by(viewer.id)
    return {kind: chosen.get(kind) or default_of(kind, viewer.role_names) for kind in DEFAULTS}


def prefer(staff_id: int, kind: Notice, choice: Wanted | None) -> None:
    """None: as the desk's default says, also when that changes."""
    if choice is None:
        own = NoticePreference.staff_id == staff_id, NoticePreference.kind == kind
        db.session.execute(delete(NoticePreference).where(*own))
    else:
        put(NoticePreference(staff_id=staff_id, kind=kind, **fitting(kind, choice)._asdict()))


def unread_count(viewer: Viewer) -> int:
    """Of tickets they see now: what they lost sight of counts no more. At most MOST_COUNTED."""
    some = unread(viewer).limit(MOST_COUNTED).subquery()
    return db.session.scalar(select(func.count()).select_from(some)) or 0


def unread(viewer: Viewer) -> Select[int]:
    return select(Notification.id).where(
        Notification.staff_id == viewer.id, Notification.read_at.is_(None), Notification.in_app.is_(True), still_visible(viewer)
    )  # fmt: skip


def newest(viewer: Viewer, before: int | None = None, limit: int = PAGE, only: Only = Only.ALL) -> list[Notification]:
    mine = (
        select(Notification)
        .options(joinedload(Notification.ticket))
        .where(Notification.staff_id == viewer.id, Notification.in_app.is_(True), still_visible(viewer))
    )
    if before is not None:
        mine = mine.where(Notification.id < before)
    if only is Only.UNREAD:
        mine = mine.where(Notification.read_at.is_(None))
    if only is Only.MENTIONS:
        mine = mine.where(Notification.kind == Notice.MENTION)
    return list(db.session.scalars(mine.order_by(Notification.id.desc()).limit(limit)))


def mark_read(viewer: Viewer, notification_id: int | None = None) -> int:
    """One of theirs, or all. Returns how many were unread."""
    unread = (
        update(Notification)
        .where(Notification.staff_id == viewer.id, Notification.read_at.is_(None))
        .values(read_at=clock.now())
    )
    if notification_id is not None:
        unread = unread.where(or_(Notification.id == notification_id, _counted_in(notification_id)))
    result = db.session.execute(unread)
    assert isinstance(result, CursorResult)
    return result.rowcount


def _counted_in(notification_id: int) -> ColumnElement[bool]:
    """Lines that went from the bell because this one counts them."""
    line = aliased(Notification)
    same = (
        line.staff_id == Notification.staff_id,
        line.kind == Notification.kind,
        line.ticket_id == Notification.ticket_id,
    )
    counts = exists().where(line.id == notification_id, line.id > Notification.id, *same).correlate(Notification)
    return and_(Notification.in_app.is_(False), counts)


def mark_ticket_read(viewer: Viewer, ticket_id: int) -> None:
    """Whoever has the ticket before them knows of it."""
    db.session.execute(
        update(Notification)
        .where(Notification.staff_id == viewer.id, Notification.ticket_id == ticket_id, Notification.read_at.is_(None))
        .values(read_at=clock.now())
    )


def unread_mentions(viewer: Viewer, limit: int) -> list[tuple[Ticket, str]]:
    """Each ticket that is awake once, with who mentioned them there last."""
    seen = select(Ticket.id).where(Ticket.id == Notification.ticket_id, visible_to(viewer), Ticket.where_awake())
    unread = (
        select(Notification)
        .options(joinedload(Notification.ticket).joinedload(Ticket.requester))
        .where(*_unread_mentions(viewer), seen.correlate(Notification).exists())
        .order_by(Notification.id.desc())
        .limit(limit * 2)
    )
    found: dict[int, tuple[Ticket, str]] = {}
    for one in db.session.scalars(unread):
        if one.ticket is not None:
            found.setdefault(one.ticket.id, (one.ticket, str(one.parts.get("who", "–"))))
    return list(found.values())[:limit]


def mark_mentions_read(viewer: Viewer, ticket_id: int) -> None:
    mentions = update(Notification).where(*_unread_mentions(viewer), Notification.ticket_id == ticket_id)
    db.session.execute(mentions.values(read_at=clock.now()))


def _unread_mentions(viewer: Viewer) -> tuple[ColumnElement[bool], ...]:
    return (
        Notification.staff_id == viewer.id,
        Notification.kind == Notice.MENTION,
        Notification.read_at.is_(None),
        Notification.in_app.is_(True),
    )


def forget_old() -> None:
    db.session.execute(delete(Notification).where(Notification.created_at < clock.now() - KEPT))


def still_visible(viewer: Viewer) -> ColumnElement[bool]:
    """A notice of no ticket and no task tells of none."""
    task = exists().where(Task.id == Notification.task_id, taskvisibility.visible_to(viewer)).correlate(Notification)
    ticket = exists().where(Ticket.id == Notification.ticket_id, visible_to(viewer)).correlate(Notification)
    return and_(or_(Notification.ticket_id.is_(None), ticket), or_(Notification.task_id.is_(None), task))
