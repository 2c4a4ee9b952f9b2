"""The API on tasks: those of a ticket, a new one, and one by its id. For the team's programs; customers have no key."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import current_app
from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _

from app.api import reading
from app.api.doorman import caller
from app.api.fields import Fields
from app.api.repeats import Answer
from app.api.shapes import instant
from app.api.tickets import seen
from app.core.errors import NotThere
from app.core.extensions import db
from app.tickets import tasks, taskvisibility
from app.tickets.tasks import LONGEST_DETAILS, NewTask, Task, TaskState

LONGEST_GIVEN = 1000
"""Of a title that is sent; a longer one than the desk takes is refused by name."""
STATES = [state.value for state in TaskState]


def list_tasks(number: int) -> Answer:
    """Open ones first, then by their due date."""
    found = taskvisibility.tasks_of(seen(number).id, caller())
    return {"items": _shapes(found), "next": None}, 200


def create_task(number: int) -> Answer:
    """A new task of this ticket."""
    ticket, fields = seen(number), Fields.of_body()
    new = NewTask(
        title=fields.text("title", LONGEST_GIVEN, required=True),
        details=fields.text("details", LONGEST_DETAILS),
        assignee=fields.take("assignee", reading.assignee(caller())),
        due_on=fields.take("due_on", reading.day),
        department=fields.take("department", reading.department),
    )
    fields.done()
    task = tasks.create(new, by=caller(), ticket=ticket)
    db.session.flush()
    return _shapes([task])[0], 201


def read_task(task_id: int) -> Answer:
    """With the tickets of it that the key's owner sees."""
    return _shapes([_seen(task_id)])[0], 200


def change_task(task_id: int) -> Answer:
    """Only the fields that are sent change. Null takes assignee, due date, department or details away."""
    task, fields = _seen(task_id), Fields.of_body()
    title = fields.text("title", LONGEST_GIVEN, required="title" in fields)
    details = fields.text("details", LONGEST_DETAILS)
    state = fields.one_of("state", STATES)
    assignee: User | None = fields.take("assignee", reading.assignee(caller()))
    due_on: dt.date | None = fields.take("due_on", reading.day)
    department = fields.take("department", reading.department)
    fields.done()
    if {"title", "details", "department"}.intersection(fields.given):
        task.rewrite(
            title or task.title,
            details if "details" in fields else task.details or "",
            department if "department" in fields else task.department,
            by=caller(),
        )
    if "due_on" in fields:
        task.set_due(due_on, by=caller())
    if state is not None:
        task.move_to(TaskState(state), by=caller())
    if "assignee" in fields:
        task.assign_to(assignee, by=caller())
    db.session.flush()
    return _shapes([task])[0], 200


def delete_task(task_id: int) -> Answer:
    """For good. It is answered as it was."""
    task = _seen(task_id)
    told = _shapes([task])[0]
    task.delete(by=caller())
    return told, 200


def _shapes(found: list[Task]) -> list[dict[str, Any]]:
    numbers = taskvisibility.numbers_of(found, caller())
    return [_shape(task, numbers[task.id]) for task in found]


def _shape(task: Task, numbers: list[int]) -> dict[str, Any]:
    return {
        "id": task.id,
        "title": task.title,
        "details": task.details,
        "state": task.state.value,
        "assignee": task.assignee.username if task.assignee else None,
        "department": task.department.name if task.department else None,
        "due_on": task.due_on.isoformat() if task.due_on else None,
        "made_by": task.made_by.username if task.made_by else None,
        "tickets": numbers,
        "created_at": instant(task.created_at),
        "updated_at": instant(task.updated_at),
        "done_at": instant(task.done_at),
        "url": f"{current_app.config['PUBLIC_URL']}/admin/tasks/{task.id}",
    }


def _seen(task_id: int) -> Task:
    """Or NotThere: whoever may not see it does not learn that it exists."""
    task = taskvisibility.find(reading.path_id(task_id), caller())
    if task is None:
        raise NotThere(_("There is no task with this id, or you may not see it."))
    return task
