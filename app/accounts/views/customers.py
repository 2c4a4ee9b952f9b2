"""Generated pages for customers and their organizations."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import current_app, g, redirect
from flask_appbuilder.actions import action
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import inspect, select
from sqlalchemy.orm import joinedload
from wtforms import StringField
from wtforms.validators import Length, NumberRange, Optional

from app.accounts import customernotes, customers
from app.accounts.models import Customer, Organization
from app.core.errors import Forbidden, Invalid
from app.core.extensions import db
from app.core.fab import DeskInterface, DeskView


def _language(code: str | None) -> str:
    """Its own name, as the portal offers it."""
    known = current_app.config["LANGUAGES"]
    return str(known[code]["name"]) if code in known else code or "–"


class CustomerInterface(DeskInterface):
    row_options = (joinedload(Customer.organization), joinedload(Customer.environment))


class CustomerView(DeskView):
    datamodel = CustomerInterface(Customer)
    route_base = "/admin/customers"
    class_permission_name = "Customer"
    titles = _l("Customers"), _l("New customer"), _l("Customer")
    method_permission_name = {"write_to": "list"}
    show_template = "accounts/customer.html"
    list_columns = ["name", "email", "organization", "phone", "active", "created_at"]
    show_columns = [
        "name",
        "email",
        "organization",
        "phone",
        "environment",
        "language",
        "active",
        "address_works",
        "verified_at",
        "created_at",
        "notes",
    ]
    add_columns = ["name", "email", "organization_name", "phone", "environment", "notes"]
    edit_columns = [*add_columns, "active", "address_works"]
    search_columns = ["name", "email"]
    order_columns = ["name", "email", "created_at"]
    base_order = ("name", "asc")
    label_columns = {
        "name": _l("Name"), "email": _l("Email"), "organization": _l("Organization"), "organization_name": _l("Organization"), "phone": _l("Phone"),
        "active": _l("May sign in"), "address_works": _l("The address takes mail"), "verified_at": _l("Address proven"), "created_at": _l("Since"), "notes": _l("Notes"),
        "language": _l("Language"), "environment": _l("Environment"),
    }  # fmt: skip
    formatters_columns = {"language": _language}
    description_columns = {
        "organization_name": _l("Members of one organization see each other's tickets. A new name makes a new one."),
        "notes": _l("Only staff read this."),
        "environment": _l("Where their tickets play when nobody says it."),
    }
    add_form_extra_fields = edit_form_extra_fields = {
        "organization_name": StringField(_l("Organization"), [Optional(), Length(max=120)])
    }

    @action("write_to", _l("Message client"), icon="fa-envelope", single=False)
    def write_to(self, chosen: list[Customer]) -> Any:
        """Each of them gets a ticket of their own; what it says is written on the page this leads to."""
        if not g.user.can("add"):
            raise Forbidden(_("Your role does not allow this."))
        return redirect("/admin/tickets/message?" + urlencode([("customer_id", one.id) for one in chosen]))

    def render_template(self, template: str, **shown: Any) -> Any:
        """A customer's own page says what staff noted about them."""
        if template == self.show_template:
            shown["notes"] = customernotes.of(int(shown["pk"]), g.user)
        return super().render_template(template, **shown)

    def pre_add(self, customer: Customer) -> None:
        customer.email = customers.checked_address(customer.email)
        customer.name = customers.clean_name(customer.name)
        other = customers.find(customer.email)
        if other is not None and other is not customer and other.id != customer.id:
            raise Invalid(
                _("This address is another customer's."),
                {"email": _("%(name)s has this address already.", name=other.name)},
            )
        customer.organization = _organization(getattr(customer, "organization_name", ""))

    def pre_update(self, customer: Customer) -> None:
        """Another address may be another person's: it is proven anew, and whoever was signed in signs in by it."""
        moved = inspect(customer).attrs.email_key.history.has_changes()
        self.pre_add(customer)
        if moved:
            customer.verified_at = None
            customers.sign_out_everywhere(customer)

    def prefill_form(self, form: Any, pk: int) -> None:
        customer = db.session.get_one(Customer, pk)
        form.organization_name.data = customer.organization.name if customer.organization else ""


def _organization(name: str | None) -> Organization | None:
    name = customers.clean_name(name or "")
    if not name:
        return None
    return db.session.scalar(select(Organization).where(Organization.name == name)) or Organization(name=name)


class OrganizationView(DeskView):
    datamodel = DeskInterface(Organization)
    route_base = "/admin/organizations"
    class_permission_name = "Organization"
    titles = _l("Organizations"), _l("New organization"), _l("Organization")
    list_columns = ["name", "domain", "created_at"]
    show_columns = ["name", "domain", "notes", "budget_minutes", "created_at"]
    add_columns = edit_columns = ["name", "domain", "notes", "budget_minutes"]
    search_columns = ["name", "domain"]
    order_columns = ["name", "domain", "created_at"]
    base_order = ("name", "asc")
    label_columns = {
        "name": _l("Name"),
        "domain": _l("Domain of its addresses"),
        "notes": _l("Notes"),
        "budget_minutes": _l("Time budget a month"),
        "created_at": _l("Since"),
    }
    description_columns = {
        "budget_minutes": _l("In minutes. Near its end people are told; nothing is ever refused. Empty: none.")
    }
    validators_columns = {"budget_minutes": [Optional(), NumberRange(1, 6_000_000)]}
