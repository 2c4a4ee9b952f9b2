"""Rules as text that another desk can read: what they name is written by its name, as ids differ from desk to desk."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from sqlalchemy import select

from app.automation import rules
from app.automation.models import Rule
from app.automation.saying import ROWS
from app.core.errors import Invalid
from app.core.extensions import db
from app.tickets.choices import CannedResponse

FORMAT = "deskhand rules 1"
LONGEST = 500_000
MARK = "="
"""Before a name that stands for an id."""


def export(found: Iterable[Rule]) -> str:
    return json.dumps({"format": FORMAT, "rules": [_named(rules.written(rule)) for rule in found]}, indent=2, ensure_ascii=False)  # fmt: skip


def read(text: str) -> list[Rule]:
    """New rules, switched off and unknown to the session; what they name must be here. Raises Invalid."""
    try:
        given = json.loads(text[:LONGEST])
    except (ValueError, RecursionError) as problem:
        raise Invalid(_("This is no text in which a desk writes its rules: %(reason)s", reason=str(problem)[:200])) from problem  # fmt: skip
    if not isinstance(given, dict) or given.get("format") != FORMAT or not isinstance(given.get("rules"), list):
        raise Invalid(_("This is no text in which a desk writes its rules."))
    return [_read(one) for one in given["rules"][: rules.MOST]]


def _read(given: Any) -> Rule:
    if not isinstance(given, dict):
        raise Invalid(_("This is no text in which a desk writes its rules."))
    rule = Rule(name="", active=False)
    rules.take_over(rule, _walked(given, _id_of))
    wrong = rules.check(rule)
    if wrong:
        raise Invalid(_("The rule “%(name)s”: %(reason)s", name=rule.name[:80], reason=next(iter(wrong.values()))))
    return rule


def _named(written: Mapping[str, Any]) -> dict[str, Any]:
    return _walked(written, _name_of)


def _walked(written: Mapping[str, Any], change: Callable[[str, str], str]) -> dict[str, Any]:
    """With every name or id of a row changed into the other."""
    actions = written.get("actions")
    if not isinstance(actions, list) or not all(isinstance(one, dict) for one in actions):
        raise Invalid(_("A rule needs between 1 and %(most)s actions.", most=rules.MOST_ACTIONS))
    changed = [{**one, "choice": change(str(one.get("do", "")), str(one.get("choice", "")))} for one in actions]
    return {**written, "condition": _node(written.get("condition") or {}, change), "actions": changed}


def _node(node: Any, change: Callable[[str, str], str], depth: int = 0) -> Any:
    if not isinstance(node, dict) or depth > 8:
        raise Invalid(_("The conditions are nested too deeply or written wrongly."))
    if "not" in node:
        return {"not": _node(node["not"], change, depth + 1)}
    for group in ("all", "any"):
        if group in node:
            inside = node[group] if isinstance(node[group], list) else []
            return {group: [_node(one, change, depth + 1) for one in inside]}
    value = node.get("value", [])
    values = value if isinstance(value, list) else [value]
    return {**node, "value": [change(str(node.get("field", "")), str(one)) for one in values]} if node else {}


def _name_of(what: str, choice: str) -> str:
    kind = ROWS.get("assignee" if what == "tell" else what)
    row = db.session.get(kind, int(choice)) if kind is not None and choice.isdigit() and len(choice) < 18 else None
    return f"{MARK}{getattr(row, _column(kind))}" if row is not None else choice


def _id_of(what: str, choice: str) -> str:
    kind = ROWS.get("assignee" if what == "tell" else what)
    if kind is None or not choice.startswith(MARK):
        return choice
    name = choice.removeprefix(MARK)
    found = db.session.scalar(select(kind.id).where(getattr(kind, _column(kind)) == name).order_by(kind.id).limit(1))
    if found is None:
        raise Invalid(_("“%(name)s” does not exist on this desk. Make it first, or change the text.", name=name[:200]))
    return str(found)


def _column(kind: Any) -> str:
    return "username" if kind is User else "title" if kind is CannedResponse else "name"
