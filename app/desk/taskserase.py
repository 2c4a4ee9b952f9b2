"""What the team's tasks say of a customer who is erased."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import and_, delete, select, update

from app.core.extensions import db
from app.desk.customernames import Known
from app.mail.models import Delivery
from app.notifications.models import Notification
from app.tickets.tasks import Task, TaskEvent, TaskLink
from app.tickets.timeline import Did, TicketEvent

EMPTIED = "(erased)"
TITLES = ("task", "was")


def forget(tickets: Collection[int], known: Known) -> None:
    """Empty the tasks of their tickets alone, and each that names them. That there was one, and whose, stays."""
    ids = _of_theirs_alone(tickets) | _that_name(known)
    _forget_in_histories(tickets, known, ids)
    gone = and_(Delivery.task_id.is_not(None), Delivery.task_id.not_in(select(Task.id)))
    _do(update(Delivery).where(gone).values(subject="", raw=None, values={}))
    if not ids:
        return
    _do(update(Task).where(Task.id.in_(ids)).values(title=EMPTIED, details=None, key=EMPTIED))
    _do(delete(Notification).where(Notification.task_id.in_(ids)))
    _do(update(Delivery).where(Delivery.task_id.in_(ids)).values(subject="", raw=None, values={}))
    for event in db.session.scalars(select(TaskEvent).where(TaskEvent.task_id.in_(ids))):
        event.particulars = _without_titles(event.what, event.particulars)


def _forget_in_histories(tickets: Collection[int], known: Known, ids: Collection[int]) -> None:
    """Of the tickets: what they tell of these tasks, and of deleted ones, of which the words there are all that is left."""
    told = [did for did in Did if did.value.startswith("task_")]
    there = set(db.session.scalars(select(Task.id)))
    for row in db.session.scalars(select(TicketEvent).where(TicketEvent.what.in_(told))):
        task = row.particulars.get("task_id")
        words = "\n".join(str(row.particulars.get(name, "")) for name in TITLES)
        gone = task not in there and (row.ticket_id in tickets or known.named_in(words))
        if task in ids or gone:
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
    titles = TITLES if what is Did.TASK_CHANGED else ("task",)
    return {name: value for name, value in particulars.items() if name not in titles}


def _do(statement: Any) -> None:
    db.session.execute(statement.execution_options(synchronize_session=False))
