"""The generated page of activity types, and the desk's pages about time."""

from __future__ import annotations

from flask_appbuilder import AppBuilder
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update
from wtforms import SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired

from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.core.fab import DeskInterface, DeskView
from app.core.shipped import shown
from app.desk.timepages import TicketTimeView, TimerView
from app.desk.timereportpages import TimeReportView
from app.tickets.timeentries import ActivityType, TimeEntry

COLOURS = {
    "grey": _l("Grey"), "blue": _l("Blue"), "green": _l("Green"), "amber": _l("Amber"), "red": _l("Red"), "violet": _l("Violet"),
}  # fmt: skip


class ActivityTypeView(DeskView):
    datamodel = DeskInterface(ActivityType)
    route_base = "/admin/activity-types"
    class_permission_name = "ActivityType"
    titles = _l("Activity types"), _l("New activity type"), _l("Activity type")
    list_columns = show_columns = add_columns = edit_columns = [
        "name", "colour", "billable", "initial", "active", "position",
    ]  # fmt: skip
    order_columns = ["name", "position"]
    base_order = ("position", "asc")
    label_columns = {
        "name": _l("Name"), "colour": _l("Colour"), "billable": _l("Billable"), "initial": _l("Chosen by itself"), "active": _l("Active"), "position": _l("Place in lists"),
    }  # fmt: skip
    formatters_columns = {"name": shown, "colour": lambda colour: str(COLOURS.get(colour, colour))}
    description_columns = {
        "name": _l("A name the desk came with is shown to everybody in their language, until it is changed here."),
        "billable": _l("Time that is written down from now on."),
        "initial": _l("Where nobody chooses. One of them at a time."),
        "active": _l("Switched off nobody chooses it any more; what was written down stays."),
    }
    add_form_extra_fields = edit_form_extra_fields = {
        "colour": SelectField(
            _l("Colour"), [DataRequired()], choices=[SelectChoice(key, words) for key, words in COLOURS.items()]
        )
    }

    def pre_add(self, kind: ActivityType) -> None:
        if kind.initial:
            others = update(ActivityType).values(initial=False)
            db.session.execute(others.where(ActivityType.id != kind.id) if kind.id else others)

    pre_update = pre_add

    def pre_delete(self, kind: ActivityType) -> None:
        used = select(TimeEntry.id).where(TimeEntry.activity_id == kind.id).limit(1)
        if db.session.scalar(used) is not None:
            raise HelpdeskError(_("Time was written down for it. Switch it off instead."))


def register(appbuilder: AppBuilder) -> None:
    appbuilder.add_view(
        ActivityTypeView, "Activity types", label=_l("Activity types"), category="Settings", category_label=_l("Settings"), category_icon="fa-gear",
    )  # fmt: skip
    appbuilder.add_view(TimeReportView, "Time", label=_l("Time"), icon="clock")
    for view in (TicketTimeView, TimerView):
        appbuilder.add_view_no_menu(view)
