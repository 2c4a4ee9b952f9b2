"""A ticket ends before its tasks: whoever ends it is asked what becomes of them, at every door in the same words."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from flask_babel import ngettext
from sqlalchemy import select

from app.accounts.viewer import Actor
from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.tickets.models import Ticket
from app.tickets.tasks import Task, TaskLink, TaskState

NAMED = 5
"""Tasks that a refusal names; the others are counted."""


class Rest(enum.StrEnum):
    """What becomes of the tasks that are open when their ticket ends."""

    ASK = ""
    """Nobody chose yet: the ticket does not end."""
    KEEP = "keep"
    FINISH = "finish"


class OpenTasks(HelpdeskError):
    """It ends when somebody said what becomes of them."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        super().__init__(f"{warning(len(tasks))} {named(tasks)}")


def unfinished(ticket: Ticket) -> list[Task]:
    """Its open tasks, the oldest first. Whoever sees the ticket sees them."""
    linked = select(TaskLink.task_id).where(TaskLink.ticket_id == ticket.id)
    return list(db.session.scalars(select(Task).where(Task.id.in_(linked), Task.state != TaskState.DONE).order_by(Task.id)))  # fmt: skip


def warning(many: int) -> str:
    return ngettext("%(num)d task of this ticket is still open.", "%(num)d tasks of this ticket are still open.", many)


def named(tasks: Sequence[Task]) -> str:
    """Their titles, each in quotes; of many the first."""
    titles = ", ".join(f"“{task.title}”" for task in tasks[:NAMED])
    return f"{titles} …" if len(tasks) > NAMED else titles


@contextmanager
def minding_tasks(ticket: Ticket, rest: Rest, by: Actor) -> Iterator[None]:
    """Around whatever may end the ticket. What it makes itself counts not: a macro may end a ticket and leave a task for later."""
    before = unfinished(ticket) if ticket.live and rest is not Rest.KEEP else []
    yield
    if before and not ticket.live:
        settle(before, rest, by)


def settle(tasks: Sequence[Task], rest: Rest, by: Actor) -> None:
    """Raises OpenTasks."""
    if rest is Rest.ASK and tasks:
        raise OpenTasks(tasks)
    for task in tasks if rest is Rest.FINISH else ():
        task.finish(by)
