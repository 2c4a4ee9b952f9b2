"""Who is told of tasks: whoever has one, when they are given it and when its day comes."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import and_, delete, or_, select, update

from app.core.extensions import db
from app.notifications import wishes
from app.notifications.handing import hand
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


def forget(event: TaskEvent) -> None:
    """It is deleted: nobody is told of it any more. What waits to be mailed says of itself that its task is gone."""
    db.session.execute(delete(Notification).where(Notification.task_id == event.task_id))


def _ours_to_tell(task: Task, near: Nearness) -> bool:
    """Two runs at once tell once."""
    mark = update(Task).where(Task.id == task.id, or_(Task.told.is_(None), Task.told != near))
    marked = mark.values(told=near, updated_at=Task.updated_at).execution_options(synchronize_session="fetch")
    return bool(db.session.execute(marked).rowcount)


def _tell(task: Task, staff_id: int, kind: Notice, said: dict[str, str], mail: bool = True) -> None:
    """Where they want it, if they see it. `mail`: whether the desk's settings let it be mailed."""
    for telling in wishes.tellings(kind, [staff_id]):
        if task.seen_by(telling.person):
            hand(telling, kind, said, task_id=task.id, mail=mail, more={"task": task.title})
