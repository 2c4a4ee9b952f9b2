"""Pages where calendars are kept: the week, the dates that differ, public holidays taken in, and who follows which."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from flask import abort, flash, redirect, request
from flask_appbuilder import expose, has_access
from flask_appbuilder.baseviews import BaseView
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.core import clock
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.desk import calendarforms, calendarpictures
from app.desk.calendarforms import Asked
from app.hours import calendars, keeping, publicholidays, saying
from app.hours.keeping import Given
from app.hours.models import Calendar
from app.hours.opening import WEEKDAYS
from app.hours.zones import zone_names
from app.settings import desk

HERE = "/admin/calendars/"


class CalendarView(BaseView):
    route_base = "/admin/calendars"
    class_permission_name = "Calendar"
    base_permissions = ["can_list", "can_add", "can_edit", "can_delete"]
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self) -> Any:
        wanted = select(Calendar).options(selectinload(Calendar.dates), selectinload(Calendar.departments))
        rows = db.session.scalars(wanted.order_by(Calendar.standard.desc(), Calendar.name)).all()
        today = clock.now().date()
        coming = {row.id: [date for date in row.dates if date.falls_on >= today][:3] for row in rows}
        return self.render_template(
            "desk/calendars.html", title=_("Calendars"), rows=rows, said=saying, coming=coming, desk_zone=desk.current().time_zone,
            zone_gone=lambda row: bool(row.zone) and row.zone not in zone_names(), bars=calendarpictures.bars,
        )  # fmt: skip

    @expose("/new", methods=["GET", "POST"])
    @has_access
    @permission_name("add")
    def new(self) -> Any:
        if request.method == "GET":
            return self._page(None, Given("", "", calendarforms.USUAL))
        return self._save(None)

    @expose("/<int:calendar_id>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def edit(self, calendar_id: int) -> Any:
        calendar = _calendar(calendar_id)
        if request.method == "GET":
            return self._page(calendar, calendarforms.of(calendar))
        return self._save(calendar)

    @expose("/<int:calendar_id>/dates", methods=["POST"])
    @has_access
    @permission_name("edit")
    def add_date(self, calendar_id: int) -> Any:
        calendar, given = _calendar(calendar_id), calendarforms.date(request.form)
        try:
            keeping.add_date(calendar, given)
            db.session.commit()
        except Invalid as refusal:
            db.session.rollback()
            calendar = _calendar(calendar_id)
            wrong = refusal.fields or {"date": str(refusal)}
            return self._page(calendar, calendarforms.of(calendar), wrong, request.form), Invalid.code
        flash(_("Saved."), "success")
        return redirect(f"{HERE}{calendar.id}#dates", code=303)

    @expose("/<int:calendar_id>/dates/<int:date_id>/delete", methods=["POST"])
    @has_access
    @permission_name("edit")
    def remove_date(self, calendar_id: int, date_id: int) -> Any:
        calendar = _calendar(calendar_id)
        keeping.remove_date(calendar, date_id)
        db.session.commit()
        return redirect(f"{HERE}{calendar.id}#dates", code=303)

    @expose("/<int:calendar_id>/holidays", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def holidays(self, calendar_id: int) -> Any:
        """A look at them first; what was ticked becomes rows, and what is there already is left alone."""
        calendar = _calendar(calendar_id)
        asked = Asked.read(request.values, clock.now().year)
        if request.method == "GET":
            return self._holidays(calendar, asked)
        try:
            count = keeping.take_in(calendar, asked.chosen(request.form.getlist("date")), asked.source)
            db.session.commit()
        except Invalid as refusal:
            db.session.rollback()
            return self._holidays(
                _calendar(calendar_id), asked, refusal.fields or {"country": str(refusal)}
            ), Invalid.code
        flash(ngettext("%(num)d holiday was added.", "%(num)d holidays were added.", count), "success")
        return redirect(f"{HERE}{calendar.id}#dates", code=303)

    @expose("/<int:calendar_id>/standard", methods=["POST"])
    @has_access
    @permission_name("edit")
    def make_standard(self, calendar_id: int) -> Any:
        return _done(keeping.make_standard, _calendar(calendar_id), _("Saved."))

    @expose("/<int:calendar_id>/delete", methods=["POST"])
    @has_access
    @permission_name("delete")
    def delete(self, calendar_id: int) -> Any:
        return _done(keeping.delete, _calendar(calendar_id), _("Deleted."))

    def _save(self, calendar: Calendar | None) -> Any:
        given, deed = calendarforms.read(request.form), request.form.get("deed", "")
        if deed:
            return self._page(calendar, calendarforms.copied(given, deed))
        seen = request.form.get("version", "")
        if calendar is not None and seen != str(calendar.version):
            return self._page(calendar, given, {"name": _("Somebody changed this calendar meanwhile. Look at it again and save once more.")}), HelpdeskError.code  # fmt: skip
        kept = calendar or Calendar(dates=[])
        try:
            with db.session.no_autoflush:
                keeping.save(kept, given)
            db.session.commit()
        except Invalid as refusal:
            db.session.rollback()
            return self._page(_calendar(calendar.id) if calendar else None, given, refusal.fields or {"day-0": str(refusal)}), Invalid.code  # fmt: skip
        flash(_("Saved. What runs is counted anew."), "success")
        return redirect(f"{HERE}{kept.id}", code=303)

    def _holidays(self, calendar: Calendar, asked: Asked, wrong: dict[str, str] | None = None) -> Any:
        found: list[tuple[dt.date, str, bool]] = []
        if asked.country and not wrong:
            try:
                found = [(date, name, keeping.is_there(calendar, date)) for date, name in asked.found().items()]
            except Invalid as refusal:
                wrong = refusal.fields
        return self.render_template(
            "desk/calendarholidays.html", title=_("Public holidays"), said=saying, calendar=calendar, asked=asked, errors=wrong or {}, found=found,
            countries=publicholidays.countries(), regions=publicholidays.regions(asked.country), years=calendarforms.years(clock.now().year),
        )  # fmt: skip

    def _page(
        self, calendar: Calendar | None, given: Given, wrong: dict[str, str] | None = None, date: Any = None
    ) -> Any:
        picture = calendarpictures.of(calendar, desk.current().time_zone) if calendar else None
        return self.render_template(
            "desk/calendar.html", title=str(calendar) if calendar else _("New calendar"), address=f"{HERE}{calendar.id if calendar else 'new'}",
            calendar=calendar, given=given, errors=wrong or {}, date=date or {}, weekdays=WEEKDAYS, picture=picture, said=saying, copies=calendarforms.COPIES,
            zones=sorted(zone_names()), desk_zone=desk.current().time_zone, users=keeping.users_of(calendar) if calendar else (), used=_zone_used(calendar),
        )  # fmt: skip


def _zone_used(calendar: Calendar | None) -> str:
    """Which zone counts in place of one that vanished; empty when all is well."""
    used = calendars.zone_in_use(calendar.zone, desk.current().time_zone) if calendar and calendar.zone else ""
    return used if calendar and used != calendar.zone else ""


def _done(verb: Callable[[Calendar], None], calendar: Calendar, words: str) -> Any:
    try:
        verb(calendar)
        db.session.commit()
        flash(words, "success")
    except HelpdeskError as refusal:
        db.session.rollback()
        flash(str(refusal), "danger")
    return redirect(HERE, code=303)


def _calendar(calendar_id: int) -> Calendar:
    return db.session.get(Calendar, calendar_id) or abort(404)
