"""Who asks for what, read from the desk that is measured: sessions, a key, and numbers of tickets. Prints one JSON object."""

from __future__ import annotations

import json
import secrets
import sys
from typing import Any

from flask import Flask
from flask_appbuilder.security.sqla.models import User
from flask_login.utils import _create_identifier
from sqlalchemy import func, select

from app.accounts import keys, sessions
from app.accounts.models import Customer
from app.accounts.viewer import Viewer, viewer
from app.core.extensions import db
from app.tickets.models import Ticket
from app.tickets.queues import TicketQuery
from app.tickets.thread import Message

MESSAGES = 4
TICKETS = 400
AGENT, SUPERVISOR = "agent06", "agent02"


def described(app: Flask) -> dict[str, Any]:
    with app.app_context():
        agent, supervisor = _staff(AGENT), _staff(SUPERVISOR)
        customer = _a_customer_with_tickets()
        _row, secret = keys.make("bench", agent.id, ["*"])
        db.session.commit()
        return {
            "agent": _signed_in(app, agent),
            "supervisor": _signed_in(app, supervisor),
            "customer": _customer_signed_in(app, customer),
            "key": secret,
            "tickets": _numbers(agent),
            "order": _an_order(),
            "messages": db.session.scalar(select(func.max(Message.id))),
        }


def _staff(username: str) -> Viewer:
    found = viewer(db.session.scalars(select(User.id).where(User.username == username)).one())
    assert found is not None
    return found


def _signed_in(app: Flask, person: Viewer) -> str:
    secret = sessions.begin(person.generation, staff_id=person.id)
    db.session.commit()
    with app.test_request_context(environ_base={"REMOTE_ADDR": "127.0.0.1"}):
        browser = _create_identifier()
    return _signed(app, {"_user_id": f"{person.id}:{secret}", "_fresh": True, "_id": browser})


def _customer_signed_in(app: Flask, customer: Customer) -> str:
    secret = sessions.begin(customer.generation, customer_id=customer.id)
    db.session.commit()
    return _signed(app, {"customer": [customer.id, secret]})


def _signed(app: Flask, values: dict[str, Any]) -> str:
    """A session cookie as a browser has it after its first page: one that lacks something would be written anew with each answer."""
    interface: Any = app.session_interface
    whole = {**values, "_permanent": True, "csrf_token": secrets.token_hex(20)}
    return f"{app.config['SESSION_COOKIE_NAME']}={interface.get_signing_serializer(app).dumps(whole)}"


def _a_customer_with_tickets() -> Customer:
    """Not one of the few with thousands."""
    return db.session.scalars(select(Customer).order_by(Customer.id).offset(1000).limit(1)).one()


def _numbers(agent: Viewer) -> list[int]:
    """Tickets of usual length that this agent may answer, live ones first, in no particular place of the list."""
    mine = TicketQuery.seen_by(agent).statement.with_only_columns(Ticket.number)
    usual = (Ticket.live.desc(), func.abs(Ticket.message_count - MESSAGES), Ticket.id)
    return list(db.session.scalars(mine.order_by(*usual).limit(TICKETS)))


def _an_order() -> str:
    """A word that only one ticket has; every third ticket's first message has one."""
    newest = select(Message.text).where(Message.staff_id.is_(None)).order_by(Message.id.desc()).limit(5_000)
    text = next(text for text in db.session.scalars(newest) if "ORD-" in text)
    return text[text.index("ORD-") :].split()[0]


if __name__ == "__main__":
    from app.run import loaded

    json.dump(described(loaded.the_app()), sys.stdout)
