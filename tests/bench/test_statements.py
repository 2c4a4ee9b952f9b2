"""What a page may ask of the database, with all that a row can have: tags, files, promises, an organization."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from app.accounts import keys
from app.accounts.models import Department
from app.accounts.viewer import SYSTEM
from app.core import queue
from app.core.extensions import db
from app.core.outbox import Outbox
from app.mail import incoming
from app.tickets import files
from app.tickets.thread import Words
from tests.factories import (
    a_customer,
    a_department,
    a_ticket,
    acting,
    an_admin,
    an_agent,
    an_organization,
    sign_in,
    sign_in_customer,
)

Budget = Callable[[int], AbstractContextManager[list[str]]]
PAGES = [
    ("/admin/tickets/", 9),
    ("/admin/tickets/?view=needs&priority=2", 9),
    ("/admin/tickets/?q=printer", 16),
    ("/admin/tickets/{number}", 12),
    ("/admin/dashboard/", 12),
]
"""Statements, SQLite's BEGIN among them. A search asks its two indexes, nearby and further back."""


def a_full_desk() -> tuple[FlaskClient, int]:
    own: Department = a_department("Own")
    agent, customer = an_agent(own), a_customer(organization_id=an_organization("Northwind").id)
    for n in range(26):
        kept = files.store(f"{n}.txt", b"some bytes", SYSTEM)
        ticket = a_ticket(
            f"The printer {n}",
            department=own,
            tags=("loud", f"tag{n}"),
            requester=customer,
            assignee=agent if n % 2 else None,
        )
        ticket.reply(Words(f"Is it on? {n}", attachments=(kept,)), by=acting(agent))
        ticket.receive(Words(f"Yes, {n}"), by=_by(ticket))
    db.session.commit()
    return agent, customer, ticket.number  # type: ignore[return-value]


def _by(ticket: object) -> object:
    from app.accounts.viewer import CustomerActor

    return CustomerActor.of(ticket.requester)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("address", "most"), PAGES)
def test_a_full_page_stays_within_its_statements(
    app: Flask, client: FlaskClient, at_most: Budget, address: str, most: int
) -> None:
    agent, _customer, number = a_full_desk()  # type: ignore[misc]
    sign_in(client, agent)
    client.get(address.format(number=number))  # what is kept between requests is there
    db.session.expire_all()

    with at_most(most):
        assert client.get(address.format(number=number)).status_code == 200


def test_the_customers_list_stays_within_its_statements(app: Flask, client: FlaskClient, at_most: Budget) -> None:
    _agent, customer, _number = a_full_desk()  # type: ignore[misc]
    sign_in_customer(client, customer)
    client.get("/portal/tickets")
    db.session.expire_all()

    with at_most(5):
        assert "The printer" in client.get("/portal/tickets").text


def test_a_reply_writes_its_rows_and_looks_up_little_more(app: Flask, client: FlaskClient, at_most: Budget) -> None:
    agent, _customer, number = a_full_desk()  # type: ignore[misc]
    sign_in(client, agent)
    address = f"/admin/tickets/{number}/messages"
    client.post(address, data={"kind": "reply", "body": "First", "then": ""})
    db.session.remove()

    with at_most(14) as statements:
        assert client.post(address, data={"kind": "reply", "body": "Second", "then": ""}).status_code == 303

    assert sum(" customer" in statement and statement.startswith("SELECT") for statement in statements) <= 2, (
        "the requester is read once"
    )


def test_a_new_ticket_by_form_writes_its_rows_and_looks_up_little_more(
    app: Flask, client: FlaskClient, at_most: Budget
) -> None:
    sign_in_customer(client, a_customer())
    form = {"form": "one", "subject": "The printer stopped", "message": "It worked well until Friday."}
    client.post("/portal/tickets/new", data=form)

    with at_most(20):
        assert client.post("/portal/tickets/new", data={**form, "form": "two"}).status_code == 303


def test_a_program_opens_a_ticket_with_its_rows_and_little_more(
    app: Flask, client: FlaskClient, at_most: Budget
) -> None:
    _row, secret = keys.make("program", an_admin().id, ["*"])
    db.session.commit()
    headers = {"Authorization": f"Bearer {secret}"}
    values = {"subject": "Order", "body": "It has not come.", "customer": {"email": "one@customer.test"}}
    client.post("/api/v1/tickets", json=values, headers=headers)

    with at_most(21):
        assert client.post("/api/v1/tickets", json=values, headers=headers).status_code == 201


def test_a_mail_becomes_a_ticket_with_its_rows_and_little_more(app: Flask, at_most: Budget) -> None:
    mail = "From: one@customer.test\r\nSubject: Order\r\nMessage-ID: <{}@customer.test>\r\n\r\nIt has not come.\r\n"
    for name in ("first", "second"):
        incoming.store(mail.format(name).encode(), "smtp")
    first, second = db.session.scalars(select(Outbox.id).where(Outbox.job == "mail.deliver").order_by(Outbox.id))
    queue.run_outbox(first)

    with at_most(25):
        queue.run_outbox(second)


def test_mails_that_come_in_together_share_what_a_run_asks(
    app: Flask, at_most: Budget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a transaction of its own; their teams' notices share one."""
    monkeypatch.setattr(queue, "RUN_SECONDS", 60)  # however busy the machine is
    mail = "From: one@customer.test\r\nSubject: Order\r\nMessage-ID: <{}@customer.test>\r\n\r\nIt has not come.\r\n"
    incoming.store(mail.format("first").encode(), "smtp")
    queue.run_due("mail_in")
    for number in range(10):
        incoming.store(mail.format(number).encode(), "smtp")

    with at_most(220):  # on PostgreSQL 206
        assert queue.run_due("mail_in") == 10
    with at_most(72):
        assert queue.run_due("notices") == 11


def test_a_page_over_its_budget_fails(app: Flask, at_most: Budget) -> None:
    with pytest.raises(AssertionError, match="2 statements, at most 1"), at_most(1), db.engine.connect() as connection:
        connection.execute(text("SELECT 1"))  # SQLite says BEGIN before it
        if db.engine.dialect.name == "postgresql":
            connection.execute(text("SELECT 1"))


def test_a_static_file_asks_the_database_nothing(app: Flask, client: FlaskClient, at_most: Budget) -> None:
    sign_in(client, an_agent())

    with at_most(0), client.get("/static/app.css") as file:
        assert file.status_code == 200
