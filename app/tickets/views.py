"""Generated pages for the rows an admin shapes: statuses, priorities, categories, tags, canned responses."""

from __future__ import annotations

from typing import Any

from flask import flash, g
from flask_appbuilder import AppBuilder
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import inspect, select
from sqlalchemy.orm import joinedload
from wtforms import SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, NumberRange

from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.core.fab import DeskInterface, DeskView
from app.core.shipped import shown
from app.tickets import steps
from app.tickets.choices import STATE_LABELS, CannedResponse, Category, Priority, State, Status, Tag
from app.tickets.models import LinkType, Ticket
from app.tickets.restating import AtWork
from app.tickets.statuses import demand_rest
from app.tickets.statusmoves import unfinished
from app.tickets.visibility import canned_visible_to

SETTINGS = {"category": "Settings", "category_label": _l("Settings"), "category_icon": "fa-gear"}


class StatusInterface(DeskInterface):
    row_options = (joinedload(Status.after_customer_reply), joinedload(Status.after_assignment))


KEPT_NAME = _l("A name the desk came with is shown to everybody in their language, until it is changed here.")


class StatusView(DeskView):
    datamodel = StatusInterface(Status)
    route_base = "/admin/statuses"
    class_permission_name = "Status"
    show_template = "desk/statusshow.html"
    edit_template = "desk/statusedit.html"
    titles = _l("Statuses"), _l("New status"), _l("Status")
    list_columns = [
        "name",
        "customer_label",
        "state",
        "after_customer_reply",
        "manual",
        "initial",
        "active",
        "position",
    ]
    show_columns = [
        "name",
        "customer_label",
        "state",
        "after_customer_reply",
        "after_assignment",
        "manual",
        "initial",
        "active",
        "position",
    ]
    add_columns = edit_columns = show_columns
    order_columns = ["name", "position"]
    base_order = ("position", "asc")
    label_columns = {
        "name": _l("Name"), "customer_label": _l("Name for customers"), "state": _l("Means"), "after_customer_reply": _l("After a customer's reply"),
        "after_assignment": _l("After assignment"), "manual": _l("Staff may choose it"), "initial": _l("New tickets start here"), "active": _l("Active"), "position": _l("Place in lists"),
    }  # fmt: skip
    formatters_columns = {"name": shown, "customer_label": shown, "state": lambda state: STATE_LABELS[State(state)]}
    description_columns = {"name": KEPT_NAME}
    add_form_extra_fields = edit_form_extra_fields = {
        "state": SelectField(
            _l("Means"),
            [DataRequired()],
            choices=[SelectChoice(state.value, label) for state, label in STATE_LABELS.items()],
            coerce=State,
        )
    }

    def pre_update(self, status: Status) -> None:
        """A status in use keeps its meaning: its tickets carry the state, and their clocks ran by it. A page of its own changes both."""
        changed = inspect(status).attrs
        if (changed.state.history.has_changes() or changed.active.history.has_changes()) and unfinished(status):
            raise AtWork(status)
        if db.session.scalar(select(Ticket.id).where(Ticket.status_id == status.id, Ticket.state != status.state).limit(1)) is not None:  # fmt: skip
            raise Invalid(
                _("Tickets have this status, so its meaning stays."),
                {"state": _("Tickets have this status. “Move its tickets” below changes its meaning together with them.")},
            )  # fmt: skip
        demand_rest(status, status.state if status.active else None)

    def pre_delete(self, status: Status) -> None:
        if unfinished(status):
            raise AtWork(status)
        demand_rest(status, None)
        steps.forget(status)

    def post_add(self, status: Status) -> None:
        bound = steps.chosen()
        names = ", ".join(role.name for role in steps.bound_roles() if role.id in bound)
        if names:
            flash(_("These roles may not change anything to or from it yet: %(names)s. See “Who may change what”.", names=names), "warning")  # fmt: skip


class PriorityView(DeskView):
    datamodel = DeskInterface(Priority)
    route_base = "/admin/priorities"
    class_permission_name = "Priority"
    titles = _l("Priorities"), _l("New priority"), _l("Priority")
    list_columns = ["name", "rank", "aliases", "meaning", "active"]
    show_columns = add_columns = edit_columns = list_columns
    order_columns = ["name", "rank"]
    base_order = ("rank", "asc")
    label_columns = {
        "name": _l("Name"),
        "rank": _l("Rank"),
        "aliases": _l("Other names"),
        "meaning": _l("What it means"),
        "active": _l("Active"),
    }
    formatters_columns = {"name": shown, "meaning": shown}
    description_columns = {
        "name": KEPT_NAME,
        "rank": _l("1 low, 2 normal, 3 high, 4 critical. Targets and the filter Urgent go by it."),
        "aliases": _l("Separated by commas; imports and the API take them."),
    }
    validators_columns = {"rank": [NumberRange(1, 4)]}


class CategoryInterface(DeskInterface):
    row_options = (joinedload(Category.department), joinedload(Category.parent))


class CategoryView(DeskView):
    datamodel = CategoryInterface(Category)
    route_base = "/admin/categories"
    class_permission_name = "Category"
    titles = _l("Categories"), _l("New category"), _l("Category")
    list_columns = ["name", "description", "department", "public", "active", "position"]
    show_columns = add_columns = edit_columns = [
        "name",
        "description",
        "parent",
        "department",
        "skills",
        "any_skill",
        "public",
        "active",
        "position",
    ]
    order_columns = ["name", "position"]
    base_order = ("position", "asc")
    label_columns = {
        "name": _l("Name"), "description": _l("Description"), "parent": _l("Part of"), "department": _l("Department"), "skills": _l("Skills"), "any_skill": _l("One of them is enough"),
        "public": _l("Customers may choose it"), "active": _l("Active"), "position": _l("Place in lists"),
    }  # fmt: skip
    formatters_columns = {"name": shown, "description": shown}
    description_columns = {
        "name": KEPT_NAME,
        "department": _l("Where its tickets go when the customer chose no department."),
        "skills": _l("Automatic assignment gives its tickets only to who has them all."),
    }


class TagView(DeskView):
    datamodel = DeskInterface(Tag)
    route_base = "/admin/tags"
    class_permission_name = "Tag"
    titles = _l("Tags"), _l("New tag"), _l("Tag")
    list_columns = show_columns = add_columns = edit_columns = order_columns = ["name"]
    base_order = ("name", "asc")
    label_columns = {"name": _l("Name")}

    def pre_add(self, tag: Tag) -> None:
        tag.name = " ".join(tag.name.split()).casefold()

    pre_update = pre_add


class LinkTypeView(DeskView):
    datamodel = DeskInterface(LinkType)
    route_base = "/admin/link-types"
    class_permission_name = "LinkType"
    titles = _l("Link types"), _l("New link type"), _l("Link type")
    list_columns = show_columns = add_columns = edit_columns = ["name", "reverse_name", "active", "position"]
    order_columns = ["name", "position"]
    base_order = ("position", "asc")
    label_columns = {
        "name": _l("Name"), "reverse_name": _l("From the other side"), "active": _l("Active"), "position": _l("Place in lists"),
    }  # fmt: skip
    formatters_columns = {"name": shown, "reverse_name": shown}
    description_columns = {
        "name": _l(
            "As in: this ticket “blocks” the other. A name the desk came with is shown to everybody in their language."
        ),
        "reverse_name": _l("As in: the other ticket “is blocked by” this one."),
    }


class CannedInterface(DeskInterface):
    row_options = (joinedload(CannedResponse.category), joinedload(CannedResponse.department))

    def visible(self, query: Any) -> Any:
        return query.where(canned_visible_to(g.user))


class CannedResponseView(DeskView):
    datamodel = CannedInterface(CannedResponse)
    route_base = "/admin/canned"
    class_permission_name = "CannedResponse"
    titles = _l("Canned responses"), _l("New canned response"), _l("Canned response")
    list_columns = ["title", "shortcut", "category", "department", "uses", "active"]
    show_columns = ["title", "shortcut", "body", "category", "department", "uses", "active"]
    add_columns = edit_columns = ["title", "shortcut", "body", "category", "department", "active"]
    search_columns = ["title", "shortcut"]
    order_columns = ["title", "shortcut", "uses"]
    base_order = ("title", "asc")
    label_columns = {
        "title": _l("Title"), "shortcut": _l("Typed as /"), "body": _l("Text"), "category": _l("Category"), "department": _l("Department"), "uses": _l("Used"), "active": _l("Active"),
    }  # fmt: skip
    description_columns = {
        "body": _l(
            "{{customer_name}}, {{ticket_number}}, {{agent_name}} and {{department}} are filled in when it is inserted."
        )
    }

    def pre_add(self, response: CannedResponse) -> None:
        """Who may not shape the desk's own answers keeps personal ones."""
        response.shortcut = (response.shortcut or "").strip().lstrip("/").casefold() or None
        if response.id is None and not g.user.can("edit", "Category"):
            response.owner_id = g.user.id

    def pre_update(self, response: CannedResponse) -> None:
        self._may_change(response)
        self.pre_add(response)

    def pre_delete(self, response: CannedResponse) -> None:
        self._may_change(response)

    def _may_change(self, response: CannedResponse) -> None:
        if response.owner_id is None and not g.user.can("edit", "Category"):
            raise HelpdeskError(
                _("This one is everybody's; a supervisor or an admin changes it. You can add one of your own.")
            )


def register(appbuilder: AppBuilder) -> None:
    appbuilder.add_view(CannedResponseView, "Canned responses", label=_l("Canned responses"), **SETTINGS)
    appbuilder.add_view(CategoryView, "Categories", label=_l("Categories"), **SETTINGS)
    appbuilder.add_view(StatusView, "Statuses", label=_l("Statuses"), **SETTINGS)
    appbuilder.add_view(PriorityView, "Priorities", label=_l("Priorities"), **SETTINGS)
    appbuilder.add_view(TagView, "Tags", label=_l("Tags"), **SETTINGS)
    appbuilder.add_view(LinkTypeView, "Link types", label=_l("Link types"), **SETTINGS)
