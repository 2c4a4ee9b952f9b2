"""The page "Time": supervisors read everybody's, agents their own; as a table, as CSV, as XLSX."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any, NamedTuple

from flask import Response, g, request
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _

from app.core import clock
from app.core.audit import What, note_reading
from app.desk import export, taskforms, timenames, timereport
from app.desk.timereport import Asked, Row
from app.tickets.durations import said

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class TimeReportView(BaseView):
    route_base = "/admin/reports/time"
    class_permission_name = "TimeReport"
    base_permissions = ["can_list", "can_everybody"]
    default_view = "page"

    @expose("/")
    @has_access
    @permission_name("list")
    def page(self) -> Any:
        asked = Asked.read(request.args, g.user)
        found = timereport.find(asked, g.user)
        everybody = g.user.can("everybody", "TimeReport")
        return self.render_template(
            "desk/timereport.html", asked=asked, found=found, lines=_shown(asked, found.rows), said=said, everybody=everybody,
            people=taskforms.workers(g.user, "can_time") if everybody else [], groups=timereport.GROUPS, spans=timereport.SPANS, billable=timereport.BILLABLE,
        )  # fmt: skip

    @expose("/export.csv")
    @has_access
    @permission_name("list")
    def export(self) -> Response:
        return _sent([("\ufeff" + "".join(export.line(cells) for cells in _lines())).encode()], "text/csv", "csv")

    @expose("/export.xlsx")
    @has_access
    @permission_name("list")
    def export_xlsx(self) -> Response:
        from openpyxl import Workbook  # slow to load, and seldom asked for

        book = Workbook(write_only=True)
        sheet = book.create_sheet(_("Time"))
        for cells in _lines():
            sheet.append([export.storable(cell) for cell in cells])
        with tempfile.TemporaryFile() as file:
            book.save(file)
            file.seek(0)
            return _sent([file.read()], XLSX, "xlsx")


class Line(NamedTuple):
    """A row in words."""

    name: str
    href: str | None
    time: str
    billable: str
    entries: str
    minutes: int


def _shown(asked: Asked, rows: list[Row]) -> list[Line]:
    named = timenames.names(asked.by, rows, g.user)
    return [
        Line(
            *named[row.key],
            said(row.minutes),
            said(row.billable) if row.billable else "–",
            str(row.entries),
            row.minutes,
        )
        for row in rows
    ]


def _lines() -> Iterator[list[object]]:
    """A header, every row of the report, then their sum. Minutes as numbers, so that a sheet can count."""
    asked = Asked.read(request.args, g.user)
    found = timereport.find(asked, g.user, whole=True)
    names = timenames.names(asked.by, found.rows, g.user)
    yield [str(timereport.GROUPS[asked.by]), _("Minutes"), _("Billable minutes"), _("Entries"), _("From"), _("Until")]
    for row in found.rows:
        yield [names[row.key].words, *_amounts(row), asked.first.isoformat(), asked.last.isoformat()]
    yield [_("Sum"), *_amounts(found.total), asked.first.isoformat(), asked.last.isoformat()]


def _amounts(row: Row) -> list[object]:
    return [row.minutes, row.billable, row.entries]


def _sent(pieces: list[bytes], kind: str, ending: str) -> Response:
    note_reading(What.EXPORTED, "tickets")
    headers = {"Content-Disposition": f'attachment; filename="time-{clock.now():%Y-%m-%d}.{ending}"'}
    return Response(pieces, mimetype=kind, headers=headers)
