"""Reports of how many tickets came and went, and what they were about."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import func, select

from app.core.rows import plain_rows
from app.core.words import said as _
from app.desk.reportsshown import (
    Chart,
    Number,
    Report,
    Section,
    Table,
    added,
    count,
    counted,
    ranked,
    series,
    share,
    words,
)
from app.reports import reading
from app.tickets.tally import Tally
from app.tickets.visibility import sees_all

FLOWS = ("opened", "resolved", "closed", "reopened", "merged")
SLICES = 6
_LIVE = select(func.sum(Tally.tickets))


def volume(report: Report) -> Section:
    wanted = report.filed("category", "priority")
    found = report.steps("daily_figure", (), FLOWS, wanted)
    flows = {start: added(rows, len(FLOWS)) for start, rows in found.items()}
    now = added(map(tuple, flows.values()), len(FLOWS))
    (before,) = report.before("daily_figure", (), FLOWS, wanted)
    backlog = _backlog(report, flows)
    return Section(
        _volume_numbers(report, now, before, backlog),
        _volume_charts(report, flows, backlog),
        [_volume_table(report, flows, backlog)],
    )


def _backlog(report: Report, flows: dict[dt.date, list[int]]) -> list[int] | None:
    """Open at the end of each step: those of now, less what came since. Of the whole desk alone: a ticket that was moved or
    filed anew is open in one place and was opened in another."""
    asked = report.asked
    if not sees_all(report.viewer) or any((asked.department, asked.category, asked.priority)):
        return None
    open_now = int(plain_rows(_LIVE)[0][0] or 0)
    if asked.period.last < report.today:
        parts = report.summed.parts(None, asked.period.last + dt.timedelta(days=1), report.today)
        open_now -= _growth(list(reading.sums("daily_figure", (), FLOWS, parts, {})[0]))
    backwards = []
    for flow in reversed(list(flows.values())):
        backwards.append(open_now)
        open_now -= _growth(flow)
    return backwards[::-1]


def _growth(flow: list[int]) -> int:
    opened, resolved, _closed, reopened, merged = flow
    return opened + reopened - resolved - merged


def _volume_numbers(report: Report, now: list[int], before: tuple[int, ...], backlog: list[int] | None) -> list[Number]:
    period = report.asked.period
    numbers = [
        counted(_("New"), now[0], before[0], href=report.asked.list_of(period.first, period.last)),
        counted(_("Resolved"), now[1], before[1], more_is_good=True),
        counted(_("Closed"), now[2], before[2]),
        counted(_("Reopened"), now[3], before[3], more_is_good=False),
    ]
    if backlog:
        numbers.append(counted(_("Open at the end"), backlog[-1], backlog[-1] - _growth(now), more_is_good=False))
    return numbers


def _volume_charts(report: Report, flows: dict[dt.date, list[int]], backlog: list[int] | None) -> list[Chart]:
    rows = list(flows.values())
    came = series(_("New"), [flow[0] for flow in rows], "accent-solid")
    went = series(_("Resolved"), [flow[1] for flow in rows], "green-solid")
    bars = {"type": "bar", "labels": report.labels, "sets": [came, went]}
    charts = [Chart("volume", _("New and resolved tickets"), bars, report.step_head)]
    if backlog is not None:
        line = {
            "type": "line",
            "labels": report.labels,
            "sets": [series(_("Open at the end"), backlog, "accent-solid")],
        }
        charts.append(Chart("backlog", _("Backlog"), line, report.step_head))
    return charts


def _volume_table(report: Report, flows: dict[dt.date, list[int]], backlog: list[int] | None) -> Table:
    head = (report.step_head, _("New"), _("Resolved"), _("Closed"), _("Reopened"))
    rows = []
    for place, (start, flow) in enumerate(flows.items()):
        days = report.asked.period.step_of(report.asked.grain, start)
        cells = [
            words(report.labels[place]),
            count(flow[0], report.asked.list_of(*days)),
            *(count(number) for number in flow[1:4]),
        ]
        rows.append((*cells, count(backlog[place])) if backlog is not None else tuple(cells))
    return Table("volume", _("Volume"), (*head, _("Open at the end")) if backlog is not None else head, rows)


def categories(report: Report) -> Section:
    wanted = report.filed("priority")
    columns = ("opened", "resolved")
    now = {key: (opened, resolved) for key, opened, resolved in report.totals("daily_figure", ("category_id",), columns, wanted)}  # fmt: skip
    before = dict(report.before("daily_figure", ("category_id",), ("opened",), wanted))
    largest = ranked(
        {key: now.get(key, (0, 0))[0] for key in now.keys() | before.keys()}, lambda key: report.name("category", key)
    )
    whole = sum(opened for opened, _resolved in now.values())
    period = report.asked.period
    rows = [
        (
            words(name, report.asked.list_of(period.first, period.last, category=key)),
            count(opened, report.asked.list_of(period.first, period.last, category=key)),
            share(opened, whole),
            count(int(before.get(key, 0))),
            count(now.get(key, (0, 0))[1]),
        )
        for key, name, opened in largest
    ]
    head = (_("Category"), _("New"), _("Share"), _("In the period before"), _("Resolved"))
    slices = [(name, opened) for _key, name, opened in largest[:SLICES] if opened]
    others = whole - sum(opened for _name, opened in slices)
    slices += [(_("Others"), others)] if others else []
    chart = {
        "type": "doughnut",
        "labels": [name for name, _opened in slices],
        "sets": [{"label": _("New"), "data": [opened for _name, opened in slices]}],
    }
    return Section(
        [
            counted(
                _("New"), whole, sum(map(int, before.values())), href=report.asked.list_of(period.first, period.last)
            )
        ],
        [Chart("categories", _("New tickets by category"), chart, _("Category"))],
        [Table("categories", _("Categories"), head, rows)],
    )
