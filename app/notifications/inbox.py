"""What waits behind the bell, and what each person wants to be told of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, CursorResult, and_, delete, exists, func, or_, select, update
from sqlalchemy.orm import joinedload

from app.accounts.viewer import Viewer
from app.core import clock
from app.core.extensions import db
from app.notifications.models import Notice, NoticePreference, Notification
from app.tickets import taskvisibility
from app.tickets.models import Ticket
from app.tickets.tasks import Task
from app.tickets.visibility import visible_to

PAGE = 30
KEPT = dt.timedelta(days=90)
"""Older notices are forgotten; what happened stays in the tickets."""


class Wanted(NamedTuple):
    """Where somebody is told."""

    app: bool
    mail: bool


DEFAULTS = {
    Notice.TICKET_CREATED: Wanted(app=True, mail=False),
    Notice.ASSIGNED: Wanted(app=True, mail=True),
    Notice.CUSTOMER_REPLIED: Wanted(app=True, mail=True),
    Notice.PRIORITY_CHANGED: Wanted(app=True, mail=True),
    Notice.MENTION: Wanted(app=True, mail=True),
    Notice.SLA_BREACH: Wanted(app=True, mail=True),
    Notice.MAIL_FAILED: Wanted(app=True, mail=False),
    Notice.REPLY_HELD: Wanted(app=True, mail=False),
    Notice.DOCUMENTS_DONE: Wanted(app=True, mail=False),
    Notice.TASK_ASSIGNED: Wanted(app=True, mail=True),
    Notice.TASK_DUE: Wanted(app=True, mail=True),
    Notice.FOLLOW_UP: Wanted(app=True, mail=True),
    Notice.ACTION_REQUIRED: Wanted(app=True, mail=True),
    Notice.SNOOZE_OVER: Wanted(app=True, mail=False),
}


def wanted(staff_id: int, kind: Notice) -> Wanted:
    """Their own choice, else the desk's default."""
    chosen = db.session.get(NoticePreference, (staff_id, kind))
    return Wanted(chosen.app, chosen.mail) if chosen is not None else DEFAULTS[kind]


def wanted_by(staff_ids: Sequence[int], kind: Notice) -> dict[int, Wanted]:
    """As `wanted`, of many."""
    rows = db.session.execute(
        select(NoticePreference.staff_id, NoticePreference.app, NoticePreference.mail).where(
            NoticePreference.kind == kind, NoticePreference.staff_id.in_(staff_ids)
        )
    )
    chosen = {row.staff_id: Wanted(row.app, row.mail) for row in rows}
    return {staff_id: chosen.get(staff_id, DEFAULTS[kind]) for staff_id in staff_ids}


def all_wanted(staff_id: int) -> dict[Notice, Wanted]:
    chosen = {
        row.kind: Wanted(row.app, row.mail)
        for row in db.session.scalars(select(NoticePreference).where(NoticePreference.staff_id == staff_id))
    }
    return {kind: chosen.get(kind, default) for kind, default in DEFAULTS.items()}


def prefer(staff_id: int, kind: Notice, choice: Wanted) -> None:
    db.session.merge(NoticePreference(staff_id=staff_id, kind=kind, app=choice.app, mail=choice.mail))


def unread_count(viewer: Viewer) -> int:
    """Of tickets they see now: what they lost sight of counts no more."""
    unread = (
        select(func.count())
        .select_from(Notification)
        .where(Notification.staff_id == viewer.id, Notification.read_at.is_(None), _still_visible(viewer))
    )
    return db.session.scalar(unread) or 0


def newest(viewer: Viewer, before: int | None = None, limit: int = PAGE) -> list[Notification]:
    mine = (
        select(Notification)
        .options(joinedload(Notification.ticket))
        .where(Notification.staff_id == viewer.id, _still_visible(viewer))
    )
    if before is not None:
        mine = mine.where(Notification.id < before)
    return list(db.session.scalars(mine.order_by(Notification.id.desc()).limit(limit)))


def mark_read(viewer: Viewer, notification_id: int | None = None) -> int:
    """One of theirs, or all. Returns how many were unread."""
    unread = (
        update(Notification)
        .where(Notification.staff_id == viewer.id, Notification.read_at.is_(None))
        .values(read_at=clock.now())
    )
    if notification_id is not None:
        unread = unread.where(Notification.id == notification_id)
    result = db.session.execute(unread)
    assert isinstance(result, CursorResult)
    return result.rowcount


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
    )


def forget_old() -> None:
    db.session.execute(delete(Notification).where(Notification.created_at < clock.now() - KEPT))


def _still_visible(viewer: Viewer) -> ColumnElement[bool]:
    """A notice of no ticket and no task tells of none."""
    task = exists().where(Task.id == Notification.task_id, taskvisibility.visible_to(viewer)).correlate(Notification)
    return and_(
        or_(Notification.ticket_id.is_(None), Notification.ticket_id.in_(select(Ticket.id).where(visible_to(viewer)))),
        or_(Notification.task_id.is_(None), task),
    )
