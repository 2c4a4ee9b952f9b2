"""What can happen to a ticket in every table that knows of it, as deeds that a random history is made of."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import select

from app.accounts import customernotes
from app.accounts.environments import Environment
from app.accounts.models import Department
from app.accounts.viewer import SYSTEM, CustomerActor, Viewer
from app.assignment.models import AssignmentLog
from app.automation import running
from app.automation.models import Rule
from app.automation.rules import Ready
from app.automation.running import Cause
from app.core import clock
from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.notifications import watching
from app.notifications.models import Way
from app.satisfaction.giving import Answer, give_in_portal
from app.tickets import (
    budgets,
    collecting,
    copies,
    departures,
    drafts,
    incidents,
    links,
    macroruns,
    seen,
    suppliers,
    taking_part,
    tasks,
    timers,
    timespent,
)
from app.tickets.collecting import Upload, Wanted
from app.tickets.drafts import Copy, Written
from app.tickets.fieldmodels import CustomField
from app.tickets.files import keep
from app.tickets.macros import Macro
from app.tickets.models import LinkType, Ticket
from app.tickets.requests import DocumentRequest
from app.tickets.supplied import Supplier
from app.tickets.suppliers import Question
from app.tickets.tasks import NewTask, Task
from app.tickets.thread import Channel, Message, Words
from app.tickets.timeentries import Spent
from tests.automation.making import a_rule
from tests.factories import (
    a_customer,
    a_department,
    a_field,
    a_macro,
    a_supervisor,
    a_supplier,
    a_ticket,
    acting,
    an_environment,
    an_organization,
    setting,
)
from tests.tickets.sums import write

PDF = b"%PDF-1.7\n" + b"a page\n" * 20


@dc.dataclass
class Desk:
    """Four tickets, two of them of colleagues, and who works on them."""

    tickets: list[Ticket]
    agent: Viewer
    other: Any

    @classmethod
    def new(cls) -> Desk:
        agent, other = a_supervisor(), a_supervisor()
        colleague = a_customer(organization=an_organization())
        if db.session.scalar(select(CustomField.id)) is None:  # else there was a history before this one
            a_field("Serial number")
            a_supplier("Acme"), an_environment(), a_department("Further")
            a_macro({"do": "tag", "text": "macro"}, {"do": "note", "text": "by macro"})
            a_rule({"do": "tag", "text": "ruled"}, active=False)
            setting(satisfaction=True)
        tickets = [a_ticket(), a_ticket(requester=colleague), a_ticket(requester=colleague), a_ticket()]
        return cls(tickets, acting(agent), other)

    def carry_out(self, deed: str, which: int, counted: int) -> bool:
        """A refusal changes nothing."""
        db.session.commit()
        try:
            DEEDS[deed](self, self.tickets[which], counted)
            db.session.commit()
        except HelpdeskError:
            db.session.rollback()
            return False
        return True


def _one(table: Any) -> Any:
    return db.session.scalars(select(table).order_by(table.id.desc()).limit(1)).one()


def _file(desk: Desk, ticket: Ticket, n: int) -> None:
    customer = CustomerActor.of(ticket.requester)
    ticket.receive(Words(f"file {n}", attachments=(keep(f"{n}.txt", b"bytes %d" % n, customer),)), customer)


def _share(desk: Desk, ticket: Ticket, n: int) -> None:
    for task in db.session.scalars(select(Task).order_by(Task.id)).all():
        task.link_to(ticket, desk.agent)


def _answer(desk: Desk, ticket: Ticket, n: int) -> None:
    suppliers.hear(ticket, _one(Supplier), Words(f"answer {n}", via=Channel.MAIL, trusted=bool(n % 3)), "Jo Kim")


def _hand_in(desk: Desk, ticket: Ticket, n: int) -> None:
    own = select(DocumentRequest).where(DocumentRequest.ticket_id == ticket.id).order_by(DocumentRequest.id)
    for request in db.session.scalars(own).all():
        uploads = [Upload(request.slots[0].id, f"{n}.pdf", PDF + b"%d" % n)]
        collecting.hand_in(request, uploads, CustomerActor.of(ticket.requester), f"here {n}")


def _incident(desk: Desk, ticket: Ticket, n: int) -> None:
    """The next one belongs to it, unless either has part in another already."""
    incidents.declare(ticket, desk.agent)
    incidents.add(desk.tickets[n % 4], ticket, desk.agent)


def _link(desk: Desk, ticket: Ticket, n: int) -> None:
    kinds = db.session.scalars(select(LinkType).order_by(LinkType.id)).all()
    links.link(ticket, desk.tickets[n % 4], kinds[n % len(kinds)], desk.agent)


def _leave(desk: Desk, ticket: Ticket, n: int) -> None:
    later = clock.now() + dt.timedelta(hours=1)
    departures.put_off(ticket, desk.agent, Written(f"leaves {n}"), later, f"tab {n}", 10**6, True)


def _timed(desk: Desk, ticket: Ticket, n: int) -> None:
    spent = Spent(10 + n, timespent.today(), timespent.usual_activity(), f"time {n}")
    timespent.log(ticket, spent, desk.agent)


def _draft(desk: Desk, ticket: Ticket, n: int) -> None:
    drafts.save(ticket.id, desk.agent, Written(f"draft {n}"), Copy(f"draft tab {n}", 1))


def _rate(desk: Desk, ticket: Ticket, n: int) -> None:
    ended = ticket.live
    ticket.resolve(by=desk.agent)
    give_in_portal(ticket, Answer(str((1, 5)[n % 2]), f"rated {n}"), CustomerActor.of(ticket.requester))
    if ended:
        ticket.reopen(by=desk.agent)


def _newest(ticket: Ticket) -> int:
    own = select(Message.id).where(Message.ticket_id == ticket.id).order_by(Message.id.desc())
    return db.session.scalar(own.limit(1)) or 0


Deed = Callable[[Desk, Ticket, int], Any]
WRITING: dict[str, Deed] = {
    "write": lambda desk, ticket, n: write(ticket, f"words {n}"),
    "reply": lambda desk, ticket, n: ticket.reply(Words(f"reply {n}"), by=desk.agent),
    "note": lambda desk, ticket, n: ticket.note(Words(f"note {n}"), by=desk.agent),
    "file": _file,
    "mention": lambda desk, ticket, n: ticket.note(Words(f"@{desk.other.username} {n}"), by=desk.agent),
    "answer": _answer,
    "ask": lambda desk, ticket, n: suppliers.ask(
        ticket, Question(_one(Supplier).contacts[0], "A part", Words(f"asked {n}", via=Channel.STAFF)), desk.agent
    ),
    "macro": lambda desk, ticket, n: macroruns.run(_one(Macro), ticket, desk.agent),
    "documents": lambda desk, ticket, n: collecting.ask(
        ticket, Words(f"please {n}", via=Channel.STAFF), [Wanted("Passport"), Wanted("Extra", required=False)],
        timespent.today() + dt.timedelta(days=n), desk.agent,
    ),
    "hand in": _hand_in,
}  # fmt: skip
"""Each leaves one entry or more."""
DEEDS: dict[str, Deed] = WRITING | {
    "wait": lambda desk, ticket, n: ticket.wait(by=desk.agent),
    "resolve": lambda desk, ticket, n: ticket.resolve(by=desk.agent),
    "end another": lambda desk, ticket, n: desk.tickets[2].resolve(by=desk.agent),
    "rate": _rate,
    "rule": lambda desk, ticket, n: running.act(Ready.of(_one(Rule)), ticket, Cause(f"event {n}")),
    "close": lambda desk, ticket, n: ticket.close(by=desk.agent),
    "reopen": lambda desk, ticket, n: ticket.reopen(by=desk.agent),
    "assign": lambda desk, ticket, n: ticket.assign_to(desk.other, by=desk.agent),
    "put in line": lambda desk, ticket, n: db.session.add(
        AssignmentLog(ticket_id=ticket.id, method="queue", reason=f"reason {n}")
    ),
    "settle": lambda desk, ticket, n: suppliers.settle(ticket, _one(Supplier), desk.agent),
    "supplier": lambda desk, ticket, n: suppliers.add(ticket, _one(Supplier), desk.agent),
    "cc": lambda desk, ticket, n: copies.copy_to(ticket, [f"c{n}@cc.test"], desk.agent),
    "task": lambda desk, ticket, n: tasks.create(NewTask(f"task {n}"), desk.agent, ticket),
    "share": _share,
    "time": _timed,
    "timer": lambda desk, ticket, n: timers.start(ticket, desk.agent),
    "budget": lambda desk, ticket, n: budgets.set_budget(ticket, 30 + n, desk.agent),
    "field": lambda desk, ticket, n: ticket.set_field("serial_number", f"S{n}", desk.agent),
    "tag": lambda desk, ticket, n: ticket.tag(f"tag{n}", by=desk.agent),
    "follow up": lambda desk, ticket, n: ticket.follow_up(clock.now() + dt.timedelta(days=n + 1), desk.agent),
    "action": lambda desk, ticket, n: ticket.require_action(clock.now() + dt.timedelta(days=n + 3), desk.agent),
    "snooze": lambda desk, ticket, n: ticket.snooze(clock.now() + dt.timedelta(hours=n + 1), desk.agent),
    "environment": lambda desk, ticket, n: taking_part.set_environment(ticket, _one(Environment), desk.agent),
    "person": lambda desk, ticket, n: taking_part.add_person(ticket, desk.other, desk.agent),
    "department": lambda desk, ticket, n: taking_part.add_department(ticket, _one(Department), desk.agent),
    "watch": lambda desk, ticket, n: watching.watch(ticket, acting(desk.other), (Way.FOLLOW, Way.MUTE)[n % 2]),
    "seen": lambda desk, ticket, n: seen.note_seen(ticket, _newest(ticket), desk.agent),
    "draft": _draft,
    "leave": _leave,
    "link": _link,
    "incident": _incident,
    "hide": lambda desk, ticket, n: ticket.hide(SYSTEM, hidden=bool(n % 2)),
    "customer note": lambda desk, ticket, n: customernotes.write(ticket.requester_id, f"about {n}", "context", desk.agent),
}  # fmt: skip
HISTORY = st.lists(st.tuples(st.sampled_from(list(DEEDS)), st.integers(0, 3)), max_size=10)
