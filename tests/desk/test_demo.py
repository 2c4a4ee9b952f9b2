"""The demo: a believable month that the rules themselves have made."""

import datetime as dt
from email import message_from_bytes
from email.utils import parsedate_to_datetime

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, select

from app.accounts.customernotes import CustomerNote
from app.core import clock
from app.core.extensions import db
from app.desk import demo
from app.mail.models import Delivery, DeliveryState
from app.search.find import matching
from app.tickets import inactivity, tally, tasks
from app.tickets.choices import State
from app.tickets.fieldmodels import CustomValue
from app.tickets.macros import Macro
from app.tickets.models import Ticket, TicketKind
from app.tickets.requests import DocumentRequest, SlotState
from app.tickets.supplied import TicketSupplier, Turn
from app.tickets.tasks import Task, TaskState
from app.tickets.thread import Attachment, Message, MessageKind
from app.tickets.timeentries import TimeEntry
from tests.factories import acting


def test_the_demo_has_all_a_visitor_should_see_and_loads_once(app):
    loaded, again = demo.load(), demo.load()

    states = set(db.session.scalars(select(Ticket.state).distinct()))
    assert loaded >= 50
    assert again == 0
    assert states >= {State.OPEN, State.WAITING, State.HOLD, State.RESOLVED, State.CLOSED}
    assert db.session.scalar(select(func.count()).where(Message.kind == MessageKind.NOTE)) >= 10
    assert db.session.scalar(select(func.count(Attachment.id))) >= 5
    assert tally.recount() == 0


def test_its_mails_left_when_their_stories_tell_it(app):
    demo.load()

    told = select(Message.created_at, Delivery.sent_at, Delivery.state, Delivery.raw).join(Delivery, Delivery.message_id == Message.id)  # fmt: skip
    rows = db.session.execute(told.where(Delivery.kind == "staff_replied")).all()
    assert len(rows) > 20 and {row.state for row in rows} == {DeliveryState.CAPTURED}
    assert max(row.sent_at - row.created_at for row in rows) < dt.timedelta(minutes=5)
    left = db.session.execute(select(Delivery.due_at, Delivery.sent_at).where(Delivery.sent_at.is_not(None))).all()
    assert all(row.sent_at == row.due_at for row in left)
    assert db.session.scalar(select(func.count()).where(Delivery.state == DeliveryState.QUEUED)) == 0
    raw = [message_from_bytes(row.raw) for row in rows]
    assert all(abs(parsedate_to_datetime(mail["Date"]) - row.sent_at) < dt.timedelta(seconds=1) for mail, row in zip(raw, rows, strict=True))  # fmt: skip


def test_what_silence_ended_ended_at_its_time(app):
    demo.load()

    closed = db.session.scalars(select(Ticket).where(Ticket.state == State.CLOSED)).all()
    assert closed and max(ticket.last_activity_at for ticket in closed) < clock.now() - dt.timedelta(hours=1)
    assert (inactivity.close_resolved(), inactivity.close_waiting()) == (0, 0)
    assert tally.recount() == 0


def test_its_team_has_plans(app):
    demo.load()

    held = set(db.session.scalars(select(CustomValue.text)))
    request = db.session.scalars(select(DocumentRequest)).one()
    due = set(db.session.scalars(select(Task.due_on).where(Task.state != TaskState.DONE)))
    assert {"iPhone", "4.12.0", "2411", "85"} <= held
    assert [slot.state for slot in request.slots] == [SlotState.ACCEPTED, SlotState.RECEIVED, SlotState.REQUESTED]
    assert min(due) < tasks.today() in due and max(due) > tasks.today()
    assert db.session.scalar(select(func.count()).where(Ticket.kind == TicketKind.CONVERSATION)) == 1
    assert db.session.scalar(select(func.count()).where(Ticket.snoozed_until.is_not(None))) == 1


def test_its_team_works(app):
    demo.load()

    spent = db.session.scalar(select(func.sum(TimeEntry.minutes)))
    asked = db.session.scalars(select(TicketSupplier)).one()
    assert spent == 210
    assert asked.turn is Turn.ANSWERED
    assert db.session.scalar(select(func.count(CustomerNote.id))) == 3
    assert db.session.scalar(select(func.count(Macro.id))) >= 2


def test_its_tickets_are_found_by_their_words_and_seen_by_their_team(app):
    demo.load()
    agent = acting(db.session.scalars(select(User).where(User.username == "agent")).one())

    found = matching("screenshot offset", agent)

    assert [db.session.get_one(Ticket, each).subject for each in found] == [
        "Calendar sync shows meetings one hour late"
    ]
    assert matching("VAT invoice 2291", agent) == []  # Billing's, and the agent is Support's
