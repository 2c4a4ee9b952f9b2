"""A rule in words, for people who did not make it: when, if, then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from app.accounts.models import Department
from app.automation import conditions, deeds
from app.automation.conditions import NONE, Leaf
from app.automation.models import BASIS_LABELS, ON_LABELS, Hours, Kind, On, Rule
from app.core.extensions import db
from app.tickets import actions
from app.tickets.actions import Action
from app.tickets.choices import CannedResponse, Category, Priority, State, Status
from app.tickets.durations import said as duration
from app.tickets.models import TICKET_KIND_LABELS
from app.tickets.thread import CHANNEL_LABELS

STATES = {
    State.NEW: _l("New"), State.OPEN: _l("Open"), State.WAITING: _l("Waiting"), State.HOLD: _l("On hold"), State.RESOLVED: _l("Resolved"), State.CLOSED: _l("Closed"),
}  # fmt: skip
ROWS: dict[str, Any] = {
    "status": Status, "priority": Priority, "category": Category, "department": Department, "assignee": User, "assign": User, "reply": CannedResponse,
}  # fmt: skip
FIXED: dict[str, Mapping[Any, Any]] = {"state": STATES, "kind": TICKET_KIND_LABELS, "channel": CHANNEL_LABELS}
TOLD = {
    deeds.ASSIGNEE: _l("the assignee"),
    deeds.LEAD: _l("the department's lead"),
    deeds.SUPERVISORS: _l("the supervisors"),
}
WORDS = {NONE: _l("none"), actions.NOBODY: _l("nobody"), actions.AUTO: _l("by the assignment rules")}


def when(rule: Rule) -> str:
    """What starts it."""
    if rule.kind is Kind.TRIGGER:
        return _("When %(this)s", this=_or([str(ON_LABELS[On(one)]) for one in rule.listens if one in set(On)]))
    assert rule.basis is not None
    counted = BASIS_LABELS[rule.basis]
    if rule.hours is Hours.BUSINESS:
        return _("%(time)s of business hours %(since)s", time=duration(rule.minutes), since=counted)
    return _("%(time)s %(since)s", time=duration(rule.minutes), since=counted)


def condition(node: Mapping[str, Any]) -> str:
    """Empty where there is none."""
    if "all" in node:
        return _and([_inside(one) for one in node["all"] if one])
    if "any" in node:
        return _or([_inside(one) for one in node["any"] if one])
    if "not" in node:
        return _("not (%(this)s)", this=condition(node["not"]))
    return leaf(Leaf.of(node)) if "field" in node else ""


def leaf(one: Leaf) -> str:
    field = conditions.field_of(one.field)
    if field is None:
        return _("(a field that is gone)")
    if field.kind == "flag":
        return _("%(field)s: %(value)s", field=field.label, value=field.ops[one.op])
    values = [value_of(one.field, value) for value in one.value] if one.op != "empty" else []
    said = f"{field.label} {field.ops.get(one.op, one.op)} {_or(values)}".strip()
    return said


def value_of(field: str, value: str) -> str:
    if value in WORDS:
        return str(WORDS[value])
    if field in FIXED:
        return str(next((words for key, words in FIXED[field].items() if key == value), value))
    if field in ROWS:
        row = db.session.get(ROWS[field], int(value)) if value.isdigit() and len(value) < 18 else None
        return _named(row) if row is not None else _("(no longer there)")
    return value if value.isdigit() else _("“%(text)s”", text=value)


def deed(action: Action) -> str:
    """What one action does."""
    kind = deeds.ALL.get(action.do)
    if kind is None:
        return action.do
    parts = []
    if action.do == "tell":
        parts.append(str(TOLD.get(action.choice) or value_of("assignee", action.choice)))
    elif action.choice and action.do != "field":
        parts.append(value_of(action.do, action.choice))
    elif action.choice:
        field = conditions.field_of(f"field:{action.choice}")
        parts.append(str(field.label) if field else _("(a field that is gone)"))
    if action.text:
        short = " ".join(action.text.split())
        parts.append(_("“%(text)s”", text=f"{short[:60]}{'…' if len(short) > 60 else ''}"))
    if action.days:
        parts.append(ngettext("in %(num)d day", "in %(num)d days", int(action.days) if action.days.isdigit() else 0))
    return _("%(field)s: %(value)s", field=kind.label, value=", ".join(parts)) if parts else str(kind.label)


def _named(row: Any) -> str:
    if isinstance(row, User):
        return str(row.get_full_name())
    return str(row.title) if isinstance(row, CannedResponse) else str(row)


def _inside(node: Mapping[str, Any]) -> str:
    said = condition(node)
    return f"({said})" if len(node.get("any", ())) > 1 or len(node.get("all", ())) > 1 else said


def _and(parts: list[str]) -> str:
    return _(" and ").join(part for part in parts if part)


def _or(parts: list[str]) -> str:
    return _(" or ").join(part for part in parts if part)
