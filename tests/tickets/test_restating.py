"""A status gives its tickets to another one, or means something else: each ticket once, its clocks, times and sums with it."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from app.accounts.viewer import SYSTEM
from app.core import clock
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.core.outbox import Outbox
from app.mail.models import Delivery
from app.reports import ledgers
from app.reports.ledgers import TicketLedger
from app.sla import clocks
from app.tickets import booking, merging, restating
from app.tickets.choices import State, Status
from app.tickets.lifecycle import status_for
from app.tickets.models import Ticket
from app.tickets.restating import AtWork, Change
from app.tickets.statuses import LastOfItsKind
from app.tickets.statusmoves import StatusMove
from app.tickets.thread import Words
from app.tickets.timeline import Did, TicketEvent
from tests.factories import a_status, a_supervisor, a_ticket, acting, an_admin, run_jobs, setting
from tests.tickets.sums import sums_are_right, write

OPEN, DOING, WAITING, HOLD, RESOLVED, CLOSED = "Open", "In Progress", "Waiting for Customer", "On Hold", "Resolved", "Closed"  # fmt: skip


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(restating, "A_TURN", 2)


def tickets_in(name: str, many: int = 1) -> list[Ticket]:
    found = []
    for n in range(many):
        ticket = a_ticket(f"{name} {n}")
        ticket._enter(a_status(name), SYSTEM)
        found.append(ticket)
    db.session.commit()
    return found


def move(was: str, now: str, told: bool = False) -> StatusMove:
    begun = restating.begin(Change.to(a_status(was), a_status(now)), acting(an_admin()), told)
    db.session.commit()
    return begun


def mean(name: str, state: State, told: bool = False) -> StatusMove:
    status = a_status(name)
    begun = restating.begin(Change(status, status, state), acting(an_admin()), told)
    db.session.commit()
    return begun


def through() -> None:
    run_jobs(50)
    db.session.expire_all()


def everything_is_as_the_events_say(tickets: list[Ticket]) -> None:
    """Sums, clocks and times are those of a rebuild."""
    sums_are_right()
    for ticket in tickets:
        assert not clocks.rebuild(ticket), "its clocks follow its events"
        kept = db.session.get(TicketLedger, ticket.id)
        if kept is not None:
            wanted = ledgers.row_of(ticket, booking.ledger(ticket, ledgers.ended_at(ticket)))
            assert wanted == {name: getattr(kept, name) for name in wanted}
        assert (kept is not None) == ledgers.counts(ticket)
    db.session.rollback()


def events(ticket: Ticket, what: Did = Did.RESTATED) -> list[TicketEvent]:
    return list(db.session.scalars(select(TicketEvent).where(TicketEvent.ticket_id == ticket.id, TicketEvent.what == what)))  # fmt: skip


def test_all_tickets_of_a_status_go_to_another_each_once_and_nobody_can_choose_it_meanwhile(app, few):
    tickets = tickets_in(DOING, 5)
    begun = move(DOING, HOLD)

    assert not a_status(DOING).active
    with pytest.raises(Invalid):
        a_ticket().set_status(a_status(DOING), acting(a_supervisor()))
    through()

    assert {ticket.status.name for ticket in tickets} == {HOLD}
    assert {ticket.state for ticket in tickets} == {State.HOLD}
    assert [len(events(ticket)) for ticket in tickets] == [1] * 5
    assert (begun.moved, begun.total) == (5, 5) and begun.finished_at is not None
    everything_is_as_the_events_say(tickets)


def test_an_event_says_who_asked_for_it_and_from_what_to_what(app):
    (ticket,) = tickets_in(DOING)
    admin = an_admin()
    restating.begin(Change.to(a_status(DOING), a_status(WAITING)), acting(admin))
    through()

    told = events(ticket)[0]
    assert (told.staff_id, told.particulars["was"], told.particulars["now"]) == (admin.id, DOING, WAITING)
    assert (told.particulars["state_was"], told.particulars["state"]) == ("open", "waiting")
    assert told.sentence == f"changed the status from {DOING} to {WAITING}, as of all tickets that had it"


def test_a_status_that_means_something_else_takes_its_tickets_along(app, few):
    tickets = tickets_in(HOLD, 3)
    begun = mean(HOLD, State.WAITING)
    through()

    assert {(ticket.status.name, ticket.state) for ticket in tickets} == {(HOLD, State.WAITING)}
    assert events(tickets[0])[0].sentence == f"changed what the status {HOLD} means"
    assert begun.moved == 3 and a_status(HOLD).active
    everything_is_as_the_events_say(tickets)


@pytest.mark.parametrize(
    ("was", "now"),
    [(DOING, RESOLVED), (DOING, CLOSED), (RESOLVED, DOING), (CLOSED, WAITING), (RESOLVED, CLOSED), (CLOSED, RESOLVED), (WAITING, DOING), (DOING, HOLD)],
)  # fmt: skip
def test_sums_clocks_and_times_are_those_of_a_rebuild_whatever_the_move(app, was, now):
    tickets = tickets_in(was, 3)
    write(tickets[0], "And again")
    tickets[1].note(Words("Only us"), by=acting(a_supervisor()))
    db.session.commit()
    mine = [ticket for ticket in tickets if ticket.status.name == was]
    move(was, now)
    through()

    assert {ticket.status.name for ticket in mine} == {now}
    everything_is_as_the_events_say(tickets)


def test_customers_hear_nothing_of_it_unless_somebody_chose_so(app):
    tickets_in(DOING)
    tickets_in(HOLD)
    before = db.session.scalar(select(func.count()).select_from(Delivery))

    move(DOING, RESOLVED)
    through()
    silent = db.session.scalar(select(func.count()).select_from(Delivery))
    move(HOLD, RESOLVED, told=True)
    through()

    assert silent == before
    assert db.session.scalar(select(func.count()).select_from(Delivery)) == before + 1


def test_days_of_silence_count_on_within_a_state_and_anew_in_another(app):
    alike, other = tickets_in(OPEN)[0], tickets_in(HOLD)[0]
    long_ago = clock.now() - dt.timedelta(days=9)
    alike.status_since = other.status_since = long_ago
    a_status(OPEN).initial = False
    db.session.commit()
    move(OPEN, DOING)
    move(HOLD, WAITING)
    through()

    assert alike.status_since == long_ago
    assert other.status_since > long_ago


def test_it_brings_no_ticket_to_the_top_of_the_lists(app):
    (ticket,) = tickets_in(DOING)
    before = ticket.last_activity_at
    move(DOING, HOLD)
    through()

    assert ticket.last_activity_at == before


def test_merged_tickets_and_spam_stay_ended(app):
    boss = acting(a_supervisor())
    merged, into, spam = a_ticket("merged"), a_ticket("into"), a_ticket("spam")
    merging.merge(merged, into=into, by=boss)
    spam.mark_spam(boss)
    db.session.commit()
    mean(CLOSED, State.OPEN)
    through()

    assert {(merged.status.name, merged.state), (spam.status.name, spam.state)} == {(RESOLVED, State.RESOLVED)}
    everything_is_as_the_events_say([merged, into, spam])
    merging.unmerge(merged, boss)
    db.session.commit()
    assert merged.live
    everything_is_as_the_events_say([merged, into])


def test_a_ticket_that_is_taken_out_of_another_does_not_come_back_to_a_status_that_gave_its_tickets_away(app):
    boss = acting(a_supervisor())
    merged, into = tickets_in(DOING, 2)
    merging.merge(merged, into=into, by=boss)
    move(DOING, HOLD)
    through()

    merging.unmerge(merged, boss)
    db.session.commit()
    assert (merged.status, merged.state) == (status_for(State.OPEN), State.OPEN)
    everything_is_as_the_events_say([merged, into])


@contextmanager
def killed_at(commit: int) -> Iterator[None]:
    """The process ends before so many commits have come through."""
    seen = 0

    def count(session: Session) -> None:
        nonlocal seen
        if not session.in_nested_transaction():
            seen += 1
            if seen == commit:
                raise SystemExit

    event.listen(Session, "before_commit", count)
    try:
        yield
    finally:
        event.remove(Session, "before_commit", count)


def test_killed_before_any_of_its_commits_it_goes_on_and_moves_each_ticket_once(app, few):
    tickets = tickets_in(DOING, 4)
    begun = move(DOING, RESOLVED)
    move_id = begun.id

    kills = 0
    for commit in range(1, 9):
        with killed_at(commit):
            try:
                restating.carry_on(move_id)
                db.session.commit()
            except SystemExit:
                kills += 1
        db.session.rollback()
        db.session.expire_all()
    through()

    assert kills > 2
    assert [len(events(ticket)) for ticket in tickets] == [1] * 4
    assert begun.moved == 4 and begun.finished_at is not None
    everything_is_as_the_events_say(tickets)


def test_what_came_into_the_old_status_while_it_went_through_is_found_a_minute_later(app):
    tickets_in(DOING, 1)
    begun = move(DOING, HOLD)
    through()
    late = a_ticket("late")
    late._enter(a_status(DOING), SYSTEM)
    look = db.session.scalars(select(Outbox).where(Outbox.job == "tickets.move_status", Outbox.done_at.is_(None))).one()
    look.due_at = clock.now()
    through()

    assert (late.status.name, begun.moved) == (HOLD, 2)


def test_a_status_that_was_taken_into_use_again_keeps_what_comes_into_it(app):
    begun = move(DOING, HOLD)
    through()
    a_status(DOING).active = True
    (kept,) = tickets_in(DOING)
    restating.carry_on(begun.id, look=1)
    db.session.commit()

    assert kept.status.name == DOING


def test_a_ticket_that_refuses_holds_up_no_other_and_can_be_tried_again(app, few):
    tickets = tickets_in(DOING, 3)
    broken = tickets[0]

    def refuse(_mapper: object, _connection: object, row: TicketEvent) -> None:
        if row.what is Did.RESTATED and row.ticket_id == broken.id:
            raise ValueError("a fault nobody foresaw")

    begun = move(DOING, HOLD)
    event.listen(TicketEvent, "before_insert", refuse)
    try:
        for look in range(restating.LOOKS + 1):
            restating.carry_on(begun.id, look=look)
            restating.carry_on(begun.id, beyond=tickets[1].id, look=look)
            db.session.commit()
    finally:
        event.remove(TicketEvent, "before_insert", refuse)
    assert (begun.moved, restating.left(begun)) == (2, 1) and begun.finished_at is not None

    restating.again(begun)
    through()
    assert (begun.moved, restating.left(begun), broken.status.name) == (3, 0, HOLD)


WRONG: dict[str, tuple[Callable[[], object], type[HelpdeskError]]] = {
    "the same meaning": (lambda: mean(OPEN, State.OPEN), Invalid),
    "new tickets would be over": (lambda: mean(OPEN, State.CLOSED), Invalid),
    "the default status": (lambda: move(OPEN, DOING), Invalid),
    "to one that is switched off": (lambda: (setattr(a_status(HOLD), "active", False), move(DOING, HOLD)), Invalid),
    "the last that ends a ticket": (
        lambda: (setattr(a_status(CLOSED), "active", False), mean(RESOLVED, State.WAITING)),
        LastOfItsKind,
    ),
    "while it is at work": (lambda: (move(DOING, HOLD), move(HOLD, WAITING)), AtWork),
}


@pytest.mark.parametrize("deed", WRONG)
def test_what_would_leave_the_desk_without_what_it_needs_is_refused(app, deed):
    asks, refusal = WRONG[deed]
    with pytest.raises(refusal):
        asks()


def test_replies_and_changes_of_status_go_on_while_it_runs(app, few):
    tickets = tickets_in(DOING, 8)
    setting(customer_can_reopen=True)
    begun = move(DOING, RESOLVED)
    ids, move_id, boss_id = [ticket.id for ticket in tickets], begun.id, a_supervisor().id
    db.session.commit()
    db.session.remove()
    failed: list[BaseException] = []

    def work(deed: Callable[[], None]) -> None:
        with app.app_context():
            try:
                deed()
            except BaseException as fault:
                failed.append(fault)
                raise

    def answer() -> None:
        for ticket_id in ids[::2]:
            write(db.session.get_one(Ticket, ticket_id), "While it runs")
            db.session.commit()

    def change() -> None:
        from app.accounts.viewer import viewer

        boss = viewer(boss_id)
        assert boss is not None
        for ticket_id in ids[1::2]:
            db.session.get_one(Ticket, ticket_id).hold(by=boss)
            db.session.commit()

    def job() -> None:
        beyond = 0
        while db.session.get_one(StatusMove, move_id).finished_at is None:
            restating.carry_on(move_id, beyond)
            db.session.commit()

    threads = [threading.Thread(target=work, args=(deed,)) for deed in (answer, change, job, job)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not failed
    found = list(db.session.scalars(select(Ticket).where(Ticket.id.in_(ids)).order_by(Ticket.id)))
    assert DOING not in {ticket.status.name for ticket in found}
    assert all(len(events(ticket)) <= 1 for ticket in found)
    assert sum(len(events(ticket)) for ticket in found) == db.session.get_one(StatusMove, move_id).moved
    everything_is_as_the_events_say(found)


def test_a_desk_without_such_tickets_is_done_at_once(app):
    begun = move(DOING, HOLD)
    through()

    assert begun.finished_at is not None and begun.moved == 0
    assert db.session.scalar(select(Status.active).where(Status.name == DOING)) is False
