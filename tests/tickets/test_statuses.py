"""Every vocabulary that the desk accepts has an answer to whatever happens to a ticket in any of its states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from app.accounts.viewer import SYSTEM, CustomerActor
from app.core.extensions import db
from app.tickets.choices import State, Status
from app.tickets.conversation import Then
from app.tickets.lifecycle import NEIGHBOURS, initial_status, status_for
from app.tickets.models import Ticket
from app.tickets.statuses import NEEDED, LastOfItsKind, demand_rest
from app.tickets.thread import Words
from tests.factories import a_supervisor, a_ticket, acting, setting
from tests.tickets.sums import write

SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
VOCABULARY = st.lists(st.sampled_from(State), min_size=2, max_size=6).filter(
    lambda states: all(group & set(states) for group in NEEDED)
)
Cell = Callable[[Ticket, Any], Any]
CELLS: dict[str, tuple[Cell, State | None]] = {
    "assigned": (lambda ticket, agent: ticket.assign_to(a_supervisor(), by=agent), None),
    "staff reply": (lambda ticket, agent: ticket.reply(Words("Answer"), agent, Then.KEEP), None),
    "staff reply and waiting": (lambda ticket, agent: ticket.reply(Words("Answer"), agent, Then.WAIT), State.WAITING),
    "staff reply and resolved": (lambda ticket, agent: ticket.reply(Words("Answer"), agent, Then.RESOLVE), State.RESOLVED),
    "staff reply and closed": (lambda ticket, agent: ticket.reply(Words("Answer"), agent, Then.CLOSE), State.CLOSED),
    "customer reply": (lambda ticket, agent: write(ticket, "Again"), None),
    "internal note": (lambda ticket, agent: ticket.note(Words("Note"), agent), None),
    "automatic mail": (lambda ticket, agent: ticket.reply(Words("By a rule"), SYSTEM), None),
    "customer closes": (lambda ticket, agent: ticket.close(CustomerActor.of(ticket.requester)), State.CLOSED),
    "reopened": (lambda ticket, agent: ticket.reopen(agent), None),
    "closed for silence": (lambda ticket, agent: ticket.close(SYSTEM), State.CLOSED),
    "held": (lambda ticket, agent: ticket.hold(agent), State.HOLD),
    "spam": (lambda ticket, agent: ticket.mark_spam(agent), State.CLOSED),
    "spam and back": (lambda ticket, agent: (ticket.mark_spam(agent), ticket.unmark_spam(agent)), None),
}  # fmt: skip


def a_vocabulary(states: Sequence[State], after_reply: Sequence[int]) -> list[Status]:
    """In place of the desk's. `after_reply`: the place of the status that a customer's reply leads to."""
    db.session.execute(update(Status).values(active=False, initial=False))
    made = [Status(name=f"{state} {n} of {db.session.info.setdefault('n', 0)}", state=state, position=n) for n, state in enumerate(states)]  # fmt: skip
    db.session.info["n"] += 1
    db.session.add_all(made)
    db.session.flush()
    for status, place in zip(made, after_reply, strict=False):
        status.after_customer_reply = made[place % len(made)]
    db.session.commit()
    return made


def led(state: State, present: Sequence[State]) -> State:
    """What FEATURES calls the neighbour, asked without the database."""
    return next(each for each in (state, *NEIGHBOURS[state]) if each in present)


@settings(max_examples=5, deadline=None, suppress_health_check=SLOW)
@example(states=[State.OPEN, State.RESOLVED], after_reply=[1, 0])
@example(states=[State.NEW, State.CLOSED], after_reply=[])
@given(states=VOCABULARY, after_reply=st.lists(st.integers(0, 5), max_size=6))
def test_every_cell_is_total(app: Flask, states: list[State], after_reply: list[int]) -> None:
    setting(customer_can_close=True, customer_can_reopen=True, status_on_staff_reply=None, status_on_reopen=None)
    agent = acting(a_supervisor())
    made = a_vocabulary(states, after_reply)
    assert initial_status().state is led(State.NEW, states)
    assert all(status_for(state).state is led(state, states) for state in State)
    for status in made:
        for name, (cell, outcome) in CELLS.items():
            ticket = a_ticket(status=status)
            was = ticket.state
            cell(ticket, agent)
            db.session.flush()
            assert ticket.status.active, name
            assert (ticket.state, ticket.live) == (ticket.status.state, ticket.status.state.live), name
            if outcome is not None and was.live:
                assert ticket.state is led(outcome, states), name
            if name in ("internal note", "automatic mail", "spam and back"):
                assert ticket.state is was, name
            if name == "reopened":
                assert ticket.live, name
        db.session.rollback()


@settings(max_examples=10, deadline=None, suppress_health_check=SLOW)
@given(states=VOCABULARY, which=st.integers(0, 5), instead=st.none() | st.sampled_from(State))
def test_a_status_goes_or_means_something_else_only_when_each_state_still_leads_somewhere(
    app: Flask, states: list[State], which: int, instead: State | None
) -> None:
    made = a_vocabulary(states, [])
    status = made[which % len(made)]
    rest = [each.state for each in made if each is not status] + ([instead] if instead else [])

    if all(any(each in rest for each in (state, *NEIGHBOURS[state])) for state in State):
        demand_rest(status, instead)
    else:
        with pytest.raises(LastOfItsKind):
            demand_rest(status, instead)


def test_the_last_status_of_our_turn_stays_though_tickets_could_still_wait(app: Flask) -> None:
    """Else a new ticket would have no status at all."""
    a_vocabulary([State.OPEN, State.WAITING, State.CLOSED], [])
    last = db.session.scalars(select(Status).where(Status.state == State.OPEN, Status.active.is_(True))).one()

    with pytest.raises(LastOfItsKind):
        demand_rest(last, None)
