"""Another helpdesk's tickets are loaded from CSV files."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, select

from app.accounts.models import Customer, Department
from app.core.extensions import db
from app.core.outbox import Outbox
from app.desk import loading
from app.desk.csvdesk import NotReadable
from app.desk.loading import Loaded, NotEmpty
from app.reports import daily
from app.reports.recount import recount
from app.search.find import matching
from app.sla import jobs as sla
from app.sla.models import SlaClock
from app.tickets import tally
from app.tickets.choices import State
from app.tickets.conversation import Then
from app.tickets.models import Ticket
from app.tickets.thread import Channel, MessageKind, Words
from app.tickets.timeline import Did
from tests.factories import a_ticket, acting, an_admin, run_jobs

DAY = "2026-01-{:02} 09:00:00+00"
FILES: dict[str, list[dict[str, Any]]] = {
    "departments.csv": [{"id": 7, "slug": "billing", "name": "Billing", "email": "billing@helpdesk.test"}],
    "categories.csv": [{"id": 3, "department_id": 7, "name": "Invoices"}],
    "staff.csv": [
        {"id": 5, "username": "gina", "email": "gina@helpdesk.test", "first_name": "Gina", "last_name": "Alba", "department_id": 7, "role": "agent"},
        {"id": 6, "username": "boss", "email": "boss@helpdesk.test", "first_name": "Bo", "last_name": "Ss", "department_id": 7, "role": "admin"},
    ],
    "customers.csv": [{"id": 9, "email": "Ada@Customer.test", "first_name": "Ada", "last_name": "Roth", "company": "Northwind", "created_at": DAY.format(1)}],
}  # fmt: skip


def ticket(id: int, status: str, **given: Any) -> dict[str, Any]:
    return {
        "id": id, "number": f"T{id:07}", "customer_id": 9, "department_id": 7, "category_id": 3, "assignee_id": 5, "status": status, "priority": "urgent", "channel": "email",
        "subject": f"Invoice {id}", "created_at": DAY.format(2), "updated_at": DAY.format(6), "first_response_at": "", "resolved_at": DAY.format(6) if status in ("resolved", "closed") else "",
        "due_at": DAY.format(9), "message_count": 4, **given,
    }  # fmt: skip


def message(ticket_id: int, seq: int, author: str, body: str, public: int = 1) -> dict[str, Any]:
    return {
        "id": ticket_id * 10 + seq, "ticket_id": ticket_id, "seq": seq, "author_type": author, "author_id": 5 if author == "staff" else 9, "is_public": public,
        "created_at": DAY.format(1 + seq), "message_id": f"<m{ticket_id}.{seq}@mail.test>", "body": body,
    }  # fmt: skip


def thread(ticket_id: int) -> list[dict[str, Any]]:
    return [
        message(ticket_id, 1, "customer", "Hello,\nmy zyzzyva is broken"),
        message(ticket_id, 2, "staff", "a kerberos note", public=0),
        message(ticket_id, 3, "staff", "We look into it"),
        message(ticket_id, 4, "customer", "Thank you"),
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(
        tmp_path,
        [ticket(n, status) for n, status in enumerate(("open", "pending", "on_hold", "resolved", "closed"), 1)],
    )


def write(folder: Path, tickets: list[dict[str, Any]], messages: list[dict[str, Any]] | None = None) -> Path:
    if messages is None:
        messages = [row for one in tickets for row in thread(one["id"])]
    for name, rows in {**FILES, "tickets.csv": tickets, "messages.csv": messages}.items():
        with (folder / name).open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return folder


def load(folder: Path, add: bool = False) -> Loaded:
    loaded = loading.load(folder, add, lambda text: None)
    db.session.rollback()
    return loaded


def the(status: str) -> Ticket:
    return db.session.scalars(
        select(Ticket).where(
            Ticket.subject == f"Invoice {['open', 'pending', 'on_hold', 'resolved', 'closed'].index(status) + 1}"
        )
    ).one()


def test_tickets_come_with_their_people_and_words(app: Flask, folder: Path) -> None:
    assert load(folder)[:2] == (5, 20)

    loaded = the("open")
    assert (loaded.number, loaded.reference) == (1001, "T0000001")
    assert (loaded.requester.email, loaded.requester.email_key, loaded.requester.organization.name) == (
        "Ada@Customer.test",
        "ada@customer.test",
        "Northwind",
    )
    assert (loaded.department.name, loaded.category.name, loaded.assignee.username) == ("Billing", "Invoices", "gina")
    assert (loaded.channel, loaded.priority.rank, loaded.message_count, loaded.needs_response) == (
        Channel.MAIL,
        4,
        4,
        True,
    )
    assert [(one.kind, one.author_name) for one in loaded.messages] == [
        (MessageKind.REPLY, "Ada Roth"), (MessageKind.NOTE, "Gina Alba"), (MessageKind.REPLY, "Gina Alba"), (MessageKind.REPLY, "Ada Roth"),
    ]  # fmt: skip
    assert loaded.messages[0].text == "Hello,\nmy zyzzyva is broken"
    assert loaded.messages[0].message_id == "m1.1@mail.test"
    assert loaded.first_response_at == loaded.messages[2].created_at
    assert loaded.awaiting_since == loaded.messages[3].created_at == loaded.last_activity_at
    assert loaded.excerpt == "Thank you"


def test_their_words_become_our_states(app: Flask, folder: Path) -> None:
    load(folder)

    states = {status: the(status).state for status in ("open", "pending", "on_hold", "resolved", "closed")}
    assert states == {
        "open": State.OPEN,
        "pending": State.WAITING,
        "on_hold": State.HOLD,
        "resolved": State.RESOLVED,
        "closed": State.CLOSED,
    }
    assert [event.what for event in the("closed").events] == [
        Did.OPENED,
        Did.NOTED,
        Did.REPLIED,
        Did.RECEIVED,
        Did.CLOSED,
    ]
    assert the("closed").closed_at == the("closed").resolved_at == the("closed").updated_at
    assert the("resolved").closed_at is None


def test_all_sums_and_the_index_are_as_the_verbs_would_have_left_them(app: Flask, folder: Path) -> None:
    load(folder)
    admin = acting(an_admin())

    assert tally.recount() == 0
    assert len(matching("zyzzyva", admin)) == 5
    assert len(matching("kerberos", admin)) == 5
    assert matching("T0000003", admin) == [the("on_hold").id]
    assert len(matching("ada@customer.test", admin)) == 5
    figures = db.session.execute(
        select(
            func.sum(daily.DailyFigure.opened),
            func.sum(daily.DailyFigure.resolved),
            func.sum(daily.DailyFigure.first_responses),
        )
    ).one()
    assert tuple(figures) == (5, 2, 5)
    days = db.session.execute(select(func.min(daily.DailyFigure.day), func.max(daily.DailyFigure.day))).one()
    assert recount(days[0], days[1]) == 0


def test_nobody_is_mailed_and_nothing_is_promised_for_what_happened_elsewhere(app: Flask, folder: Path) -> None:
    load(folder)

    sla.check()
    loaded = the("pending")
    loaded.reply(
        Words("We are back"),
        by=acting(db.session.scalars(select(User).where(User.username == "gina")).one()),
        then=Then.WAIT,
    )

    assert db.session.scalar(select(func.count()).select_from(SlaClock)) == 0
    assert loaded.next_due_at is None
    assert loaded.status_since > loaded.updated_at.replace(year=2026, month=2), (
        "no customer is reminded of what they let wait elsewhere"
    )
    assert [row.job for row in db.session.scalars(select(Outbox)) if row.job.startswith(("tickets.", "sla."))] == []


def test_a_loaded_ticket_lives_on_and_numbers_go_on(app: Flask, folder: Path) -> None:
    load(folder)
    gina = acting(db.session.scalars(select(User).where(User.username == "gina")).one())

    the("closed").reopen(by=gina)
    assert a_ticket().number == 1006
    run_jobs()

    assert tally.recount() == 0


def test_a_desk_with_tickets_takes_more_only_when_asked_to(app: Flask, folder: Path) -> None:
    a_ticket()
    db.session.commit()

    with pytest.raises(NotEmpty):
        load(folder)
    load(folder, add=True)
    load(folder, add=True)

    assert db.session.scalar(select(func.count()).select_from(Ticket)) == 11
    assert (
        db.session.scalar(select(func.count()).select_from(Customer).where(Customer.email_key == "ada@customer.test"))
        == 1
    )
    assert db.session.scalar(select(func.count()).select_from(User).where(User.username == "gina")) == 1
    assert db.session.scalar(select(func.count()).select_from(Department).where(Department.name == "Billing")) == 1
    assert tally.recount() == 0


@pytest.mark.parametrize(
    ("changed", "told"),
    [({"status": "lost"}, "lost"), ({"priority": "very"}, "very"), ({"channel": "fax"}, "fax"), ({"customer_id": 77}, "'77'"), ({"department_id": 8}, "departments.csv"), ({"created_at": "yesterday"}, "yesterday")],
)  # fmt: skip
def test_what_cannot_be_read_is_named_and_not_loaded(
    app: Flask, tmp_path: Path, changed: dict[str, Any], told: str
) -> None:
    with pytest.raises(NotReadable, match=told):
        load(write(tmp_path, [{**ticket(1, "open"), **changed}]))

    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Ticket)) == 0


def test_a_missing_file_column_and_message_are_named(app: Flask, tmp_path: Path) -> None:
    with pytest.raises(NotReadable, match=r"messages\.csv"):
        load(write(tmp_path, [ticket(1, "open")], thread(2)))
    (tmp_path / "tickets.csv").write_text("id,number\n1,2\n")
    with pytest.raises(NotReadable, match="customer_id"):
        load(tmp_path)
    (tmp_path / "departments.csv").unlink()
    with pytest.raises(NotReadable, match=r"departments\.csv"):
        load(tmp_path)
