"""Who is told of tasks: whoever has one, when they are given it and when its day comes."""

from __future__ import annotations

import datetime as dt

from flask_babel import gettext as _
from sqlalchemy import and_, or_, select, update

from app.accounts.viewer import viewer
from app.core.extensions import db
from app.mail import outgoing
from app.notifications import inbox
from app.notifications.models import Notice, Notification
from app.settings import desk
from app.tickets.tasks import Nearness, Task, TaskEvent, TaskState, today

MOST = 500
"""Told in one run; the next run follows soon."""


def tell_of_assignment(event: TaskEvent) -> None:
    """Never whoever did it."""
    assignee = event.particulars.get("now_id")
    if assignee is not None and int(assignee) != event.staff_id:
        _tell(event.task, int(assignee), Notice.TASK_ASSIGNED, {"who": event.actor_name}, desk.current().mail_team)


def tell_due() -> None:
    """Each of tomorrow, today and overdue once for a day; a task moved to another day is told of anew."""
    day = today()
    soon = Task.due_on <= day + dt.timedelta(days=1)
    told = {
        Nearness.TOMORROW: Task.due_on > day,
        Nearness.TODAY: Task.due_on == day,
        Nearness.OVERDUE: Task.due_on < day,
    }
    untold = or_(Task.told.is_(None), *(and_(when, Task.told != near) for near, when in told.items()))
    wanted = select(Task).where(Task.state != TaskState.DONE, Task.assignee_id.is_not(None), soon, untold)
    for task in db.session.scalars(wanted.order_by(Task.due_on, Task.id).limit(MOST)).all():
        near = task.near(day)
        if near is not None and task.assignee_id is not None and _ours_to_tell(task, near):
            _tell(task, task.assignee_id, Notice.TASK_DUE, {"near": near.value})


def _ours_to_tell(task: Task, near: Nearness) -> bool:
    """Two runs at once tell once."""
    mark = update(Task).where(Task.id == task.id, or_(Task.told.is_(None), Task.told != near))
    marked = mark.values(told=near, updated_at=Task.updated_at).execution_options(synchronize_session="fetch")
    return bool(db.session.execute(marked).rowcount)


def _tell(task: Task, staff_id: int, kind: Notice, said: dict[str, str], mail: bool = True) -> None:
    """Where they want it, if they see it. `mail`: whether the desk's settings let it be mailed."""
    person = viewer(staff_id)
    if person is None or not task.seen_by(person):
        return
    choice = inbox.wanted(staff_id, kind)
    if choice.app:
        db.session.add(Notification(staff_id=staff_id, kind=kind, task_id=task.id, parts=said | {"task": task.title}))
    if choice.mail and mail:
        outgoing.put_notice(kind.value, staff_id=staff_id, task_id=task.id, values=said)
    else:
        why = _("They chose not to get this by mail.") if mail else _("The desk's settings switch this mail off.")
        outgoing.put_unsent(kind.value, why, staff_id=staff_id, task_id=task.id)
