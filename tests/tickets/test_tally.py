"""Sums of live tickets agree with a count, whatever happened."""

import random

from sqlalchemy import func, select

from app.accounts.viewer import SYSTEM
from app.core.extensions import db
from app.tickets import tally
from app.tickets.choices import State
from app.tickets.lifecycle import status_for
from app.tickets.models import Ticket
from tests.factories import a_department, a_priority, a_ticket, an_agent


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
