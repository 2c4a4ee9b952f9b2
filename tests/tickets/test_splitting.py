"""Entries go to a ticket of their own or to another one, with their files, and come back the same way."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.accounts.viewer import CustomerActor
from app.core.errors import Forbidden, Invalid
from app.core.extensions import db
from app.mail.models import Delivery
from app.sla.models import SlaClock
from app.tickets import merging, splitting
from app.tickets.choices import State
from app.tickets.files import keep
from app.tickets.models import Ticket
from app.tickets.splitting import CannotMove
from app.tickets.thread import Message, Words
from app.tickets.timeline import Did
from app.tickets.visibility import messages_visible_to
from tests.factories import a_department, a_supervisor, a_ticket, acting, an_agent, run_jobs, staff
from tests.tickets.sums import rows, sums_are_right, texts, write


def a_thread() -> tuple[Ticket, Any, Message]:
    """Its second question is another matter."""
    ticket, agent = a_ticket(text="one"), acting(a_supervisor())
    ticket.reply(Words("two"), by=agent)
    return ticket, agent, write(ticket, "another matter")


def test_a_message_becomes_a_ticket_of_its_writers_own_and_is_owed_an_answer_there(app: Flask) -> None:
    ticket, agent, message = a_thread()
    file = keep("a.txt", b"content", agent)
    ticket.note(Words("about it", attachments=(file,)), by=agent)
    db.session.commit()

    new = splitting.split(splitting.onwards(message), "Another matter", by=agent)

    assert (texts(Message.ticket_id == ticket.id), texts(Message.ticket_id == new.id)) == (
        ["one", "two"],
        ["another matter", "about it"],
    )
    assert (new.subject, new.requester_id, new.department_id, new.state) == (
        "Another matter",
        ticket.requester_id,
        ticket.department_id,
        State.OPEN,
    )
    assert (new.needs_response, ticket.needs_response, file.ticket_id, new.message_count) == (True, False, new.id, 2)
    assert new.first_response_due_at is not None
    assert [event.what for event in new.events][:2] == [Did.OPENED, Did.MOVED_IN] and ticket.events[
        -1
    ].what is Did.MOVED_OUT
    run_jobs()
    told = db.session.scalars(
        select(Delivery).where(Delivery.ticket_id == new.id, Delivery.kind == "ticket_created")
    ).all()
    assert len(told) == 1
    sums_are_right()


def test_only_the_one_message_goes_when_only_it_is_chosen(app: Flask) -> None:
    ticket, agent, message = a_thread()
    write(ticket, "the first matter again")

    new = splitting.split([message], "Another matter", by=agent)

    assert texts(Message.ticket_id == ticket.id) == ["one", "two", "the first matter again"]
    assert texts(Message.ticket_id == new.id) == ["another matter"]


def test_words_that_staff_sent_before_are_not_sent_again(app: Flask) -> None:
    ticket, agent = a_ticket(), acting(a_supervisor())
    reply = ticket.reply(Words("sent already"), by=agent)
    run_jobs()

    new = splitting.split([reply], "Apart", by=agent)
    run_jobs()

    assert (
        db.session.scalars(
            select(Delivery.id).where(Delivery.ticket_id == new.id, Delivery.customer_id.is_not(None))
        ).all()
        == []
    )
    assert (
        db.session.scalars(
            select(SlaClock).where(SlaClock.ticket_id == new.id, SlaClock.metric == "first_response")
        ).all()
        == []
    )


def test_a_moved_message_stands_at_its_place_in_time_and_moving_it_back_leaves_no_trace(app: Flask) -> None:
    ticket, agent, message = a_thread()
    other = a_ticket(text="elsewhere")
    before = rows()

    splitting.move([message], to=other, by=agent)
    assert texts(Message.ticket_id == other.id) == ["another matter", "elsewhere"]
    assert (other.message_count, ticket.needs_response, message.moved_from_id) == (2, False, ticket.id)
    assert [ticket.events[-1].what, other.events[-1].what] == [Did.MOVED_OUT, Did.MOVED_IN]
    splitting.move([message], to=ticket, by=agent)

    after = rows()
    for found in (before, after):
        found["sla_clock"] = []  # what was owed meanwhile is a row that is cancelled now
    assert after == before
    sums_are_right()


def test_a_moved_question_is_owed_an_answer_where_it_went_and_none_where_it_was(app: Flask) -> None:
    ticket, agent, message = a_thread()
    other = a_ticket()
    other.reply(Words("answered"), by=agent)
    write(other, "thanks")
    other.reply(Words("welcome"), by=agent)
    later = write(ticket, "wrong thread")

    splitting.move([message, later], to=other, by=agent)

    assert (ticket.needs_response, ticket.awaiting_since) == (False, None)
    assert other.needs_response


def test_an_entry_of_a_merged_ticket_goes_back_to_it_when_the_move_is_undone(app: Flask) -> None:
    first, second, third = a_ticket("First", text="1"), a_ticket("Second", text="2"), a_ticket("Third", text="3")
    agent = acting(a_supervisor())
    moved = write(second, "two more")
    merging.merge(second, into=first, by=agent)
    splitting.move([moved], to=third, by=agent)
    assert (moved.ticket_id, moved.origin_ticket_id, moved.moved_from_id) == (third.id, None, second.id)

    splitting.move([moved], to=second, by=agent)
    assert (moved.ticket_id, moved.origin_ticket_id, moved.moved_from_id) == (first.id, second.id, None)

    merging.unmerge(second, by=agent)
    assert texts(Message.ticket_id == second.id) == ["2", "two more"]


def test_a_customer_reads_a_moved_message_where_it_stands(app: Flask) -> None:
    ticket, agent, message = a_thread()
    other = a_ticket()
    splitting.move([message], to=other, by=agent)

    def reads(customer: Any) -> bool:
        return (
            db.session.scalar(
                select(Message.id).where(Message.id == message.id, messages_visible_to(CustomerActor.of(customer)))
            )
            is not None
        )

    assert (reads(other.requester), reads(ticket.requester)) == (True, False)


def test_the_last_entry_stays_and_nothing_goes_where_it_is(app: Flask) -> None:
    ticket, other, agent = a_ticket(), a_ticket(), acting(a_supervisor())
    only = ticket.messages[0]
    with pytest.raises(CannotMove):
        splitting.move([only], to=other, by=agent)
    write(ticket, "more")
    with pytest.raises(CannotMove):
        splitting.move([only], to=ticket, by=agent)
    with pytest.raises(Invalid):
        splitting.split([only], "   ", by=agent)


def test_nobody_splits_or_moves_without_the_right_or_to_where_they_do_not_see(app: Flask) -> None:
    mine, theirs = a_department(), a_department()
    ticket, foreign = a_ticket(department=mine), a_ticket(department=theirs)
    entry = write(ticket, "more")
    agent = acting(an_agent(mine))

    for person, to in (
        (agent, foreign),
        (acting(staff("Developer")), ticket),
        (CustomerActor.of(ticket.requester), foreign),
    ):
        with pytest.raises(Forbidden):
            splitting.move([entry], to=to, by=person)
    with pytest.raises(Forbidden):
        splitting.split([entry], "Apart", by=acting(an_agent(theirs)))
