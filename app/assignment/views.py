"""Pages on who takes new work: the switch in the menu for oneself, a generated page for those who look after others."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, abort, current_app, flash, g, redirect, request
from flask_appbuilder import AppBuilder, expose, has_access
from flask_appbuilder.baseviews import BaseView
from flask_appbuilder.security.decorators import permission_name
from flask_appbuilder.utils.base import get_safe_redirect
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateTimeLocalField, IntegerField, SelectChoice, SelectField, StringField
from wtforms.validators import Length, NumberRange, Optional

from app.accounts import absences
from app.accounts import availability as presence
from app.accounts.absences import Absence
from app.accounts.models import Availability, StaffProfile
from app.core import clock, web
from app.core.errors import Invalid
from app.core.extensions import db
from app.core.fab import DeskInterface, DeskView

LONGEST_ABSENCE_HOURS = 24 * 366


class SwitchView(BaseView):
    """One's own availability, from the menu of every page."""

    route_base = "/admin"
    default_view = "switch"
    class_permission_name = "MyAccount"
    base_permissions = ["can_list", "can_edit"]

    @expose("/availability", methods=["POST"])
    @has_access
    @permission_name("edit")
    def switch(self) -> Any:
        profile = db.session.get_one(StaffProfile, g.user.id)
        state, form = wanted(request.form.get("availability")), request.form
        end = until(form.get("hours"), form.get("until")) if state is Availability.AWAY else None
        presence.set_availability(profile, state, end, by=g.user, reason=form.get("reason"))
        db.session.commit()
        words = presence.LABELS[profile.availability]
        if profile.away_until is not None:
            flash(_("You are away until %(at)s.", at=web.absolute(profile.away_until)), "success")
        else:
            flash(_("You are now: %(state)s.", state=words), "success")
        return redirect(get_safe_redirect(form.get("next") or "/"))


class AbsencesView(BaseView):
    """One's own planned absences, on the page of one's account."""

    route_base = "/admin/me/absences"
    default_view = "add"
    class_permission_name = "MyAccount"
    base_permissions = ["can_list", "can_edit"]

    @expose("/", methods=["POST"])
    @has_access
    @permission_name("edit")
    def add(self) -> Any:
        absence = Absence(staff_id=g.user.id, reason=request.form.get("reason"))
        absence.starts_on, absence.ends_on = _day("starts_on"), _day("ends_on")
        absences.plan(absence, g.user)
        db.session.add(absence)
        db.session.commit()
        flash(_("Saved."), "success")
        return redirect("/admin/me/#absences", 303)

    @expose("/<int:absence_id>/delete", methods=["POST"])
    @has_access
    @permission_name("edit")
    def delete(self, absence_id: int) -> Any:
        absence = db.session.get(Absence, absence_id)
        if absence is None or absence.staff_id != g.user.id:
            abort(404)
        absences.cancel(absence, g.user)
        db.session.commit()
        flash(_("Deleted."), "success")
        return redirect("/admin/me/#absences", 303)


class AvailabilityView(DeskView):
    """Everybody's, for supervisors."""

    datamodel = DeskInterface(StaffProfile)
    route_base = "/admin/availability/staff"
    class_permission_name = "Availability"
    base_permissions = ["can_list", "can_show", "can_edit"]
    list_title = show_title = edit_title = _l("Availability")
    list_columns = show_columns = ["user", "availability", "away_until", "away_reason", "capacity", "last_assigned_at"]
    edit_columns = ["availability", "away_until", "away_reason", "capacity"]
    search_columns = ["capacity"]
    order_columns = ["last_assigned_at"]
    edit_form_extra_fields = {
        "availability": SelectField(
            _l("Availability"),
            choices=[SelectChoice(each.value, label) for each, label in presence.LABELS.items()],
            coerce=Availability,
        ),
        "away_until": DateTimeLocalField(
            _l("Away until"), [Optional()], description=_l("Away ends by itself at this time.")
        ),
        "away_reason": StringField(
            _l("Reason"), [Optional(), Length(max=presence.LONGEST_REASON)], description=_l("Colleagues read it.")
        ),
        "capacity": IntegerField(
            _l("Open tickets they can hold"),
            [Optional(), NumberRange(0, 10_000)],
            description=_l("Empty: as the desk's settings say. Automation gives nobody more."),
        ),
    }
    formatters_columns = {"availability": lambda value: str(presence.LABELS[Availability(value)])}
    label_columns = {
        "user": _l("Name"), "availability": _l("Availability"), "away_until": _l("Away until"), "away_reason": _l("Reason"), "capacity": _l("Open tickets they can hold"),
        "last_assigned_at": _l("Last automatic ticket"),
    }  # fmt: skip

    def prefill_form(self, form: Any, pk: str) -> None:
        if isinstance(form.away_until.data, dt.datetime):
            form.away_until.data = web.local(form.away_until.data)

    def pre_update(self, profile: StaffProfile) -> None:
        if profile.away_until is not None and profile.away_until.tzinfo is None:
            profile.away_until = profile.away_until.replace(tzinfo=ZoneInfo(web.zone())).astimezone(dt.UTC)
        presence.set_availability(profile, profile.availability, profile.away_until, g.user, profile.away_reason)


class PlannedView(DeskView):
    """Everybody's planned absences, for supervisors."""

    datamodel = DeskInterface(Absence)
    route_base = "/admin/availability/planned"
    class_permission_name = "Absence"
    base_permissions = ["can_list", "can_show", "can_add", "can_edit", "can_delete"]
    titles = (_l("Planned absences"), _l("New absence"), _l("Planned absence"))
    list_columns = show_columns = ["staff", "starts_on", "ends_on", "reason"]
    add_columns = edit_columns = ["staff", "starts_on", "ends_on", "reason"]
    search_columns = ["starts_on", "ends_on"]
    order_columns = ["starts_on", "ends_on"]
    base_order = ("starts_on", "desc")
    label_columns = {
        "staff": _l("Name"), "starts_on": _l("First day"), "ends_on": _l("Last day"), "reason": _l("Reason")
    }  # fmt: skip
    description_columns = {"reason": _l("Colleagues read it.")}

    def pre_add(self, absence: Absence) -> None:
        absence.staff_id = absence.staff.id
        with db.session.no_autoflush:
            absences.plan(absence, g.user)

    def pre_update(self, absence: Absence) -> None:
        self.pre_add(absence)

    def pre_delete(self, absence: Absence) -> None:
        absences.demand(absence, g.user)


def wanted(word: str | None) -> Availability:
    try:
        return Availability(word or "")
    except ValueError:
        raise Invalid(_("There is no such availability."), {"availability": _("Choose one of the list.")}) from None


def until(hours: str | None, written: str | None = None) -> dt.datetime | None:
    """So many hours from now, or until a day and a time in the reader's zone; nothing said is until further notice."""
    if written:
        return _moment(written)
    if not hours:
        return None
    if not hours.isascii() or not hours.isdigit() or not 1 <= int(hours) <= LONGEST_ABSENCE_HOURS:
        raise Invalid(_("Please choose how long you are away."), {"hours": _("This is a whole number of hours.")})
    return clock.now() + dt.timedelta(hours=int(hours))


def _moment(written: str) -> dt.datetime:
    """Which year has it is `set_availability`'s question, but for what no calendar holds."""
    try:
        at = dt.datetime.fromisoformat(written[:40])
        at = (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(web.zone()))).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise Invalid(_("This is no time."), {"until": _("Please choose a day and a time.")}) from None
    if at > clock.now() + dt.timedelta(hours=LONGEST_ABSENCE_HOURS):
        raise Invalid(_("Please choose a time within a year."), {"until": _("Please choose a day and a time.")})
    return at


def _day(field: str) -> dt.date:
    try:
        return dt.date.fromisoformat(request.form.get(field, "")[:10])
    except ValueError:
        raise Invalid(_("Please choose the first and the last day."), {field: _("Please choose a day.")}) from None


def register(appbuilder: AppBuilder) -> None:
    appbuilder.add_view_no_menu(SwitchView)
    appbuilder.add_view_no_menu(AbsencesView)
    appbuilder.add_view(AvailabilityView, "Who takes work", label=_l("Availability"), category="Settings")
    appbuilder.add_view(PlannedView, "Planned absences", label=_l("Planned absences"), category="Settings")
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    app.jinja_env.globals.update(availability_labels=presence.LABELS)
