"""Tells one person one thing: a line behind the bell, a mail at once, or both later together with others."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import func, update

from app.core import clock
from app.core.extensions import db
from app.mail import outgoing
from app.notifications import wishes
from app.notifications.models import Notice, Notification
from app.notifications.wishes import Telling

MAILS = {Notice.TICKET_CREATED: "new_ticket", Notice.BAD_RATING: "rated"}
"""Where a mail's kind is not the notice's."""


def hand(
    telling: Telling,
    kind: Notice,
    said: dict[str, str],
    *,
    ticket_id: int | None = None,
    task_id: int | None = None,
    message_id: int | None = None,
    mail: bool = True,
    more: dict[str, str] | None = None,
) -> None:
    """`mail`: whether the desk's settings let it be mailed. `more`: words of the line alone."""
    staff_id, wanted = telling.person.id, wishes.fitting(kind, telling.wanted)
    mailed = mail and (wanted.mail or wanted.digest)
    later = telling.wish.postponed(kind, wanted.digest, clock.now()) if mailed else None
    if wanted.app or later is not None:
        line = Notification(
            staff_id=staff_id, kind=kind, ticket_id=ticket_id, task_id=task_id, parts=said | (more or {})
        )
        line.in_app, line.mail_due_at = wanted.app, later
        if wanted.app and telling.wish.line is not None:
            _join(line, telling.wish.line)
        db.session.add(line)
    if mailed and later is None:
        outgoing.put_notice(
            MAILS.get(kind, kind.value), staff_id=staff_id, ticket_id=ticket_id, task_id=task_id, message_id=message_id, values=said
        )  # fmt: skip
    elif not mailed and wishes.DEFAULTS[kind].mail:
        why = _("They chose not to get this by mail.") if mail else _("The desk's settings switch this mail off.")
        outgoing.put_unsent(kind.value, why, staff_id=staff_id, ticket_id=ticket_id, task_id=task_id)


def _join(line: Notification, earlier_id: int) -> None:
    """The new line counts the one that stands there; that goes from the bell, but not from a mail it waits for."""
    taken = (
        update(Notification)
        .where(Notification.id == earlier_id, Notification.in_app.is_(True), Notification.read_at.is_(None))
        .values(in_app=False)
        .returning(Notification.count, func.coalesce(Notification.since, Notification.created_at))
        .execution_options(synchronize_session=False)
    )
    earlier = db.session.execute(taken).first()
    if earlier is not None:
        line.count, line.since = earlier[0] + 1, earlier[1]
