"""Pages on who takes new work: the switch in the menu for oneself, a generated page for those who look after others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
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
from app.accounts.skills import Skill
from app.assignment import pools
from app.assignment.models import Pool
from app.core import clock, web
from app.core.errors import Invalid
from app.core.extensions import db
from app.core.fab import DeskInterface, DeskView

LONGEST_ABSENCE_HOURS = 24 * 366


WEIGHT_WORDS = {
    "low": _l("A low ticket counts as"), "normal": _l("A normal ticket counts as"), "high": _l("A high ticket counts as"), "critical": _l("A critical ticket counts as"),
}  # fmt: skip


def _one_of(label: object, words: Mapping[str, object]) -> SelectField:
    return SelectField(label, choices=[SelectChoice(key, each) for key, each in words.items()])


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
    list_columns = show_columns = [
        "user",
        "availability",
        "away_until",
        "away_reason",
        "stand_in",
        "capacity",
        "share_percent",
        "last_assigned_at",
    ]
    edit_columns = ["availability", "away_until", "away_reason", "stand_in", "capacity", "share_percent"]
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
        "share_percent": IntegerField(
            _l("Share of new tickets"),
            [Optional(), NumberRange(1, 400)],
            description=_l("Percent; empty is 100. Who has 50 gets half as many as a colleague who has 100."),
        ),
    }
    formatters_columns = {"availability": lambda value: str(presence.LABELS[Availability(value)])}
    label_columns = {
        "user": _l("Name"), "availability": _l("Availability"), "away_until": _l("Away until"), "away_reason": _l("Reason"), "capacity": _l("Open tickets they can hold"),
        "stand_in": _l("Stand-in"), "share_percent": _l("Share of new tickets"), "last_assigned_at": _l("Last automatic ticket"),
    }  # fmt: skip

    def prefill_form(self, form: Any, pk: str) -> None:
        if isinstance(form.away_until.data, dt.datetime):
            form.away_until.data = web.local(form.away_until.data)

    def pre_update(self, profile: StaffProfile) -> None:
        if profile.away_until is not None and profile.away_until.tzinfo is None:
            profile.away_until = profile.away_until.replace(tzinfo=ZoneInfo(web.zone())).astimezone(dt.UTC)
        profile.share_percent = profile.share_percent or 100
        presence.check_stand_in(profile)
        presence.set_availability(profile, profile.availability, profile.away_until, g.user, profile.away_reason)


class SkillView(DeskView):
    """What some can do and others cannot, and who."""

    datamodel = DeskInterface(Skill)
    route_base = "/admin/skills"
    class_permission_name = "Skill"
    titles = (_l("Skills"), _l("New skill"), _l("Skill"))
    list_columns = show_columns = add_columns = edit_columns = ["name", "description", "people"]
    order_columns = ["name"]
    base_order = ("name", "asc")
    label_columns = {"name": _l("Name"), "description": _l("Description"), "people": _l("Who has it")}
    description_columns = {"name": _l("Such as a language or a product. A category says which of them its tickets ask for.")}  # fmt: skip


class PoolView(DeskView):
    """How departments hand out their tickets, where it is not as the desk's settings say."""

    datamodel = DeskInterface(Pool)
    route_base = "/admin/pools"
    class_permission_name = "Pool"
    titles = (_l("Pools"), _l("New pool"), _l("Pool"))
    list_columns = ["department", "category", "method", "hours", "absent", "fallback", "fallback_department"]
    show_columns = add_columns = edit_columns = [
        "department", "category", "method", "hours", "previous_days", "absent", "fallback", "fallback_department", "weight_low", "weight_normal", "weight_high", "weight_critical",
    ]  # fmt: skip
    search_columns = ["method"]
    order_columns = ["method"]
    label_columns = {
        "department": _l("Department"), "category": _l("Category"), "method": _l("Method"), "hours": _l("When"), "previous_days": _l("Back to who had it within"),
        "absent": _l("When somebody goes away, their tickets"), "fallback": _l("What nobody can take goes to"), "fallback_department": _l("or to the department"),
        "weight_low": _l("A low ticket counts as"), "weight_normal": _l("A normal ticket counts as"), "weight_high": _l("A high ticket counts as"), "weight_critical": _l("A critical ticket counts as"),
    }  # fmt: skip
    description_columns = {
        "category": _l("Empty: all tickets of the department that have no pool of their own."),
        "previous_days": _l("Days after which a reopened ticket is anybody's. Empty: as the desk's settings say."),
        "fallback": _l("Also while away; then their stand-in is asked first."),
        "fallback_department": _l("A ticket is sent on once."),
    }
    formatters_columns = {
        "method": lambda value: str(pools.METHODS.get(value, value)), "hours": lambda value: str(pools.HOURS.get(value, value)), "absent": lambda value: str(pools.ABSENT.get(value, value)),
    }  # fmt: skip
    add_form_extra_fields = edit_form_extra_fields = {
        "method": _one_of(_l("Method"), pools.METHODS),
        "hours": _one_of(_l("When"), pools.HOURS),
        "absent": _one_of(_l("When somebody goes away, their tickets"), pools.ABSENT),
        "previous_days": IntegerField(_l("Back to who had it within"), [Optional(), NumberRange(0, 3650)], description=_l("Days after which a reopened ticket is anybody's. Empty: as the desk's settings say.")),
        **{f"weight_{name}": IntegerField(words, [Optional(), NumberRange(1, 20)], description=_l("Tickets. Empty: as the desk's settings say.")) for name, words in WEIGHT_WORDS.items()},
    }  # fmt: skip

    def pre_add(self, pool: Pool) -> None:
        pools.check(pool)

    def pre_update(self, pool: Pool) -> None:
        pools.check(pool)


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
    appbuilder.add_view(SkillView, "Skills", label=_l("Skills"), category="Settings")
    appbuilder.add_view(PoolView, "Pools", label=_l("Pools"), category="Settings")
    appbuilder.add_view(PlannedView, "Planned absences", label=_l("Planned absences"), category="Settings")
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    app.jinja_env.globals.update(availability_labels=presence.LABELS)
