"""Mail to measure with, put into a desk: `in COUNT` raw messages as the receiver keeps them, `out COUNT` replies to send."""

from __future__ import annotations

import secrets
import sys
from email.message import EmailMessage

from sqlalchemy import select

from app.accounts.models import Customer
from app.core.extensions import db
from app.mail import incoming, outgoing
from app.run import loaded
from app.settings import desk
from app.tickets.thread import Message, MessageKind

WORDS = (
    "Hello,\n\nthe router stopped working since this morning and nobody here could make it run again. "
    "I attached nothing, and my colleague tried another cable.\n\nKind regards\n"
)


def come_in(count: int) -> None:
    """New tickets of a hundred people, each message its own."""
    desk.change({"mail_acknowledge": False})
    db.session.commit()
    to, began = desk.current().mail_from, secrets.token_hex(6)
    for number in range(count):
        mail = EmailMessage()
        mail["From"], mail["To"] = f"Person {number % 100} <person{number % 100}@mail.test>", to
        mail["Subject"] = f"The router stopped again ({began}-{number})"
        mail["Message-ID"] = f"<{began}.{number}@mail.test>"
        mail.set_content(f"{WORDS}Person {number % 100}\nOrder {began}-{number}\n")
        mail.add_alternative(f"<p>{WORDS.replace(chr(10), '<br>')}</p>", subtype="html")
        incoming.store(mail.as_bytes(), "smtp")


def go_out(count: int) -> None:
    """An agent's replies, to the customers of their tickets."""
    replies = select(Message).where(Message.staff_id.is_not(None), Message.kind == MessageKind.REPLY)
    for message in db.session.scalars(replies.order_by(Message.id.desc()).limit(count)).all():
        customer = db.session.get_one(Customer, message.ticket.requester_id)
        outgoing.put_notice(
            "staff_replied", customer_id=customer.id, ticket_id=message.ticket_id, message_id=message.id
        )
    db.session.commit()


if __name__ == "__main__":
    with loaded.the_app().app_context():
        {"in": come_in, "out": go_out}[sys.argv[1]](int(sys.argv[2]))
