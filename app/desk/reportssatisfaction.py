"""The report of what customers said: how many were asked, how many answered, how many of the answers were good, and their words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.core.words import said as _
from app.desk.reportsshown import (
    Cell,
    Chart,
    Number,
    Report,
    Section,
    Table,
    added,
    count,
    counted,
    rated,
    series,
    share,
    words,
)
from app.reports import reading as summing
from app.satisfaction import reading
from app.satisfaction.reading import Given, Wanted
from app.settings import desk
from app.tickets.scores import SCORES, Scale, called


def satisfaction(report: Report) -> Section:
    asked, period = report.asked, report.asked.period
    wanted = Wanted(report.departments, asked.category, asked.agent)
    now = added(reading.given(wanted, period.first, period.last), 3)
    before = added(reading.given(wanted, period.before_first, period.before_last), 3)
    by_agent, by_category, by_answer = (
        reading.given(wanted, period.first, period.last, by) for by in ("agent", "category", "answer")
    )
    tables = [
        _table(report, "agent", _("By agent"), _("Agent"), by_agent),
        _table(report, "category", _("By category"), _("Category"), by_category),
        _answers(by_answer, now[0]),
        _comments(report, wanted),
    ]
    note = _("Good is 4 and 5 of 5 stars, bad is 1 and 2. An answer counts on the day it was given, for whoever had the ticket then.")  # fmt: skip
    return Section(_numbers(report, wanted, now, before), _charts(report, wanted), tables, note)


def _numbers(report: Report, wanted: Wanted, now: Sequence[int], before: Sequence[int]) -> list[Number]:
    period = report.asked.period
    asked, answered = reading.asked(wanted, period.first, period.last)
    asked_before, answered_before = reading.asked(wanted, period.before_first, period.before_last)
    good = rated(_("Good"), (now[1], now[0] - now[1]), (before[1], before[0] - before[1]))
    rate = rated(_("Answered"), (answered, asked - answered), (answered_before, asked_before - answered_before))
    return [
        good if now[0] else good._replace(detail=_("nobody rated a ticket")),
        counted(_("Ratings"), now[0], before[0]),
        rate._replace(detail=_("of %(num)s asked", num=asked)) if asked else rate._replace(detail=_("nobody was asked")),
        counted(_("Bad ones"), now[2], before[2], more_is_good=False, href="/admin/tickets/?view=everything&rating=bad"),
    ]  # fmt: skip


def _charts(report: Report, wanted: Wanted) -> list[Chart]:
    period, kind = report.asked.period, report.asked.grain.kind
    found: dict[Any, list[int]] = {start: [0, 0, 0] for start in period.steps(report.asked.grain)}
    for day, *sums in reading.given(wanted, period.first, period.last, "day"):
        step = summing.step_of(kind, day)
        found[step] = [one + more for one, more in zip(found[step], sums, strict=True)]
    sets = [
        series(_("Good"), [good for _all, good, _bad in found.values()], "green-solid"),
        series(_("Fair"), [every - good - bad for every, good, bad in found.values()], "amber-solid"),
        series(_("Bad"), [bad for _all, _good, bad in found.values()], "red-solid"),
    ]
    chart = {"type": "bar", "stacked": True, "labels": report.labels, "sets": sets}
    return [Chart("ratings", _("What customers said"), chart, report.step_head)]


def _table(report: Report, kind: str, title: str, head: str, rows: list[tuple[Any, ...]]) -> Table:
    named = "person" if kind == "agent" else kind
    lines: list[tuple[Cell, ...]] = []
    for key, every, good, bad in sorted(rows, key=lambda row: (-row[1], row[0])):
        name = _("Nobody") if kind == "agent" and key == 0 else report.name(named, key)
        lines.append((words(name), count(every), count(good), count(bad), share(good, every)))
    return Table(kind, title, (head, _("Ratings"), _("Good"), _("Bad"), _("Share of good ones")), lines)


def _answers(rows: list[tuple[Any, ...]], every: int) -> Table:
    """Best first: those of the scale of today, and what was answered while there was another."""
    found = {(scale, score): number for scale, score, number, _good, _bad in rows}
    today = Scale(desk.current().satisfaction_scale)
    found = {(today, score): 0 for score in SCORES[today]} | found
    lines = [
        (words(called(score, scale)), count(number), share(number, every))
        for (scale, score), number in sorted(found.items(), key=lambda row: (row[0][0] is not today, -row[0][1]))
    ]
    return Table("answers", _("Answers"), (_("Answer"), _("Ratings"), _("Share")), lines)


def _comments(report: Report, wanted: Wanted) -> Table:
    period = report.asked.period
    found = reading.comments(wanted, period.first, period.last, report.viewer)
    head = (_("Ticket"), _("Day"), _("Answer"), _("Agent"), _("Comment"))
    return Table("comments", _("Comments"), head, [_comment(report, one) for one in found], prose=True)


def _comment(report: Report, one: Given) -> tuple[Cell, ...]:
    name = report.name("person", one.staff_id) if one.staff_id else _("Nobody")
    href = f"/admin/tickets/{one.number}"
    day = report.day(one.given_on)
    return words(one.display, href), words(day), words(one.called), words(name), words(one.comment or "")
