"""Runs a macro on a ticket: first as a rehearsal that changes nothing, then all of it in one transaction, and back again."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import hashlib
import json
from collections.abc import Collection, Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, func, null, select, update

from app.accounts.availability import absence_of
from app.accounts.viewer import Viewer
from app.core import clock
from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.settings import desk
from app.tickets import actions, departures, drafts, endings
from app.tickets.actions import KINDS, Action
from app.tickets.because import because
from app.tickets.bulk import BulkStep
from app.tickets.endings import Rest
from app.tickets.leaks import Kind as LeakKind
from app.tickets.leaks import Leak, demand_looked, leaks
from app.tickets.macros import Macro, MacroRun, count_use
from app.tickets.models import Ticket
from app.tickets.tasks import Task
from app.tickets.timeline import Did, TicketEvent
from app.tickets.turns import demand
from app.tickets.unseen import newest_message

LEAST_TO_UNDO = dt.timedelta(seconds=60)
"""So long a run can be taken back at least, also where replies leave at once."""


class Changed(HelpdeskError):
    """The ticket is not as it was when the preview was looked at."""

    def __init__(self) -> None:
        super().__init__(_("The ticket changed since you looked at the preview. Nothing was done; please look again."))


class TooLate(HelpdeskError):
    """It cannot be taken back (any more)."""


@dc.dataclass(frozen=True)
class Step:
    """What one action does to this ticket, in words."""

    action: Action
    label: str
    was: str = ""
    now: str = ""
    text: str = ""
    refused: str = ""
    """Why it will not happen."""
    leaks: tuple[Leak, ...] = ()
    """What its words may give away."""

    @property
    def same(self) -> bool:
        """It is so already."""
        return not self.refused and not self.text and self.was == self.now


@dc.dataclass(frozen=True)
class Outcome:
    steps: tuple[Step, ...]
    seen: str
    """Changes with whatever the ticket would become by it."""
    findings: tuple[Leak, ...] = ()
    """What somebody has to say yes to before it is run."""

    @property
    def refused(self) -> list[int]:
        return [number for number, step in enumerate(self.steps) if step.refused]

    @property
    def does_something(self) -> bool:
        return any(not step.refused and not step.same for step in self.steps)


def rehearse(macro: Macro, ticket: Ticket, by: Viewer) -> Outcome:
    """Each action as it would go after those before it. The caller rolls back: nothing of it may stay."""
    steps = []
    newest, tasks = newest_message(ticket), _tasks_at_stake(ticket)
    with because(macro=macro.name):
        for action in macro.steps:
            savepoint = db.session.begin_nested()
            try:
                steps.append(_step(action, ticket, by))
                savepoint.commit()
            except HelpdeskError as refusal:
                savepoint.rollback()
                steps.append(Step(action, _label(action), refused=str(refusal)))
    return Outcome(tuple(steps), _seen(steps, newest), _findings(steps, [] if ticket.live else tasks))


def run(
    macro: Macro,
    ticket: Ticket,
    by: Viewer,
    skip: Collection[int] = (),
    seen: str = "",
    looked: Collection[str] = (),
    rest: Rest = Rest.ASK,
) -> MacroRun:
    """All of it but what was said beforehand not to happen, or nothing. Raises what refuses it. Does not commit.

    `seen` is that of the outcome that somebody looked at; Changed where it would be another one now. `looked` are the keys of the findings
    they said yes to; Doubtful where there are others. `rest`: what becomes of open tasks of a ticket that it ends.
    """  # fmt: skip
    demand(by, "show", ticket)
    was, newest, leaving = actions.state_of(ticket), newest_message(ticket), set(actions.leaving(ticket, by))
    tasks = _tasks_at_stake(ticket)
    ticket.record(Did.MACRO_RAN, by, name=macro.name)
    steps = []
    with because(macro=macro.name):
        for number, action in enumerate(macro.steps):
            steps.append(Step(action, _label(action), refused="-") if number in skip else _step(action, ticket, by))
    if seen and _seen(steps, newest) != seen:
        raise Changed
    if all(step.refused for step in steps):
        raise HelpdeskError(_("Nothing of this macro can happen to this ticket."))
    ended = [] if ticket.live else tasks
    if rest is not Rest.ASK:
        endings.settle(ended, rest, by)
        ended = []
    demand_looked(_findings(steps, ended), looked)
    db.session.flush()
    count_use(macro)
    sent = sorted(set(actions.leaving(ticket, by)) - leaving)
    done = MacroRun(
        macro_id=macro.id, name=macro.name, ticket_id=ticket.id, staff_id=by.id, was=was, now=actions.state_of(ticket),
        draft_ids=" ".join(map(str, sent)), last_event_id=_last_event(ticket),
    )  # fmt: skip
    db.session.add(done)
    db.session.flush()
    return done


def undo(done: MacroRun, ticket: Ticket, by: Viewer) -> None:
    """Everything but notes and tasks goes back, when nothing came since. Raises TooLate. Does not commit."""
    demand(by, "show", ticket)
    if done.staff_id != by.id or done.undone_at is not None or clock.now() > until(done):
        raise TooLate(_("This macro cannot be taken back any more."))
    if _last_event(ticket) != done.last_event_id or actions.state_of(ticket) != done.now:
        raise TooLate(_("Something happened to the ticket since. The macro cannot be taken back any more."))
    give_back(done, ticket, by)


def give_back(done: MacroRun, ticket: Ticket, by: Viewer) -> None:
    with because(macro=done.name):
        for draft_id in done.draft_ids.split():
            departures.take_back(ticket, by, int(draft_id))
            drafts.discard(ticket.id, by, int(draft_id))
        actions.give_back(ticket, done.was, done.now, by)
    done.undone_at = clock.now()
    ticket.record(Did.MACRO_UNDONE, by, name=done.name)


def until(done: MacroRun) -> dt.datetime:
    return done.at + max(LEAST_TO_UNDO, dt.timedelta(seconds=desk.current().undo_send_seconds))


def latest(ticket: Ticket, macro_id: int) -> MacroRun | None:
    """The last run of this macro here, unless it was taken back."""
    runs = select(MacroRun).where(
        MacroRun.ticket_id == ticket.id, MacroRun.macro_id == macro_id, MacroRun.undone_at.is_(None)
    )
    return db.session.scalar(runs.order_by(MacroRun.id.desc()).limit(1))


def standing(ticket: Ticket, macro_id: int) -> list[Any]:
    """What a run left, for telling whether anything came since."""
    done = latest(ticket, macro_id)
    return [done.id if done else None, _last_event(ticket), actions.state_of(ticket)]


def forget(tickets: Sequence[int]) -> None:
    """Their customer is erased: what the tickets held before a macro goes, and with it the way back. Does not commit."""
    for gone in (
        delete(MacroRun).where(MacroRun.ticket_id.in_(tickets)),
        update(BulkStep).where(BulkStep.ticket_id.in_(tickets)).values(before=null()),
    ):
        db.session.execute(gone.execution_options(synchronize_session=False))


def _step(action: Action, ticket: Ticket, by: Viewer) -> Step:
    kind = KINDS.get(action.do)
    if kind is None:
        raise HelpdeskError(_("The desk does not know this action."))
    text = actions.text_of(action, ticket, by) if action.do in ("reply", "note", "task") else ""
    found = tuple(leaks(ticket, text, (), 0)) if actions.sends(action) else ()
    was, had = kind.shown(ticket, action) if kind.shown else "", ticket.assignee
    kind.do(ticket, action, by)
    db.session.flush()
    if action.do == "department" and had is not None and ticket.assignee_id is None:
        text = _("%(name)s loses the ticket, as it goes to another department.", name=had.get_full_name())
    if action.do == "assign" and ticket.assignee is not None and ticket.assignee is not had:
        text = absence_of(ticket.assignee_id, ticket.assignee.get_full_name(), by)
    return Step(action, _label(action), was, kind.shown(ticket, action) if kind.shown else "", text, leaks=found)


def _tasks_at_stake(ticket: Ticket) -> list[Task]:
    """Open ones of before, should the ticket end; those that the macro makes are for later."""
    return endings.unfinished(ticket) if ticket.live else []


def _findings(steps: list[Step], open_tasks: list[Task]) -> tuple[Leak, ...]:
    """Each once, however many replies say it."""
    found = {leak.key: leak for step in steps if not step.refused for leak in step.leaks}
    if open_tasks:
        words = f"{endings.warning(len(open_tasks))} {endings.named(open_tasks)}"
        at_stake = Leak(LeakKind.TASKS, ",".join(str(task.id) for task in open_tasks), words)
        found[at_stake.key] = at_stake
    return tuple(found.values())


def _label(action: Action) -> str:
    if action.do == "reply" and action.how == actions.DRAFT:
        return _("Put a reply into the composer")
    return str(KINDS[action.do].label) if action.do in KINDS else action.do


def _seen(steps: list[Step], newest: int) -> str:
    said: list[Any] = [newest, [[step.action, step.was, step.now, step.text] for step in steps if not step.refused]]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]


def _last_event(ticket: Ticket) -> int:
    return db.session.scalar(select(func.max(TicketEvent.id)).where(TicketEvent.ticket_id == ticket.id)) or 0
