"""Reports of how long it took: to resolve tickets, and to answer them first."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from typing import Any, NamedTuple

from app.core.words import said as _
from app.desk.reportsshown import (
    NAMED,
    Cell,
    Chart,
    Number,
    Report,
    Section,
    Table,
    added,
    count,
    counted,
    mean,
    rated,
    series,
    share,
    spans_of,
    time,
    timed,
    words,
)
from app.reports import waits
from app.reports.reading import Values
from app.reports.sums import By
from app.sla.promises import Metric

Spans = defaultdict[tuple[int, int], Counter[int]]
"""(by, value) -> tickets of each span of time."""
MINUTES_IN_A_DAY, MINUTES_IN_AN_HOUR = 1440, 60


class Timing(NamedTuple):
    """What is timed, and where its sums are."""

    column: str
    seconds: str
    metric: Metric


RESOLUTION = Timing("resolved", "resolution_seconds", Metric.RESOLUTION)
FIRST_RESPONSE = Timing("first_responses", "first_response_seconds", Metric.FIRST_RESPONSE)


def resolution(report: Report) -> Section:
    return _section(report, RESOLUTION, _("Resolved"), _("Time to resolve"))


def responses(report: Report) -> Section:
    return _section(report, FIRST_RESPONSE, _("First responses"), _("First response time"))


def narrowed(report: Report) -> Values | None:
    """Durations and promises are kept once a category and once a priority: of both at once there are none."""
    category, priority = report.asked.category, report.asked.priority
    if category is not None and priority is not None:
        return None
    if category is not None:
        return {"departments": report.departments, "by": (int(By.CATEGORY),), "value": category}
    by = By.ALL if priority is None else By.PRIORITY
    return {"departments": report.departments, "by": (int(by),), "value": priority}


def _section(report: Report, timing: Timing, label: str, title: str) -> Section:
    of = narrowed(report)
    every: Values = {"departments": report.departments, "by": (int(By.CATEGORY), int(By.PRIORITY))}
    narrow = any((report.asked.category is not None, report.asked.priority is not None))
    spans: Spans = defaultdict(Counter)
    kept: dict[tuple[int, int], tuple[int, int]] = {}
    if of is not None:
        wanted = of if narrow else every
        for by, value, span, tickets in report.totals("daily_duration", ("by", "value", "span"), (timing.column,), wanted):  # fmt: skip
            spans[by, value][span] += tickets
        for by, value, met, missed in report.totals("daily_promise", ("by", "value"), ("met", "missed"), {**wanted, "metric": timing.metric.value}):  # fmt: skip
            kept[by, value] = met, missed
    filed = report.filed("category", "priority")
    columns = (timing.column, timing.seconds)
    tables = [
        _table(report, by, report.totals("daily_figure", (column,), columns, filed), spans, kept, label)
        for by, column in ((By.CATEGORY, "category_id"), (By.PRIORITY, "priority_rank"))
    ]
    tickets = sum(int(row[1].value or 0) for row in tables[0].rows)
    return Section(
        _numbers(report, timing, label, of, tickets, spans, kept), _charts(report, timing, title, of), tables, _note(of)
    )


def _numbers(
    report: Report, timing: Timing, label: str, of: Values | None, tickets: int, spans: Spans, kept: Any
) -> list[Number]:
    columns = (timing.column, timing.seconds)
    ((earlier, _seconds),) = report.before("daily_figure", (), columns, report.filed("category", "priority"))
    numbers = [counted(label, tickets, earlier)]
    if of is None:
        return numbers
    by = By.PRIORITY if report.asked.category is None else By.CATEGORY
    now = sum((counts for (each, _value), counts in spans.items() if each == by), Counter[int]())
    before = spans_of(report.before("daily_duration", ("span",), (timing.column,), of))
    met = [pair for (each, _value), pair in kept.items() if each == by]
    numbers.append(timed(_("Median"), waits.median(now), waits.median(before)))
    numbers.append(timed(_("Nine of ten within"), waits.quantile(now, 0.9), waits.quantile(before, 0.9)))
    sums = added(met, 2)
    numbers.append(rated(_("Within target"), (sums[0], sums[1]), (0, 0)))
    return numbers


def _charts(report: Report, timing: Timing, title: str, of: Values | None) -> list[Chart]:
    if of is None:
        return []
    found = report.steps("daily_duration", ("span",), (timing.column,), of)
    medians = [waits.median(spans_of(rows)) for rows in found.values()]
    unit, words_of = _unit(medians)
    numbers = [None if seconds is None else round(seconds / 60 / unit, 1 if unit > 1 else 0) for seconds in medians]
    line = {"type": "line", "labels": report.labels, "sets": [series(_("Median"), numbers, "accent-solid")]}
    return [Chart("times", f"{title}, {words_of}", line, report.step_head)]


def _unit(medians: list[int | None]) -> tuple[int, str]:
    """In which the longest reads well."""
    longest = dt.timedelta(seconds=max((seconds for seconds in medians if seconds is not None), default=0))
    if longest > dt.timedelta(days=3):
        return MINUTES_IN_A_DAY, _("days")
    return (MINUTES_IN_AN_HOUR, _("hours")) if longest > dt.timedelta(hours=3) else (1, _("minutes"))


def _table(report: Report, by: By, rows: Any, spans: Spans, kept: Any, label: str) -> Table:
    named = NAMED[by]
    title = {By.CATEGORY: _("By category"), By.PRIORITY: _("By priority")}[by]
    head = (_("Category") if by is By.CATEGORY else _("Priority"), label, _("Median"), _("Mean"), _("Within target"))
    lines: list[tuple[Cell, ...]] = []
    for key, tickets, seconds in sorted(rows, key=lambda row: (-row[0] if by is By.PRIORITY else -row[1], row[0])):
        if tickets:
            met, missed = kept.get((int(by), key), (0, 0))
            median = waits.median(spans[int(by), key]) if (int(by), key) in spans else None
            lines.append(
                (words(report.name(named, key)), count(tickets), time(median), mean(seconds, tickets), share(met, met + missed))
            )  # fmt: skip
    return Table(named, title, head, lines)


def _note(of: Values | None) -> str:
    if of is None:
        return _("Medians and targets are kept by category and by priority, not for both at once.")
    return _("Medians are read from spans of time and are right within a span; means are exact.")
