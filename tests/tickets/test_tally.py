"""Sums of live tickets agree with a count, whatever happened."""

import random

import pytest
from sqlalchemy import delete, func, select, update

from app.accounts.viewer import SYSTEM, CustomerActor
from app.core.extensions import db
from app.tickets import jobs, tally
from app.tickets.choices import State
from app.tickets.lifecycle import status_for
from app.tickets.models import Ticket
from app.tickets.thread import Words
from tests.factories import a_category, a_department, a_priority, a_ticket, an_agent


def test_the_tally_agrees_with_a_count_after_random_verbs(app):
    chance, departments, agents = random.Random(7), [a_department(), a_department()], [an_agent(), an_agent(), None]
    tickets = [a_ticket(department=departments[n % 2]) for n in range(8)]
    deeds = [
        lambda ticket: ticket.assign_to(chance.choice(agents), by=SYSTEM),
        lambda ticket: ticket._enter(status_for(chance.choice(list(State)))),
        lambda ticket: ticket.move_to(chance.choice(departments), by=SYSTEM),
        lambda ticket: ticket.set_priority(a_priority(chance.randint(1, 4)), by=SYSTEM),
    ]
    for _ in range(60):
        chance.choice(deeds)(chance.choice(tickets))
        if chance.random() < 0.2:
            db.session.commit()
    db.session.commit()

    assert db.session.scalar(select(func.sum(tally.Tally.tickets))) == db.session.scalar(
        select(func.count()).where(Ticket.live.is_(True))
    )
    assert tally.recount() == 0


@pytest.mark.parametrize("seed", range(4))
def test_the_tally_agrees_with_a_count_after_random_talk_and_rollbacks(app, seed):
    chance = random.Random(seed)
    departments, categories, agent = [a_department(), a_department()], [a_category(), a_category(), None], an_agent()
    tickets = [a_ticket(department=departments[n % 2], category=categories[n % 3]) for n in range(6)]
    db.session.commit()
    deeds = [
        lambda ticket: ticket.receive(Words(f"And now {chance.random()}"), by=CustomerActor.of(ticket.requester)),
        lambda ticket: ticket.reply(Words(f"Please try {chance.random()}"), by=SYSTEM),
        lambda ticket: ticket.assign_to(chance.choice([agent, None]), by=SYSTEM),
        lambda ticket: ticket.set_category(chance.choice(categories), by=SYSTEM),
        lambda ticket: ticket.close(by=SYSTEM),
        lambda ticket: ticket.reopen(by=SYSTEM),
        lambda ticket: tickets.append(a_ticket(requester=ticket.requester, department=chance.choice(departments))),
    ]
    for step in range(40):
        ticket = chance.choice(tickets)
        chance.choice(deeds)(ticket)
        if step % 10 == 9:
            db.session.commit()
        elif chance.random() < 0.1:
            db.session.rollback()
            tickets = list(db.session.scalars(select(Ticket)))
    db.session.commit()

    assert tally.recount() == 0


@pytest.mark.parametrize(
    "spoil", [update(tally.Tally).values(tickets=tally.Tally.tickets + 3), delete(tally.Tally)], ids=["wrong", "gone"]
)
def test_a_broken_cell_is_healed_by_the_nightly_job(app, spoil):
    a_ticket()
    db.session.commit()
    db.session.execute(spoil)
    db.session.commit()

    jobs.recount_tally()
    db.session.commit()

    assert db.session.scalar(select(func.sum(tally.Tally.tickets))) == 1
    assert tally.recount() == 0
