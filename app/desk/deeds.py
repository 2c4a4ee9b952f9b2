"""What can be done to many tickets: each deed's right, what it needs, its verb, and how it is given back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from app.accounts.models import Department
from app.accounts.viewer import Viewer
from app.core import clock, web
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.desk import erasing, moments, pickers
from app.desk.listing import is_id
from app.settings import desk
from app.tickets import departures, drafts, endings, incidents, macroruns, macros
from app.tickets.canned import filled
from app.tickets.choices import Category, Priority, Status
from app.tickets.conversation import Then
from app.tickets.drafts import Draft, Written
from app.tickets.endings import Rest
from app.tickets.models import Ticket
from app.tickets.sorting import LONGEST_TAG, clean_line
from app.tickets.tasks import Task, TaskState
from app.tickets.thread import MessageKind
from app.tickets.unseen import newest_message

Value = Mapping[str, Any]
"""What a deed needs besides the ticket: plain values, as they are kept until a worker comes to it."""


class Asked(NamedTuple):
    """A value that was chosen, and what people call it."""

    value: dict[str, Any]
    words: str = ""


Reader = Callable[[Mapping[str, str], str, Viewer], Asked]
"""From the form and the value beside the button; Invalid with a sentence where that is no choice."""


class Deed(NamedTuple):
    right: str
    """`can_<right> on Ticket`."""
    label: Any
    read: Reader
    do: Callable[[Ticket, Value, Viewer], object]
    kept: Callable[[Ticket, Value], Any] | None = None
    """What the deed changes, before and after; without it there is no way back."""
    give_back: Callable[[Ticket, Any, Value, Viewer], object] | None = None


def _nothing(form: Mapping[str, str], value: str, viewer: Viewer) -> Asked:
    return Asked({})


def _row(kind: Any, field: str) -> Callable[[Mapping[str, str], str, Viewer], Asked]:
    def read(form: Mapping[str, str], value: str, viewer: Viewer) -> Asked:
        row = pickers.chosen(kind, value, field)
        return Asked({"id": row.id}, str(row))

    return read


def _ending(read: Reader, menu: str) -> Reader:
    """The tick in this menu of the form says what becomes of the open tasks of tickets that end."""

    def with_tasks(form: Mapping[str, str], value: str, viewer: Viewer) -> Asked:
        asked = read(form, value, viewer)
        return asked._replace(value=asked.value | {"rest": Rest.FINISH if form.get(f"tasks_too_{menu}") else Rest.ASK})

    return with_tasks


def _category(form: Mapping[str, str], value: str, viewer: Viewer) -> Asked:
    return Asked({"id": None}, _("No category")) if value == "none" else _row(Category, "category")(form, value, viewer)


def _person(form: Mapping[str, str], value: str, viewer: Viewer) -> Asked:
    agent = pickers.person(value, viewer)
    return Asked({"id": agent.id if agent else None}, agent.get_full_name() if agent else _("Nobody"))


def _tag(form: Mapping[str, str], value: str, viewer: Viewer) -> Asked:
    """A name that is too long or empty is refused by the first ticket and so by all: better at once."""
    name = clean_line(form.get("tag", "") or value, LONGEST_TAG + 1).casefold()
    if not name or len(name) > LONGEST_TAG:
        sentence = _("A tag needs a name of at most %(most)s characters.", most=LONGEST_TAG)
        raise Invalid(sentence, {"tag": sentence})
    return Asked({"name": name}, name)


def _moment(field: str) -> Callable[[Mapping[str, str], str, Viewer], Asked]:
    """The same moment for all of them, kept as it was when the button was pressed."""

    def read(form: Mapping[str, str], value: str, viewer: Viewer) -> Asked:
        at = moments.read(value, form.get(f"{field}_on", ""), field)
        return Asked({"at": at.isoformat() if at else None}, web.absolute(at) if at else _("None"))

    return read


def _reply(form: Mapping[str, str], value: str, viewer: Viewer) -> Asked:
    body = form.get("body", "").strip()
    if not body:
        raise Invalid(_("The message is empty."), {"body": _("Please write something.")})
    then = form.get("then", Then.KEEP)
    if then != Then.KEEP and not viewer.can("status"):
        then = Then.KEEP
    at_once = not desk.current().undo_send_seconds
    return Asked({"body": body, "then": then if then in set(Then) else Then.KEEP, "at_once": at_once})


def _get(kind: Any, row_id: int | None) -> Any:
    return db.session.get(kind, row_id) if row_id is not None else None


def _write(ticket: Ticket, value: Value, by: Viewer) -> None:
    """Each in its own thread, with its own customer's name where the text asks for it, after the moment in which it can be taken back."""
    written, seconds = Written(filled(value["body"], ticket, by), then=value["then"]), desk.current().undo_send_seconds
    if ticket.live and value["then"] in (Then.RESOLVE, Then.CLOSE):
        endings.settle(endings.unfinished(ticket), Rest(value.get("rest", Rest.ASK)), by)
    if value.get("at_once") or not seconds:
        departures.send(ticket, by, written)
    else:
        leaves_at = clock.now() + dt.timedelta(seconds=seconds)
        departures.put_off(ticket, by, written, leaves_at, "", newest_message(ticket), scheduled=False)


def _leaving(ticket: Ticket, value: Value) -> int | None:
    """The newest reply that has not left yet."""
    waiting = (
        Draft.ticket_id == ticket.id,
        Draft.leaves_at.is_not(None),
        Draft.spent_at.is_(None),
        Draft.kind == MessageKind.REPLY,
    )
    return db.session.scalar(select(func.max(Draft.id)).where(*waiting))


def _unwrite(ticket: Ticket, was: int | None, value: Value, by: Viewer) -> None:
    draft_id = _leaving(ticket, value) or 0
    departures.take_back(ticket, by, draft_id)
    drafts.discard(ticket.id, by, draft_id)


def _macro(form: Mapping[str, str], value: str, viewer: Viewer) -> Asked:
    macro = macros.find(int(value), viewer) if is_id(value) else None
    if macro is None:
        raise Invalid(_("This choice does not exist (any more)."), {"macro": _("Please choose a macro.")})
    return Asked({"id": macro.id}, macro.name)


def _incident(form: Mapping[str, str], value: str, viewer: Viewer) -> Asked:
    found = next((one for one in incidents.running(viewer) if str(one.id) == value), None)
    if found is None:
        raise Invalid(_("This choice does not exist (any more)."), {"incident": _("Please choose an incident.")})
    return Asked({"id": found.id}, found.display)


def _join(ticket: Ticket, value: Value, by: Viewer) -> None:
    incident = _get(Ticket, value["id"])
    if incident is None:
        raise HelpdeskError(_("The incident is gone."))
    incidents.add(ticket, incident, by)


def _leave(ticket: Ticket, was: Any, value: Value, by: Viewer) -> None:
    """One that belonged to it before stays."""
    incident = _get(Ticket, value["id"])
    if incident is not None and was is None:
        incidents.take_out(ticket, incident, by)


def _run(ticket: Ticket, value: Value, by: Viewer) -> None:
    """All of it or nothing, on each."""
    macro = macros.find(value["id"], by)
    if macro is None:
        raise HelpdeskError(_("The macro is gone, or not yours to run any more."))
    if not macro.fits(ticket):
        raise HelpdeskError(_("The macro is not offered for this ticket."))
    macroruns.run(macro, ticket, by, rest=Rest(value.get("rest", Rest.ASK)))


def _unrun(ticket: Ticket, was: Any, value: Value, by: Viewer) -> None:
    done = macroruns.latest(ticket, value["id"])
    if done is not None:
        macroruns.give_back(done, ticket, by)


def _set_category(ticket: Ticket, wanted: int | None, by: Viewer) -> None:
    ticket.set_category(_get(Category, wanted), by)


def _retag(ticket: Ticket, had: bool, value: Value, by: Viewer) -> None:
    (ticket.tag if had else ticket.untag)(value["name"], by)


def _instant(written: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(written) if written else None


def _snooze(ticket: Ticket, until: str | None, by: Viewer) -> None:
    """One that was asleep before and is to be so again may have had its time meanwhile."""
    at = _instant(until)
    if at is None or at <= clock.now():
        ticket.wake(by)
    else:
        ticket.snooze(at, by)


def _sleeps_until(ticket: Ticket, value: Value) -> str | None:
    return ticket.snoozed_until.isoformat() if ticket.snoozed_until else None


def _follow_up_of(ticket: Ticket, value: Value) -> str | None:
    return ticket.follow_up_at.isoformat() if ticket.follow_up_at else None


def _minding(verb: Callable[[Ticket, Value, Viewer], object]) -> Callable[[Ticket, Value, Viewer], object]:
    """A ticket that this would end before its tasks is left out, by name, unless they are to be finished too."""

    def minded(ticket: Ticket, value: Value, by: Viewer) -> None:
        with endings.minding_tasks(ticket, Rest(value.get("rest", Rest.ASK)), by):
            verb(ticket, value, by)

    return minded


def _status_of(ticket: Ticket, value: Value) -> Any:
    """With the tasks that go along."""
    if value.get("rest") != Rest.FINISH:
        return ticket.status_id
    return [ticket.status_id, [[task.id, task.state] for task in endings.unfinished(ticket)]]


def _back_to_status(ticket: Ticket, was: Any, value: Value, by: Viewer) -> None:
    status, tasks = was if isinstance(was, list) else (was, [])
    ticket.set_status(_get(Status, status), by)
    for task_id, state in tasks:
        task = _get(Task, task_id)
        if task is not None:
            task.move_to(TaskState(state), by)


def _has_tag(ticket: Ticket, value: Value) -> bool:
    return value["name"] in {tag.name for tag in ticket.tags}


def _assignee_of(ticket: Ticket, value: Value) -> int | None:
    return ticket.assignee_id


def _back_to_person(ticket: Ticket, was: int | None, value: Value, by: Viewer) -> None:
    ticket.assign_to(_get(User, was), by=by)


DEEDS: dict[str, Deed] = {
    "set_status": Deed("status", _l("Status"), _ending(_row(Status, "status"), "status"), _minding(lambda ticket, value, by: ticket.set_status(_get(Status, value["id"]), by)), _status_of, _back_to_status),
    "set_priority": Deed(
        "priority", _l("Priority"), _row(Priority, "priority"), lambda ticket, value, by: ticket.set_priority(_get(Priority, value["id"]), by),
        lambda ticket, value: ticket.priority_id, lambda ticket, was, value, by: ticket.set_priority(_get(Priority, was), by),
    ),
    "assign": Deed("assign", _l("Assign"), _person, lambda ticket, value, by: ticket.assign_to(_get(User, value["id"]), by=by), _assignee_of, _back_to_person),
    "take": Deed("assign", _l("Take"), _nothing, lambda ticket, value, by: pickers.claim(ticket, by), _assignee_of, _back_to_person),
    "set_department": Deed(
        "department", _l("Department"), _row(Department, "department"), lambda ticket, value, by: ticket.move_to(_get(Department, value["id"]), by=by),
        lambda ticket, value: ticket.department_id, lambda ticket, was, value, by: ticket.move_to(_get(Department, was), by=by),
    ),
    "set_category": Deed(
        "category", _l("Category"), _category, lambda ticket, value, by: _set_category(ticket, value["id"], by), lambda ticket, value: ticket.category_id,
        lambda ticket, was, value, by: _set_category(ticket, was, by),
    ),
    "add_tag": Deed("tag", _l("Add tag"), _tag, lambda ticket, value, by: ticket.tag(value["name"], by=by), _has_tag, _retag),
    "remove_tag": Deed("tag", _l("Remove tag"), _tag, lambda ticket, value, by: ticket.untag(value["name"], by=by), _has_tag, _retag),
    "resolve": Deed("status", _l("Resolve"), _ending(_nothing, "end"), _minding(lambda ticket, value, by: ticket.resolve(by=by)), _status_of, _back_to_status),
    "close": Deed("status", _l("Close"), _ending(_nothing, "end"), _minding(lambda ticket, value, by: ticket.close(by=by)), _status_of, _back_to_status),
    "reopen": Deed("status", _l("Reopen"), _nothing, lambda ticket, value, by: ticket.reopen(by=by), _status_of, _back_to_status),
    "snooze": Deed("status", _l("Snooze"), _moment("snooze"), lambda ticket, value, by: _snooze(ticket, value["at"], by), _sleeps_until, lambda ticket, was, value, by: _snooze(ticket, was, by)),
    "follow_up": Deed(
        "status", _l("Follow-up"), _moment("follow_up"), lambda ticket, value, by: ticket.follow_up(_instant(value["at"]), by), _follow_up_of,
        lambda ticket, was, value, by: ticket.follow_up(_instant(was), by),
    ),
    "reply_all": Deed("reply", _l("Reply to all"), _ending(_reply, "reply"), _write, _leaving, _unwrite),
    "macro": Deed("show", _l("Macro"), _ending(_macro, "macro"), _run, lambda ticket, value: macroruns.standing(ticket, value["id"]), _unrun),
    "join_incident": Deed("link", _l("Add to incident"), _incident, _join, lambda ticket, value: incidents.part_of(ticket), _leave),
    "delete": Deed("delete", _l("Delete"), _nothing, lambda ticket, value, by: erasing.delete_ticket(ticket, by=by)),
}  # fmt: skip
