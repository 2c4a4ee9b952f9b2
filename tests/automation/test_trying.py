"""Trying a rule shows what it would have done, and leaves nothing behind."""

import datetime as dt

import time_machine
from sqlalchemy import func, select

from app.automation import trying
from app.automation.models import On
from app.automation.rules import Ready
from app.core import clock
from app.core.extensions import db
from app.core.model import Base
from app.tickets.choices import Priority
from tests.automation.making import TAG, a_rule, a_timer
from tests.factories import a_department, a_supervisor, a_ticket, acting, an_agent

URGENT = {"do": "reply", "text": "We are on it, {{customer_name}}."}


def everything():
    """How many rows each table has."""
    return {
        table.name: db.session.scalar(select(func.count()).select_from(table)) for table in Base.metadata.sorted_tables
    }


def test_what_it_would_have_done_is_shown_and_nothing_stays(app):
    low = db.session.scalars(select(Priority).order_by(Priority.rank)).first()
    rule = a_rule(TAG, URGENT, {"do": "priority", "choice": str(low.id)}, active=False, condition={"field": "subject", "op": "starts", "value": "fire"})  # fmt: skip
    burning, _calm = a_ticket("Fire here"), a_ticket("Hello")
    burning_number, customer = burning.number, burning.requester.name
    db.session.commit()
    before = everything()
    trial = trying.on_the_last_days(Ready.of(rule), acting(a_supervisor()))
    db.session.rollback()

    assert (trial.found, [one.number for one in trial.shown]) == (1, [burning_number])
    tag, reply, priority = trial.shown[0].did
    assert (tag.was, tag.now) == ("–", "seen")
    assert reply.text == f"We are on it, {customer}."
    assert priority.now == str(low)
    assert everything() == before


def test_only_what_one_may_see_is_tried_on(app):
    rule = Ready.of(a_rule(TAG))
    ticket = a_ticket()
    db.session.commit()
    stranger = acting(an_agent(a_department()))
    db.session.commit()
    assert trying.on_the_last_days(rule, stranger).found == 0
    assert trying.on_ticket(rule, ticket.number, stranger) is None


def test_only_what_happened_in_the_last_days_counts(app):
    rule = Ready.of(a_rule(TAG, on=On.CREATED))
    timer = Ready.of(a_timer(TAG, minutes=24 * 60))
    boss = acting(a_supervisor())
    with time_machine.travel(clock.now() - dt.timedelta(days=40), tick=False):
        a_ticket("Old")
    a_ticket("New")
    db.session.commit()
    assert trying.on_the_last_days(rule, boss).found == 1
    assert trying.on_the_last_days(timer, boss).found == 0
    with time_machine.travel(clock.now() + dt.timedelta(days=2), tick=False):
        assert trying.on_the_last_days(timer, boss).found == 1


def test_one_ticket_tells_of_each_condition_whether_it_holds(app):
    node = {
        "all": [{"field": "subject", "op": "contains", "value": "fire"}, {"field": "late", "op": "yes", "value": []}]
    }
    rule = Ready.of(a_rule(TAG, condition=node))
    ticket = a_ticket("Fire")
    db.session.commit()
    would, holds, told = trying.on_ticket(rule, ticket.number, acting(a_supervisor()))
    assert not holds and [one.held for one in told] == [True, False]
    assert would.did[0].now == "seen"
