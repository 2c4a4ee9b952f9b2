"""The list of tasks as its address says it, and the rows of the list and of the board: the same tasks, in rows or in columns."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import enum
from collections import defaultdict
from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask_appbuilder.security.sqla.models import User
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, true
from sqlalchemy.orm import joinedload
from werkzeug.datastructures import MultiDict

from app.accounts.viewer import Viewer
from app.core.extensions import db
from app.desk.listing import is_id
from app.settings import desk
from app.tickets import numbering, taskvisibility, visibility
from app.tickets.models import Ticket
from app.tickets.tasks import LONGEST_TITLE, Nearness, Task, TaskLink, TaskState, today

PAGE_SIZE = 50
LAST_PAGE = 1000
IN_COLUMN = 50
"""Cards of one column of the board; the list has the rest."""
MOST_WORDS = 10
WEEK = dt.timedelta(days=7)


class View(enum.StrEnum):
    MINE = "mine"
    UNASSIGNED = "unassigned"
    ALL = "all"
    DONE = "done"


class Due(enum.StrEnum):
    OVERDUE = "overdue"
    TODAY = "today"
    WEEK = "week"
    NONE = "none"


VIEWS = {View.MINE: _l("Mine"), View.UNASSIGNED: _l("Unassigned"), View.ALL: _l("Still open"), View.DONE: _l("Done")}
DUES = {Due.OVERDUE: _l("Overdue"), Due.TODAY: _l("Today"), Due.WEEK: _l("Within a week"), Due.NONE: _l("Without a due date")}  # fmt: skip
STATES = {TaskState.TODO: _l("To do"), TaskState.DOING: _l("In progress"), TaskState.DONE: _l("Done")}
SORTS: dict[str, Any] = {
    "due": Task.due_on,
    "title": func.lower(Task.title),
    "created": Task.created_at,
    "updated": Task.updated_at,
    "state": case({TaskState.TODO: 0, TaskState.DOING: 1, TaskState.DONE: 2}, value=Task.state),
    "assignee": select(User.first_name).where(User.id == Task.assignee_id).scalar_subquery(),
}
SORT_WORDS = {
    "due": _l("Due first"), "-created": _l("Newest first"), "-updated": _l("Changed last"), "title": _l("By title"), "assignee": _l("By assignee"), "state": _l("By state"),
}  # fmt: skip
"""Nothing else orders the list."""


@dc.dataclass(frozen=True)
class TaskListing:
    """Reading ignores what makes no sense, so a bent address shows a list and not an error."""

    view: View = View.MINE
    q: str = ""
    assignee: int | None = None
    department: int | None = None
    due: Due | None = None
    sort: str = "due"
    page: int = 1

    @classmethod
    def read(cls, given: MultiDict[str, str]) -> TaskListing:
        def one_of(kind: Any, name: str) -> Any:
            return next((each for each in kind if each.value == given.get(name)), None)

        ids = {name: int(given[name]) for name in ("assignee", "department", "page") if is_id(given.get(name, ""))}
        return cls(
            view=one_of(View, "view") or View.MINE,
            q=given.get("q", "").replace("\x00", "")[:LONGEST_TITLE].strip(),
            assignee=ids.get("assignee"),
            department=ids.get("department"),
            due=one_of(Due, "due"),
            sort=given["sort"] if given.get("sort") in SORT_WORDS else "due",
            page=min(max(ids.get("page", 1), 1), LAST_PAGE),
        )

    def address(self, **changed: Any) -> str:
        """The query string of this list, or of one that differs a little."""
        wanted = dc.replace(self, **({"page": 1} | changed))
        pairs = [(field.name, getattr(wanted, field.name)) for field in dc.fields(wanted)]
        given = {name: value for name, value in pairs if value != getattr(TaskListing, name)}
        return f"?{urlencode(given)}" if given else ""

    @property
    def narrowed(self) -> bool:
        return bool(self.q or self.assignee or self.department or self.due)


class Line(NamedTuple):
    """A task as list and board show it; `tickets` are those that the reader sees, too."""

    task: Task
    near: Nearness | None
    tickets: list[tuple[int, str, str]]
    """Number, its shown form, subject."""


class Column(NamedTuple):
    state: TaskState
    words: str
    lines: list[Line]
    more: bool


def page_of(listing: TaskListing, viewer: Viewer) -> tuple[list[Line], bool]:
    """The rows of a page, and whether others follow."""
    wanted = _ordered(_within(listing, viewer, listing.view), listing.sort)
    wanted = wanted.limit(PAGE_SIZE + 1).offset((listing.page - 1) * PAGE_SIZE)
    rows = list(db.session.scalars(wanted))
    return lines_of(rows[:PAGE_SIZE], viewer), len(rows) > PAGE_SIZE


def board_of(listing: TaskListing, viewer: Viewer) -> list[Column]:
    """What is done stands there with the newest first."""
    found: dict[TaskState, list[Task]] = {}
    for state in TaskState:
        view = listing.view if listing.view is not View.DONE else View.ALL
        wanted = _within(listing, viewer, view, state)
        wanted = wanted.order_by(Task.done_at.desc(), Task.id.desc()) if state is TaskState.DONE else _ordered(wanted, listing.sort)  # fmt: skip
        found[state] = list(db.session.scalars(wanted.limit(IN_COLUMN + 1)))
    lines = {line.task.id: line for line in lines_of([task for tasks in found.values() for task in tasks], viewer)}
    return [
        Column(state, str(STATES[state]), [lines[task.id] for task in tasks[:IN_COLUMN]], len(tasks) > IN_COLUMN)
        for state, tasks in found.items()
    ]


def counts_of(listing: TaskListing, viewer: Viewer) -> dict[View, int]:
    """Of each tab, with the filters as they are."""
    filtered = select(*(func.count().filter(_in_view(view, viewer)) for view in View)).select_from(Task)
    row = db.session.execute(filtered.where(*_criteria(listing, viewer))).one()
    return dict(zip(View, row, strict=True))


def lines_of(tasks: list[Task], viewer: Viewer) -> list[Line]:
    """One statement for the tickets of all."""
    tickets: defaultdict[int, list[tuple[int, str, str]]] = defaultdict(list)
    wanted = (
        select(TaskLink.task_id, Ticket.number, Ticket.subject)
        .join(Ticket, Ticket.id == TaskLink.ticket_id)
        .where(TaskLink.task_id.in_([task.id for task in tasks]), visibility.visible_to(viewer))
        .distinct()
        .order_by(Ticket.number)
    )
    display = desk.current().display
    for task_id, number, subject in db.session.execute(wanted) if tasks else ():
        tickets[task_id].append((number, display(number), subject))
    day = today()
    return [Line(task, task.near(day), tickets[task.id]) for task in tasks]


def of_day(viewer: Viewer, most: int) -> list[Line]:
    """Their own that are begun or due today at the latest, the most overdue first."""
    now = or_(Task.state == TaskState.DOING, Task.due_on <= today())
    wanted = _within(TaskListing(), viewer, View.MINE).where(now)
    return lines_of(list(db.session.scalars(_ordered(wanted, "due").limit(most))), viewer)


def of_ticket(ticket_id: int, viewer: Viewer) -> list[Line]:
    """What its page shows, without other tickets of the same tasks; one statement."""
    day = today()
    return [Line(task, task.near(day), []) for task in taskvisibility.tasks_of(ticket_id, viewer)]


def matching(words: str, viewer: Viewer) -> ColumnElement[bool]:
    """Every word stands in the title or the details; or it is the number of a ticket of the task that they see."""
    by_words = and_(true(), *(Task.key.contains(word, autoescape=True) for word in words.casefold().split()[:MOST_WORDS]))  # fmt: skip
    number = numbering.read(words[:40])
    if number is None:
        return by_words
    of_ticket = select(TaskLink.task_id).join(Ticket, Ticket.id == TaskLink.ticket_id)
    return or_(by_words, Task.id.in_(of_ticket.where(Ticket.number == number, visibility.visible_to(viewer))))


def _within(listing: TaskListing, viewer: Viewer, view: View, state: TaskState | None = None) -> Select[Task]:
    of = _in_view(view, viewer) if state is None else and_(Task.state == state, _whose(view, viewer))
    loaded = (joinedload(Task.assignee), joinedload(Task.department))
    return select(Task).where(of, *_criteria(listing, viewer)).options(*loaded)


def _in_view(view: View, viewer: Viewer) -> ColumnElement[bool]:
    finished = Task.state == TaskState.DONE
    return finished if view is View.DONE else and_(~finished, _whose(view, viewer))


def _whose(view: View, viewer: Viewer) -> ColumnElement[bool]:
    if view is View.MINE:
        return Task.assignee_id == viewer.id
    return Task.assignee_id.is_(None) if view is View.UNASSIGNED else true()


def _criteria(listing: TaskListing, viewer: Viewer) -> list[ColumnElement[bool]]:
    found = [taskvisibility.visible_to(viewer)]
    if listing.q:
        found.append(matching(listing.q, viewer))
    if listing.assignee is not None:
        found.append(Task.assignee_id == listing.assignee)
    if listing.department is not None:
        found.append(Task.department_id == listing.department)
    if listing.due is not None:
        found.append(_due(listing.due))
    return found


def _due(due: Due) -> ColumnElement[bool]:
    day = today()
    return {
        Due.OVERDUE: and_(Task.due_on < day, Task.state != TaskState.DONE),
        Due.TODAY: Task.due_on == day,
        Due.WEEK: Task.due_on.between(day, day + WEEK),
        Due.NONE: Task.due_on.is_(None),
    }[due]


def _ordered(wanted: Select[Task], sort: str) -> Select[Task]:
    """Empty ones last, then by age."""
    column = SORTS[sort.lstrip("-")]
    return wanted.order_by(column.is_(None), column.desc() if sort.startswith("-") else column, Task.id)
