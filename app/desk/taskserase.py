"""What the team's tasks say of a customer who is erased."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, select, update

from app.core.extensions import db
from app.desk.customernames import Known
from app.mail.models import Delivery
from app.notifications.models import Notification
from app.tickets.tasks import Task, TaskEvent, TaskLink
from app.tickets.timeline import Did, TicketEvent

EMPTIED = "(erased)"


def forget(tickets: Collection[int], known: Known) -> None:
    """Empty the tasks of their tickets alone, and each that names them. That there was one, and whose, stays."""
    ids = _of_theirs_alone(tickets) | _that_name(known)
    if not ids:
        return
    _do(update(Task).where(Task.id.in_(ids)).values(title=EMPTIED, details=None, key=EMPTIED))
    _do(delete(Notification).where(Notification.task_id.in_(ids)))
    _do(update(Delivery).where(Delivery.task_id.in_(ids)).values(subject="", raw=None, values={}))
    for event in db.session.scalars(select(TaskEvent).where(TaskEvent.task_id.in_(ids))):
        event.particulars = _without_titles(event.what, event.particulars)
    told = [did for did in Did if did.value.startswith("task_")]
    for row in db.session.scalars(select(TicketEvent).where(TicketEvent.what.in_(told))):
        if row.particulars.get("task_id") in ids:
            row.particulars = _without_titles(row.what, row.particulars)


def _of_theirs_alone(tickets: Collection[int]) -> set[int]:
    theirs = set(db.session.scalars(select(TaskLink.task_id).where(TaskLink.home_id.in_(tickets))))
    others = select(TaskLink.task_id).where(TaskLink.task_id.in_(theirs), TaskLink.home_id.not_in(tickets))
    return theirs - set(db.session.scalars(others))


def _that_name(known: Known) -> set[int]:
    """Read one by one: a customer called Al is not meant by every word with these letters."""
    rows = db.session.execute(select(Task.id, Task.title, Task.details).execution_options(yield_per=500))
    return {row.id for row in rows if known.named_in(f"{row.title}\n{row.details or ''}")}


def _without_titles(what: Did, particulars: dict[str, Any]) -> dict[str, Any]:
    titles = ("task", "was") if what is Did.TASK_CHANGED else ("task",)
    return {name: value for name, value in particulars.items() if name not in titles}


def _do(statement: Any) -> None:
    db.session.execute(statement.execution_options(synchronize_session=False))
