"""Reports: figures of a period, from sums kept with every change, for whoever sees whole departments; for others their own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, NamedTuple

from flask import Response, g, request
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import lazy_gettext as _l

from app.accounts.viewer import Viewer
from app.core.errors import Forbidden, NotThere
from app.core.words import said as _
from app.desk import (
    lookups,
    reportsexport,
    reportsledger,
    reportssatisfaction,
    reportssummary,
    reportsteam,
    reportstimes,
    reportsvolume,
)
from app.desk.reportsasked import GRAINS, PRESETS, Asked, Period
from app.desk.reportsshown import Report, Section, Table
from app.reports.volume import today
from app.settings import desk

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Place(NamedTuple):
    """A section: its name, what makes it, and by what it can be narrowed."""

    label: Any
    make: Callable[[Report], Section]
    filters: tuple[str, ...] = ()
    of_all: bool = True
    """Figures of everybody, for whoever may read those."""


PLACES: dict[str, Place] = {
    "volume": Place(_l("Volume"), reportsvolume.volume, ("department", "category", "priority")),
    "resolution": Place(_l("Resolution"), reportstimes.resolution, ("department", "category", "priority")),
    "responses": Place(_l("First response"), reportstimes.responses, ("department", "category", "priority")),
    "team": Place(_l("Team"), reportsteam.team, ("department", "agent")),
    "categories": Place(_l("Categories"), reportsvolume.categories, ("department", "priority")),
    "sla": Place(_l("SLA"), reportsteam.promises, ("department", "priority")),
    "turns": Place(_l("Whose turn"), reportsledger.ledger, ("department", "category", "agent")),
    "satisfaction": Place(_l("Satisfaction"), reportssatisfaction.satisfaction, ("department", "category", "agent")),
    "trends": Place(_l("Trends"), reportsteam.trends, ("department",)),
    "mine": Place(_l("My figures"), reportsteam.own, (), of_all=False),
}


class ReportsView(BaseView):
    route_base = "/admin/reports"
    class_permission_name = "Report"
    default_view = "list"

    @expose("/")
    @expose("")
    @has_access
    @permission_name("list")
    def list(self) -> Any:
        return self._page("volume" if reportssummary.reads_all(g.user) else "mine")

    @expose("/<report>")
    @has_access
    @permission_name("list")
    def section(self, report: str) -> Any:
        return self._page(report)

    @expose("/<report>/<table>.csv")
    @has_access
    @permission_name("list")
    def as_csv(self, report: str, table: str) -> Response:
        found, asked = _exported(report, table)
        return _file(reportsexport.as_csv(found), "text/csv; charset=utf-8", found, asked, "csv")

    @expose("/<report>/<table>.xlsx")
    @has_access
    @permission_name("list")
    def as_xlsx(self, report: str, table: str) -> Response:
        found, asked = _exported(report, table)
        return _file(reportsexport.as_xlsx(found), XLSX, found, asked, "xlsx")

    @expose("/month")
    @has_access
    @permission_name("team")
    def month(self) -> Any:
        """The summary of a month, made to be printed."""
        if not reportssummary.reads_all(g.user):
            raise NotThere(_("There is no such report."))
        asked = reportssummary.month_of(request.args.get("month", ""), today())
        summary = reportssummary.Summary.of(g.user, asked, today())
        return self.render_template("desk/reportsmonth.html", summary=summary)

    def _page(self, section: str) -> Any:
        place, report = _report(section)
        return self.render_template(
            "desk/reports.html",
            shown=place.make(report),
            name=section,
            place=place,
            places=_offered(g.user),
            asked=report.asked,
            report=report,
            presets=PRESETS,
            grains=GRAINS,
            may_export=g.user.can("export"),
        )


def _offered(viewer: Viewer) -> dict[str, Place]:
    whole = reportssummary.reads_all(viewer)
    places = {name: place for name, place in PLACES.items() if whole or not place.of_all}
    if not desk.current().satisfaction:
        places.pop("satisfaction", None)
    return places


def _report(section: str) -> tuple[Place, Report]:
    place = _offered(g.user).get(section)
    if place is None:
        raise NotThere(_("There is no such report."))
    day: dt.date = today()
    narrowed = {name: value for name, value in request.args.items() if name in place.filters or name not in FILTERS}
    return place, Report(g.user, Asked.read(narrowed, day), lookups.of_list(), day)


FILTERS = ("department", "category", "priority", "agent")


def _exported(section: str, table: str) -> tuple[Table, Period]:
    if not g.user.can("export"):
        raise Forbidden(_("You may not export."))
    place, report = _report(section)
    found = next((each for each in place.make(report).tables if each.name == table), None)
    if found is None:
        raise NotThere(_("There is no such report."))
    return found, report.asked.period


def _file(content: str | bytes, kind: str, table: Table, period: Period, ending: str) -> Response:
    response = Response(content, content_type=kind)
    name = reportsexport.file_name(table, period, ending)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
