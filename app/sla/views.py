"""Generated pages for SLA policies and their targets."""

from __future__ import annotations

from typing import Any

from flask_appbuilder import AppBuilder
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import joinedload
from wtforms import SelectChoice, SelectField
from wtforms.validators import DataRequired

from app.core.errors import Invalid
from app.core.fab import DeskInterface, DeskView
from app.core.outbox import Outbox
from app.core.shipped import shown
from app.sla.models import HOURS_LABELS, Hours, SlaPolicy, SlaTarget

RANKS = {4: _l("4: critical"), 3: _l("3: high"), 2: _l("2: normal"), 1: _l("1: low")}
LONGEST = {"minutes": 60 * 24 * 366, "days": 366}


class RebuildsClocks(DeskView):
    """After each change a job replays the running clocks; what ended under the old promise stays as it was."""

    class_permission_name = "SlaPolicy"

    def pre_update(self, row: Any) -> None:
        Outbox.put("sla.check", queue="bulk")

    def pre_add(self, row: Any) -> None:
        self.pre_update(row)

    def pre_delete(self, row: Any) -> None:
        Outbox.put("sla.check", queue="bulk")


class SlaTargetInterface(DeskInterface):
    row_options = (joinedload(SlaTarget.policy),)


class SlaTargetView(RebuildsClocks):
    datamodel = SlaTargetInterface(SlaTarget)
    route_base = "/admin/sla-targets"
    titles = _l("SLA targets"), _l("New SLA target"), _l("SLA target")
    list_columns = show_columns = add_columns = edit_columns = [
        "policy", "priority_rank", "first_response_minutes", "first_response_business_days", "next_response_minutes", "resolution_minutes", "resolution_business_days",
    ]  # fmt: skip
    search_columns = ["priority_rank"]
    order_columns = ["priority_rank"]
    base_order = ("priority_rank", "desc")
    add_form_extra_fields = edit_form_extra_fields = {
        "priority_rank": SelectField(
            _l("Priority"),
            [DataRequired()],
            choices=[SelectChoice(rank, label) for rank, label in RANKS.items()],
            coerce=int,
        )
    }
    formatters_columns = {"priority_rank": lambda rank: str(RANKS.get(rank, rank))}
    label_columns = {
        "policy": _l("Policy"), "priority_rank": _l("Priority"),
        "first_response_minutes": _l("First response, minutes"), "first_response_business_days": _l("First response, business days"),
        "next_response_minutes": _l("Every further response, minutes"),
        "resolution_minutes": _l("Resolution, minutes"), "resolution_business_days": _l("Resolution, business days"),
    }  # fmt: skip
    description_columns = {
        "first_response_minutes": _l("Empty: nothing is promised."),
        "first_response_business_days": _l(
            "Instead of minutes. Business days are those of the calendar, or Monday to Friday when the policy counts round the clock."
        ),
    }

    def pre_update(self, target: SlaTarget) -> None:
        """Minutes or days, not both, and within reason."""
        wrong: dict[str, str] = {}
        for promise in ("first_response", "resolution"):
            if (
                getattr(target, f"{promise}_minutes") is not None
                and getattr(target, f"{promise}_business_days") is not None
            ):
                wrong[f"{promise}_business_days"] = _("Give minutes or business days, not both.")
        for name in self.add_columns[2:]:
            longest = LONGEST[name.rpartition("_")[2]]
            if getattr(target, name) is not None and not 1 <= getattr(target, name) <= longest:
                wrong[name] = _("This is a number from %(least)s to %(most)s.", least=1, most=longest)
        if wrong:
            raise Invalid(_("This target is not right yet."), wrong)
        super().pre_update(target)


class SlaPolicyView(RebuildsClocks):
    datamodel = DeskInterface(SlaPolicy)
    route_base = "/admin/sla-policies"
    titles = _l("SLA policies"), _l("New SLA policy"), _l("SLA policy")
    list_columns = show_columns = add_columns = edit_columns = ["name", "hours", "active", "position"]
    order_columns = ["name", "position"]
    base_order = ("position", "asc")
    related_views = [SlaTargetView]
    add_form_extra_fields = edit_form_extra_fields = {
        "hours": SelectField(
            _l("Time that counts"),
            choices=[SelectChoice(hours.value, label) for hours, label in HOURS_LABELS.items()],
            coerce=Hours,
        )
    }
    formatters_columns = {"name": shown, "hours": lambda hours: str(HOURS_LABELS[Hours(hours)])}
    label_columns = {
        "name": _l("Name"),
        "hours": _l("Time that counts"),
        "active": _l("Active"),
        "position": _l("Order"),
    }
    description_columns = {
        "position": _l("The first active policy holds for every ticket. Without an active one nothing is promised."),
        "hours": _l("Business hours are those of the ticket's department: Settings, Calendars."),
    }


def register(appbuilder: AppBuilder) -> None:
    appbuilder.add_view_no_menu(SlaTargetView)
    appbuilder.add_view(
        SlaPolicyView,
        "SLA policies",
        label=_l("SLA policies"),
        category="Settings",
        category_label=_l("Settings"),
        category_icon="fa-gear",
    )
