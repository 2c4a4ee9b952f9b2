"""The form in which a macro is made: what was typed, what is wrong with it, and what may be chosen."""

from __future__ import annotations

import dataclasses as dc
from collections.abc import Mapping
from typing import Any

from flask_appbuilder.security.sqla.models import Role
from flask_babel import gettext as _
from sqlalchemy import select

from app.accounts.models import Department
from app.accounts.viewer import Viewer
from app.core.extensions import db
from app.desk import lookups
from app.desk.listing import is_id
from app.tickets import canned, fields
from app.tickets.actions import AUTO, DRAFT, KINDS, ME, NOBODY, NONE, Action, Kind
from app.tickets.choices import State
from app.tickets.lists import Audience
from app.tickets.macros import CONDITIONS, LONGEST_NAME, Macro
from app.tickets.models import TicketKind
from app.tickets.sorting import LONGEST_TAG, clean_line
from app.tickets.tasks import LONGEST_TITLE

MOST_ACTIONS = 20
LONGEST_TEXT = 50_000
LONGEST_LINE = 1_000
MOST_DAYS = 5 * 365
Options = list[tuple[str, str]]


@dc.dataclass(frozen=True)
class Typed:
    """As the form has it, right or wrong."""

    name: str = ""
    audience: str = Audience.OWNER.value
    """`role:` and `department:` are followed by an id."""
    active: bool = True
    conditions: Mapping[str, str] = dc.field(default_factory=dict)
    actions: tuple[Action, ...] = ()

    @classmethod
    def of(cls, macro: Macro) -> Typed:
        place = macro.role_id or macro.department_id
        audience = f"{macro.audience.value}:{place}" if place else macro.audience.value
        return cls(macro.name, audience, macro.active, macro.conditions, tuple(macro.steps))

    @classmethod
    def read(cls, form: Mapping[str, str]) -> Typed:
        conditions = {name: form[f"if-{name}"][:40] for name in CONDITIONS if form.get(f"if-{name}")}
        return cls(
            form.get("name", "")[:LONGEST_TEXT],
            form.get("audience", Audience.OWNER.value),
            "active" in form,
            conditions,
            steps_of(form),
        )

    def changed(self, deed: str) -> tuple[Typed, int]:
        """With an action added, moved or taken away, and the number of that which the focus goes to."""
        steps, at = changed_steps(self.actions, deed)
        return dc.replace(self, actions=steps), at


def steps_of(form: Mapping[str, str]) -> tuple[Action, ...]:
    steps = []
    for number in range(MOST_ACTIONS + 1):
        if f"do-{number}" not in form:
            break
        parts = {name: form.get(f"{name}-{number}", "").replace("\r\n", "\n") for name in Action._fields}
        if form.get(f"was-{number}", parts["do"]) != parts["do"]:  # one's id is another's by chance
            parts["choice"] = ""
        steps.append(Action(**{name: part[:LONGEST_TEXT] for name, part in parts.items()}))
    return tuple(steps)


def changed_steps(actions: tuple[Action, ...], deed: str) -> tuple[tuple[Action, ...], int]:
    verb, _colon, place = deed.partition(":")
    steps, at = list(actions), int(place) if is_id(place) and int(place) < len(actions) else 0
    if verb == "add":
        steps, at = [*steps, Action("")][:MOST_ACTIONS], min(len(steps), MOST_ACTIONS - 1)
    elif verb in ("up", "down") and steps:
        to = max(0, min(len(steps) - 1, at + (1 if verb == "down" else -1)))
        steps.insert(to, steps.pop(at))
        at = to
    elif verb == "remove" and steps:
        steps.pop(at)
        at = min(at, len(steps) - 1)
    return tuple(steps), at


@dc.dataclass(frozen=True)
class Offers:
    """What may be chosen, by kind of action and by condition."""

    kinds: Options
    choices: Mapping[str, Options]
    conditions: Mapping[str, Options]
    audiences: Mapping[str, Options]


def offers(viewer: Viewer) -> Offers:
    names = lookups.of_list()
    rows = {
        kind: [(str(row.id), row.name) for row in names.active(kind)]
        for kind in ("priority", "person", "department", "category")
    }
    people: Options = [
        (ME, _("Me (whoever runs it)")),
        (NOBODY, _("Nobody")),
        (AUTO, _("By the assignment rules")),
        *rows["person"],
    ]
    responses: Options = [("", _("A text of its own")), *((str(one.id), one.title) for one in canned.usable(viewer))]
    choices = {
        "status": [(str(row.id), row.name) for row in names.choosable_statuses()], "priority": rows["priority"], "assign": people, "department": rows["department"],
        "category": [(NONE, _("No category")), *rows["category"]], "reply": responses, "field": [(one.key, one.name) for one in fields.active()],
    }  # fmt: skip
    conditions = {
        "department": rows["department"], "category": rows["category"],
        "kind": [(TicketKind.TICKET.value, _("Ticket")), (TicketKind.CONVERSATION.value, _("Conversation")), (TicketKind.DOCUMENT_REQUEST.value, _("Document request"))],
        "state": [(state.value, words) for state, words in _states().items()],
    }  # fmt: skip
    kinds = [(name, str(kind.label)) for name, kind in KINDS.items() if name != "field" or choices["field"]]
    return Offers(kinds, choices, conditions, _audiences() if viewer.can("share", "Macro") else {})


def _states() -> dict[State, str]:
    return {
        State.NEW: _("New"), State.OPEN: _("Open"), State.WAITING: _("Waiting"), State.HOLD: _("On hold"), State.RESOLVED: _("Resolved"), State.CLOSED: _("Closed"),
    }  # fmt: skip


def _audiences() -> dict[str, Options]:
    roles, departments = (
        select(Role).order_by(Role.name),
        select(Department).order_by(Department.position, Department.id),
    )
    return {
        "role": [(f"role:{role.id}", role.name) for role in db.session.scalars(roles)],
        "department": [(f"department:{one.id}", str(one)) for one in db.session.scalars(departments)],
    }


def errors(typed: Typed, offered: Offers) -> dict[str, str]:
    """A sentence for each field that is wrong, by its name in the form."""
    wrong: dict[str, str] = {}
    name = clean_line(typed.name, LONGEST_NAME + 1)
    if not name or len(name) > LONGEST_NAME:
        wrong["name"] = _("Please write a name of at most %(most)s characters.", most=LONGEST_NAME)
    if not typed.actions:
        wrong["actions"] = _("A macro needs at least one action.")
    if offered.audiences and typed.audience not in _words_of_audience(offered):
        wrong["audience"] = _("This choice does not exist (any more).")
    for condition, value in typed.conditions.items():
        if value not in dict(offered.conditions[condition]):
            wrong[f"if-{condition}"] = _("This choice does not exist (any more).")
    for number, action in enumerate(typed.actions):
        wrong |= {f"{part}-{number}": sentence for part, sentence in wrong_action(action, offered, KINDS).items()}
    return wrong


def _words_of_audience(offered: Offers) -> set[str]:
    shared = {key for options in offered.audiences.values() for key, _name in options}
    return {Audience.OWNER.value, Audience.EVERYONE.value, *shared}


def wrong_action(action: Action, offered: Offers, known: Mapping[str, Kind]) -> dict[str, str]:
    """`known`: the kinds of action there are here."""
    if action.do not in dict(offered.kinds):
        return {"do": _("Please choose what it does.")}
    wrong: dict[str, str] = {}
    options = offered.choices.get(action.do)
    if options is not None and action.choice not in dict(options):
        gone = _("Please choose again: this does not exist (any more).")
        wrong["choice"] = gone if action.choice else _("Please choose.")
    if "text" in known[action.do].asks and (sentence := _wrong_text(action)):
        wrong["text"] = sentence
    if "days" in known[action.do].asks and not (action.do == "task" and not action.days):
        if not is_id(action.days) or not 1 <= int(action.days) <= MOST_DAYS:
            wrong["days"] = _("Please write a number of days between 1 and %(most)s.", most=MOST_DAYS)
    return wrong


def _wrong_text(action: Action) -> str:
    if action.do == "field" or (action.do == "reply" and action.choice):
        return ""
    text = action.text.strip()
    if not text:
        return _("Please write what it says.")
    most = LONGEST_TITLE if action.do == "task" else LONGEST_LINE if action.do in ("tag", "untag") else LONGEST_TEXT
    if len(text) > most:
        return _("At most %(most)s characters.", most=most)
    if action.do in ("tag", "untag") and any(len(name.strip()) > LONGEST_TAG for name in text.split(",")):
        return _("A tag needs a name of at most %(most)s characters.", most=LONGEST_TAG)
    return ""


def write(typed: Typed, macro: Macro, viewer: Viewer) -> None:
    """What was found right, into its row."""
    macro.name, macro.active, macro.conditions = (
        clean_line(typed.name, LONGEST_NAME),
        typed.active,
        dict(typed.conditions),
    )
    macro.actions = [needed(action, KINDS).written for action in typed.actions]
    if viewer.can("share", "Macro"):
        kind, _colon, place = typed.audience.partition(":")
        macro.audience = Audience(kind)
        macro.role_id = int(place) if macro.audience is Audience.ROLE else None
        macro.department_id = int(place) if macro.audience is Audience.DEPARTMENT else None


def needed(action: Action, known: Mapping[str, Kind]) -> Action:
    """Without what another kind of action left in the form."""
    asks: tuple[Any, ...] = known[action.do].asks
    kept = Action(action.do, **{name: getattr(action, name) for name in asks})
    if action.do == "reply":
        return kept._replace(text="" if kept.choice else kept.text, how=DRAFT if kept.how == DRAFT else "")
    return kept
