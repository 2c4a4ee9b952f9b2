"""The report of whom ended tickets had waited for: by agent, department, category and customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select

from app.accounts.models import Customer
from app.core.extensions import db
from app.core.words import said as _
from app.desk.reportsshown import (
    Cell,
    Chart,
    Number,
    Report,
    Section,
    Table,
    count,
    counted,
    mean,
    series,
    time,
    timed,
    words,
)
from app.reports import ledgersums
from app.reports import reading as summing
from app.reports.ledgersums import Wanted
from app.tickets.tally import NOBODY

MOST_CUSTOMERS = 100
HOUR = 3600


class Had(NamedTuple):
    """Of some tickets: how many, and seconds with each."""

    tickets: int = 0
    us: int = 0
    us_inside: int = 0
    customer: int = 0
    supplier: int = 0
    nobody: int = 0

    def plus(self, other: Sequence[int]) -> Had:
        return Had(*(one + more for one, more in zip(self, other, strict=True)))


def ledger(report: Report) -> Section:
    asked, period = report.asked, report.asked.period
    wanted = Wanted(report.departments, asked.category, asked.agent)
    now = _only(ledgersums.sums(wanted, period.first, period.last))
    before = _only(ledgersums.sums(wanted, period.before_first, period.before_last))
    tables = [
        _table(report, kind, title, head, wanted)
        for kind, title, head in (
            ("agent", _("By agent"), _("Agent")),
            ("department", _("By department"), _("Department")),
            ("category", _("By category"), _("Category")),
            ("customer", _("By customer"), _("Customer")),
        )
    ]
    note = _("Of tickets that were resolved or closed in this period, from their opening to their end, filed as they stand now; in hours means business hours. Customers: the %(most)s that had most of our time.", most=MOST_CUSTOMERS)  # fmt: skip
    return Section(_numbers(now, before), _charts(report, wanted), tables, note)


def _only(rows: Sequence[tuple[Any, ...]]) -> Had:
    return Had(*rows[0]) if rows else Had()


def _numbers(now: Had, before: Had) -> list[Number]:
    numbers = [counted(_("Tickets"), now.tickets, before.tickets)]
    for label, place in ((_("With us"), 1), (_("With us in business hours"), 2), (_("With the customer"), 3), (_("With suppliers"), 4)):  # fmt: skip
        numbers.append(timed(label, _each(now, place), _each(before, place)))
    return numbers


def _each(had: Had, place: int) -> float | None:
    return had[place] / had.tickets if had.tickets else None


def _charts(report: Report, wanted: Wanted) -> list[Chart]:
    period, kind = report.asked.period, report.asked.grain.kind
    found = dict.fromkeys(period.steps(report.asked.grain), Had())
    for day, *sums in ledgersums.sums(wanted, period.first, period.last, "day"):
        step = summing.step_of(kind, day)
        found[step] = found[step].plus(sums)
    drawn = ((_("With us"), 1, "accent-solid"), (_("With the customer"), 3, "amber-solid"), (_("With suppliers"), 4, "blue-solid"))  # fmt: skip
    sets = [series(label, [_hours(had, place) for had in found.values()], color) for label, place, color in drawn]
    chart = {"type": "bar", "stacked": True, "labels": report.labels, "sets": sets}
    return [Chart("ledger", _("Time of a ticket, mean, hours"), chart, report.step_head)]


def _hours(had: Had, place: int) -> float | None:
    each = _each(had, place)
    return None if each is None else round(each / HOUR, 1)


def _table(report: Report, kind: str, title: str, head: str, wanted: Wanted) -> Table:
    period = report.asked.period
    rows = ledgersums.sums(wanted, period.first, period.last, kind)
    found = {int(key): Had(*sums) for key, *sums in rows}
    most = sorted(found, key=lambda key: (-found[key].us, key))[: MOST_CUSTOMERS if kind == "customer" else None]
    names = _names(report, kind, most)
    lines = [(words(names[key]), *_cells(found[key])) for key in most]
    return Table(kind, title, _head(head), lines)


def _head(first: str) -> tuple[str, ...]:
    return (
        first, _("Tickets"), _("Us, mean"), _("In hours, mean"), _("Us, sum"), _("Customer, mean"), _("Customer, sum"),
        _("Suppliers, mean"), _("Suppliers, sum"), _("Nobody, mean"),
    )  # fmt: skip


def _cells(had: Had) -> tuple[Cell, ...]:
    return (
        count(had.tickets), mean(had.us, had.tickets), mean(had.us_inside, had.tickets), time(had.us), mean(had.customer, had.tickets),
        time(had.customer), mean(had.supplier, had.tickets), time(had.supplier), mean(had.nobody, had.tickets),
    )  # fmt: skip


def _names(report: Report, kind: str, keys: Sequence[int]) -> Mapping[int, str]:
    if kind == "customer":
        wanted = select(Customer.id, Customer.name, Customer.email).where(Customer.id.in_(keys))
        names = {row.id: row.name or row.email for row in db.session.execute(wanted)}
        return {key: names.get(key) or _("Somebody") for key in keys}
    if kind == "agent":
        return {key: _("Nobody") if key == NOBODY else report.name("person", key) for key in keys}
    if kind == "department":
        return {key: report.names.name("department", key) or _("Deleted department") for key in keys}
    return {key: report.name("category", key) for key in keys}
