"""What must hold when two requests come at the same instant."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from flask import Flask
from sqlalchemy import func, select

from app.accounts import customers, tokens
from app.accounts.models import Customer
from app.accounts.tokens import LinkOver, Purpose
from app.core.extensions import db
from tests.factories import a_customer

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


def test_a_link_lets_one_in(app: Flask) -> None:
    secret = tokens.issue(Purpose.SIGN_IN, a_customer())
    db.session.commit()

    got = at_once(app, lambda: tokens.use(secret, Purpose.SIGN_IN)[1].id)

    assert sum(isinstance(one, int) for one in got) == 1
    assert sum(isinstance(one, LinkOver) for one in got) == AT_ONCE - 1
