"""A task: something the team has to do, for one ticket, for several or for none. Customers never learn of it."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import enum
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from sqlalchemy import ForeignKey, Index, delete, select, update
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from app.accounts import rights
from app.accounts.models import Department
from app.accounts.viewer import Actor, Kind, viewer
from app.core import audit, clock
from app.core.database import is_postgresql
from app.core.errors import Forbidden, Invalid, NotThere
from app.core.events import publish
from app.core.extensions import db
from app.core.model import Base, intpk, longtext
from app.settings import desk
from app.tickets import turns
from app.tickets.models import Ticket
from app.tickets.sorting import clean_line
from app.tickets.timeline import Did, sentence_of

LONGEST_TITLE = 200
LONGEST_DETAILS = 20_000


class TaskState(enum.StrEnum):
    TODO = "todo"
    DOING = "doing"
    DONE = "done"


class Nearness(enum.StrEnum):
    """How near its day is, by the desk's calendar."""

    TOMORROW = "tomorrow"
    TODAY = "today"
    OVERDUE = "overdue"


class Task(Base):
    """Made by `create`, changed by its verbs only. Who sees it: taskvisibility.py."""

    __tablename__ = "task"
    __table_args__ = (
        Index("ix_task_state_due", "state", "due_on", "id"),
        Index("ix_task_assignee", "assignee_id", "state"),
        Index("ix_task_made_by", "made_by_id"),
        Index("ix_task_department", "department_id", "state"),
    )

    id: Mapped[intpk]
    title: Mapped[str]
    details: Mapped[longtext | None]
    key: Mapped[longtext] = mapped_column(default="")
    """Title and details case-folded, for the search."""
    state: Mapped[TaskState] = mapped_column(default=TaskState.TODO)
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id", ondelete="SET NULL"))
    """Whose people see it while it belongs to no ticket."""
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"))
    due_on: Mapped[dt.date | None]
    told: Mapped[Nearness | None]
    """The last of them that its assignee was told of, for this day."""
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    updated_at: Mapped[dt.datetime] = mapped_column(default=clock.now, onupdate=clock.now)
    done_at: Mapped[dt.datetime | None]

    assignee: Mapped[User | None] = relationship(User, foreign_keys=[assignee_id])
    made_by: Mapped[User | None] = relationship(User, foreign_keys=[made_by_id])
    department: Mapped[Department | None] = relationship(Department)

    @validates("title", "details")
    def _keep_key(self, name: str, text: str | None) -> str | None:
        both = (text, self.details) if name == "title" else (self.title, text)
        self.key = "\n".join(each or "" for each in both).casefold()
        return text

    @property
    def done(self) -> bool:
        return self.state is TaskState.DONE

    def near(self, today: dt.date) -> Nearness | None:
        """None for what is done, has no day, or has time."""
        if self.done or self.due_on is None or self.due_on > today + dt.timedelta(days=1):
            return None
        if self.due_on < today:
            return Nearness.OVERDUE
        return Nearness.TODAY if self.due_on == today else Nearness.TOMORROW

    def seen_by(self, actor: Actor) -> bool:
        from app.tickets import taskvisibility

        return taskvisibility.sees(actor, self)

    def link_to(self, ticket: Ticket, by: Actor) -> None:
        """Does nothing when it is linked. Whoever sees the ticket sees the task from then on."""
        self._demand(by)
        turns.demand(by, "task", ticket)
        if db.session.scalar(select(TaskLink.task_id).where(_between(self, ticket)).limit(1)) is None:
            db.session.add(TaskLink(task_id=self.id, ticket_id=ticket.id, home_id=ticket.id))
            self._record(Did.TASK_LINKED, by, [ticket], of=ticket)

    def unlink_from(self, ticket: Ticket, by: Actor) -> None:
        """Does nothing when it is not linked. Whoever saw it by the ticket alone does so no longer."""
        self._demand(by)
        turns.demand(by, "task", ticket)
        gone = delete(TaskLink).where(_between(self, ticket)).execution_options(synchronize_session="fetch")
        if db.session.execute(gone).rowcount:
            self._record(Did.TASK_UNLINKED, by, [ticket], of=ticket)

    def assign_to(self, agent: User | None, by: Actor) -> None:
        self._demand(by)
        if (agent.id if agent else None) == self.assignee_id:
            return
        _refuse_stranger(agent)
        before = self.assignee
        self.assignee, self.assignee_id = agent, agent.id if agent else None
        self._record(
            Did.TASK_ASSIGNED, by, was=before.get_full_name() if before else None, now=agent.get_full_name() if agent else None,
            was_id=before.id if before else None, now_id=agent.id if agent else None,
        )  # fmt: skip

    def set_due(self, on: dt.date | None, by: Actor) -> None:
        self._demand(by)
        if on != self.due_on:
            was, self.due_on, self.told = self.due_on, on, None
            self._record(
                Did.TASK_DUE_CHANGED, by, was=was.isoformat() if was else None, now=on.isoformat() if on else None
            )

    def rewrite(self, title: str, details: str, department: Department | None, by: Actor) -> None:
        """Its words, and whose it is."""
        self._demand(by)
        title, details = _title(title), _details(details)
        if (title, details or None, department.id if department else None) == (self.title, self.details, self.department_id):  # fmt: skip
            return
        was, self.title, self.details = self.title, title, details or None
        self.department, self.department_id = department, department.id if department else None
        self._record(Did.TASK_CHANGED, by, was=was if was != title else None)

    def move_to(self, state: TaskState, by: Actor) -> None:
        """Into a column of the board."""
        {TaskState.TODO: self.reopen, TaskState.DOING: self.start, TaskState.DONE: self.finish}[state](by)

    def start(self, by: Actor) -> None:
        self._enter(TaskState.DOING, Did.TASK_STARTED, by)

    def finish(self, by: Actor) -> None:
        self._enter(TaskState.DONE, Did.TASK_DONE, by)

    def reopen(self, by: Actor) -> None:
        """Back to what is to do, from being done or being worked on."""
        self._enter(TaskState.TODO, Did.TASK_REOPENED if self.done else Did.TASK_PUT_BACK, by)

    def delete(self, by: Actor) -> None:
        """For good, with its own history. Each of its tickets keeps that it was there."""
        self._demand(by, "task_delete")
        audit.note(audit.What.TASK_DELETED, str(self.id), by=by)  # its words may name a customer
        self._record(Did.TASK_DELETED, by)
        db.session.flush()
        db.session.delete(self)

    def _enter(self, state: TaskState, what: Did, by: Actor) -> None:
        """Entering the state it has does nothing, so that a double click is harmless."""
        self._demand(by)
        if state is not self.state:
            self.state, self.done_at = state, clock.now() if state is TaskState.DONE else None
            self._record(what, by)

    def _demand(self, by: Actor, verb: str = "task") -> None:
        """Nobody else changes it before we commit; on SQLite the transaction has the whole file."""
        if is_postgresql():
            try:
                db.session.refresh(self, with_for_update=True)
            except InvalidRequestError:
                raise NotThere(_("Somebody deleted this task meanwhile.")) from None
        if not rights.may(by, verb, self):
            raise Forbidden(_("You may not do this to this task."))

    def _record(
        self, what: Did, by: Actor, tickets: Sequence[Ticket] | None = None, of: Ticket | None = None, **given: Any
    ) -> None:
        """In its own history and in that of each of its tickets, or of `tickets` alone; `of` is the one it is about."""
        particulars = {name: value for name, value in given.items() if value is not None} | {"task": self.title}
        event = TaskEvent(
            task=self, task_id=self.id, ticket_id=of.id if of else None, what=what, actor_kind=by.kind, actor_name=by.name, staff_id=by.staff_id, particulars=particulars,
        )  # fmt: skip
        db.session.add(event)
        for ticket in tickets_of(self) if tickets is None else tickets:
            ticket.remember(what, by, task_id=self.id, **particulars)
        publish(what, event)

    def __str__(self) -> str:
        return self.title


class TaskLink(Base):
    """That a task belongs to a ticket."""

    __tablename__ = "ticket_task"
    __table_args__ = (Index("ix_ticket_task_ticket", "ticket_id", "task_id"), Index("ix_ticket_task_home", "home_id"))

    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), primary_key=True)
    home_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"), primary_key=True)
    """The ticket it was linked with."""
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    """Where that one goes on while it is merged; else the same."""
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)


class TaskEvent(Base):
    """What happened to a task. Append-only."""

    __tablename__ = "task_event"
    __table_args__ = (Index("ix_task_event_task", "task_id", "at", "id"), Index("ix_task_event_ticket", "ticket_id"))

    id: Mapped[intpk]
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"))
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    """The ticket it is about: nobody else's business."""
    what: Mapped[Did]
    at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    actor_kind: Mapped[Kind]
    actor_name: Mapped[str]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"))
    particulars: Mapped[dict[str, Any]] = mapped_column(default=dict)

    task: Mapped[Task] = relationship(Task)
    ticket: Mapped[Ticket | None] = relationship(Ticket)

    @property
    def sentence(self) -> str:
        return sentence_of(self.what, self.particulars)


@dc.dataclass(frozen=True)
class NewTask:
    title: str
    details: str = ""
    assignee: User | None = None
    due_on: dt.date | None = None
    department: Department | None = None


def create(new: NewTask, by: Actor, ticket: Ticket | None = None) -> Task:
    """Raises Forbidden, or Invalid beside the field that is wrong."""
    if not rights.may(by, "task"):
        raise Forbidden(_("You may not do this to this task."))
    if ticket is not None:
        turns.demand(by, "task", ticket)
    _refuse_stranger(new.assignee)
    task = Task(
        title=_title(new.title), details=_details(new.details) or None, due_on=new.due_on, made_by_id=by.staff_id, state=TaskState.TODO,
        department=new.department, department_id=new.department.id if new.department else None,
    )  # fmt: skip
    db.session.add(task)
    db.session.flush()
    if ticket is not None:
        db.session.add(TaskLink(task_id=task.id, ticket_id=ticket.id, home_id=ticket.id))
        db.session.flush()
    task._record(Did.TASK_CREATED, by)
    task.assign_to(new.assignee, by)
    return task


def tickets_of(task: Task) -> list[Ticket]:
    """All of them, whoever may see which."""
    theirs = select(TaskLink.ticket_id).where(TaskLink.task_id == task.id)
    return list(db.session.scalars(select(Ticket).where(Ticket.id.in_(theirs)).order_by(Ticket.number)))


def bring(from_id: int, to_id: int) -> None:
    """With a ticket that is merged its tasks come; where each was at home stays written."""
    _do(update(TaskLink).where(TaskLink.ticket_id == from_id).values(ticket_id=to_id))


def give_back(from_id: int, to_id: int, own: Sequence[int]) -> None:
    """What was at home in `own`, tickets that stand for themselves again."""
    at_home = TaskLink.home_id.in_(own)
    _do(update(TaskLink).where(TaskLink.ticket_id == from_id, at_home).values(ticket_id=to_id))


def today() -> dt.date:
    """By the desk's calendar."""
    return clock.now().astimezone(ZoneInfo(desk.current().time_zone)).date()


def _between(task: Task, ticket: Ticket) -> Any:
    return (TaskLink.task_id == task.id) & (TaskLink.ticket_id == ticket.id)


def _title(text: str) -> str:
    title = clean_line(text, len(text))
    if not title or len(title) > LONGEST_TITLE:
        sentence = _("Please say in at most %(most)s characters what is to be done.", most=LONGEST_TITLE)
        raise Invalid(sentence, {"title": sentence})
    return title


def _details(text: str) -> str:
    if len(text) > LONGEST_DETAILS:
        sentence = _("At most %(most)s characters.", most=LONGEST_DETAILS)
        raise Invalid(sentence, {"details": sentence})
    return text.replace("\r\n", "\n").replace("\x00", "").strip()


def _refuse_stranger(agent: User | None) -> None:
    """A task is given to somebody who works with tasks."""
    person = viewer(agent.id) if agent is not None else None
    if agent is not None and (person is None or not person.can("task")):
        sentence = _("%(name)s does not work with tasks.", name=agent.get_full_name())
        raise Invalid(sentence, {"assignee": sentence})


def _do(statement: Any) -> None:
    db.session.flush()
    db.session.execute(statement.execution_options(synchronize_session="fetch"))
