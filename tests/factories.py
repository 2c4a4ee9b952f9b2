"""People and tickets for tests: take what matters, invent the rest."""

from itertools import count
from typing import Any

from flask.testing import FlaskClient
from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import select
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import encode_multipart

from app.accounts import sessions
from app.accounts.environments import Environment
from app.accounts.models import Customer, Department, Organization, StaffProfile
from app.accounts.viewer import SYSTEM, CustomerActor, Viewer, viewer
from app.core import clock, outbox, queue
from app.core.extensions import db
from app.hours import written
from app.hours.models import Calendar
from app.settings import desk
from app.tickets.choices import Category, Priority, State, Status
from app.tickets.fieldmodels import CustomField, FieldKind
from app.tickets.lifecycle import status_for
from app.tickets.lists import Audience
from app.tickets.macros import Macro
from app.tickets.models import Ticket
from app.tickets.opening import NewTicket, open_ticket
from app.tickets.steps import allow
from app.tickets.supplied import Supplier, SupplierContact
from app.tickets.thread import Channel, Words

_n = count(1)
PASSWORD = "correct horse battery"
HASH = "pbkdf2:sha256:1$myWQTPx1G4LZAT8r$ec6a43fb96ac32ea8a710bca9db4df4dfd65f7b3f6f8e2a538edba11366ab74a"
"""Of PASSWORD, with a cost that only tests may have: hashing is slow by design."""


def staff(
    role: str = "Support Agent", departments: tuple[Department, ...] = (), name: str = "", **profile: Any
) -> User:
    """A staff user with one role and a profile."""
    name = name or f"person{next(_n)}"
    user = User(
        username=name,
        first_name=name.title(),
        last_name="Test",
        email=f"{name}@desk.test",
        active=True,
        password=HASH,
        roles=[db.session.scalars(select(Role).where(Role.name == role)).one()],
    )
    db.session.add(user)
    db.session.flush()
    db.session.add(StaffProfile(user_id=user.id, **profile))
    for department in departments:
        department.members.append(user)
    db.session.flush()
    return user


def an_agent(*departments: Department, **given: Any) -> User:
    return staff("Support Agent", departments, **given)


def a_supervisor(**given: Any) -> User:
    return staff("Supervisor", **given)


def an_admin(**given: Any) -> User:
    return staff("Admin", **given)


def a_super_admin(**given: Any) -> User:
    return staff("Super Admin", **given)


def acting(user: User) -> Viewer:
    """The user as an actor, with their rights of this moment."""
    db.session.flush()
    found = viewer(user.id)
    assert found is not None
    return found


def a_department(name: str = "", **given: Any) -> Department:
    department = Department(name=name or f"Department {next(_n)}", **given)
    db.session.add(department)
    db.session.flush()
    return department


def a_category(name: str = "", **given: Any) -> Category:
    category = Category(name=name or f"Category {next(_n)}", **given)
    db.session.add(category)
    db.session.flush()
    return category


def an_organization(name: str = "") -> Organization:
    organization = Organization(name=name or f"Organization {next(_n)}")
    db.session.add(organization)
    db.session.flush()
    return organization


def a_customer(name: str = "", **given: Any) -> Customer:
    name = name or f"Customer {next(_n)}"
    email = given.pop("email", f"{name.lower().replace(' ', '.')}@customer.test")
    customer = Customer(name=name, email=email, verified_at=given.pop("verified_at", clock.now()), **given)
    db.session.add(customer)
    db.session.flush()
    return customer


def a_ticket(subject: str = "The printer is on fire", **given: Any) -> Ticket:
    """An open ticket of a customer. `assignee` and `state` are reached by the verbs; other names are fields of NewTicket."""
    requester = given.pop("requester", None) or a_customer()
    assignee, state, by = given.pop("assignee", None), given.pop("state", None), given.pop("by", None)
    words = Words(given.pop("text", "It burns since this morning."), via=given.pop("via", Channel.PORTAL))
    ticket = open_ticket(
        NewTicket(subject=subject, words=words, requester=requester, **given), by or CustomerActor.of(requester)
    )
    if assignee is not None:
        ticket.assign_to(assignee, by=SYSTEM)
    if state is not None and ticket.state is not State(state):
        ticket._enter(status_for(State(state)), SYSTEM)
    db.session.flush()
    return ticket


def a_priority(rank: int) -> Priority:
    return db.session.scalars(select(Priority).where(Priority.rank == rank)).one()


def a_status(name: str) -> Status:
    return db.session.scalars(select(Status).where(Status.name == name)).one()


def setting(**values: Any) -> None:
    desk.change(values)
    db.session.flush()


def sign_in(client: FlaskClient, user: User) -> None:
    """By session, not by the form."""
    kept = staff_session(user)
    with client.session_transaction() as session:
        session.update(kept)


def sign_in_customer(client: FlaskClient, customer: Customer) -> None:
    kept = customer_session(customer)
    with client.session_transaction() as session:
        session.update(kept)


def staff_session(user: User) -> dict[str, object]:
    """What the cookie of a new session of theirs holds."""
    db.session.commit()
    person = acting(user)
    secret = sessions.begin(person.generation, staff_id=person.id)
    db.session.commit()
    return {"_user_id": f"{person.id}:{secret}", "_fresh": True}


def customer_session(customer: Customer) -> dict[str, object]:
    """What the cookie of a new session of theirs holds. No transaction is open afterwards, as none of a browser's is."""
    db.session.commit()
    person_id, generation = customer.id, customer.generation
    secret = sessions.begin(generation, customer_id=person_id)
    db.session.commit()
    return {"customer": [person_id, secret]}


def run_jobs(rounds: int = 10) -> int:
    """Commit, then carry out what is due in the outbox until nothing is; how many rows that were."""
    db.session.commit()
    ran = 0
    for _ in range(rounds):
        rows = outbox.overdue()
        if not rows:
            break
        for outbox_id, _queue in rows:
            queue.run_outbox(outbox_id)
            ran += 1
    return ran


def multipart(fields: dict[str, Any]) -> dict[str, Any]:
    """Arguments of client.post for a form with files; by itself the client leaves a temporary file open for large ones."""
    pairs = [(name, one) for name, value in fields.items() for one in (value if isinstance(value, list) else [value])]
    parts = [(name, FileStorage(one[0], one[1]) if isinstance(one, tuple) else str(one)) for name, one in pairs]
    boundary, body = encode_multipart(MultiDict(parts))
    return {"data": body, "content_type": f'multipart/form-data; boundary="{boundary}"'}


def a_field(name: str = "Serial number", **given: Any) -> CustomField:
    """`choices` are texts; its key is the name's."""
    key = given.pop("key", name.casefold().replace(" ", "_"))
    given["choices"] = "\n".join(given.pop("choices", ()))
    field = CustomField(name=name, key=key, **{"kind": FieldKind.TEXT, "help": "", **given})
    db.session.add(field)
    db.session.commit()
    return field


def a_supplier(name: str = "", people: tuple[str, ...] = (), **given: Any) -> Supplier:
    """`people` are addresses; one of its own making when none is given."""
    name = name or f"Supplier {next(_n)}"
    supplier = Supplier(name=name, **given)
    for place, email in enumerate(people or (f"jo@{name.lower().replace(' ', '-')}.test",)):
        contact = SupplierContact(name="Jo Kim", email=email, email_key=email.casefold(), position=place)
        supplier.contacts.append(contact)
    db.session.add(supplier)
    db.session.flush()
    return supplier


def an_environment(name: str = "Staging", **given: Any) -> Environment:
    environment = Environment(name=name, **{"colour": "blue", "position": 0, **given})
    db.session.add(environment)
    db.session.flush()
    return environment


def a_macro(*steps: dict[str, Any], name: str = "", owner: User | None = None, **given: Any) -> Macro:
    """Everybody's, unless an owner is named."""
    audience = given.pop("audience", Audience.OWNER if owner else Audience.EVERYONE)
    written = [{key: str(value) for key, value in step.items()} for step in steps]
    macro = Macro(
        name=name or f"Macro {next(_n)}",
        owner_id=(owner or a_supervisor()).id,
        audience=audience,
        actions=written,
        **given,
    )
    db.session.add(macro)
    db.session.flush()
    return macro


def a_calendar(name: str = "", week: str = "", **given: Any) -> Calendar:
    """Monday to Friday in these hours, such as "09:00-12:00, 13:00-17:00"."""
    day = [list(span) for span in written.read(week or "09:00-17:00", "Monday")]
    calendar = Calendar(name=name or f"Calendar {next(_n)}", week=[day] * 5 + [[], []], **given)
    db.session.add(calendar)
    db.session.flush()
    return calendar


def bound(role: str, *steps: tuple[str, str]) -> Role:
    """From now on this role may make these changes of status alone, named by their statuses."""
    found = db.session.scalars(select(Role).where(Role.name == role)).one()
    allow(found, [(a_status(was).id, a_status(now).id) for was, now in steps])
    return found
