"""What must hold when two requests come at the same instant, and what is swept."""

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.accounts import customers, tokens
from app.accounts.models import Customer
from app.accounts.tokens import LinkOver, Purpose
from app.accounts.viewer import CustomerActor
from app.core import clock, storage
from app.core.extensions import db
from app.portal.jobs import forget_unsent
from app.tickets import files
from app.tickets.thread import Attachment, Message, Words
from tests.factories import a_customer, a_ticket, sign_in_customer

AT_ONCE = 6


def at_once(app: Flask, deed: Callable[[], object]) -> list[object]:
    """What each of some threads got from `deed`, all let go together, each in a transaction of its own."""
    gate = Barrier(AT_ONCE)

    def run(_number: int) -> object:
        with app.app_context():
            gate.wait()
            try:
                got = deed()
                db.session.commit()
                return got
            except LinkOver as refusal:
                db.session.rollback()
                return refusal
            finally:
                db.session.remove()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(run, range(AT_ONCE)))


def test_an_address_becomes_one_customer(app: Flask) -> None:
    ids = at_once(app, lambda: customers.find_or_create("New@customer.test", "New").id)

    assert len(set(ids)) == 1
    assert db.session.scalar(select(func.count()).select_from(Customer)) == 1


@pytest.mark.parametrize("path", ["/portal/tickets/new", "reply", "/portal/contact"])
def test_a_form_pressed_twice_is_sent_once(app: Flask, client: FlaskClient, path: str) -> None:
    ada = a_customer(email="ada@customer.test")
    ticket = a_ticket(requester=ada)
    if path != "/portal/contact":
        sign_in_customer(client, ada)
    db.session.commit()
    address = f"/portal/tickets/{ticket.number}/reply" if path == "reply" else path
    form = {
        "form": "mark",
        "name": "Ada",
        "email": "ada@customer.test",
        "subject": "Twice",
        "message": "the same words",
    }

    first, second = client.post(address, data=form), client.post(address, data=form)

    assert messages() == 2
    assert (first.location or "").split("#")[0] == (second.location or "")
    client.post(address, data={**form, "message": "other words"})
    client.post(address, data={**form, "form": "another mark"})
    assert messages() == 4


def messages() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Message)) or 0


def test_files_that_were_never_sent_are_swept_after_two_days(app: Flask) -> None:
    actor = CustomerActor.of(a_customer())
    old, fresh = files.keep("old.txt", b"old", actor), files.keep("fresh.txt", b"fresh", actor)
    db.session.flush()
    old.created_at = clock.now() - dt.timedelta(days=3)
    carried = files.keep("carried.txt", b"carried", actor)
    a_ticket(requester=db.session.get_one(Customer, actor.customer_id)).receive(
        Words("see", attachments=(carried,)), by=actor
    )
    carried.created_at = old.created_at
    db.session.commit()
    key = old.storage_key

    forget_unsent()
    db.session.commit()

    assert sorted(db.session.scalars(select(Attachment.name))) == ["carried.txt", "fresh.txt"]
    with pytest.raises(FileNotFoundError):
        storage.load(key)
    assert storage.load(fresh.storage_key) == b"fresh"


def test_a_link_lets_one_in(app: Flask) -> None:
    secret = tokens.issue(Purpose.SIGN_IN, a_customer())
    db.session.commit()

    got = at_once(app, lambda: tokens.use(secret, Purpose.SIGN_IN)[1].id)

    assert sum(isinstance(one, int) for one in got) == 1
    assert sum(isinstance(one, LinkOver) for one in got) == AT_ONCE - 1
