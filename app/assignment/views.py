"""Pages on who takes new work: the switch in the menu for oneself, a generated page for those who look after others."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Flask, current_app, flash, g, has_request_context, redirect, request
from flask_appbuilder import AppBuilder, expose, has_access
from flask_appbuilder.baseviews import BaseView
from flask_appbuilder.security.decorators import permission_name
from flask_appbuilder.utils.base import get_safe_redirect
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateTimeLocalField, IntegerField, SelectChoice, SelectField
from wtforms.validators import NumberRange, Optional

from app.accounts import availability as presence
from app.accounts.models import Availability, StaffProfile
from app.core import clock
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
        presence.set_availability(
            profile, wanted(request.form.get("availability")), until(request.form.get("hours")), by=g.user
        )
        db.session.commit()
        flash(_("You are now: %(state)s.", state=presence.LABELS[profile.availability]), "success")
        return redirect(get_safe_redirect(request.form.get("next") or "/"))


class AvailabilityView(DeskView):
    """Everybody's, for supervisors."""

    datamodel = DeskInterface(StaffProfile)
    route_base = "/admin/availability/staff"
    class_permission_name = "Availability"
    base_permissions = ["can_list", "can_show", "can_edit"]
    list_title = show_title = edit_title = _l("Availability")
    list_columns = show_columns = ["user", "availability", "away_until", "capacity", "last_assigned_at"]
    edit_columns = ["availability", "away_until", "capacity"]
    search_columns = ["capacity"]
    order_columns = ["last_assigned_at"]
    edit_form_extra_fields = {
        "availability": SelectField(
            _l("Availability"),
            choices=[SelectChoice(each.value, label) for each, label in presence.LABELS.items()],
            coerce=Availability,
        ),
        "away_until": DateTimeLocalField(
            _l("Away until"), [Optional()], description=_l("In UTC. Away ends by itself at this time.")
        ),
        "capacity": IntegerField(
            _l("Open tickets they can hold"),
            [Optional(), NumberRange(0, 10_000)],
            description=_l("Empty: as the desk's settings say. Automation gives nobody more."),
        ),
    }
    formatters_columns = {"availability": lambda value: str(presence.LABELS[Availability(value)])}
    label_columns = {
        "user": _l("Name"), "availability": _l("Availability"), "away_until": _l("Away until"), "capacity": _l("Open tickets they can hold"),
        "last_assigned_at": _l("Last automatic ticket"),
    }  # fmt: skip

    def pre_update(self, profile: StaffProfile) -> None:
        if profile.away_until is not None and profile.away_until.tzinfo is None:
            profile.away_until = profile.away_until.replace(tzinfo=dt.UTC)
        presence.set_availability(profile, profile.availability, profile.away_until, by=g.user)


def wanted(word: str | None) -> Availability:
    try:
        return Availability(word or "")
    except ValueError:
        raise Invalid(_("There is no such availability."), {"availability": _("Choose one of the list.")}) from None


def until(hours: str | None) -> dt.datetime | None:
    """So many hours from now; nothing said is until further notice."""
    if not hours:
        return None
    if not hours.isascii() or not hours.isdigit() or not 1 <= int(hours) <= LONGEST_ABSENCE_HOURS:
        raise Invalid(_("Please choose how long you are away."), {"hours": _("This is a whole number of hours.")})
    return clock.now() + dt.timedelta(hours=int(hours))


def mine() -> Availability | None:
    """The signed-in person's, for the switch; read once a request and only where a page shows it."""
    if not has_request_context() or not getattr(g.get("user"), "is_authenticated", False):
        return None
    if "availability" not in g:
        g.availability = presence.of(g.user.id)
    present: Availability = g.availability
    return present


def register(appbuilder: AppBuilder) -> None:
    appbuilder.add_view_no_menu(SwitchView)
    appbuilder.add_view(AvailabilityView, "Who takes work", label=_l("Availability"), category="Settings")
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    app.jinja_env.globals.update(my_availability=mine, availability_labels=presence.LABELS)
