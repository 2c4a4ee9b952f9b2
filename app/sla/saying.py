"""A policy in words, for people who did not make it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from app.accounts.models import Department, Organization
from app.core.extensions import db
from app.sla import amounts, matching, policies
from app.sla.models import HOURS_LABELS, Hours, SlaPolicy
from app.sla.promises import WHOLE, Level, Metric
from app.tickets.choices import Category, Priority, Tag
from app.tickets.durations import said as duration
from app.tickets.models import TICKET_KIND_LABELS
from app.tickets.thread import CHANNEL_LABELS

FIXED: Mapping[str, Mapping[Any, Any]] = {"kind": TICKET_KIND_LABELS, "channel": CHANNEL_LABELS}
ROWS: Mapping[str, Any] = {"department": Department, "category": Category, "organization": Organization, "tag": Tag}
FIELDS = {
    "department": _l("Department"), "category": _l("Category"), "kind": _l("Kind"), "channel": _l("Channel"), "organization": _l("Organization"), "tag": _l("Tag"),
}  # fmt: skip
METRICS = {
    Metric.FIRST_RESPONSE: _l("First response"), Metric.NEXT_RESPONSE: _l("Every further response"), Metric.PERIODIC_UPDATE: _l("Update while it is our turn"), Metric.RESOLUTION: _l("Resolution"),
}  # fmt: skip
COUNTED = {Hours.ALWAYS: HOURS_LABELS[Hours.ALWAYS], Hours.BUSINESS: _l("Business hours of the ticket's department")}
TELL = {"assignee": _l("the assignee"), "supervisors": _l("the supervisors"), "lead": _l("the department's lead")}
ACTS = {"": _l("nothing besides"), "raise": _l("raise the priority"), "lead": _l("give it to the department's lead")}


Names = Mapping[str, Mapping[Any, str]]
"""What stands in policies is called, by what is asked and its value; what is gone has no name."""


def names(field: str, ids: Iterable[Any] = ()) -> dict[Any, str]:
    """What the values of a condition are called; of tables those asked for, in one statement."""
    if field in FIXED:
        return {key.value: str(words) for key, words in FIXED[field].items()}
    wanted = sorted(ids)
    rows = db.session.scalars(select(ROWS[field]).where(ROWS[field].id.in_(wanted))) if wanted else ()
    return {row.id: str(row) for row in rows}


def names_in(found: Iterable[SlaPolicy]) -> Names:
    """Of everything these policies ask and tell, in a statement a table."""
    ids: dict[str, set[Any]] = {field: set() for field in matching.FIELDS}
    for policy in found:
        for field, wanted in matching.asked_of(policy.conditions or {}).items():
            ids[field] |= wanted
        ids["department"] |= {department_told(who) for level in policy.told for who in level.tell} - {None}
    return {field: names(field, wanted) for field, wanted in ids.items()}


def department_told(who: str) -> int | None:
    """Of `department:7`, 7."""
    kind, _colon, number = who.partition(":")
    return int(number) if kind == "department" and number else None


def ranks() -> dict[int, str]:
    """How the priorities of each rank are called, the highest first."""
    called: dict[int, list[str]] = {}
    rows = select(Priority).where(Priority.active.is_(True)).order_by(Priority.rank.desc(), Priority.id)
    for row in db.session.scalars(rows):
        called.setdefault(row.rank, []).append(str(row))
    return {rank: ", ".join(each) for rank, each in called.items()}


def conditions(policy: SlaPolicy, known: Names) -> str:
    parts = []
    for field, wanted in matching.asked_of(policy.conditions or {}).items():
        values = [known[field].get(value) or _("(no longer there)") for value in sorted(wanted, key=str)]
        parts.append(_("%(field)s is %(values)s", field=FIELDS[field], values=_(" or ").join(values)))
    return _("If %(conditions)s", conditions=_(" and ").join(parts)) if parts else _("For every ticket")


def promises(policy: SlaPolicy, called: Mapping[int, str]) -> list[str]:
    """A line each metric; none for a policy that promises nothing."""
    lines = []
    for metric, label in METRICS.items():
        told = [
            f"{called.get(target.priority_rank, '–')} {amounts.said(allowance)}"
            for target in policy.targets
            if (allowance := policies.allowance_of(target, metric)) is not None
        ]
        if told:
            lines.append(_("%(metric)s: %(targets)s", metric=label, targets=", ".join(told)))
    return lines


def counting(policy: SlaPolicy) -> str:
    if policy.hours is Hours.BUSINESS and policy.calendar is not None:
        return _("Hours of the calendar “%(name)s”", name=policy.calendar)
    return str(COUNTED[policy.hours])


def level(one: Level, known: Names) -> str:
    """When, who is told, and what is done."""
    if one.code < WHOLE:
        when = _("When %(percent)s %% of the time is used", percent=one.code)
    elif one.code == WHOLE:
        when = _("When the promise is broken")
    else:
        when = _("When it is late by %(time)s", time=duration(one.minutes or 0))
    told = [person(each, known) for each in one.tell]
    who = _("told: %(who)s", who=_(" and ").join(told)) if told else ""
    act = str(ACTS[one.act]) if one.act and one.act in ACTS else ""
    return ", ".join(each for each in (when, who, act) if each)


def person(who: str, known: Names) -> str:
    if who in TELL:
        return str(TELL[who])
    department = known["department"].get(department_told(who))
    return _("everybody of %(department)s", department=department) if department else _("(no longer there)")
