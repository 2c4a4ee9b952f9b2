"""Notices that wait, as one mail: grouped by ticket, the newest first, without what was read in the desk meanwhile."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from flask import current_app
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import joinedload

from app.accounts.models import StaffProfile
from app.accounts.viewer import viewer
from app.core import clock
from app.core.extensions import db
from app.mail import letters, outgoing
from app.mail.models import Delivery
from app.notifications import inbox, stopping
from app.notifications.models import Notification
from app.settings import desk

KIND = "notice_digest"
MOST = 100
"""Lines of one mail; the others are counted and stand in the desk."""
PEOPLE = 500
"""Written to in one run; the next run follows within the minute."""


def send_due() -> None:
    """To each person whose moment has come. Commits after each, so that one who fails keeps nobody waiting."""
    due = Notification.mail_due_at <= clock.now()
    people = select(Notification.staff_id).where(due).distinct().order_by(Notification.staff_id).limit(PEOPLE)
    for staff_id in db.session.scalars(people).all():
        send(staff_id)
        db.session.commit()


def send(staff_id: int) -> Delivery | None:
    """Two runs at once send one mail: each line is taken by whoever clears its moment. Nothing left to tell is no mail."""
    taken = (
        update(Notification)
        .where(Notification.staff_id == staff_id, Notification.mail_due_at <= clock.now())
        .values(mail_due_at=None)
        .returning(Notification.id, Notification.read_at)
        .execution_options(synchronize_session=False)
    )
    lines = sorted((row.id for row in db.session.execute(taken) if row.read_at is None), reverse=True)
    if not _still_seen(staff_id, lines):
        return None
    return outgoing.put_notice(KIND, staff_id=staff_id, values={"lines": " ".join(map(str, lines))})


def nothing_left(delivery: Delivery) -> str | None:
    """Asked again before the mail leaves, which may be days later."""
    if _still_seen(delivery.staff_id or 0, _ids(delivery)):
        return None
    return _("This person read all of it, or does not see it (any more).")


def subject_of(delivery: Delivery) -> str:
    count = len(_still_seen(delivery.staff_id or 0, _ids(delivery)))
    words = ngettext("%(num)d notice", "%(num)d notices", count)
    return f"{desk.current().desk_name}{_(':')} {words}"


def words_of(delivery: Delivery) -> dict[str, Any]:
    """What they still see when it is written, a group a ticket."""
    staff_id = delivery.staff_id or 0
    rows = _still_seen(staff_id, _ids(delivery))
    zone = zone_of(staff_id)
    groups: dict[tuple[int | None, int | None], dict[str, Any]] = {}
    for row in rows[:MOST]:
        group = groups.setdefault((row.ticket_id, row.task_id), _group(row))
        group["lines"].append({"what": row.single, "at": _written(row.created_at, zone)})
    return {
        "groups": list(groups.values()),
        "left": max(len(rows) - MOST, 0),
        "url": f"{current_app.config['PUBLIC_URL']}/admin/notifications/",
        "stop": stopping.link(staff_id),
        "stop_preferences": f"{current_app.config['PUBLIC_URL']}/admin/notifications/preferences",
    }


def zone_of(staff_id: int) -> str:
    own = db.session.scalar(select(StaffProfile.time_zone).where(StaffProfile.user_id == staff_id))
    return own or desk.current().time_zone


def _group(row: Notification) -> dict[str, Any]:
    title = f"{row.ticket.display} {row.ticket.subject}" if row.ticket is not None else str(row.parts.get("task", ""))
    return {"title": title, "url": f"{current_app.config['PUBLIC_URL']}{row.place}", "lines": []}


def _ids(delivery: Delivery) -> list[int]:
    return [int(word) for word in str(delivery.values.get("lines", "")).split()]


def _still_seen(staff_id: int, ids: Sequence[int]) -> list[Notification]:
    """Unread and visible, the newest first."""
    person = viewer(staff_id)
    if person is None or not ids:
        return []
    wanted = select(Notification).options(joinedload(Notification.ticket)).where(
        Notification.id.in_(ids), Notification.staff_id == staff_id, Notification.read_at.is_(None), inbox.still_visible(person)
    )  # fmt: skip
    return list(db.session.scalars(wanted.order_by(Notification.id.desc())))


def _written(at: dt.datetime, zone: str) -> str:
    local = at.astimezone(ZoneInfo(zone))
    return str(format_datetime(local, _("EEE d MMM, HH:mm"), tzinfo=local.tzinfo, locale=get_locale() or "en"))


letters.MORE[KIND] = letters.More(subject_of, words_of)
outgoing.ALSO_HELD_BACK[KIND] = nothing_left
