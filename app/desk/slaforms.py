"""The form of an SLA policy: what was typed, and the policy it says."""

from __future__ import annotations

import dataclasses as dc
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select
from werkzeug.datastructures import MultiDict

from app.accounts.models import Department
from app.core.errors import Invalid
from app.core.extensions import db
from app.desk.listing import is_id
from app.hours.models import Calendar
from app.hours.stretch import Allowance
from app.sla import amounts, matching, policies, saying
from app.sla.keeping import LONGEST_NAME, MOST_LEVELS, Wanted
from app.sla.models import Hours, SlaPolicy
from app.sla.promises import SHIPPED, WHOLE, Level, Metric
from app.tickets.choices import Category
from app.tickets.sorting import clean_line

TICKED = ("department", "category", "kind", "channel")
NAMED = ("organization", "tag")
"""Too many to be ticked: written with commas."""
LONGEST = 2_000
RANKS = (4, 3, 2, 1)


@dc.dataclass(frozen=True)
class Step:
    """One level as it is typed."""

    at: str = ""
    unit: str = "percent"
    tell: tuple[str, ...] = ()
    department: str = ""
    act: str = ""

    @classmethod
    def of(cls, level: Level) -> Step:
        groups = [each.partition(":")[2] for each in level.tell if each.startswith("department:")]
        people = tuple(each for each in level.tell if each in saying.TELL)
        unit, at = ("percent", level.code) if level.minutes is None else ("minutes", level.minutes)
        return cls(str(at), unit, people, groups[0] if groups else "", level.act)

    def level(self) -> Level:
        """Code 0, which no policy takes, for what is no number."""
        number = int(self.at) if self.at.isascii() and self.at.isdigit() and len(self.at) < 8 else 0
        late = self.unit == "minutes" and number > 0
        tell = [each for each in saying.TELL if each in self.tell]
        if is_id(self.department):
            tell.append(f"department:{self.department}")
        code = WHOLE + number if late else number if number <= WHOLE else 0
        return Level(code, tuple(tell), self.act if self.act in saying.ACTS else "")


@dc.dataclass(frozen=True)
class Typed:
    name: str = ""
    active: bool = True
    hours: str = Hours.ALWAYS.value
    anew: bool = False
    ticked: Mapping[str, tuple[str, ...]] = dc.field(default_factory=dict)
    named: Mapping[str, str] = dc.field(default_factory=dict)
    targets: Mapping[str, str] = dc.field(default_factory=dict)
    """By field: t-4-first_response."""
    steps: tuple[Step, ...] = tuple(Step.of(level) for level in SHIPPED)

    @classmethod
    def of(cls, policy: SlaPolicy) -> Typed:
        asked = matching.asked_of(policy.conditions or {})
        named = {name: _names(name, asked[name]) if name in asked else "" for name in NAMED}
        targets = {
            f"t-{row.priority_rank}-{metric.value}": amounts.said(allowance)
            for row in policy.targets
            for metric in Metric
            if (allowance := policies.allowance_of(row, metric)) is not None
        }
        ticked = {name: tuple(str(value) for value in asked.get(name, ())) for name in TICKED}
        steps = tuple(Step.of(level) for level in policy.told)
        hours = f"calendar:{policy.calendar_id}" if policy.calendar_id is not None else policy.hours.value
        return cls(policy.name, policy.active, hours, policy.new_cycle_on_reopen, ticked, named, targets, steps)  # fmt: skip

    @classmethod
    def read(cls, form: MultiDict[str, str]) -> Typed:
        steps = tuple(_step(form, at) for at in range(MOST_LEVELS + 1) if f"level-at-{at}" in form)
        return cls(
            clean_line(form.get("name", "")[:LONGEST], LONGEST_NAME), "active" in form, form.get("hours", "")[:20], "anew" in form,
            {name: tuple(form.getlist(name)[:500]) for name in TICKED}, {name: clean_line(form.get(name, ""), LONGEST) for name in NAMED},
            {name: value[:60].strip() for name, value in form.items() if name.startswith("t-")}, tuple(step for step in steps if step.at),
        )  # fmt: skip

    @property
    def values(self) -> dict[str, str]:
        return {"name": self.name, "hours": self.hours, **self.named}


def _step(form: MultiDict[str, str], at: int) -> Step:
    return Step(
        form.get(f"level-at-{at}", "").strip()[:10], form.get(f"level-unit-{at}", "percent")[:10], tuple(form.getlist(f"level-tell-{at}")[:10]),
        form.get(f"level-department-{at}", "")[:20], form.get(f"level-act-{at}", "")[:10],
    )  # fmt: skip


def _names(field: str, ids: frozenset[Any]) -> str:
    """An id whose row is gone stays, as #7, so that saving anew does not widen the policy unseen."""
    known = saying.names(field, list(ids))
    return ", ".join(sorted(known.get(each, f"#{each}") for each in ids))


def ranks() -> dict[int, str]:
    """Those that priorities have."""
    return saying.ranks()


def offers() -> dict[str, Any]:
    """What stands in the form's lists."""
    rows = {
        name: [(str(row.id), str(row)) for row in db.session.scalars(select(kind).order_by(kind.name))]
        for name, kind in (("department", Department), ("category", Category))
    }
    calendars = db.session.scalars(select(Calendar).order_by(Calendar.id))
    hours = [(f"calendar:{row.id}", _("Hours of the calendar “%(name)s”", name=row)) for row in calendars]
    return {
        **rows, "hours": [*((key.value, str(words)) for key, words in saying.COUNTED.items()), *hours], "tell": [(key, str(words)) for key, words in saying.TELL.items()],
        **{name: [(key.value, str(words)) for key, words in saying.FIXED[name].items()] for name in saying.FIXED}, "act": [(key, str(words)) for key, words in saying.ACTS.items()],
        "metrics": [(metric.value, str(words)) for metric, words in saying.METRICS.items()], "fields": saying.FIELDS,
    }  # fmt: skip


def wanted(typed: Typed) -> Wanted:
    """What it says; Invalid with a sentence beside each field that says nothing."""
    wrong: dict[str, str] = {}
    targets: dict[tuple[int, Metric], Allowance] = {}
    for name, text in typed.targets.items():
        _t, rank, metric, *_more = *name.split("-", 2), "", ""
        if rank not in "1234" or metric not in set(Metric):
            continue
        try:
            allowance = amounts.read(text)
        except Invalid as refusal:
            wrong[name] = str(refusal)
            continue
        if allowance is not None:
            targets[int(rank), Metric(metric)] = allowance
    conditions = {**_ticked(typed, wrong), **_named(typed, wrong)}
    hours, calendar_id = _hours(typed, wrong)
    if wrong:
        raise Invalid(_("This policy is not right yet."), wrong)
    levels = tuple(step.level() for step in typed.steps)
    return Wanted(typed.name, typed.active, hours, calendar_id, typed.anew, conditions, targets, levels)


def _hours(typed: Typed, wrong: dict[str, str]) -> tuple[Hours, int | None]:
    kind, _colon, number = typed.hours.partition(":")
    if kind == "calendar" and is_id(number) and db.session.get(Calendar, int(number)) is not None:
        return Hours.BUSINESS, int(number)
    if typed.hours in set(Hours):
        return Hours(typed.hours), None
    wrong["hours"] = _("Please choose again.")
    return Hours.ALWAYS, None


def _ticked(typed: Typed, wrong: dict[str, str]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for name, values in typed.ticked.items():
        if name in saying.FIXED:
            found[name] = [value for value in values if value in saying.names(name)]
        else:
            found[name] = [int(value) for value in values if is_id(value)]
        if len(found[name]) < len(values):
            wrong[name] = _("This choice does not exist (any more).")
    return found


def _named(typed: Typed, wrong: dict[str, str]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for name, text in typed.named.items():
        ids, missing = [], []
        for word in filter(None, (part.strip() for part in text.split(","))):
            row_id = _id_of(name, word)
            if row_id is None:
                missing.append(word)
            else:
                ids.append(row_id)
        found[name] = sorted(set(ids))
        if missing:
            wrong[name] = _("There is no such name: %(names)s.", names=", ".join(missing)) + _near(name, missing[0])
    return found


def _near(field: str, word: str) -> str:
    """Whoever wrote only the beginning of a name is told the whole."""
    name = saying.ROWS[field].name
    begins = func.lower(name).startswith(word.casefold(), autoescape=True)
    near = db.session.scalar(select(name).where(begins).order_by(name).limit(1))
    return " " + _("Did you mean “%(name)s”?", name=near) if near else ""


def _id_of(field: str, word: str) -> int | None:
    if word.startswith("#") and is_id(word[1:]):
        return int(word[1:])
    kind = saying.ROWS[field]
    return db.session.scalar(select(kind.id).where(func.lower(kind.name) == word.casefold()))
