"""The API on customers and their organizations."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError

from app.accounts import customers
from app.accounts.models import Customer, Organization
from app.api import reading, shapes
from app.api.doorman import demand
from app.api.fields import Fields, flag, number
from app.api.paging import page
from app.api.repeats import Answer
from app.core.errors import HelpdeskError, Invalid, NotThere
from app.core.extensions import db

LONGEST_NOTES = 20_000


def list_customers() -> Answer:
    """`q` is the beginning of a name or an address."""
    demand("list", "Customer")
    fields, wanted = Fields.of_query(), select(Customer)
    email, beginning = fields.text("email", 255), fields.text("q", 255).strip().casefold()
    if email:
        wanted = wanted.where(Customer.email_key == email.strip().casefold())
    if beginning:
        wanted = wanted.where(
            or_(
                Customer.name_key.startswith(beginning, autoescape=True),
                Customer.email_key.startswith(beginning, autoescape=True),
            )
        )
    organization: int | None = fields.take("organization", _whole)
    if organization is not None:
        wanted = wanted.where(Customer.organization_id == organization)
    return page(wanted, Customer, fields, shapes.customer), 200


def _whole(given: str) -> int:
    return number(int(given) if given.isdecimal() and len(given) < 18 else given)


def read_customer(customer_id: int) -> Answer:
    demand("show", "Customer")
    return shapes.customer(_known(customer_id)), 200


def _known(customer_id: int) -> Customer:
    found = db.session.get(Customer, reading.path_id(customer_id))
    if found is None:
        raise NotThere(_("There is no such customer."))
    return found


def create_customer() -> Answer:
    """409 when somebody has this address already."""
    demand("add", "Customer")
    fields = Fields.of_body()
    email, name = fields.text("email", 255, required=True), fields.text("name", 255)
    values = _particulars(fields)
    fields.done()
    email = customers.checked_address(email)
    if customers.find(email) is not None:
        raise HelpdeskError(_("Somebody with this address is a customer already."))
    customer = customers.find_or_create(email, name)
    _write(customer, values)
    return shapes.customer(customer), 201


def change_customer(customer_id: int) -> Answer:
    """Only the fields that are sent change; null empties one."""
    demand("edit", "Customer")
    customer, fields = _known(customer_id), Fields.of_body()
    email = fields.text("email", 255, required="email" in fields)
    name = fields.text("name", 255, required="name" in fields)
    values = _particulars(fields)
    fields.done()
    if name:
        customers.rename(customer, name)
    if email:
        _move(customer, customers.checked_address(email))
    _write(customer, values)
    return shapes.customer(customer), 200


def _move(customer: Customer, email: str) -> None:
    """Another address is not proven to be theirs, and may work again."""
    other = customers.find(email)
    if other is not None and other is not customer:
        raise HelpdeskError(_("Somebody with this address is a customer already."))
    if other is None:
        customer.verified_at, customer.address_works = None, True
    customer.email = email


def _particulars(fields: Fields) -> dict[str, object]:
    given: dict[str, object] = {
        "phone": fields.text("phone", 100) or None,
        "notes": fields.text("notes", LONGEST_NOTES) or None,
        "active": fields.take("active", flag),
        "organization": fields.take("organization", _organization),
    }
    if "active" in fields and given["active"] is None:
        fields.refuse("active", _("This is true or false."))
    return {name: value for name, value in given.items() if name in fields}


def _organization(given: object) -> Organization:
    found = db.session.get(Organization, number(given))
    if found is None:
        raise ValueError(_("There is no organization with this id."))
    return found


def _write(customer: Customer, values: dict[str, object]) -> None:
    for name, value in values.items():
        setattr(customer, name, value)
    try:
        db.session.flush()
    except IntegrityError:
        raise Invalid(
            _("Some fields are not right."), {"email": _("Somebody with this address is a customer already.")}
        )


def list_organizations() -> Answer:
    demand("list", "Organization")
    fields, wanted = Fields.of_query(), select(Organization)
    name = fields.text("name", 255).strip()
    if name:
        wanted = wanted.where(Organization.name == name)
    return page(wanted, Organization, fields, shapes.organization), 200


def read_organization(organization_id: int) -> Answer:
    demand("show", "Organization")
    found = db.session.get(Organization, reading.path_id(organization_id))
    if found is None:
        raise NotThere(_("There is no such organization."))
    return shapes.organization(found), 200
