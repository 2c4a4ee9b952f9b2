"""Roles that may make only some changes of status by hand: what is refused, what never is, and what becomes of their rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import func, select

from app.accounts.steps import StatusStep
from app.accounts.viewer import SYSTEM, CustomerActor, viewer
from app.core import clock
from app.core.audit import Audit
from app.core.errors import Forbidden, HelpdeskError, Invalid
from app.core.extensions import db
from app.tickets import departures, macroruns, steps, vocabularies
from app.tickets.choices import State, Status
from app.tickets.conversation import Then
from app.tickets.drafts import Draft, Written
from app.tickets.lifecycle import NotTheirStep
from app.tickets.macroruns import rehearse
from app.tickets.merging import merge
from app.tickets.models import Ticket
from app.tickets.steps import OnlyWay
from app.tickets.thread import Words
from tests.factories import (  # fmt: skip
    a_customer,
    a_macro,
    a_status,
    a_super_admin,
    a_ticket,
    acting,
    an_agent,
    bound,
    run_jobs,
    setting,
    staff,
)

AGENT = "Support Agent"
SOON = dt.timedelta(seconds=10)
OPEN, DOING, WAITING, HOLD, RESOLVED, CLOSED = "Open", "In Progress", "Waiting for Customer", "On Hold", "Resolved", "Closed"  # fmt: skip
Verb = Callable[[Ticket, Any], object]
VERBS: dict[str, tuple[State, Verb, tuple[str, str]]] = {
    "set_status": (State.OPEN, lambda ticket, by: ticket.set_status(a_status(DOING), by), (OPEN, DOING)),
    "wait": (State.OPEN, lambda ticket, by: ticket.wait(by), (OPEN, WAITING)),
    "hold": (State.OPEN, lambda ticket, by: ticket.hold(by), (OPEN, HOLD)),
    "resolve": (State.OPEN, lambda ticket, by: ticket.resolve(by), (OPEN, RESOLVED)),
    "close": (State.RESOLVED, lambda ticket, by: ticket.close(by), (RESOLVED, CLOSED)),
    "reopen": (State.CLOSED, lambda ticket, by: ticket.reopen(by), (CLOSED, OPEN)),
    "reply and wait": (State.OPEN, lambda ticket, by: ticket.reply(Words("Hm?"), by, Then.WAIT), (OPEN, WAITING)),
    "reply and resolve": (State.OPEN, lambda ticket, by: ticket.reply(Words("So."), by, Then.RESOLVE), (OPEN, RESOLVED)),
    "reply and close": (State.OPEN, lambda ticket, by: ticket.reply(Words("So."), by, Then.CLOSE), (OPEN, CLOSED)),
    "reply and a status": (State.OPEN, lambda ticket, by: ticket.reply(Words("So."), by, a_status(HOLD)), (OPEN, HOLD)),
}  # fmt: skip
CONSEQUENCES: dict[str, tuple[State, Callable[[Ticket, Any], object], State]] = {
    "the customer writes": (State.WAITING, lambda ticket, by: ticket.receive(Words("Again"), CustomerActor.of(ticket.requester)), State.OPEN),
    "the customer closes": (State.OPEN, lambda ticket, by: ticket.close(CustomerActor.of(ticket.requester)), State.CLOSED),
    "the customer reopens": (State.CLOSED, lambda ticket, by: ticket.reopen(CustomerActor.of(ticket.requester)), State.OPEN),
    "it closes by itself": (State.WAITING, lambda ticket, by: ticket.close(SYSTEM), State.CLOSED),
    "a rule resolves it": (State.OPEN, lambda ticket, by: ticket.resolve(SYSTEM), State.RESOLVED),
    "a reply with its own status": (State.OPEN, lambda ticket, by: ticket.reply(Words("Hm?"), by), State.HOLD),
    "it is assigned": (State.OPEN, lambda ticket, by: ticket.assign_to(an_agent(), by), State.WAITING),
    "it is spam": (State.OPEN, lambda ticket, by: ticket.mark_spam(by), State.CLOSED),
}  # fmt: skip


@pytest.fixture
def own_role(app: Flask) -> Iterator[Callable[[str], Role]]:
    """A role of this test alone: those of the desk outlive a test."""
    made: list[int] = []

    def role(name: str) -> Role:
        found = Role(name=name)
        db.session.add(found)
        db.session.commit()
        made.append(found.id)
        return found

    yield role
    db.session.rollback()
    for role_id in made:
        left = db.session.get(Role, role_id)
        if left is not None:
            left.user = []
            db.session.delete(left)
    db.session.commit()


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_is_refused_until_the_role_allows_its_step(app: Flask, name: str) -> None:
    state, verb, (was, now) = VERBS[name]
    agent, ticket = an_agent(), a_ticket(state=state)
    bound(AGENT, (HOLD, DOING))
    db.session.commit()

    with pytest.raises(NotTheirStep, match=f"“{was}” to “{now}”") as refusal:
        verb(ticket, acting(agent))
    db.session.rollback()
    assert (refusal.value.code, set(refusal.value.fields)) == (Forbidden.code, {"status"})
    assert (ticket.status.name, len(ticket.messages)) == (was, 1)

    bound(AGENT, (was, now))
    verb(ticket, acting(agent))
    assert ticket.status.name == now


@pytest.mark.parametrize("name", CONSEQUENCES)
def test_what_follows_from_something_else_asks_no_role(app: Flask, name: str) -> None:
    state, happens, then = CONSEQUENCES[name]
    if "reply" in name:
        setting(status_on_staff_reply=a_status(HOLD).id)
    a_status(OPEN).after_assignment = a_status(WAITING)
    agent, ticket = an_agent(), a_ticket(state=state)
    bound(AGENT, (HOLD, DOING))

    happens(ticket, acting(agent))

    assert ticket.state is then


def test_a_merge_asks_no_role(app: Flask) -> None:
    agent, ada = an_agent(), a_customer()
    first, second = a_ticket(requester=ada), a_ticket(requester=ada)
    bound(AGENT, (HOLD, DOING))

    merge(second, into=first, by=acting(agent))

    assert second.merged


def test_without_a_choice_every_step_is_allowed_and_what_is_so_already_is_no_step(app: Flask) -> None:
    agent = acting(an_agent())
    assert agent.steps is None

    bound(AGENT, (HOLD, DOING))
    ticket, agent = a_ticket(state=State.CLOSED), acting(an_agent())

    ticket.close(agent)
    ticket.resolve(agent)
    ticket.set_status(a_status(CLOSED), agent)
    assert ticket.status.name == CLOSED


def test_several_roles_allow_what_one_of_them_allows(app: Flask) -> None:
    both = an_agent()
    both.roles.append(db.session.scalars(select(Role).where(Role.name == "Developer")).one())
    bound(AGENT, (OPEN, DOING))
    bound("Developer", (DOING, RESOLVED))
    ticket = a_ticket(assignee=both)

    ticket.set_status(a_status(DOING), acting(both))
    ticket.resolve(acting(both))
    with pytest.raises(NotTheirStep):
        ticket.close(acting(both))

    steps.allow_all(db.session.scalars(select(Role).where(Role.name == "Developer")).one())
    ticket.close(acting(both))
    assert ticket.closed, "one of the roles is bound to nothing"


def test_a_role_that_may_change_no_status_opens_nothing_to_its_people(own_role: Callable[[str], Role]) -> None:
    reader = own_role("Reader")
    agent = an_agent()
    agent.roles.append(reader)
    bound(AGENT, (OPEN, DOING))

    assert acting(agent).steps == frozenset({(a_status(OPEN).id, a_status(DOING).id)})


def test_a_super_admin_is_bound_like_everybody(app: Flask) -> None:
    boss, ticket = a_super_admin(), a_ticket()
    bound("Super Admin", (OPEN, DOING))

    with pytest.raises(NotTheirStep):
        ticket.close(acting(boss))


def test_a_change_holds_from_the_next_request_on_and_costs_nothing_when_known(
    app: Flask, at_most: Callable[[int], AbstractContextManager[list[str]]]
) -> None:
    agent = an_agent()
    assert acting(agent).steps is None
    bound(AGENT, (OPEN, DOING))
    db.session.commit()
    assert acting(agent).steps is not None

    staff_id = agent.id
    with at_most(1):
        viewer(staff_id)


def test_a_reply_put_off_is_refused_while_its_writer_is_here(app: Flask) -> None:
    agent, ticket = an_agent(), a_ticket()
    bound(AGENT, (OPEN, WAITING))

    def put_off(then: str) -> Draft:
        return departures.put_off(ticket, acting(agent), Written("Done.", then=then), clock.now() + SOON, "tab", 0, False)  # fmt: skip

    for then in ("resolve", "close", f"status:{a_status(DOING).id}"):
        with pytest.raises(NotTheirStep):
            put_off(then)
    assert put_off("wait").leaves_at is not None
    assert db.session.scalar(select(func.count()).select_from(Draft)) == 1


def test_a_macros_preview_says_which_step_is_refused_and_its_run_does_nothing(app: Flask) -> None:
    agent, ticket = an_agent(), a_ticket()
    bound(AGENT, (OPEN, DOING))
    macro = a_macro({"do": "tag", "text": "vip"}, {"do": "status", "choice": str(a_status(CLOSED).id)})
    db.session.commit()

    told = rehearse(macro, ticket, acting(agent))
    db.session.rollback()

    assert [bool(step.refused) for step in told.steps] == [False, True]
    assert "“Open” to “Closed”" in told.steps[1].refused
    with pytest.raises(NotTheirStep):
        macroruns.run(macro, ticket, acting(agent))
    db.session.rollback()
    macroruns.run(macro, ticket, acting(agent), skip=told.refused)
    assert (ticket.status.name, [tag.name for tag in ticket.tags]) == (OPEN, ["vip"])


def test_a_macro_is_not_taken_back_by_a_step_that_is_refused(app: Flask) -> None:
    agent, ticket = an_agent(), a_ticket()
    bound(AGENT, (OPEN, DOING))
    done = macroruns.run(a_macro({"do": "status", "choice": str(a_status(DOING).id)}), ticket, acting(agent))
    db.session.commit()

    with pytest.raises(NotTheirStep, match="“In Progress” to “Open”"):
        macroruns.undo(done, ticket, acting(agent))
    db.session.rollback()

    bound(AGENT, (OPEN, DOING), (DOING, OPEN))
    macroruns.undo(done, ticket, acting(agent))
    assert ticket.status.name == OPEN


def test_nothing_chosen_is_refused_and_all_chosen_is_no_bound(app: Flask) -> None:
    role = bound(AGENT, (OPEN, DOING))

    with pytest.raises(Invalid):
        steps.allow(role, [(1, 999_999)])
    steps.allow(role, steps.pairs(steps.statuses()))

    assert steps.chosen() == {}
    assert acting(an_agent()).steps is None


def test_a_step_to_a_status_that_is_switched_off_is_kept_for_the_day_it_is_switched_on(app: Flask) -> None:
    role = bound(AGENT, (OPEN, HOLD), (OPEN, DOING))
    kept = (a_status(OPEN).id, a_status(HOLD).id)
    a_status(HOLD).active = False
    db.session.flush()

    bound(AGENT, (OPEN, RESOLVED))

    assert kept in steps.chosen()[role.id]


def test_the_rows_go_with_their_role_and_with_their_status(own_role: Callable[[str], Role]) -> None:
    role = own_role("Interns")
    bound("Interns", (OPEN, DOING))
    bound(AGENT, (OPEN, DOING), (OPEN, HOLD))
    agent = an_agent()
    assert acting(agent).steps
    db.session.commit()

    db.session.delete(role)
    db.session.commit()
    steps.forget(a_status(HOLD))
    db.session.delete(a_status(HOLD))
    db.session.commit()

    assert [(step.from_id, step.to_id) for step in db.session.scalars(select(StatusStep))] == [(a_status(OPEN).id, a_status(DOING).id)]  # fmt: skip
    assert acting(agent).steps == frozenset({(a_status(OPEN).id, a_status(DOING).id)})


def test_a_status_on_which_all_of_a_role_hangs_stays_or_the_role_could_do_everything(app: Flask) -> None:
    bound(AGENT, (OPEN, HOLD), (HOLD, OPEN))

    with pytest.raises(OnlyWay, match=AGENT):
        steps.forget(a_status(HOLD))


def test_another_vocabulary_begins_without_bounds(app: Flask) -> None:
    agent = an_agent()
    bound(AGENT, (OPEN, DOING))
    assert acting(agent).steps

    vocabularies.choose("a")

    assert acting(agent).steps is None


def test_dead_ends_are_found(app: Flask) -> None:
    bound(AGENT, (OPEN, DOING), (DOING, RESOLVED), (WAITING, DOING))

    found = steps.dead_ends(next(iter(steps.chosen().values())), steps.statuses())

    assert [status.name for status in found.stuck] == [HOLD, RESOLVED, CLOSED]
    assert [status.name for status in found.unreached] == [OPEN, WAITING, HOLD, CLOSED]
    nothing = steps.dead_ends(steps.pairs(steps.statuses()), steps.statuses())
    assert (nothing.stuck, nothing.unreached) == ((), ())


def test_the_audit_log_tells_in_one_line_what_came_and_went(app: Flask) -> None:
    bound(AGENT, (OPEN, DOING), (OPEN, HOLD))
    db.session.commit()
    bound(AGENT, (OPEN, DOING), (OPEN, RESOLVED))
    db.session.commit()
    bound(AGENT, (OPEN, DOING), (OPEN, RESOLVED))
    db.session.commit()

    lines = db.session.scalars(select(Audit).where(Audit.object_kind == "ab_role").order_by(Audit.id)).all()
    told = [line.changed["status_steps"] for line in lines if "status_steps" in line.changed]

    assert len(told) == 2, "what changes nothing is not told"
    assert told[1] == {"added": ["Open → Resolved"], "removed": ["Open → On Hold"]}
    assert lines[-1].object_name == AGENT


@pytest.mark.parametrize("way", [State.WAITING, State.HOLD])
def test_a_closed_ticket_that_goes_on_waiting_is_a_step_too(app: Flask, way: State) -> None:
    """These verbs take a ticket out of any status."""
    agent, ticket = an_agent(), a_ticket(state=State.CLOSED)
    bound(AGENT, (OPEN, WAITING), (OPEN, HOLD))

    with pytest.raises(HelpdeskError):
        (ticket.wait if way is State.WAITING else ticket.hold)(acting(agent))


def test_a_reply_that_left_later_than_its_role_allows_is_held_back(app: Flask) -> None:
    agent, ticket = an_agent(), a_ticket()
    db.session.commit()
    run_jobs()
    departures.put_off(ticket, acting(agent), Written("Done.", then="resolve"), clock.now() + SOON, "tab", 0, False)  # fmt: skip
    bound(AGENT, (OPEN, DOING))
    db.session.commit()

    with time_machine.travel(clock.now() + SOON, tick=False):
        run_jobs()
    db.session.expire_all()

    assert (ticket.status.name, len(ticket.messages)) == (OPEN, 1)
    assert "Your role does not allow" in (db.session.scalars(select(Draft)).one().returned or "")


def test_a_new_ticket_may_begin_anywhere(app: Flask) -> None:
    bound("Supervisor", (OPEN, DOING))
    boss = acting(staff("Supervisor"))

    ticket = a_ticket(by=boss, status=db.session.get_one(Status, a_status(HOLD).id))

    assert ticket.status.name == HOLD
