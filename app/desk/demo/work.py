"""What the demo's team does around its tickets: time written down, a supplier, notes about customers, environments."""

from __future__ import annotations

import datetime as dt

from app.accounts import customernotes
from app.accounts.customernotes import Purpose
from app.accounts.environments import Environment
from app.core import clock
from app.core.extensions import db
from app.desk.demo.plans import customer, staff, ticket_of
from app.tickets import budgets, suppliers, timespent
from app.tickets.supplied import Supplier, SupplierContact
from app.tickets.suppliers import Question
from app.tickets.taking_part import set_environment
from app.tickets.thread import Channel, Words
from app.tickets.timeentries import Spent

ENVIRONMENTS = (("Production", "green"), ("Staging", "amber"), ("Test", "grey"))
SOMEWHERE = (
    ("Published schedule disappeared for all teams", "Production"),
    ("Batch call loses every 500th shift", "Production"),
    ("Data import stuck at 43 percent", "Staging"),
)
SPENT = (
    # who, days ago, minutes, subject, note
    ("agent", 3, 45, "Published schedule disappeared for all teams", "Restored the schedule with the database team"),
    ("agent", 2, 20, "Published schedule disappeared for all teams", "Wrote the report"),
    ("agent", 0, 15, "Break rules are ignored on night shifts", ""),
    ("agent2", 1, 30, "Calendar feed stopped updating yesterday", "Tried three calendars"),
    ("developer", 0, 90, "Batch call loses every 500th shift", "Read the log of the batch"),
    ("billing", 1, 10, "Charged twice for November", ""),
)
NOTES = (
    ("ada", Purpose.PREFERENCE, True, "Prefers a call before noon. Speaks German, English and Norwegian."),
    ("ada", Purpose.CONTEXT, False, "Runs the planning of four warehouses; their roster goes live on Thursdays."),
    ("marcus", Purpose.WORKAROUND, False, "Their printer driver cuts margins: PDF at 95 percent works."),
)


def make() -> None:
    """After the plans, at the present time. Does not commit."""
    _environments()
    for who, days, minutes, subject, note in SPENT:
        _spend(who, days, minutes, subject, note)
    budgets.set_budget(ticket_of("Published schedule disappeared for all teams"), 90, staff("supervisor"))
    for short, purpose, pinned, text in NOTES:
        customernotes.write(customer(short).id, text, purpose, staff("agent"), pinned)
    _supplier()


def _environments() -> None:
    found = {name: Environment(name=name, colour=colour, position=place) for place, (name, colour) in enumerate(ENVIRONMENTS)}  # fmt: skip
    db.session.add_all(found.values())
    db.session.flush()
    for subject, name in SOMEWHERE:
        set_environment(ticket_of(subject), found[name], staff("supervisor"))


def _spend(who: str, days: int, minutes: int, subject: str, note: str) -> None:
    day = timespent.today() - dt.timedelta(days=days)
    spent = Spent(minutes, day, timespent.usual_activity(), note)
    timespent.log(ticket_of(subject), spent, staff(who))


def _supplier() -> None:
    """Asked two days ago, answered this morning."""
    contact = SupplierContact(name="Ines Vogt", email="support@kartenwerk.example", email_key="support@kartenwerk.example")  # fmt: skip
    supplier = Supplier(name="Kartenwerk Maps", contacts=[contact])
    db.session.add(supplier)
    db.session.flush()
    ticket = ticket_of("Time zone of our Azores office is wrong")
    words = "Hello Ines,\n\nyour map data put our customer's office in Ponta Delgada into the zone of Lisbon. Could you look at it?\n\nBest regards\nMarco"
    with clock.at(clock.now() - dt.timedelta(days=2)):
        suppliers.ask(ticket, Question(contact, "Zone of Ponta Delgada", Words(words, via=Channel.STAFF)), staff("agent2"))  # fmt: skip
    with clock.at(clock.now() - dt.timedelta(hours=4)):
        answer = Words("Hello Marco,\n\nyou are right. The correction comes with our data of 1 December.\n\nInes", via=Channel.MAIL)  # fmt: skip
        suppliers.hear(ticket, supplier, answer, "Ines Vogt")
