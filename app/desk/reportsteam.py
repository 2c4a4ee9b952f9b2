"""Reports of who did what, one's own figures, promises kept and broken, and words that are written more often."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any
from urllib.parse import urlencode

from app.core.words import said as _
from app.desk.reportsshown import (
    BARS,
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
    percent,
    ranked,
    rated,
    series,
    share,
    timed,
    words,
)
from app.reports import trends as trending
from app.reports.reading import Values
from app.reports.sums import By
from app.sla.models import METRIC_LABELS
from app.sla.promises import Metric
from app.tickets.tally import NOBODY

WORK = ("replies", "resolved", "resolution_seconds", "first_responses", "first_response_seconds")
JUDGED = ("met", "missed")


def team(report: Report) -> Section:
    everybody: Values = {"departments": report.departments, "staff_id": report.asked.agent}
    rows = {row[0]: list(row[1:]) for row in report.totals("daily_agent_figure", ("staff_id",), WORK, everybody)}
    promised: Values = {"departments": report.departments, "by": (int(By.PERSON),), "value": report.asked.agent}
    kept = {value: (met, missed) for value, met, missed in report.totals("daily_promise", ("value",), JUDGED, promised)}
    people = ranked(
        {key: rows[key][1] if key in rows else 0 for key in rows.keys() | kept.keys() if key != NOBODY},
        lambda key: report.name("person", key),
    )
    lines = [_line(report, key, rows.get(key, [0] * 5), kept.get(key, (0, 0))) for key, _name, _n in people]
    if NOBODY in rows:
        lines.append(_line(report, NOBODY, rows[NOBODY], (0, 0)))
    shown = people[:BARS]
    sets = [
        series(_("Resolved"), [resolved for _key, _name, resolved in shown], "green-solid"),
        series(_("Replies"), [rows[key][0] if key in rows else 0 for key, _n, _r in shown], "accent-solid"),
    ]
    chart = {"type": "bar", "horizontal": True, "labels": [name for _key, name, _n in shown], "sets": sets}
    return Section(
        _work_numbers(report, everybody, rows.values(), promised, kept.values()),
        [Chart("team", _("Resolved tickets and replies"), chart, _("Agent"))] if shown else [],
        [Table("team", _("Team"), _work_head(_("Agent")), lines)],
        _("Promises count for whoever has the ticket. A name opens the tickets of that person."),
    )


def own(report: Report) -> Section:
    """What the reader did, wherever: nobody else's figures are in it."""
    mine: Values = {"staff_id": report.viewer.id}
    promised: Values = {"by": (int(By.PERSON),), "value": report.viewer.id}
    found = {
        start: added(rows, len(WORK)) for start, rows in report.steps("daily_agent_figure", (), WORK, mine).items()
    }
    kept = {start: added(rows, 2) for start, rows in report.steps("daily_promise", (), JUDGED, promised).items()}
    lines = [
        (words(label), *_cells(work, (judged[0], judged[1])))
        for label, work, judged in zip(report.labels, found.values(), kept.values(), strict=True)
    ]
    sets = [
        series(_("Resolved"), [work[1] for work in found.values()], "green-solid"),
        series(_("Replies"), [work[0] for work in found.values()], "accent-solid"),
    ]
    chart = {"type": "bar", "labels": report.labels, "sets": sets}
    judged = [(met, missed) for met, missed in kept.values()]
    return Section(
        _work_numbers(report, mine, found.values(), promised, judged),
        [Chart("own", _("Resolved tickets and replies"), chart, report.step_head)],
        [Table("own", _("My figures"), _work_head(report.step_head), lines)],
    )


def _work_head(first: str) -> tuple[str, ...]:
    return (first, _("Replies"), _("Resolved"), _("First responses"), _("First response, mean"), _("Resolution, mean"), _("Promises met"))  # fmt: skip


def _line(report: Report, key: int, work: list[int], kept: tuple[int, int]) -> tuple[Cell, ...]:
    href = "/admin/tickets/?" + urlencode({"view": "everything", "assigned": key}) if key != NOBODY else None
    return (words(report.name("person", key), href), *_cells(work, kept))


def _cells(work: list[int], kept: tuple[int, int]) -> tuple[Cell, ...]:
    replies, resolved, resolution_seconds, first_responses, first_response_seconds = work
    times = mean(first_response_seconds, first_responses), mean(resolution_seconds, resolved)
    return count(replies), count(resolved), count(first_responses), *times, share(kept[0], sum(kept))


def _work_numbers(report: Report, of: Values, rows: Any, promised: Values, kept: Any) -> list[Number]:
    now, judged = added(map(tuple, rows), len(WORK)), added(kept, 2)
    (before,) = report.before("daily_agent_figure", (), WORK, of)
    ((met, missed),) = report.before("daily_promise", (), JUDGED, promised)
    return [
        counted(_("Replies"), now[0], before[0]),
        counted(_("Resolved"), now[1], before[1], more_is_good=True),
        timed(_("First response, mean"), _ratio(now[4], now[3]), _ratio(before[4], before[3])),
        rated(_("Promises met"), (judged[0], judged[1]), (met, missed)),
    ]


def _ratio(seconds: int, tickets: int) -> float | None:
    return seconds / tickets if tickets else None


def promises(report: Report) -> Section:
    narrow = report.asked.priority
    of: Values = {"departments": report.departments, "by": (int(By.PRIORITY),), "value": narrow}
    sums: defaultdict[tuple[int, int | str], list[int]] = defaultdict(lambda: [0, 0])
    both: Values = {"departments": report.departments, "by": (int(By.CATEGORY), int(By.PRIORITY))}
    wanted = of if narrow is not None else both
    for by, value, metric, met, missed in report.totals("daily_promise", ("by", "value", "metric"), JUDGED, wanted):
        for place in ((by, value), (0, metric)) if by == By.PRIORITY else ((by, value),):
            sums[place] = [sums[place][0] + met, sums[place][1] + missed]
    now = added([tuple(pair) for (by, _value), pair in sums.items() if by == By.PRIORITY], 2)
    (before,) = report.before("daily_promise", (), JUDGED, of)
    found = [added(rows, 2) for rows in report.steps("daily_promise", (), JUDGED, of).values()]
    sets = [
        series(_("Met"), [pair[0] for pair in found], "green-solid"),
        series(_("Missed"), [pair[1] for pair in found], "red-solid"),
    ]
    chart = {"type": "bar", "stacked": True, "labels": report.labels, "sets": sets}
    by_promise = [
        (str(METRIC_LABELS[Metric(str(value))]).capitalize(), sums[by, value]) for by, value in sums if by == 0
    ]
    tables = [_judged("promises", _("By promise"), _("Promise"), sorted(by_promise))]
    for by, title, head in ((By.PRIORITY, _("By priority"), _("Priority")), (By.CATEGORY, _("By category"), _("Category"))):  # fmt: skip
        rows = [(value, pair) for (each, value), pair in sums.items() if each == by]
        ordered = sorted(rows, key=lambda row: -int(row[0]) if by is By.PRIORITY else -sum(row[1]))
        if narrow is None or by is By.PRIORITY:
            tables.append(_judged(NAMED[by], title, head, [(report.name(NAMED[by], int(v)), pair) for v, pair in ordered]))  # fmt: skip
    overdue = "/admin/tickets/?due=overdue"
    return Section(
        [
            rated(_("Promises met"), (now[0], now[1]), (before[0], before[1])),
            counted(_("Met"), now[0], before[0], more_is_good=True),
            counted(_("Missed"), now[1], before[1], more_is_good=False, href=overdue),
        ],
        [Chart("promises", _("Promises met and missed"), chart, report.step_head)],
        tables,
        _("A promise counts on the day it was met or broken, under the ticket's present category and priority; brought up to date every hour."),
    )  # fmt: skip


def _judged(name: str, title: str, head: str, rows: list[tuple[str, list[int]]]) -> Table:
    lines = [(words(label), count(met), count(missed), share(met, met + missed)) for label, (met, missed) in rows]
    return Table(name, title, (head, _("Met"), _("Missed"), _("Promises met")), lines)


def trends(report: Report) -> Section:
    found, last = trending.of_departments(report.departments, report.asked.trend)
    first = last - dt.timedelta(days=report.asked.trend - 1) if last else None
    lines = []
    for one in found:
        said: dict[str, object] = {"view": "everything", "q": one.word, "created_from": first, "created_to": last}
        if report.asked.department is not None:
            said["department"] = report.asked.department
        href = "/admin/tickets/?" + urlencode({name: str(value) for name, value in said.items()})
        change = percent((one.tickets - one.before) / one.before) if one.before else _("new")
        lines.append((words(one.word, href), count(one.tickets, href), count(one.before), words(change)))
    labels = [one.word for one in found[:BARS]]
    sets = [
        series(_("Now"), [one.tickets for one in found[:BARS]], "accent-solid"),
        series(_("Before"), [one.before for one in found[:BARS]], "control"),
    ]
    chart = {"type": "bar", "horizontal": True, "labels": labels, "sets": sets}
    head = (_("Word"), _("Tickets"), _("In as many days before"), _("More"))
    return Section(
        (),
        [Chart("trends", _("Words that are written more often"), chart, _("Word"))] if found else [],
        [Table("trends", _("Trends"), head, lines)],
        _("Words of subjects and of the beginnings of first messages, in at least three tickets; counted every night, up to yesterday."),
    )  # fmt: skip
