"""Run by test_at_once.py: does one deed in several processes at the same instant. Prints what each got, a line each."""

import os
import sys

from app import create_app
from app.core import slots
from app.core.errors import HelpdeskError
from app.core.extensions import db

url, deed, processes, *given = sys.argv[1:]
app = create_app(SQLALCHEMY_DATABASE_URI=url, TESTING=True, QUEUE_OFF=True)


def take(ticket_id: str, place: int) -> str:
    """By the agent of this place in the list."""
    from app.accounts.viewer import viewer
    from app.desk import pickers
    from app.tickets.models import Ticket

    agent = viewer(int(given[1 + place]))
    assert agent is not None
    ticket = pickers.locked(Ticket.id == int(ticket_id), agent)
    assert ticket is not None
    pickers.claim(ticket, agent)
    db.session.commit()
    return "took it"


def open_tickets(requester_id: str, _place: int) -> str:
    from app.accounts.models import Customer
    from app.accounts.viewer import CustomerActor
    from app.tickets.opening import NewTicket, open_ticket
    from app.tickets.thread import Words

    numbers = []
    for _ in range(3):
        requester = db.session.get_one(Customer, int(requester_id))
        ticket = open_ticket(NewTicket("At once", Words("It burns."), requester), CustomerActor.of(requester))
        numbers.append(str(ticket.number))
        db.session.commit()
    return " ".join(numbers)


def bring_mail(path: str, _place: int) -> str:
    from app.core import outbox, queue
    from app.mail import incoming

    with open(path, "rb") as file:
        row = incoming.store(file.read(), "smtp")
    state = row.state.value
    for outbox_id, _name in outbox.overdue():
        queue.run_outbox(outbox_id)
    return state


def claim_slot(job: str, _place: int) -> str:
    return str(slots.claim(job, 86400, "bulk"))


def undo_or_leave(draft_id: str, place: int) -> str:
    """Half of them are workers whose moment has come, half are hands on Undo."""
    from app.accounts.viewer import viewer
    from app.tickets import departures
    from app.tickets.drafts import Draft
    from app.tickets.models import Ticket

    draft = db.session.get_one(Draft, int(draft_id))
    if place % 2:
        departures.leave(draft.id)
        db.session.commit()
        return "worked"
    agent = viewer(draft.staff_id)
    assert agent is not None
    departures.take_back(db.session.get_one(Ticket, draft.ticket_id), agent, draft.id)
    db.session.commit()
    return "took it back"


def answer(ticket_id: str, place: int) -> str:
    """Each has seen the customer's message and nothing else."""
    from app.accounts.viewer import viewer
    from app.desk import pickers
    from app.tickets import departures
    from app.tickets.drafts import Written
    from app.tickets.models import Ticket
    from app.tickets.unseen import Seen, demand_seen

    agent = viewer(int(given[2 + place]))
    assert agent is not None
    ticket = pickers.locked(Ticket.id == int(ticket_id), agent)
    assert ticket is not None
    demand_seen(ticket, Seen(int(given[1])), agent)
    departures.send(ticket, agent, Written(f"From {place}"), f"tab {place}")
    db.session.commit()
    return "sent"


def hand_out(processes: str, place: int) -> str:
    """Every so many of the tickets are this process's own, so that nothing but the picks makes them wait; then all of the queue."""
    from app.assignment import jobs, queue

    queue.hand_out([int(one) for one in given[1 + place :: int(processes)]])
    jobs.drain()
    return "handed out"


def enforce(_what: str, _place: int) -> str:
    """Who waits too long for SQLite's one writer tries again, as the worker does."""
    from sqlalchemy.exc import OperationalError

    from app.sla import jobs

    for _attempt in range(9):
        try:
            jobs.enforce()
            db.session.commit()
        except OperationalError:
            db.session.rollback()
        else:
            break
    return "enforced"


DEEDS = {
    each.__name__: each
    for each in (take, hand_out, enforce, open_tickets, bring_mail, claim_slot, undo_or_leave, answer)
}


def child(place: int, start: int, answer: int) -> None:
    with app.app_context():
        db.engine.dispose(close=False)
        os.read(start, 1)
        try:
            told = DEEDS[deed](given[0], place)
        except HelpdeskError as refusal:
            db.session.rollback()
            told = f"refused: {refusal}"
        os.write(answer, f"{told}\n".encode())
        db.session.remove()


with app.app_context():
    db.engine.connect().close()
    db.engine.dispose()
reading, writing = os.pipe()
start, go = os.pipe()
for place in range(int(processes)):
    if os.fork() == 0:
        os.close(go)
        child(place, start, writing)
        os._exit(0)
os.close(writing)
os.close(go)  # all read the end of the pipe at once
for _ in range(int(processes)):
    os.wait()
with os.fdopen(reading) as told:
    print(told.read(), end="")
