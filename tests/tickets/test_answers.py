"""Which replies answer the customer: those that reach them."""

import datetime as dt

import pytest
import time_machine
from sqlalchemy import select

from app.accounts.viewer import CustomerActor
from app.core.extensions import db
from app.sla.models import SlaClock
from app.sla.promises import Metric
from app.tickets import departures, splitting
from app.tickets.choices import State
from app.tickets.conversation import Then
from app.tickets.drafts import Written
from app.tickets.lifecycle import status_for
from app.tickets.models import Ticket
from app.tickets.recounting import recount
from app.tickets.thread import Message, MessageKind, Words
from app.tickets.timeline import Did, TicketEvent
from tests.factories import a_customer, a_ticket, acting, an_agent, setting

MONDAY = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
THIRD = "kim@partner.test"


@pytest.fixture
def agent(app):
    return acting(an_agent())


@pytest.fixture
def ticket(app, agent):
    with time_machine.travel(MONDAY, tick=False):
        return a_ticket(requester=a_customer("Ada", email="ada@northwind.test"))


def say(ticket, agent, to=None, cc=None, then="keep", after=HOUR):
    with time_machine.travel(MONDAY + after, tick=False):
        message = departures._say(ticket, agent, Written("Please have a look.", MessageKind.REPLY, then, "", cc, None, (), None, to, "", (), ()))  # fmt: skip
        db.session.flush()
    return message


def standing(ticket):
    return ticket.needs_response, ticket.awaiting_since, ticket.first_response_at, ticket.last_staff_at


def first_response(ticket):
    db.session.flush()
    return db.session.scalars(select(SlaClock).where(SlaClock.ticket_id == ticket.id, SlaClock.metric == Metric.FIRST_RESPONSE)).one()  # fmt: skip


@pytest.mark.parametrize(
    ("to", "cc"),
    [(None, None), ("ada@northwind.test", None), (f"{THIRD}, Ada@northwind.test", None), (THIRD, "ada@northwind.test")],
    ids=["as ever", "named", "among others", "in CC"],
)
def test_a_reply_that_reaches_the_requester_answers_them(ticket, agent, to, cc):
    say(ticket, agent, to, cc)

    assert standing(ticket) == (False, None, MONDAY + HOUR, MONDAY + HOUR)
    assert first_response(ticket).ended_at == MONDAY + HOUR


def test_a_reply_to_somebody_else_alone_answers_nobody(ticket, agent):
    say(ticket, agent, THIRD)

    assert standing(ticket) == (True, MONDAY, None, None)
    assert first_response(ticket).ended_at is None
    assert ticket.message_count == 2, "it is a message all the same"
    answer = say(ticket, agent, after=2 * HOUR)
    event = db.session.scalars(select(TicketEvent).where(TicketEvent.what == Did.REPLIED).order_by(TicketEvent.id)).all()[-1]  # fmt: skip
    assert (event.particulars["message_id"], event.particulars["first"]) == (answer.id, True), "this is the first one"
    assert first_response(ticket).ended_at == MONDAY + 2 * HOUR


def test_it_changes_the_status_only_when_its_writer_chooses_one(ticket, agent):
    setting(status_on_staff_reply=status_for(State.WAITING).id)
    before = ticket.status_id

    say(ticket, agent, THIRD)
    assert ticket.status_id == before
    say(ticket, agent, THIRD, then=Then.WAIT.value)
    assert ticket.state is State.WAITING
    since = ticket.status_since
    say(ticket, agent, THIRD, after=5 * HOUR)
    assert ticket.status_since == since, "the days of waiting for the customer go on"


def test_counted_anew_it_answers_nobody_either(ticket, agent):
    say(ticket, agent, THIRD)
    kept = standing(ticket)

    recount(ticket)
    assert (ticket.needs_response, ticket.awaiting_since, ticket.last_staff_at) == (kept[0], kept[1], kept[3])


def test_moved_into_another_ticket_it_answers_nobody_there(ticket, agent):
    said = say(ticket, agent, THIRD)
    other = a_ticket("Another one", requester=a_customer("Bob"))
    with time_machine.travel(MONDAY + 3 * HOUR, tick=False):
        splitting.move([said], other, agent)

    db.session.expire_all()
    assert db.session.get_one(Message, said.id).ticket_id == other.id
    assert db.session.get_one(Ticket, other.id).needs_response and other.last_staff_at is None


def test_the_customer_who_writes_again_waits_since_their_first_word(ticket, agent):
    say(ticket, agent, THIRD)
    with time_machine.travel(MONDAY + 2 * HOUR, tick=False):
        ticket.receive(Words("Are you there?"), CustomerActor.of(ticket.requester))

    assert ticket.awaiting_since == MONDAY
    recount(ticket)
    assert ticket.awaiting_since == MONDAY
