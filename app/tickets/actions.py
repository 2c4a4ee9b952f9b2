"""What may be done to a ticket under a name: the one language of actions, for macros and rules. Each calls the ticket's verbs."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.accounts.models import Department
from app.accounts.viewer import Actor, Viewer
from app.core import clock, web
from app.core.errors import Invalid
from app.core.events import publish
from app.core.extensions import db
from app.settings import desk
from app.tickets import canned, departures, drafts, fields, tasks
from app.tickets.choices import CannedResponse, Category, Priority, Status
from app.tickets.drafts import Copy, Draft, Written
from app.tickets.models import Ticket
from app.tickets.tasks import NewTask
from app.tickets.thread import Channel, MessageKind, Words
from app.tickets.turns import demand
from app.tickets.unseen import newest_message

MORNING = dt.time(8)
NOBODY, ME, AUTO, NONE = "nobody", "me", "auto", "none"
DRAFT = "draft"
MOST_DAYS = 9_999
"""More is nobody's plan, and no date either."""


AT_ONCE: ContextVar[bool] = ContextVar("at_once", default=False)
"""Whether replies leave without the moment in which they can be taken back: a program never waits."""


class Wish(enum.StrEnum):
    """What an action wants of a higher floor."""

    ASSIGN = "assign_by_the_rules"


class Action(NamedTuple):
    """One action as it is kept: plain words, so that what it names may go without breaking it."""

    do: str
    choice: str = ""
    """An id, or one of the words above; the key of a field; a canned response."""
    text: str = ""
    how: str = ""
    """Of a reply: `draft` puts it into the composer, else it is sent."""
    days: str = ""

    @classmethod
    def of(cls, written: Mapping[str, Any]) -> Action:
        return cls(**{name: str(written.get(name, "")) for name in cls._fields})

    @property
    def written(self) -> dict[str, str]:
        return {name: value for name, value in self._asdict().items() if value}


class Kind(NamedTuple):
    label: Any
    asks: tuple[str, ...]
    """Which parts of an action it needs: choice, text, how, days."""
    do: Callable[[Ticket, Action, Any], None]
    """Whoever does it: a person, or the system for a rule."""
    shown: Callable[[Ticket, Action], str] | None = None
    """What of the ticket it changes, before and after, in words."""


def state_of(ticket: Ticket) -> dict[str, Any]:
    """All that actions change and that can be given back, as plain values."""
    return {
        "status": ticket.status_id, "priority": ticket.priority_id, "assignee": ticket.assignee_id, "category": ticket.category_id,
        "tags": sorted(tag.name for tag in ticket.tags), "fields": {one.field.key: list(one.values) for one in fields.held(ticket)},
        "snooze": _iso(ticket.snoozed_until), "follow_up": _iso(ticket.follow_up_at), "department": ticket.department_id,
    }  # fmt: skip


def give_back(ticket: Ticket, was: Mapping[str, Any], now: Mapping[str, Any], by: Viewer) -> None:
    """What differs between the two, by the ticket's verbs; the department first, as it may be that of its people."""
    changed = {name for name in was if was[name] != now.get(name)}
    if "department" in changed:
        ticket.move_to(db.session.get_one(Department, was["department"]), by)
    if "category" in changed:
        ticket.set_category(_get(Category, was["category"]), by)
    if "fields" in changed:
        before = {key: tuple(values) for key, values in was["fields"].items() if values != now["fields"].get(key)}
        ticket.set_fields(before, by)
    if "priority" in changed:
        ticket.set_priority(db.session.get_one(Priority, was["priority"]), by)
    if "status" in changed:
        ticket.set_status(db.session.get_one(Status, was["status"]), by)
    for name in sorted(set(was["tags"]) ^ set(now["tags"])):
        (ticket.tag if name in was["tags"] else ticket.untag)(name, by)
    if "snooze" in changed:
        until = _instant(was["snooze"])
        ticket.snooze(until, by) if until and until > clock.now() else ticket.wake(by)
    if "follow_up" in changed:
        until = _instant(was["follow_up"])
        ticket.follow_up(until if until and until > clock.now() else None, by)
    if "assignee" in changed or "status" in changed:
        ticket.assign_to(_get(User, was["assignee"]), by)


def text_of(action: Action, ticket: Ticket, by: Actor) -> str:
    """As it will read: of a canned response or written in the action, with its variables filled."""
    text = action.text
    if action.choice:
        response = _get(CannedResponse, _number(action.choice))
        if response is None or not response.active or response.owner_id not in (None, by.staff_id):
            raise _gone(_("The canned response that is named here does not exist (any more), or is not yours to use."))
        text = response.body
    return canned.filled(text, ticket, by)


def _reply(ticket: Ticket, action: Action, by: Viewer) -> None:
    """Into the composer, or on its way after the moment in which it can be taken back."""
    demand(by, "reply", ticket)
    written, seconds = Written(text_of(action, ticket, by)), 0 if AT_ONCE.get() else desk.current().undo_send_seconds
    if action.how == DRAFT:
        drafts.save(ticket.id, by, written, Copy(drafts.new_mark(), 1))
    elif seconds:
        leaves_at = clock.now() + dt.timedelta(seconds=seconds)
        departures.put_off(ticket, by, written, leaves_at, "", newest_message(ticket), scheduled=False)
    else:
        departures.send(ticket, by, written)


def sends(action: Action) -> bool:
    """Whether it lets words out; what goes into the composer is looked at when it is sent from there."""
    return action.do == "reply" and action.how != DRAFT


def _note(ticket: Ticket, action: Action, by: Viewer) -> None:
    ticket.note(Words(text_of(action, ticket, by), via=Channel.STAFF), by=by)


def _assign(ticket: Ticket, action: Action, by: Viewer) -> None:
    if action.choice == AUTO:
        ticket.assign_to(None, by=by)
        db.session.flush()
        publish(Wish.ASSIGN, ticket)
        return
    wanted = None if action.choice == NOBODY else by.id if action.choice == ME else _number(action.choice)
    user = _get(User, wanted)
    if wanted is not None and (user is None or not user.active):
        raise _gone(_("The person who is named here does not work on the desk any more."))
    ticket.assign_to(user, by=by)


def _tags(action: Action) -> list[str]:
    return [name for name in (part.strip() for part in action.text.split(",")) if name]


def _tag(ticket: Ticket, action: Action, by: Viewer) -> None:
    demand(by, "tag", ticket)
    for name in _tags(action):
        ticket.tag(name, by)


def _untag(ticket: Ticket, action: Action, by: Viewer) -> None:
    demand(by, "tag", ticket)
    for name in _tags(action):
        ticket.untag(name, by)


def _task(ticket: Ticket, action: Action, by: Viewer) -> None:
    demand(by, "task", ticket)
    day = web.desk_day(clock.now()) + dt.timedelta(days=_days(action)) if action.days else None
    tasks.create(
        NewTask(title=text_of(action, ticket, by), details="", assignee=None, due_on=day, department=None),
        by=by,
        ticket=ticket,
    )


def _days(action: Action) -> int:
    return min(_number(action.days), MOST_DAYS)


def _row(kind: Any, choice: str) -> Any:
    row = _get(kind, _number(choice))
    if row is None or not row.active:
        raise _gone(_("What is named here does not exist (any more)."))
    return row


def _category(ticket: Ticket, action: Action, by: Viewer) -> None:
    ticket.set_category(None if action.choice == NONE else _row(Category, action.choice), by)


def _field_words(ticket: Ticket, action: Action) -> str:
    return next((one.words for one in fields.held(ticket) if one.field.key == action.choice), "") or "–"


def _field_values(action: Action) -> Any:
    """Several choices are written with commas; every other field takes the text as it is."""
    field = fields.by_key(action.choice)
    several = field is not None and field.choices and "," in action.text
    return tuple(part.strip() for part in action.text.split(",") if part.strip()) if several else action.text


def morning(days: int) -> dt.datetime:
    """So many days from now, whatever the clocks there do meanwhile."""
    day = web.local(clock.now()).date() + dt.timedelta(days=days)
    return dt.datetime.combine(day, MORNING, ZoneInfo(web.zone())).astimezone(dt.UTC)


KINDS: dict[str, Kind] = {
    "reply": Kind(_l("Reply to the customer"), ("choice", "text", "how"), _reply),
    "note": Kind(_l("Add an internal note"), ("text",), _note),
    "status": Kind(_l("Status"), ("choice",), lambda ticket, action, by: ticket.set_status(_row(Status, action.choice), by), lambda ticket, action: str(ticket.status)),
    "priority": Kind(_l("Priority"), ("choice",), lambda ticket, action, by: ticket.set_priority(_row(Priority, action.choice), by), lambda ticket, action: str(ticket.priority)),
    "assign": Kind(_l("Assignee"), ("choice",), _assign, lambda ticket, action: ticket.assignee.get_full_name() if ticket.assignee else _("Nobody")),
    "category": Kind(_l("Category"), ("choice",), _category, lambda ticket, action: str(ticket.category or "–")),
    "tag": Kind(_l("Add tags"), ("text",), _tag, lambda ticket, action: _tag_words(ticket)),
    "untag": Kind(_l("Remove tags"), ("text",), _untag, lambda ticket, action: _tag_words(ticket)),
    "field": Kind(_l("Set a field"), ("choice", "text"), lambda ticket, action, by: ticket.set_field(action.choice, _field_values(action), by), _field_words),
    "snooze": Kind(_l("Snooze"), ("days",), lambda ticket, action, by: ticket.snooze(morning(_days(action)), by), lambda ticket, action: web.absolute(ticket.snoozed_until) if ticket.snoozed_until else "–"),
    "follow_up": Kind(_l("Follow up"), ("days",), lambda ticket, action, by: ticket.follow_up(morning(_days(action)), by), lambda ticket, action: web.absolute(ticket.follow_up_at) if ticket.follow_up_at else "–"),
    "task": Kind(_l("Create a task"), ("text", "days"), _task),
    "department": Kind(_l("Department"), ("choice",), lambda ticket, action, by: ticket.move_to(_row(Department, action.choice), by), lambda ticket, action: str(ticket.department)),
}  # fmt: skip


def leaving(ticket: Ticket, by: Viewer) -> list[int]:
    """Replies of this person that wait to leave and may be taken back."""
    own = db.session.query(Draft.id).filter(
        Draft.ticket_id == ticket.id, Draft.staff_id == by.id, Draft.leaves_at.is_not(None), Draft.spent_at.is_(None), Draft.scheduled.is_(False), Draft.kind == MessageKind.REPLY
    )  # fmt: skip
    return [row[0] for row in own.order_by(Draft.id)]


def _tag_words(ticket: Ticket) -> str:
    return ", ".join(sorted(tag.name for tag in ticket.tags)) or "–"


def _gone(sentence: str) -> Invalid:
    return Invalid(sentence, {"action": sentence})


def _get(kind: Any, row_id: int | None) -> Any:
    return db.session.get(kind, row_id) if row_id is not None else None


def _number(choice: str) -> int:
    return int(choice) if choice.isascii() and choice.isdigit() and len(choice) < 19 else 0


def _iso(at: dt.datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


def _instant(written: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(written) if written else None
