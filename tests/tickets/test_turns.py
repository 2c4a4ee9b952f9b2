"""Several who change one ticket at once: nobody's change goes over another's."""

import threading

from sqlalchemy import func, select

from app.accounts.models import Customer
from app.accounts.viewer import CustomerActor
from app.core.extensions import db
from app.tickets.models import Ticket
from app.tickets.thread import Channel, Message, Words
from tests.factories import a_ticket


def test_replies_that_come_at_once_are_all_counted(app):
    ticket = a_ticket()
    db.session.commit()
    ticket_id, requester_id = ticket.id, ticket.requester_id
    db.session.rollback()
    everybody = threading.Barrier(6)

    def write(number):
        with app.app_context():
            mine = db.session.get_one(Ticket, ticket_id)
            by = CustomerActor.of(db.session.get_one(Customer, requester_id))
            if db.engine.dialect.name == "postgresql":
                everybody.wait(20)  # all have read it; on SQLite they wait for each other before they read
            mine.receive(Words(f"reply {number}", via=Channel.PORTAL), by)
            db.session.commit()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    db.session.expire_all()
    kept = db.session.scalar(select(func.count(Message.id)).where(Message.ticket_id == ticket_id))
    assert (db.session.get_one(Ticket, ticket_id).message_count, kept) == (7, 7)
