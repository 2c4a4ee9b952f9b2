"""What only reads begins no transaction; whatever else a reading request does has one."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select, text, update
from sqlalchemy.exc import IntegrityError

from app.accounts.models import Customer, Department
from app.core import database
from app.core.extensions import db
from app.core.session import reads_only
from tests.factories import a_customer

NAMES = select(Department.name).order_by(Department.id)


def rename(department: Department | None) -> None:
    assert department is not None
    department.name = "Other"
    db.session.flush()


@pytest.fixture()
def said(app: Flask) -> Iterator[list[str]]:
    """What the database is told beside statements: transactions begun."""
    begun: list[str] = []

    def note(connection: Any) -> None:
        if not connection.get_execution_options().get("deskhand_plain_reads"):
            begun.append("begin")

    event.listen(db.engine, "begin", note)
    yield begun
    event.remove(db.engine, "begin", note)


def in_transaction() -> bool:
    """Whether the connection that reads stands in a transaction, as its driver knows."""
    connection: Any = db.session.connection(bind_arguments={"clause": NAMES}).connection.driver_connection
    if database.is_postgresql():
        return bool(connection.info.transaction_status)
    return bool(connection.in_transaction)


def test_reading_begins_no_transaction(app: Flask, said: list[str]) -> None:
    with database.reading():
        assert db.session.scalars(NAMES).all()

        assert not in_transaction()
        db.session.rollback()
    assert said == []


def test_reading_outside_of_a_reading_request_has_its_transaction(app: Flask) -> None:
    with database.writing():
        assert db.session.scalars(NAMES).all()

        assert in_transaction()


@pytest.mark.parametrize(
    "write",
    [
        lambda: db.session.execute(update(Department).values(name="Other")),
        lambda: db.session.execute(text("UPDATE department SET name = 'Other'")),
        lambda: rename(db.session.scalars(select(Department)).first()),
        lambda: db.session.query(Department).update({"name": "Other"}),
    ],
    ids=["a statement", "plain words", "a changed row", "an old query"],
)
def test_a_reading_request_that_writes_can_take_it_back(app: Flask, write: Any) -> None:
    with database.reading():
        before = db.session.scalars(NAMES).all()
        write()
        assert db.session.scalars(NAMES).all() != before  # it finds what it wrote

        db.session.rollback()

        assert db.session.scalars(NAMES).all() == before
    assert db.session.scalars(NAMES).all() == before


def test_a_reading_request_that_writes_can_keep_it(app: Flask) -> None:
    customer = a_customer()
    db.session.commit()
    with database.reading():
        db.session.get_one(Customer, customer.id).name = "Somebody Else"
        db.session.commit()

        assert not in_transaction()
    db.session.expire_all()
    assert db.session.get_one(Customer, customer.id).name == "Somebody Else"


def test_a_row_locked_while_reading_stays_locked_until_the_end(app: Flask) -> None:
    with database.reading():
        db.session.scalars(select(Department).with_for_update()).all()

        assert in_transaction()
        db.session.rollback()
        assert not in_transaction()


def test_a_savepoint_in_a_reading_request_undoes_its_own_part_only(app: Flask) -> None:
    first = a_customer()
    db.session.commit()
    with database.reading():
        first.name = "Kept"
        with pytest.raises(IntegrityError), db.session.begin_nested():
            db.session.add(Customer(name="Twice", email=first.email, created_at=first.created_at))
        db.session.commit()
    db.session.expire_all()
    assert first.name == "Kept"


@pytest.mark.parametrize("app", ["postgresql"], indirect=True)
def test_a_connection_that_the_server_ended_is_found_out_after_a_rest(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite has no server."""
    monkeypatch.setattr(database, "TRUSTED_SECONDS", 0.0)
    db.session.rollback()
    db.engine.dispose()  # or the pool would offer another one, and keep the ended one for the next test
    with db.engine.connect() as another:
        mine = db.session.scalar(text("SELECT pg_backend_pid()"))
        db.session.rollback()
        assert another.scalar(text("SELECT pg_terminate_backend(:mine, 5000)"), {"mine": mine})

        assert db.session.scalar(text("SELECT pg_backend_pid()")) != mine


def test_what_comes_after_a_reading_request_is_not_of_it(client: FlaskClient) -> None:
    assert client.get("/healthz").status_code == 200

    assert reads_only.get() is False


def test_a_reading_request_may_read_row_by_row(app: Flask) -> None:
    """PostgreSQL keeps such a cursor in a transaction alone."""
    with database.reading():
        assert db.session.scalars(NAMES.execution_options(yield_per=1)).all() == db.session.scalars(NAMES).all() != []

        db.session.rollback()
