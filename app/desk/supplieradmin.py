"""Generated pages of suppliers with their people, and of environments."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask_appbuilder import AppBuilder
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload
from wtforms import SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional

from app.accounts import customers
from app.accounts.environments import COLOURS, Environment
from app.accounts.models import Customer
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.core.fab import DeskInterface, DeskView
from app.mail import people
from app.tickets.models import Ticket
from app.tickets.supplied import Supplier, SupplierContact, TicketSupplier
from app.tickets.thread import Message

LONGEST_PEOPLE = 10_000
MOST_PEOPLE = 50
COLOUR_WORDS = {
    "grey": _l("Grey"), "blue": _l("Blue"), "green": _l("Green"), "amber": _l("Amber"), "red": _l("Red"), "violet": _l("Violet"),
}  # fmt: skip


def _language(code: str | None) -> str:
    known = current_app.config["LANGUAGES"]
    return str(known[code]["name"]) if code in known else "–"


def _languages() -> list[SelectChoice]:
    known = current_app.config["LANGUAGES"]
    return [
        SelectChoice("", _("As the desk")),
        *(SelectChoice(code, str(each["name"])) for code, each in known.items()),
    ]


class SupplierInterface(DeskInterface):
    row_options = (joinedload(Supplier.department), selectinload(Supplier.categories), selectinload(Supplier.contacts))


class SupplierView(DeskView):
    datamodel = SupplierInterface(Supplier)
    route_base = "/admin/suppliers"
    class_permission_name = "Supplier"
    titles = _l("Suppliers"), _l("New supplier"), _l("Supplier")
    list_columns = ["name", "people", "department", "categories", "active"]
    show_columns = ["name", "people", "department", "categories", "language", "notes", "active"]
    add_columns = edit_columns = ["name", "people_text", "department", "categories", "language", "notes", "active"]
    search_columns = ["name", "notes"]
    order_columns = ["name"]
    base_order = ("name", "asc")
    label_columns = {
        "name": _l("Company"), "people": _l("Contact people"), "people_text": _l("Contact people"), "department": _l("Department"), "categories": _l("Categories"),
        "language": _l("Language"), "notes": _l("Notes"), "active": _l("Active"),
    }  # fmt: skip
    description_columns = {
        "department": _l("Whose tickets it helps with; empty: all of them."),
        "categories": _l("Its tickets are offered this supplier first."),
        "notes": _l("Only staff read this."),
        "active": _l("Switched off it cannot be asked; what was written stays."),
    }  # fmt: skip
    formatters_columns = {
        "categories": lambda categories: ", ".join(map(str, categories)) or _("All"),
        "people": lambda text: text.replace("\n", ", ") or "–",
        "language": _language,
    }
    add_form_extra_fields = edit_form_extra_fields = {
        "people_text": TextAreaField(
            _l("Contact people"),
            [DataRequired(), Length(max=LONGEST_PEOPLE)],
            description=_l(
                "One a line, such as %(example)s. The first is written to unless another is chosen. Who is taken away gets nothing more, and what they write waits for a look.",
                example="Jo Kim &lt;jo@maker.example&gt;",  # the page takes a hint as HTML
            ),
        ),
        "language": SelectField(_l("Language"), [Optional()], choices=_languages, coerce=lambda code: code or None),
    }

    def prefill_form(self, form: Any, pk: int) -> None:
        form.people_text.data = db.session.get_one(Supplier, pk).people

    def pre_add(self, supplier: Supplier) -> None:
        supplier.language = supplier.language or None
        _set_people(supplier, getattr(supplier, "people_text", "") or "")

    pre_update = pre_add

    def pre_delete(self, supplier: Supplier) -> None:
        """Its messages would belong to nobody."""
        tickets = select(TicketSupplier.id).where(TicketSupplier.supplier_id == supplier.id)
        messages = select(Message.id).where(Message.supplier_id == supplier.id)
        if db.session.scalar(tickets.limit(1)) or db.session.scalar(messages.limit(1)):
            raise HelpdeskError(_("Tickets have this supplier. Switch it off instead."))


def _set_people(supplier: Supplier, written: str) -> None:
    """As they stand in the form, in its order. Raises Invalid. Who stood there before and does not now is switched off."""
    known = {contact.email_key: contact for contact in supplier.contacts}
    for contact in known.values():
        contact.active = False
    for place, (name, address) in enumerate(_read(written)):
        found = known.get(address.casefold())
        contact = found or SupplierContact(email=address, email_key=address.casefold())
        if found is None:
            supplier.contacts.append(contact)
        contact.name, contact.email, contact.position = name, address, place
        contact.active = contact.address_works = True


def _read(written: str) -> list[tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for line in filter(None, map(str.strip, written.splitlines())):
        named = people.addresses(line)
        try:
            if len(named) != 1:
                raise ValueError(line)
            address = customers.checked_address(named[0].address)
        except (ValueError, Invalid):
            sentence = _("“%(line)s” is no name with one address.", line=line[:100])
            raise Invalid(sentence, {"people_text": sentence}) from None
        found.setdefault(address.casefold(), (customers.clean_name(named[0].name), address))
    if not 0 < len(found) <= MOST_PEOPLE:
        sentence = _("Please write one to %(most)s people.", most=MOST_PEOPLE)
        raise Invalid(sentence, {"people_text": sentence})
    return list(found.values())


class EnvironmentView(DeskView):
    datamodel = DeskInterface(Environment)
    route_base = "/admin/environments"
    class_permission_name = "Environment"
    titles = _l("Environments"), _l("New environment"), _l("Environment")
    list_columns = ["name", "colour", "active", "position"]
    show_columns = add_columns = edit_columns = list_columns
    order_columns = ["name", "position"]
    base_order = ("position", "asc")
    label_columns = {
        "name": _l("Name"),
        "colour": _l("Colour"),
        "active": _l("Active"),
        "position": _l("Place in lists"),
    }
    description_columns = {"name": _l("Such as Production or Staging: where a customer met what a ticket is about.")}
    formatters_columns = {"colour": lambda colour: str(COLOUR_WORDS.get(colour or "grey", colour))}
    validators_columns = {"name": [Length(max=60)]}
    add_form_extra_fields = edit_form_extra_fields = {
        "colour": SelectField(_l("Colour"), [DataRequired()], choices=[SelectChoice(name, COLOUR_WORDS[name]) for name in COLOURS])
    }  # fmt: skip

    def pre_delete(self, environment: Environment) -> None:
        used = (
            select(Ticket.id).where(Ticket.environment_id == environment.id),
            select(Customer.id).where(Customer.environment_id == environment.id),
        )
        if any(db.session.scalar(each.limit(1)) is not None for each in used):
            raise HelpdeskError(_("Tickets or customers have this environment. Switch it off instead."))


def register(appbuilder: AppBuilder) -> None:
    appbuilder.add_view(SupplierView, "Suppliers", label=_l("Suppliers"), category="Settings")
    appbuilder.add_view(EnvironmentView, "Environments", label=_l("Environments"), category="Settings")
