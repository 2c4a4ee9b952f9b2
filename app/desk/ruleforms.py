"""The form in which a rule is made: what was typed, what is wrong with it, and what may be chosen."""

from __future__ import annotations

import dataclasses as dc
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from app.accounts.viewer import Viewer
from app.automation import conditions, deeds, rules, saying
from app.automation.conditions import NONE, Leaf
from app.automation.models import BASIS_LABELS, LONGEST_NAME, ON_LABELS, Basis, Hours, Kind, On, Rule
from app.core.errors import Invalid
from app.desk import lookups, macroforms
from app.desk.listing import is_id
from app.desk.macroforms import LONGEST_TEXT, Offers, Options
from app.tickets.actions import ME, Action
from app.tickets.sorting import clean_line

UNITS = {"1": 1, "60": 60, "1440": 1440}
"""Minutes in what a time is written in."""


@dc.dataclass(frozen=True)
class Typed:
    """As the form has it, right or wrong."""

    name: str = ""
    active: bool = True
    kind: str = Kind.TRIGGER.value
    listens: tuple[str, ...] = ()
    basis: str = Basis.STATUS.value
    many: str = "24"
    unit: str = "60"
    hours: str = Hours.CALENDAR.value
    every: tuple[Leaf, ...] = ()
    """All of these must hold,"""
    some: tuple[Leaf, ...] = ()
    """and one of these."""
    kept: Mapping[str, Any] | None = None
    """A condition that two groups cannot show: it came by import and stays as it is."""
    actions: tuple[Action, ...] = ()
    stop: bool = False
    most_runs: str = "0"
    pause_minutes: str = "0"

    @classmethod
    def of(cls, rule: Rule) -> Typed:
        unit = next((key for key in reversed(UNITS) if rule.minutes % UNITS[key] == 0), "1")
        groups = _groups(rule.condition)
        return cls(
            rule.name, rule.active, rule.kind.value, tuple(rule.listens), (rule.basis or Basis.STATUS).value, str(rule.minutes // UNITS[unit] or 24), unit,
            rule.hours.value, *(groups or ((), ())), None if groups else rule.condition, tuple(rule.steps), rule.stop, str(rule.most_runs), str(rule.pause_minutes),
        )  # fmt: skip

    @classmethod
    def read(cls, form: MultiDict[str, str], kept: Mapping[str, Any] | None = None) -> Typed:
        return cls(
            form.get("name", "")[:LONGEST_TEXT], "active" in form, form.get("kind", "")[:20], tuple(form.getlist("listens")[: len(On)]),
            form.get("basis", "")[:20], form.get("many", "")[:10], form.get("unit", "")[:10], form.get("hours", "")[:20],
            _leaves(form, "every"), _leaves(form, "some"), kept, macroforms.steps_of(form), "stop" in form,
            form.get("most_runs", "0")[:10], form.get("pause_minutes", "0")[:10],
        )  # fmt: skip

    def changed(self, deed: str) -> tuple[Typed, str]:
        """With a condition or an action added, moved or taken away, and the id of the field which the focus goes to."""
        verb, _colon, place = deed.partition(":")
        if verb not in ("more", "less"):
            steps, at = macroforms.changed_steps(self.actions, deed)
            return dc.replace(self, actions=steps), f"do-{at}"
        group, _colon, number = place.partition(":")
        there = self.some if group == "some" else self.every
        at = int(number) if is_id(number) and int(number) < len(there) else len(there)
        changed = (*there, Leaf("status", "is"))[: conditions.MOST] if verb == "more" else there[:at] + there[at + 1 :]
        focus = f"{group}-field-{min(at, len(changed) - 1)}" if changed else f"more-{group}"
        if group == "some":
            return dc.replace(self, some=changed), focus
        return dc.replace(self, every=changed), focus

    @property
    def condition(self) -> dict[str, Any]:
        if self.kept is not None:
            return dict(self.kept)
        every: list[dict[str, Any]] = [one.written for one in self.every]
        some = [{"any": [one.written for one in self.some]}] if self.some else []
        return {"all": [*every, *some]} if every or some else {}

    def rule(self) -> Rule:
        """A row of it that no session knows. What is no number is -1, which every check refuses."""
        timer = self.kind == Kind.TIMER
        return Rule(
            name=clean_line(self.name, LONGEST_NAME + 1), active=self.active, kind=Kind(self.kind) if self.kind in set(Kind) else Kind.TRIGGER, listens=[] if timer else [one for one in self.listens if one in set(On)],
            basis=Basis(self.basis) if timer and self.basis in set(Basis) else None, minutes=_whole(self.many) * UNITS.get(self.unit, 1) if timer else 0,
            hours=Hours(self.hours) if timer and self.hours in set(Hours) else Hours.CALENDAR, condition=self.condition,
            actions=[macroforms.needed(action, deeds.ALL).written for action in self.actions if action.do in deeds.ALL], stop=self.stop,
            most_runs=_whole(self.most_runs), pause_minutes=_whole(self.pause_minutes), version=1,
        )  # fmt: skip


@dc.dataclass(frozen=True)
class Choices:
    """What may be chosen in the form."""

    actions: Offers
    fields: Mapping[str, conditions.Field]
    values: Mapping[str, Options]
    """By field, of those whose value is one of several."""
    listens: Options
    bases: Options


def choices(viewer: Viewer) -> Choices:
    names = lookups.of_list()
    offered = macroforms.offers(viewer)
    rows = {
        kind: [(str(row.id), row.name) for row in names.active(kind)]
        for kind in ("priority", "person", "department", "category")
    }
    told: Options = [*((key, str(words)) for key, words in saying.TOLD.items()), *rows["person"]]
    acts = {**offered.choices, "assign": [one for one in offered.choices["assign"] if one[0] != ME], "tell": told}
    kinds = [(name, str(kind.label)) for name, kind in deeds.ALL.items() if name != "field" or acts["field"]]
    none: Options = [(NONE, _("none"))]
    values = {
        "status": [(str(row.id), row.name) for row in names.choosable_statuses()], "priority": rows["priority"], "department": rows["department"],
        "category": none + rows["category"], "assignee": none + rows["person"],
        **{field: [(key.value, str(words)) for key, words in fixed.items()] for field, fixed in saying.FIXED.items()},
    }  # fmt: skip
    return Choices(
        Offers(kinds, acts, {}, {}), conditions.all_fields(), values,
        [(key.value, str(words)) for key, words in ON_LABELS.items()], [(key.value, str(words)) for key, words in BASIS_LABELS.items()],
    )  # fmt: skip


def errors(typed: Typed, offered: Choices) -> dict[str, str]:
    """A sentence for each field that is wrong, by its name in the form."""
    wrong = rules.check(typed.rule())
    wrong.pop("condition", None)
    if typed.kind not in set(Kind):
        wrong["kind"] = _("Please choose what starts the rule.")
    for group in ("every", "some"):
        for number, leaf in enumerate(getattr(typed, group)):
            if sentence := _wrong_leaf(leaf, offered):
                wrong[f"{group}-field-{number}"] = sentence
    if len(typed.every) + len(typed.some) > conditions.MOST:
        wrong["condition"] = _("A rule has at most %(most)s conditions.", most=conditions.MOST)
    for number, action in enumerate(typed.actions):
        found = macroforms.wrong_action(action, offered.actions, deeds.ALL)
        wrong |= {f"{part}-{number}": sentence for part, sentence in found.items()}
    return wrong


def _wrong_leaf(leaf: Leaf, offered: Choices) -> str:
    try:
        conditions.check_leaf(leaf)
    except Invalid as refusal:
        return str(refusal)
    options = offered.values.get(leaf.field)
    if options is not None and not {key for key, _words in options}.issuperset(leaf.value):
        return _("Please choose again: this does not exist (any more).")
    return ""


def _leaves(form: MultiDict[str, str], group: str) -> tuple[Leaf, ...]:
    """A field that was changed to one of another kind begins with that kind's first question."""
    found = []
    for number in range(conditions.MOST + 1):
        name = form.get(f"{group}-field-{number}")
        if name is None:
            break
        field = conditions.field_of(name[:60])
        op = form.get(f"{group}-op-{number}", "")[:20]
        given = form.getlist(f"{group}-value-{number}")[:200]
        values = tuple(one[: conditions.LONGEST_TEXT + 1] for one in given)
        if field is not None and op not in field.ops:
            op, values = next(iter(field.ops)), ()
        found.append(Leaf(name[:60], op, values))
    return tuple(found)


def _groups(condition: Mapping[str, Any]) -> tuple[tuple[Leaf, ...], tuple[Leaf, ...]] | None:
    """The two groups that the form shows; None for a condition of another shape."""
    if not condition:
        return (), ()
    nodes = condition["all"] if set(condition) == {"all"} else [condition]
    leaves = [Leaf.of(node) for node in nodes if _is_leaf(node)]
    others = [node for node in nodes if not _is_leaf(node)]
    if not others:
        return tuple(leaves), ()
    if len(others) == 1 and set(others[0]) == {"any"} and all(map(_is_leaf, others[0]["any"])):
        return tuple(leaves), tuple(Leaf.of(node) for node in others[0]["any"])
    return None


def _is_leaf(node: Any) -> bool:
    return "field" in node


def _whole(typed: str) -> int:
    return int(typed) if is_id(typed) else -1
