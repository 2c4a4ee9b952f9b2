"""Names, numbers and times of a request as the desk's rows and values; a ValueError is the sentence for the field."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from sqlalchemy import select

from app.accounts import customers
from app.accounts.environments import Environment
from app.accounts.models import Customer, Department
from app.accounts.viewer import Viewer
from app.api.fields import LONGEST_ID, Fields, number, text
from app.core.errors import Invalid, NotThere
from app.core.extensions import db
from app.tickets import copies, files
from app.tickets.choices import Category, Priority, State, Status
from app.tickets.conversation import LONGEST_MESSAGE
from app.tickets.endings import Rest
from app.tickets.lifecycle import status_for
from app.tickets.models import Ticket
from app.tickets.thread import Attachment, Channel, Words

LONGEST_NAME = 255
OPEN_TASKS = [rest.value for rest in Rest if rest is not Rest.ASK]
MOST_FIELDS = 200
MOST_KEYS = 100


def department(given: Any) -> Department:
    return _named(Department, given, _("There is no active department of this name."))


def category(given: Any) -> Category:
    return _named(Category, given, _("There is no active category of this name."))


def environment(given: Any) -> Environment:
    return _named(Environment, given, _("There is no active environment of this name."))


def _named(model: Any, given: Any, sentence: str) -> Any:
    """Compared in Python: SQLite folds the case of English letters alone."""
    wanted = text(given, LONGEST_NAME).strip().casefold()
    for row in db.session.scalars(select(model).where(model.active.is_(True)).order_by(model.id)):
        if row.name.casefold() == wanted:
            return row
    raise ValueError(sentence)


def priority(given: Any) -> Priority:
    """By name or by any alias."""
    name = text(given, LONGEST_NAME)
    for each in db.session.scalars(select(Priority).order_by(Priority.active.desc(), Priority.rank)):
        if each.answers_to(name):
            return each
    raise ValueError(_("There is no priority of this name."))


def status(given: Any) -> Status:
    """By name, or by one of the six states: its first active status."""
    wanted = text(given, LONGEST_NAME).strip().casefold()
    for each in db.session.scalars(select(Status).where(Status.active.is_(True)).order_by(Status.position, Status.id)):
        if each.name.casefold() == wanted:
            return each
    if wanted in {state.value for state in State}:
        return status_for(State(wanted))
    raise ValueError(_("There is no active status of this name."))


def assignee(caller: Viewer) -> Callable[[Any], User | None]:
    """A user name, `me`, or `none`."""

    def read(given: Any) -> User | None:
        name = text(given, LONGEST_NAME).strip()
        if name == "none":
            return None
        found = db.session.scalar(
            select(User).where(User.username == (caller.username if name == "me" else name), User.active.is_(True))
        )
        if found is None:
            raise ValueError(_("There is no active staff user of this name."))
        return found

    return read


def rest_of_tasks(fields: Fields) -> Rest:
    """`open_tasks`: what becomes of them when their ticket ends."""
    return Rest(fields.one_of("open_tasks", OPEN_TASKS) or Rest.ASK)


def keys(given: Any) -> tuple[str, ...]:
    """Of findings that were said yes to."""
    if not isinstance(given, list) or len(given) > MOST_KEYS:
        raise ValueError(_("This is a list of keys."))
    return tuple(text(each, LONGEST_NAME) for each in given)


def written_to(ticket: Ticket) -> Callable[[Any], list[str] | None]:
    """Addresses in place of the requester; None for the requester alone."""

    def read(given: Any) -> list[str] | None:
        if not isinstance(given, list) or not given or len(given) > copies.MOST:
            raise ValueError(_("This is a list of addresses."))
        try:
            return copies.read_to(", ".join(text(each, LONGEST_NAME) for each in given), ticket)
        except Invalid as refusal:
            raise ValueError(refusal.fields.get("to", str(refusal)))

    return read


def own_fields(given: Any) -> dict[str, Any]:
    """Of the desk's own fields, by their keys; what each takes is its kind's to say."""
    if not isinstance(given, dict) or len(given) > MOST_FIELDS:
        raise ValueError(_("This is an object: a value for each key."))
    return {key[:80]: value for key, value in given.items()}


def requester(fields: Fields) -> Customer | None:
    """`customer_id`, or `customer` with email and name: found by the address, made if new. None after a refusal."""
    if "customer_id" in fields:
        found: Customer | None = fields.take("customer_id", customer_by_id)
        if found is None:
            fields.refuse("customer_id", _("This is a number greater than 0."))
        return found
    given: Fields = fields.take("customer", _person, Fields({}))
    email, name = given.text("email", 255, required=True), given.text("name", LONGEST_NAME)
    unknown = set(given.given) - {"email", "name"}
    if given.wrong or unknown:
        fields.refuse("customer", _("This is an object with email and name, or send customer_id."))
    if fields.wrong:
        return None
    try:
        return customers.find_or_create(email, name)
    except Invalid as refusal:
        fields.refuse("customer", next(iter(refusal.fields.values()), str(refusal)))
        return None


def _person(given: Any) -> Fields:
    if not isinstance(given, dict):
        raise ValueError(_("This is an object with email and name, or send customer_id."))
    return Fields(given)


def customer_by_id(given: Any) -> Customer:
    found = db.session.get(Customer, number(given))
    if found is None:
        raise ValueError(_("There is no customer with this id."))
    return found


def customer_ids(given: str) -> list[int]:
    """Of a filter: an id or an address; nobody has none."""
    by_id = given.isdecimal() and len(given) < 18
    found = db.session.get(Customer, int(given)) if by_id else customers.find(given)
    return [found.id] if found else []


def instant(given: str) -> dt.datetime:
    """In a query a plus sign may have become a blank."""
    try:
        at = dt.datetime.fromisoformat(given.replace(" ", "+") if "T" in given else given)
        return (at if at.tzinfo else at.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise ValueError(_("This is a time such as 2026-11-01T12:00:00Z."))


def moment(given: Any) -> dt.datetime:
    """Of a body."""
    return instant(text(given, 40))


def day(given: Any) -> dt.date:
    try:
        written = text(given, 10)
        if len(written) != len("2026-12-31"):
            raise ValueError(written)
        return dt.date.fromisoformat(written)
    except ValueError:
        raise ValueError(_("This is a day such as 2026-12-31.")) from None


def message(fields: Fields, caller: Viewer) -> Words:
    """`body` and `attachment_ids`; the body may be empty when there are files. Ends the reading of the fields."""
    body = fields.text("body", LONGEST_MESSAGE, required=not fields.given.get("attachment_ids"))
    kept: tuple[Attachment, ...] = fields.take("attachment_ids", _uploaded(caller), ())
    return Words(body, via=Channel.API, attachments=kept)


def _uploaded(caller: Viewer) -> Callable[[Any], tuple[Attachment, ...]]:
    def read(given: Any) -> tuple[Attachment, ...]:
        if not isinstance(given, list) or len(given) > 100:
            raise ValueError(_("This is a list of ids."))
        try:
            return files.uploaded([number(each) for each in given], caller)
        except (Invalid, NotThere) as refusal:
            raise ValueError(str(refusal))

    return read


def path_id(number_in_path: int) -> int:
    """A number of any length stands in a path; a column takes 64 bits."""
    return min(number_in_path, LONGEST_ID)
