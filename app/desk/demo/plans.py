"""What the demo's team has before it: fields of its own, tasks, dates, a conversation it began, documents it waits for."""

from __future__ import annotations

import datetime as dt

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from app.accounts.models import Customer, Department
from app.accounts.viewer import Actor, CustomerActor, viewer
from app.core import clock
from app.core.extensions import db
from app.desk.demo import files, people
from app.tickets import collecting, judging, tasks
from app.tickets.choices import Category
from app.tickets.collecting import Upload, Wanted
from app.tickets.fieldmodels import CustomField, FieldKind, Readers
from app.tickets.judging import Verdict
from app.tickets.models import Ticket
from app.tickets.opening import NewTicket
from app.tickets.requests import DocumentRequest
from app.tickets.slotkinds import Allowed
from app.tickets.tasks import NewTask
from app.tickets.thread import Channel, Words

FIELDS = (
    # key, name, kind, choices, category, readers
    ("app_version", "App version", FieldKind.TEXT, "", "Technical Support", Readers.FILL),
    ("device", "Device", FieldKind.CHOICE, "Web\niPhone\nAndroid\nWall display", "Technical Support", Readers.FILL),
    ("invoice", "Invoice number", FieldKind.TEXT, "", "Billing", Readers.FILL),
    ("seats", "Licensed people", FieldKind.NUMBER, "", "License Issues", Readers.STAFF),
)
FILLED = (
    # subject, field, value
    ("Printed roster cuts off the last column", "device", "Web"),
    ("Break rules are ignored on night shifts", "app_version", "4.12.0"),
    ("App asks for the password every morning", "device", "iPhone"),
    ("App asks for the password every morning", "app_version", "4.12.1"),
    ("Invoice addressed to a former employee", "invoice", "2411"),
    ("Moving our licence to another company name", "seats", "85"),
)
TASKS = (
    # who, due in days, state, title, subject of its ticket
    ("agent", 0, "started", "Try the night shift rules of the Danish agreement", "Break rules are ignored on night shifts"),
    ("agent", 2, "", "Ask development for a date of the fix", "Break rules are ignored on night shifts"),
    ("agent", -1, "", "Call Ada about the cut notes", "Shift notes are cut after 200 characters"),
    ("billing", 1, "", "Correct the address in the bookkeeping", "Invoice addressed to a former employee"),
    ("developer", 3, "started", "Find the lost shift in the log of the batch", "Batch call loses every 500th shift"),
    ("agent2", 5, "", "Write an article on moving a licence", "Moving our licence to another company name"),
    ("supervisor", 7, "", "Plan who is here between the years", ""),
    ("agent", -3, "done", "Answer template for the new plans", ""),
)  # fmt: skip


def make() -> None:
    """After the stories, at the present time. Does not commit."""
    _fields()
    for who, days, state, title, subject in TASKS:
        _task(who, days, state, title, subject)
    _dates()
    _conversation()
    _documents()


def _fields() -> None:
    categories = {category.name: category for category in db.session.scalars(select(Category))}
    for place, (key, name, kind, choices, category, readers) in enumerate(FIELDS):
        belongs = [categories[category]]
        db.session.add(CustomField(key=key, name=name, kind=kind, choices=choices, readers=readers, position=place, categories=belongs))  # fmt: skip
    db.session.flush()
    for subject, key, value in FILLED:
        ticket_of(subject).set_field(key, value, staff("supervisor"))


def _task(who: str, days: int, state: str, title: str, subject: str) -> None:
    due, by = tasks.today() + dt.timedelta(days=days), staff("supervisor")
    new = NewTask(title, assignee=person(who), due_on=due)
    task = tasks.create(new, by, ticket_of(subject) if subject else None)
    if state == "started":
        task.start(by)
    elif state == "done":
        task.finish(by)


def _dates() -> None:
    now, agent = clock.now(), staff("agent")
    ticket_of("Shift notes are cut after 200 characters").follow_up(now + dt.timedelta(hours=3), agent)
    ticket_of("Second installation for testing").require_action(now + dt.timedelta(days=2), agent)
    ticket_of("Printed roster cuts off the last column").snooze(now + dt.timedelta(days=1), staff("agent2"))


def _conversation() -> None:
    words = Words(
        "Hello Grace,\n\nyour annual plan ends on 31 December. Shall we renew it for 60 people, or has your team grown?\n\nBest regards\nLena",
        via=Channel.STAFF,
    )
    with clock.at(clock.now() - dt.timedelta(hours=5)):
        new = NewTicket("Renewal of your plan", words, customer("grace"), department=_department("Support"))
        collecting.begin(new, staff("agent")).assign_to(person("agent"), by=staff("agent"))


def _documents() -> None:
    """One is here and accepted, one waits to be looked at, one is missing."""
    words = Words(
        "Hello Marcus,\n\nto move your contract to the new company we need three documents. Please send them with the button below.\n\nBest regards\nLena",
        via=Channel.STAFF,
    )
    wanted = [
        Wanted("Extract from the commercial register", "Not older than three months", Allowed.PDF),
        Wanted("Signed form of transfer", "", Allowed.PDF),
        Wanted("Letter of the former owner", "Only if there is one", Allowed.ANY, required=False),
    ]
    new = NewTicket("Documents for the move of your contract", words, customer("marcus"), department=_department("Support"))  # fmt: skip
    with clock.at(clock.now() - dt.timedelta(days=2)):
        request = collecting.begin_request(new, wanted, tasks.today() + dt.timedelta(days=9), staff("agent"))
        request.ticket.assign_to(person("agent"), by=staff("agent"))
    with clock.at(clock.now() - dt.timedelta(hours=6)):
        _hand_in(request)
    with clock.at(clock.now() - dt.timedelta(hours=2)):
        seen = request.slots[0]
        assert seen.attachment_id is not None
        judging.review(request, [Verdict(seen.id, seen.attachment_id, accepted=True)], staff("agent"))


def _hand_in(request: DocumentRequest) -> None:
    names = ("commercial-register.pdf", "form-of-transfer.pdf")
    sent = [Upload(slot.id, name, files.sample(name)) for slot, name in zip(request.slots, names, strict=False)]
    collecting.hand_in(request, sent, CustomerActor.of(request.ticket.requester))


def ticket_of(subject: str) -> Ticket:
    return db.session.scalars(select(Ticket).where(Ticket.subject == subject)).one()


def person(username: str) -> User:
    return db.session.scalars(select(User).where(User.username == username)).one()


def staff(username: str) -> Actor:
    found = viewer(person(username).id)
    assert found, username
    return found


def customer(short: str) -> Customer:
    return db.session.scalars(select(Customer).where(Customer.email_key == people.ADDRESSES[short])).one()


def _department(name: str) -> Department:
    return db.session.scalars(select(Department).where(Department.name == name)).one()
