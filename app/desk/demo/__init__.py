"""A small believable desk: a month in the support team of a maker of shift-planning software, told by the same verbs that people use."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from flask import current_app
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select, update
from werkzeug.security import generate_password_hash

from app.accounts.models import Customer, Department
from app.accounts.viewer import Actor, CustomerActor, viewer
from app.core import clock
from app.core.extensions import db
from app.core.outbox import Outbox
from app.desk.demo import endings, files, macros, mails, people, plans, ratings, rules, work
from app.notifications.models import Notification
from app.settings import desk
from app.tickets import files as ticket_files
from app.tickets.choices import Category, Priority
from app.tickets.conversation import Then
from app.tickets.models import Ticket
from app.tickets.opening import NewTicket, open_ticket
from app.tickets.thread import Attachment, Channel, Words

STORIES = Path(__file__).with_name("stories.txt")
HEAD = re.compile(r"= (?P<days>[\d.]+) (?P<hour>\d+) \| (?P<rest>.*)")
ENTRY = re.compile(r"\+(?P<minutes>\d+) (?P<who>\w+)(?P<mark>[!>✓×~]?): (?P<text>.*?)(?: @(?P<file>[\w.-]+))?$")
THEN = {"": Then.KEEP, ">": Then.WAIT, "✓": Then.RESOLVE, "×": Then.CLOSE}


@dc.dataclass(frozen=True, order=True)
class Entry:
    at: dt.datetime
    who: str
    mark: str
    text: str
    file: str | None


@dc.dataclass
class Story:
    """One ticket's life. `facts`: customer, department, category, priority, channel, assignee, tags."""

    facts: list[str]
    subject: str
    entries: list[Entry]
    ticket_id: int | None = None


def load() -> int:
    """Fill an empty desk and return how many tickets it has then. One transaction: a start that is cut off loads it again.

    Does nothing to a desk with tickets or people.
    """
    if (
        db.session.scalar(select(Ticket.id).limit(1)) is not None
        or db.session.scalar(select(User.id).limit(1)) is not None
    ):
        return 0
    password = demo_password()
    people.make(generate_password_hash(password))
    desk.change({"desk_name": "Fjord Support", "agents_see_departments": True, "auto_assignment": False})
    stories = list(read(clock.now()))
    moments = sorted((entry.at, place, entry) for place, story in enumerate(stories) for entry in story.entries)
    for at, place, entry in moments:
        with clock.at(at):
            tell(stories[place], entry)
    plans.make()
    work.make()
    macros.make()
    ratings.make()
    endings.make()
    rules.make()
    desk.change({"auto_assignment": True, "assignment_method": "least_loaded"})
    _settle_the_past()
    people.write_sign_ins(Path(current_app.config["DATA"]), password)
    db.session.commit()
    return len(stories)


def _settle_the_past() -> None:
    """The team has been at work all month: only what came since yesterday is new to them, and jobs are due from now on."""
    old = Notification.created_at < clock.now() - dt.timedelta(days=1)
    db.session.execute(update(Notification).where(old).values(read_at=Notification.created_at))
    db.session.execute(
        update(Outbox).where(Outbox.due_at < clock.now()).values(due_at=clock.now(), created_at=clock.now())
    )
    mails.settle()


def demo_password() -> str:
    """The given one, or one made once and kept in the data folder, readable by this user alone."""
    if current_app.config["DEMO_PASSWORD"]:
        return str(current_app.config["DEMO_PASSWORD"])
    kept = Path(current_app.config["DATA"], "demo-password")
    if not kept.exists():
        with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write("-".join(secrets.choice(people.SYLLABLES) + secrets.choice(people.SYLLABLES) for _ in range(4)))
    return kept.read_text()


def read(now: dt.datetime) -> Iterator[Story]:
    """The stories, their times counted back from `now`. An hour of 0 means: just so long ago."""
    for block in STORIES.read_text(encoding="utf-8").split("\n\n"):
        lines = [line for line in block.splitlines() if line and not line.startswith("#")]
        if not lines:
            continue
        head = HEAD.match(lines[0])
        assert head, lines[0]
        began = now - dt.timedelta(days=float(head["days"]))
        if int(head["hour"]):
            began = min(
                began.replace(hour=int(head["hour"]), minute=began.microsecond % 47, second=0, microsecond=0), now
            )
        yield Story(
            [fact.strip() for fact in head["rest"].split("|")],
            lines[1],
            [entry for line in lines[2:] if (entry := _entry(line, began)).at <= now],
        )


def _entry(line: str, began: dt.datetime) -> Entry:
    found = ENTRY.match(line)
    assert found, line
    text = found["text"].replace("\\\\", "\0").replace("\\n", "\n").replace("\0", "\\")
    return Entry(began + dt.timedelta(minutes=int(found["minutes"])), found["who"], found["mark"], text, found["file"])


def tell(story: Story, entry: Entry) -> None:
    """Let one entry happen."""
    if story.ticket_id is None:
        _open(story, entry)
        return
    ticket = db.session.get_one(Ticket, story.ticket_id)
    if entry.who in ("customer", "colleague"):
        author = ticket.requester if entry.who == "customer" else _colleague(ticket.requester)
        actor = CustomerActor.of(author)
        via = ticket.channel if ticket.channel in (Channel.MAIL, Channel.PORTAL) else Channel.PORTAL
        ticket.receive(Words(entry.text, via=via, attachments=_files(entry, actor)), by=actor)
    else:
        _answer(ticket, entry, _staff(entry.who))


def _open(story: Story, entry: Entry) -> None:
    customer, department, category, priority, channel, assignee, tags = story.facts
    requester = db.session.scalars(select(Customer).where(Customer.email_key == people.ADDRESSES[customer])).one()
    actor = CustomerActor.of(requester)
    new = NewTicket(
        story.subject,
        Words(entry.text, via=Channel(channel), attachments=_files(entry, actor)),
        requester,
        department=db.session.scalars(select(Department).where(Department.name == department)).one(),
        category=db.session.scalars(select(Category).where(Category.name == category)).one(),
        priority=db.session.scalars(select(Priority).where(Priority.name == priority)).one(),
        tags=tuple(tag.strip() for tag in tags.split(",") if tag.strip()),
    )
    ticket = open_ticket(new, actor)
    if assignee:
        person = db.session.scalars(select(User).where(User.username == assignee)).one()
        ticket.assign_to(person, by=_staff("supervisor"))
    story.ticket_id = ticket.id


def _answer(ticket: Ticket, entry: Entry, actor: Actor) -> None:
    words = Words(entry.text, via=Channel.STAFF, attachments=_files(entry, actor))
    if entry.mark in ("!", "~"):
        ticket.note(words, by=actor)
        if entry.mark == "~":
            ticket.hold(by=actor)
    else:
        ticket.reply(words, by=actor, then=THEN[entry.mark])


def _staff(username: str) -> Actor:
    found = viewer(db.session.scalars(select(User.id).where(User.username == username)).one())
    assert found, username
    return found


def _colleague(customer: Customer) -> Customer:
    return db.session.scalars(
        select(Customer)
        .where(Customer.organization_id == customer.organization_id, Customer.id != customer.id)
        .limit(1)
    ).one()


def _files(entry: Entry, actor: Actor) -> tuple[Attachment, ...]:
    return (ticket_files.store(entry.file, files.sample(entry.file), actor),) if entry.file else ()
