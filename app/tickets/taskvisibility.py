"""Who may see which tasks. Lists, the board, tickets, notices, mails and the API all ask here."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, exists, false, or_, select, true
from sqlalchemy.orm import joinedload

from app.accounts.models import Scope
from app.accounts.viewer import Actor, Kind, Viewer
from app.core.extensions import db
from app.core.filtering import among
from app.tickets import visibility
from app.tickets.models import Ticket
from app.tickets.reach import open_scope
from app.tickets.tasks import Task, TaskEvent, TaskLink


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Its assignee, its maker, whoever sees one of its tickets; and its department's people while it has no ticket. No customer ever."""
    if actor.kind is Kind.SYSTEM:
        return true()
    if not isinstance(actor, Viewer) or not actor.can("show"):
        return false()
    by_ticket = (
        exists()
        .where(TaskLink.task_id == Task.id, TaskLink.ticket_id == Ticket.id, visibility.visible_to(actor))
        .correlate(Task)
    )
    linked = exists().where(TaskLink.task_id == Task.id).correlate(Task)
    own = (Task.assignee_id == actor.id, Task.made_by_id == actor.id)
    return or_(*own, by_ticket, and_(~linked, _of_departments(actor)))


def sees(actor: Actor, task: Task) -> bool:
    """The same rule for one loaded task."""
    if actor.kind is Kind.SYSTEM:
        return True
    if not isinstance(actor, Viewer) or not actor.can("show"):
        return False
    if actor.id in (task.assignee_id, task.made_by_id):
        return True
    theirs = list(db.session.scalars(select(TaskLink.ticket_id).where(TaskLink.task_id == task.id)))
    if not theirs:
        return _in_departments(actor, task)
    seen = select(Ticket.id).where(Ticket.id.in_(theirs), visibility.visible_to(actor))
    return db.session.scalar(seen.limit(1)) is not None


def _of_departments(viewer: Viewer) -> ColumnElement[bool]:
    """Members see all of their departments'. Who is in none sees what they would see of a ticket there."""
    if viewer.departments:
        return among(Task.department_id, viewer.departments)
    if open_scope(viewer):
        return Task.department_id.is_not(None)
    if Scope.MINE_AND_UNASSIGNED in viewer.scopes:
        return and_(Task.department_id.is_not(None), Task.assignee_id.is_(None))
    return false()


def _in_departments(viewer: Viewer, task: Task) -> bool:
    if viewer.departments or task.department_id is None:
        return task.department_id in viewer.departments
    return open_scope(viewer) or (Scope.MINE_AND_UNASSIGNED in viewer.scopes and task.assignee_id is None)


def find(task_id: int, actor: Actor) -> Task | None:
    """The task with this id, if this actor may see it."""
    return db.session.scalar(select(Task).where(Task.id == task_id, visible_to(actor)))


def tasks_of(ticket_id: int, actor: Actor) -> list[Task]:
    """Of a ticket this actor sees: open ones first, then by their day."""
    theirs = select(TaskLink.task_id).where(TaskLink.ticket_id == ticket_id)
    open_first = (Task.done_at.is_not(None), Task.done_at.desc(), Task.due_on.is_(None), Task.due_on, Task.id)
    loaded = (joinedload(Task.assignee), joinedload(Task.department))
    wanted = select(Task).where(Task.id.in_(theirs), visible_to(actor)).options(*loaded)
    return list(db.session.scalars(wanted.order_by(*open_first)))


def numbers_of(tasks: Sequence[Task], actor: Actor) -> dict[int, list[int]]:
    """By the id of each task the numbers of those of its tickets that this actor sees, too; one statement."""
    numbers: dict[int, list[int]] = {task.id: [] for task in tasks}
    wanted = (
        select(TaskLink.task_id, Ticket.number)
        .join(Ticket, Ticket.id == TaskLink.ticket_id)
        .where(TaskLink.task_id.in_(numbers), visibility.visible_to(actor))
        .distinct()
        .order_by(Ticket.number)
    )
    for task_id, number in db.session.execute(wanted) if numbers else ():
        numbers[task_id].append(number)
    return numbers


def tickets_visible_to(actor: Actor, task: Task) -> list[Ticket]:
    """Those of its tickets that this actor sees, too."""
    theirs = select(TaskLink.ticket_id).where(TaskLink.task_id == task.id)
    wanted = select(Ticket).where(Ticket.id.in_(theirs), visibility.visible_to(actor))
    return list(db.session.scalars(wanted.order_by(Ticket.number)))


def events_of(task: Task, actor: Actor) -> list[TaskEvent]:
    """Its history, the newest first, without what is about a ticket they do not see."""
    of_seen = or_(
        TaskEvent.ticket_id.is_(None),
        TaskEvent.ticket_id.in_(select(Ticket.id).where(visibility.visible_to(actor)).correlate(None)),
    )
    wanted = select(TaskEvent).where(TaskEvent.task_id == task.id, of_seen)
    return list(db.session.scalars(wanted.order_by(TaskEvent.id.desc()).limit(200)))
