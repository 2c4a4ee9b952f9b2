"""Two tickets become one and are taken apart again: nothing is lost, nobody reads what was not theirs, and everything goes back."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest
import time_machine
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.accounts.viewer import SYSTEM, CustomerActor
from app.core import clock
from app.core.errors import Forbidden, HelpdeskError
from app.core.extensions import db
from app.sla.models import SlaClock
from app.tickets import departures, merging, tasks
from app.tickets.choices import State
from app.tickets.drafts import Written
from app.tickets.files import keep
from app.tickets.mergeable import Merged, SharedMessage, entries_of
from app.tickets.models import Participant, ParticipantRole, Ticket
from app.tickets.recounting import recount
from app.tickets.tasks import NewTask, Task
from app.tickets.thread import Attachment, Channel, Message, Words
from app.tickets.timeline import Did
from app.tickets.visibility import attachments_visible_to, messages_visible_to
from tests.factories import (
    a_customer,
    a_department,
    a_supervisor,
    a_ticket,
    acting,
    an_agent,
    an_organization,
    run_jobs,
    staff,
)
from tests.tickets.sums import rows, sums_are_right, texts, write


def read_by(customer: Any, ticket: Ticket) -> list[str]:
    return texts((Message.ticket_id == ticket.place().id) & messages_visible_to(CustomerActor.of(customer)))


def two() -> tuple[Ticket, Ticket]:
    return a_ticket("Second", text="second one"), a_ticket("First", text="first one")


def test_all_entries_stand_in_the_primary_in_the_order_in_which_they_were_written(app: Flask) -> None:
    first, second = a_ticket("First", text="one"), a_ticket("Second", text="two")
    agent = acting(a_supervisor())
    first.reply(Words("three"), by=agent)
    second.note(Words("four"), by=agent)
    merging.merge(second, into=first, by=agent)

    assert texts(Message.ticket_id == first.id) == ["one", "two", "three", "four"]
    assert (first.message_count, second.state, second.live, second.merged_into_id) == (4, State.CLOSED, False, first.id)
    assert first.place() is second.place() is first
    assert [first.events[-1].what, second.events[-1].what] == [Did.TOOK_IN, Did.MERGED]
    sums_are_right()


def test_a_merged_tickets_customer_is_answered_in_the_primary_and_its_unanswered_question_stays_one(app: Flask) -> None:
    second, first = two()
    agent = acting(a_supervisor())
    first.reply(Words("answer"), by=agent)
    write(second, "and now?")
    assert not first.needs_response

    merging.merge(second, into=first, by=agent)

    assert first.needs_response and first.awaiting_since == max(
        message.created_at for message in first.messages if message.text == "and now?"
    )


def test_taking_apart_gives_every_entry_back_also_what_was_written_meanwhile(app: Flask) -> None:
    second, first = two()
    agent = acting(a_supervisor())
    file = keep("a.txt", b"content", CustomerActor.of(second.requester))
    second.receive(Words("with a file", attachments=(file,)), CustomerActor.of(second.requester))
    merging.merge(second, into=first, by=agent)
    assert file.ticket_id == first.id
    later = write(second, "for the second")
    write(first, "for the first")
    first.reply(Words("for both"), by=agent)
    assert later.ticket_id == first.id

    merging.unmerge(second, by=agent)

    assert texts(Message.ticket_id == second.id) == ["second one", "with a file", "for the second"]
    assert texts(Message.ticket_id == first.id) == ["first one", "for the first", "for both"]
    assert (second.state, second.live, second.merged_into_id, file.ticket_id) == (State.OPEN, True, None, second.id)
    assert second.needs_response and second.awaiting_since is not None
    sums_are_right()


def test_a_merge_that_is_undone_leaves_no_trace_but_the_events(app: Flask) -> None:
    second, first = two()
    agent, supervisor = an_agent(), a_supervisor()
    second.note(Words(f"@{supervisor.username} look"), by=acting(agent))
    second.assign_to(agent, by=SYSTEM)
    before = rows()

    merging.merge(second, into=first, by=acting(supervisor))
    assert rows() != before
    merging.unmerge(second, by=acting(supervisor))

    assert rows() == before
    sums_are_right()


DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["write", "reply", "note", "file", "wait", "resolve", "close", "reopen", "mention", "urgent", "cc", "task", "share"]),
        st.integers(0, 3),
    ),
    max_size=9,
)  # fmt: skip


def carry_out(deed: str, ticket: Ticket, agent: Any, other: Any, counted: int) -> None:
    """One of the things that happen to tickets; a refusal changes nothing."""
    customer = CustomerActor.of(ticket.requester)
    if deed == "write":
        write(ticket, f"words {counted}")
    elif deed in ("reply", "note"):
        getattr(ticket, deed)(Words(f"{deed} {counted}"), by=agent)
    elif deed == "file":
        kept = keep(f"{counted}.txt", b"bytes %d" % counted, customer)
        ticket.receive(Words(f"file {counted}", attachments=(kept,)), customer)
    elif deed == "mention":
        ticket.note(Words(f"@{other.username} {counted}"), by=agent)
    elif deed == "cc":
        db.session.add(Participant(ticket_id=ticket.id, role=ParticipantRole.CC, email=f"c{counted}@cc.test"))
    elif deed == "task":
        tasks.create(NewTask(f"task {counted}"), agent, ticket)
    elif deed == "share":
        for task in db.session.scalars(select(Task).order_by(Task.id)).all():
            task.link_to(ticket, agent)
    elif deed == "urgent":
        from app.tickets.choices import Priority

        ticket.set_priority(db.session.scalars(select(Priority).where(Priority.rank == 4)).one(), by=agent)
    else:
        getattr(ticket, deed)(by=agent)


def a_history(app: Flask, history: list[tuple[str, int]]) -> tuple[list[Ticket], Any, Any]:
    agent, other = a_supervisor(), a_supervisor()
    colleague = a_customer(organization=an_organization())
    tickets = [a_ticket(), a_ticket(requester=colleague), a_ticket(requester=colleague), a_ticket()]
    for counted, (deed, which) in enumerate(history):
        carry_out(deed, tickets[which], acting(agent), other, counted)
    return tickets, acting(agent), other


ORDERS = {
    "one": [("merge", 0, 1), ("unmerge", 0)],
    "another merge in between": [("merge", 0, 1), ("merge", 2, 1), ("unmerge", 0), ("unmerge", 2)],
    "the later one first": [("merge", 0, 1), ("merge", 2, 1), ("unmerge", 2), ("unmerge", 0)],
    "the primary is merged itself": [("merge", 0, 1), ("merge", 1, 2), ("unmerge", 1), ("unmerge", 0)],
    "out of the midst": [("merge", 0, 1), ("merge", 1, 2), ("unmerge", 0), ("unmerge", 1)],
    "four": [("merge", 0, 1), ("merge", 2, 3), ("merge", 1, 3), ("unmerge", 0), ("unmerge", 2), ("unmerge", 1)],
}


@pytest.mark.parametrize("steps", ORDERS.values(), ids=ORDERS)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=DEEDS)
def test_merging_and_taking_apart_is_the_identity(app: Flask, steps: Any, history: list[tuple[str, int]]) -> None:
    tickets, agent, _other = a_history(app, history)
    before = rows()

    for step in steps:
        if step[0] == "merge":
            merging.merge(tickets[step[1]], into=tickets[step[2]], by=agent)
            sums_are_right()
        else:
            merging.unmerge(tickets[step[1]], by=agent)

    assert rows() == before
    sums_are_right()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=DEEDS, meanwhile=DEEDS)
def test_whatever_happens_while_they_are_one_each_entry_ends_where_it_was_written_to(
    app: Flask, history: list[tuple[str, int]], meanwhile: list[tuple[str, int]]
) -> None:
    tickets, agent, other = a_history(app, history)
    merging.merge(tickets[0], into=tickets[1], by=agent)
    merging.merge(tickets[2], into=tickets[1], by=agent)
    expected = {ticket.id: texts(entries_home(ticket)) for ticket in tickets}
    for counted, (deed, which) in enumerate(meanwhile, 100):
        place = which if deed in ("write", "file", "note") else 1 if which < 3 else 3
        try:
            carry_out(deed, tickets[place], agent, other, counted)
        except HelpdeskError:
            db.session.rollback()
            continue
        if deed in ("write", "file", "note", "reply", "mention"):
            said = db.session.scalars(select(Message).order_by(Message.id.desc()).limit(1)).one()
            expected.setdefault(said.home_id, []).append(said.text)
        db.session.commit()

    for which in (2, 0):
        merging.unmerge(tickets[which], by=agent)

    assert db.session.scalar(select(func.count()).select_from(SharedMessage)) == 0
    for ticket in tickets:
        assert sorted(texts(Message.ticket_id == ticket.id)) == sorted(expected[ticket.id])
        kept = (ticket.message_count, ticket.needs_response, ticket.awaiting_since, ticket.excerpt)
        recount(ticket)
        assert kept == (ticket.message_count, ticket.needs_response, ticket.awaiting_since, ticket.excerpt)
        assert {
            file.ticket_id
            for file in db.session.scalars(select(Attachment).join(Message).where(Message.ticket_id == ticket.id))
        } <= {ticket.id}
    sums_are_right()


def entries_home(ticket: Ticket) -> Any:
    return ((Message.ticket_id == ticket.id) & Message.origin_ticket_id.is_(None)) | (
        Message.origin_ticket_id == ticket.id
    )


def test_no_customer_reads_what_the_other_wrote_before(app: Flask) -> None:
    second, first = two()
    agent = acting(a_supervisor())
    first.reply(Words("to the first alone"), by=agent)
    merging.merge(second, into=first, by=agent)
    first.reply(Words("to both"), by=agent)
    write(second, "the second again")

    assert read_by(second.requester, second) == ["second one", "to both", "the second again"]
    assert read_by(first.requester, first) == ["first one", "to the first alone", "to both", "the second again"]
    assert texts(entries_of(second)) == read_by(second.requester, second)
    assert texts(entries_of(first)) == read_by(first.requester, first)


def test_one_customer_of_both_and_their_colleagues_read_everything(app: Flask) -> None:
    organization = an_organization()
    one, colleague = a_customer(organization=organization), a_customer(organization=organization)
    first, second = a_ticket(requester=one, text="one"), a_ticket(requester=colleague, text="two")
    merging.merge(second, into=first, by=acting(a_supervisor()))

    assert read_by(one, first) == read_by(colleague, first) == ["one", "two"]


def test_what_was_hidden_from_a_customer_stays_hidden_after_the_merge(app: Flask) -> None:
    one = a_customer()
    first, second = a_ticket(requester=one, text="open"), a_ticket(requester=one, text="hidden one")
    agent = acting(a_supervisor())
    second.hide(by=agent)
    merging.merge(second, into=first, by=agent)

    assert read_by(one, first) == ["open"]


def test_while_the_primary_is_hidden_the_other_customer_reads_their_own_part_alone(app: Flask) -> None:
    second, first = two()
    agent = acting(a_supervisor())
    merging.merge(second, into=first, by=agent)
    first.reply(Words("to both"), by=agent)
    first.hide(by=agent)

    assert read_by(second.requester, second) == ["second one"]
    assert read_by(first.requester, first) == []


def test_a_note_and_its_file_reach_no_customer_through_a_merge(app: Flask) -> None:
    second, first = two()
    agent = acting(a_supervisor())
    file = keep("secret.txt", b"for us", agent)
    second.note(Words("for us", attachments=(file,)), by=agent)
    merging.merge(second, into=first, by=agent)

    for customer in (first.requester, second.requester):
        actor = CustomerActor.of(customer)
        assert "for us" not in read_by(customer, first)
        assert db.session.scalar(select(Attachment.id).where(attachments_visible_to(actor))) is None


def test_a_file_is_given_to_whoever_reads_its_message(app: Flask) -> None:
    second, first = two()
    agent = acting(a_supervisor())
    file = keep("mine.txt", b"mine", CustomerActor.of(second.requester))
    second.receive(Words("mine", attachments=(file,)), CustomerActor.of(second.requester))
    merging.merge(second, into=first, by=agent)
    db.session.flush()

    def given(customer: Any) -> list[int]:
        return list(db.session.scalars(select(Attachment.id).where(attachments_visible_to(CustomerActor.of(customer)))))

    assert (given(second.requester), given(first.requester)) == ([file.id], [])


def test_staff_and_departments_of_the_merged_ticket_see_the_primary_until_it_is_taken_apart(app: Flask) -> None:
    mine, theirs = a_department(), a_department()
    helper = an_agent(theirs)
    first, second = a_ticket(department=mine), a_ticket(department=mine)
    db.session.add(Participant(ticket_id=second.id, role=ParticipantRole.DEPARTMENT, department_id=theirs.id))
    supervisor = acting(a_supervisor())
    assert not first.seen_by(acting(helper))

    merging.merge(second, into=first, by=supervisor)
    assert first.seen_by(acting(helper))

    merging.unmerge(second, by=supervisor)
    assert not first.seen_by(acting(helper))
    assert second.seen_by(acting(helper))


def test_the_merged_tickets_promises_end_and_are_owed_again_when_it_is_taken_apart(app: Flask) -> None:
    second, first = two()
    agent = acting(a_supervisor())
    due = second.first_response_due_at
    assert due is not None

    merging.merge(second, into=first, by=agent)
    running = select(func.count(SlaClock.id)).where(SlaClock.ticket_id == second.id, SlaClock.state == "running")
    assert (db.session.scalar(running), second.next_due_at) == (0, None)
    assert first.next_due_at is not None

    merging.unmerge(second, by=agent)
    assert (second.first_response_due_at, second.next_due_at) == (due, due)


@pytest.mark.parametrize("verb", ["set_priority", "close", "reopen", "resolve", "assign_to", "hide", "tag"])
def test_what_would_change_a_merged_ticket_is_refused(app: Flask, verb: str) -> None:
    second, first = two()
    agent = acting(a_supervisor())
    merging.merge(second, into=first, by=agent)
    given = {"set_priority": (first.priority,), "assign_to": (None,), "tag": ("word",)}.get(verb, ())

    with pytest.raises(Merged):
        getattr(second, verb)(*given, by=agent)


def test_a_staff_reply_to_the_merged_number_is_one_to_the_primary(app: Flask) -> None:
    second, first = two()
    agent = acting(a_supervisor())
    merging.merge(second, into=first, by=agent)

    assert second.reply(Words("there"), by=agent).ticket_id == first.id


def test_odd_merges_are_refused(app: Flask) -> None:
    second, first = two()
    third = a_ticket()
    agent = acting(a_supervisor())
    with pytest.raises(merging.CannotMerge):
        merging.merge(first, into=first, by=agent)
    with pytest.raises(merging.CannotMerge):
        merging.unmerge(first, by=agent)
    merging.merge(second, into=first, by=agent)

    for duplicate, into in ((first, second), (second, first), (second, third), (third, second)):
        with pytest.raises(merging.CannotMerge):
            merging.merge(duplicate, into=into, by=agent)


def test_nobody_merges_without_the_right_or_what_they_do_not_see(app: Flask) -> None:
    mine, theirs = a_department(), a_department()
    agent, developer = an_agent(mine), staff("Developer")
    first, second = a_ticket(department=mine), a_ticket(department=theirs)

    for person, duplicate, into in ((agent, second, first), (agent, first, second), (developer, first, second)):
        with pytest.raises(Forbidden):
            merging.merge(duplicate, into=into, by=acting(person))
        with pytest.raises(Forbidden):
            merging.merge(duplicate, into=into, by=CustomerActor.of(first.requester))


def test_of_two_merges_in_opposite_directions_at_once_one_is_done(app: Flask) -> None:
    first, second, agent = a_ticket(), a_ticket(), a_supervisor()
    db.session.commit()
    ids, staff_id = (first.id, second.id), agent.id
    db.session.rollback()
    outcomes: list[str] = []
    ready = threading.Barrier(2)

    def run(duplicate_id: int, into_id: int) -> None:
        from app.accounts.viewer import viewer

        with app.app_context():
            person = viewer(staff_id)
            duplicate, into = db.session.get_one(Ticket, duplicate_id), db.session.get_one(Ticket, into_id)
            if db.engine.dialect.name == "postgresql":
                ready.wait(20)
            try:
                merging.merge(duplicate, into=into, by=person)  # type: ignore[arg-type]
                db.session.commit()
                outcomes.append("done")
            except merging.CannotMerge:
                db.session.rollback()
                outcomes.append("refused")

    threads = [threading.Thread(target=run, args=pair) for pair in (ids, ids[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    db.session.expire_all()
    assert sorted(outcomes) == ["done", "refused"]
    merged = [ticket.merged_into_id for ticket in db.session.scalars(select(Ticket))]
    assert len([each for each in merged if each]) == 1
    sums_are_right()


def test_replies_that_come_while_a_ticket_is_merged_are_all_in_the_primary(app: Flask) -> None:
    first, second, agent = a_ticket(), a_ticket(), a_supervisor()
    db.session.commit()
    first_id, second_id, staff_id, requester_id = first.id, second.id, agent.id, second.requester_id
    db.session.rollback()
    ready, failed = threading.Barrier(4), []

    def run(deed: int) -> None:
        from app.accounts.models import Customer
        from app.accounts.viewer import viewer

        with app.app_context():
            ticket, place = db.session.get_one(Ticket, second_id), db.session.get_one(Ticket, first_id)
            customer = CustomerActor.of(db.session.get_one(Customer, requester_id))
            person = viewer(staff_id)
            if db.engine.dialect.name == "postgresql":
                ready.wait(20)
            try:
                if deed:
                    ticket.receive(Words(f"reply {deed}", via=Channel.PORTAL), customer)
                else:
                    merging.merge(ticket, into=place, by=person)  # type: ignore[arg-type]
                db.session.commit()
            except Exception as problem:
                failed.append(problem)
                db.session.rollback()

    threads = [threading.Thread(target=run, args=(deed,)) for deed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    db.session.expire_all()
    assert failed == []
    assert db.session.scalar(select(func.count(Message.id)).where(Message.ticket_id == first_id)) == 5
    assert db.session.get_one(Ticket, first_id).message_count == 5
    sums_are_right()


@pytest.mark.parametrize("merged", ["the primary", "the other"])
def test_a_reply_that_waits_to_leave_is_held_back_when_others_would_read_it(app: Flask, merged: str) -> None:
    second, first = two()
    agent = acting(a_supervisor())
    ticket = first if merged == "the primary" else second
    draft = departures.put_off(
        ticket, agent, Written("for one alone"), clock.now() + dt.timedelta(hours=1), "a tab", 10**6, True
    )
    merging.merge(second, into=first, by=agent)
    db.session.commit()

    with time_machine.travel(clock.now() + dt.timedelta(hours=2), tick=False):
        run_jobs()

    db.session.expire_all()
    assert "for one alone" not in texts(Message.ticket_id == first.id)
    assert (draft.leaves_at, draft.ticket_id) == (None, first.id)
    assert draft.returned is not None and "merged" in draft.returned
