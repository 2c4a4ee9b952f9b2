"""The summary of a month for people who do not work in the desk every day: a page to print, and a mail on the first of the next month."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import re
from collections.abc import Callable, Iterator

from flask import current_app
from flask_appbuilder.security.sqla.models import User
from flask_babel import force_locale
from sqlalchemy import func, select

from app.accounts.models import StaffProfile
from app.accounts.viewer import Viewer, viewer
from app.core import clock, language, web
from app.core.database import insert_new
from app.core.extensions import db
from app.core.words import said as _
from app.desk import lookups, reportsteam, reportstimes, reportsvolume
from app.desk.reportsasked import Asked, Grain, Period
from app.desk.reportsshown import Number, Report, Section, Table, month_label
from app.mail import outgoing
from app.reports.sums import SummaryMailed
from app.settings import desk
from app.tickets.visibility import sees_whole_departments

EARLIEST_HOUR = 6
"""Of the first of the month, in the desk's zone: the night's counting is done."""
LATEST_DAY = 7
"""A desk that stood still on the first sends it within the week, and not at all later."""
MOST_READERS = 50
MOST_ROWS = 20
MONTH = re.compile(r"(\d{4})-(\d{2})")


@dc.dataclass(frozen=True)
class Part:
    title: str
    section: Section
    tables: list[Table]


@dc.dataclass(frozen=True)
class Summary:
    month: dt.date
    today: dt.date
    parts: list[Part]

    @classmethod
    def of(cls, reader: Viewer, month: dt.date, today: dt.date) -> Summary:
        report = Report(reader, Asked(Period.unit(month, 1, today), Grain.WEEK), lookups.of_list(), today)
        parts = []
        for title, make in sections().items():
            section = make(report)
            parts.append(Part(title, section, [_cut(table) for table in section.tables[:2] if table.rows]))
        return cls(month, today, parts)

    @property
    def label(self) -> str:
        return month_label(self.month)

    @property
    def before(self) -> str:
        return f"{previous(self.month):%Y-%m}"

    @property
    def after(self) -> str | None:
        later = (self.month + dt.timedelta(days=31)).replace(day=1)
        return f"{later:%Y-%m}" if later <= self.today else None

    @property
    def lines(self) -> Iterator[str]:
        """Each figure as one line of plain text, under the heads of their parts."""
        for part in self.parts:
            yield ""
            yield part.title
            yield from (f"– {_said(number)}" for number in part.section.numbers)


def sections() -> dict[str, Callable[[Report], Section]]:
    return {
        _("Volume"): reportsvolume.volume,
        _("First response"): reportstimes.responses,
        _("Resolution"): reportstimes.resolution,
        _("SLA"): reportsteam.promises,
        _("Team"): reportsteam.team,
        _("Categories"): reportsvolume.categories,
    }


def reads_all(reader: Viewer) -> bool:
    """Whether the sums of departments are sums of what they see, and they may read how others work."""
    return reader.can("team", "Report") and sees_whole_departments(reader)


def month_of(text: str, today: dt.date) -> dt.date:
    """`2026-10`; the month before the present one for anything else."""
    found = MONTH.fullmatch(text)
    if found and 1970 <= int(found[1]) <= 2200 and 1 <= int(found[2]) <= 12:
        return min(dt.date(int(found[1]), int(found[2]), 1), today.replace(day=1))
    return previous(today)


def previous(month: dt.date) -> dt.date:
    return (month.replace(day=1) - dt.timedelta(days=1)).replace(day=1)


def mail_summaries() -> None:
    """To everybody chosen, once for each month: whoever inserts the row sends it."""
    now = web.local(clock.now())
    if now.day > LATEST_DAY or (now.day == 1 and now.hour < EARLIEST_HOUR):
        return
    month = previous(now.date())
    for reader in _readers():
        if insert_new(SummaryMailed, {"month": month, "staff_id": reader.id, "at": clock.now()}):
            _mail(reader, month, now.date())


def _readers() -> list[Viewer]:
    """The chosen addresses that are active staff's who may read such figures; nobody else gets any."""
    addresses = {part.strip().casefold() for part in desk.current().summary_to.split(",") if part.strip()}
    wanted = select(User.id).where(func.lower(User.email).in_(sorted(addresses)[:MOST_READERS]), User.active.is_(True))
    found = [viewer(staff_id) for staff_id in db.session.scalars(wanted.order_by(User.id))] if addresses else []
    return [reader for reader in found if reader is not None and reads_all(reader)]


def _mail(reader: Viewer, month: dt.date, today: dt.date) -> None:
    profile = db.session.get(StaffProfile, reader.id)
    with force_locale(language.known(profile.language if profile else None) or language.of_desk()):
        summary = Summary.of(reader, month, today)
        values = {
            "month": summary.label,
            "lines": "\n".join(summary.lines).strip(),
            "link": f"{current_app.config['PUBLIC_URL']}/admin/reports/month?month={month:%Y-%m}",
        }
    outgoing.put_notice("monthly_summary", staff_id=reader.id, values=values)


def _cut(table: Table) -> Table:
    """A page to print has the largest alone."""
    return table._replace(rows=table.rows[:MOST_ROWS])


def _said(number: Number) -> str:
    more = " ".join(filter(None, (number.change, number.detail)))
    return f"{number.label}{_(':')} {number.value}" + (f" ({more})" if more else "")
