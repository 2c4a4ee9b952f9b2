"""Eight at the same instant, in processes of their own or as threads of one: each thing happens once."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from threading import Barrier

import pyotp
import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from app.accounts import keys, secondfactor
from app.core import clock
from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.core.outbox import Outbox
from app.core.slots import JobSlot
from app.mail.models import RawMail, RawState
from app.sla.models import SlaFired
from app.tickets import departures
from app.tickets.drafts import Draft, Written
from app.tickets.models import Ticket
from app.tickets.thread import Message
from app.tickets.timeline import Did, TicketEvent
from tests.api.desk import Program
from tests.factories import (
    PASSWORD,
    a_customer,
    a_department,
    a_priority,
    a_supervisor,
    a_ticket,
    acting,
    an_admin,
    an_agent,
    setting,
    sign_in,
)
from tests.run.desks import PROJECT, surroundings

EIGHT = 8
MAIL = b"From: kim@customer.test\r\nTo: support@deskhand.example\r\nSubject: Printer\r\nMessage-ID: <once@customer.test>\r\n\r\nIt burns.\r\n"


def eight_processes(tmp_path: Path, deed: str, *given: object) -> list[str]:
    """What each said."""
    db.session.remove()
    script = [sys.executable, "-P", str(Path(__file__).with_name("at_once.py"))]
    url = db.engine.url.render_as_string(hide_password=False)
    told = subprocess.run(
        [*script, url, deed, str(EIGHT), *(str(one) for one in given)], cwd=PROJECT, env=surroundings(PROJECT, tmp_path), capture_output=True, text=True, timeout=100
    )  # fmt: skip
    lines = told.stdout.splitlines()
    assert len(lines) == EIGHT, told.stderr[-3000:]
    return lines


def holders() -> dict[int | None, int]:
    rows = db.session.execute(select(Ticket.assignee_id, func.count()).group_by(Ticket.assignee_id))
    return {row[0]: row[1] for row in rows}


def assignments(ticket_id: int) -> int:
    events = select(func.count()).select_from(TicketEvent)
    return db.session.scalar(events.where(TicketEvent.ticket_id == ticket_id, TicketEvent.what == Did.ASSIGNED)) or 0


@pytest.mark.parametrize("method", ["least_loaded", "round_robin"])
def test_eight_processes_that_hand_out_tickets_give_each_to_one_and_to_all_alike(
    app: Flask, tmp_path: Path, method: str
) -> None:
    department = a_department()
    for _ in range(3):
        an_agent(department, capacity=7)
    ids = [a_ticket(department=department).id for _ in range(24)]
    setting(auto_assignment=True, assignment_method=method)
    db.session.commit()
    eight_processes(tmp_path, "hand_out", EIGHT, *ids)

    held = holders()
    assert (held.pop(None), sorted(held.values())) == (3, [7, 7, 7])
    assert [assignments(one) for one in ids].count(1) == 21


@pytest.mark.parametrize("method", ["least_loaded", "round_robin"])
def test_eight_processes_never_spread_by_more_than_one(app: Flask, tmp_path: Path, method: str) -> None:
    department = a_department()
    for _ in range(3):
        an_agent(department, capacity=100)
    ids = [a_ticket(department=department).id for _ in range(25)]
    setting(auto_assignment=True, assignment_method=method)
    db.session.commit()
    eight_processes(tmp_path, "hand_out", EIGHT, *ids)

    assert sorted(holders().values()) == [8, 8, 9]


def test_eight_enforcers_tell_of_each_level_of_a_promise_once(app: Flask, tmp_path: Path) -> None:
    """Half of the tickets are late by three hours, of whose levels the highest is told; the others by a moment."""
    now = clock.now()
    for hours in (1, 4):
        with time_machine.travel(now - dt.timedelta(hours=hours, seconds=5), tick=False):
            for _ in range(60):
                a_ticket(priority=a_priority(4))
    db.session.commit()
    eight_processes(tmp_path, "enforce", "all")

    each = select(TicketEvent.what, func.count(), func.count(TicketEvent.ticket_id.distinct()))
    told = each.where(TicketEvent.what.in_((Did.PROMISE_NEAR, Did.BREACHED, Did.PROMISE_LATE)))
    assert {(row[0], row[1], row[2]) for row in db.session.execute(told.group_by(TicketEvent.what))} == {
        (Did.BREACHED, 120, 120),
        (Did.PROMISE_LATE, 60, 60),
    }
    fired = select(SlaFired.level, SlaFired.skipped, func.count()).group_by(SlaFired.level, SlaFired.skipped)
    assert {tuple(row) for row in db.session.execute(fired)} == {(80, True, 120), (100, False, 120), (160, False, 60)}


def test_of_eight_processes_that_take_a_ticket_one_has_it_and_the_others_are_told_who(
    app: Flask, tmp_path: Path
) -> None:
    ticket, people = a_ticket(), [a_supervisor() for _ in range(EIGHT)]
    db.session.commit()
    ticket_id, ids = ticket.id, [one.id for one in people]

    told = eight_processes(tmp_path, "take", ticket_id, *ids)

    assert told.count("took it") == 1
    assert sum("was given to" in one for one in told) == EIGHT - 1
    assert assignments(ticket_id) == 1
    assert db.session.get_one(Ticket, ticket_id).assignee_id in ids


def test_of_eight_who_answer_what_they_saw_at_once_one_is_sent_and_the_others_look_first(
    app: Flask, tmp_path: Path
) -> None:
    ticket, people = a_ticket(), [a_supervisor() for _ in range(EIGHT)]
    db.session.commit()
    ticket_id, seen, ids = ticket.id, ticket.messages[-1].id, [one.id for one in people]

    told = eight_processes(tmp_path, "answer", ticket_id, seen, *ids)

    assert told.count("sent") == 1
    assert sum("Please look first" in one for one in told) == EIGHT - 1
    assert len(db.session.get_one(Ticket, ticket_id).messages) == 2


def test_a_reply_is_taken_back_or_leaves_once_whoever_comes_first(app: Flask, tmp_path: Path) -> None:
    agent, ticket = a_supervisor(), a_ticket()
    db.session.commit()
    due = clock.now() - dt.timedelta(seconds=1)
    draft = departures.put_off(ticket, acting(agent), Written("Once"), due, "a tab", 0, False)
    db.session.commit()
    ticket_id, draft_id = ticket.id, draft.id

    told = eight_processes(tmp_path, "undo_or_leave", draft_id)

    left = [message.text for message in db.session.get_one(Ticket, ticket_id).messages][1:]
    assert (told.count("took it back"), left) in ((1, []), (0, ["Once"]))
    assert (db.session.get_one(Draft, draft_id).spent_at is None) == (left == [])


def test_of_eight_agents_who_press_take_at_once_one_has_it_and_the_others_read_a_sentence(app: Flask) -> None:
    ticket, clients = a_ticket(), []
    for _ in range(EIGHT):
        client = app.test_client()
        sign_in(client, a_supervisor())
        clients.append(client)
    ticket_id = ticket.id
    db.session.remove()
    gate = Barrier(EIGHT)

    def press(client) -> str:  # type: ignore[no-untyped-def]
        with app.app_context():
            gate.wait()
            client.post("/admin/tickets/action_post", data={"action": "take", "rowid": ticket_id})
            db.session.remove()
        with app.app_context():
            page = client.get("/admin/tickets/").text
            db.session.remove()
        return str(page)

    with ThreadPoolExecutor(EIGHT) as pool:
        pages = list(pool.map(press, clients))

    assert sum("1 ticket changed." in page for page in pages) == 1
    assert sum("was given to" in page for page in pages) == EIGHT - 1
    assert assignments(ticket_id) == 1


def test_eight_processes_that_open_tickets_never_get_the_same_number(app: Flask, tmp_path: Path) -> None:
    requester = a_customer()
    db.session.commit()
    requester_id = requester.id

    numbers = " ".join(eight_processes(tmp_path, "open_tickets", requester_id)).split()

    assert len(set(numbers)) == len(numbers) == EIGHT * 3
    assert sorted(map(int, numbers)) == sorted(db.session.scalars(select(Ticket.number)))


def test_a_number_is_not_given_again_after_its_ticket_was_deleted(app: Flask) -> None:
    last = a_ticket().number
    db.session.delete(db.session.scalars(select(Ticket).where(Ticket.number == last)).one())
    db.session.commit()

    assert a_ticket().number == last + 1


def test_the_same_mail_brought_by_eight_processes_is_one_entry(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "mail.eml").write_bytes(MAIL)

    told = eight_processes(tmp_path, "bring_mail", tmp_path / "mail.eml")

    assert told.count("duplicate") == EIGHT - 1
    assert db.session.scalar(select(func.count()).select_from(Message)) == 1
    delivered = select(func.count()).select_from(RawMail).where(RawMail.state == RawState.DELIVERED)
    assert db.session.scalar(delivered) == 1


def test_eight_tickers_start_a_job_once_a_slot(app: Flask, tmp_path: Path) -> None:
    told = eight_processes(tmp_path, "claim_slot", "tickets.recount_tally")

    assert sorted(told) == ["False"] * (EIGHT - 1) + ["True"]
    assert db.session.scalar(select(func.count()).select_from(Outbox)) == 1
    assert db.session.scalar(select(func.count()).select_from(JobSlot)) == 1


def test_eight_programs_with_keys_of_their_own_get_numbers_of_their_own(app: Flask) -> None:
    owner = a_supervisor()
    secrets = [keys.make(f"program {place}", owner.id, ["*"])[1] for place in range(EIGHT)]
    db.session.commit()
    db.session.remove()
    gate = Barrier(EIGHT)

    def send(secret: str) -> int:
        with app.app_context():
            gate.wait()
            given = {"subject": "At once", "body": "It burns.", "customer": {"email": "kim@customer.test"}}
            answer = Program(app.test_client(), secret).post("/tickets", given)
            db.session.remove()
            return int(answer.json.get("number", 0))

    with ThreadPoolExecutor(EIGHT) as pool:
        numbers = list(pool.map(send, secrets))

    assert 0 not in numbers
    assert len(set(numbers)) == EIGHT


FIRST_TIME = {
    "/admin/views/first": {"view": ""},
    "/admin/views/columns": {"order": ["subject", "number"], "show": ["number", "subject"]},
    "/admin/notifications/preferences": {"mentioned.app": "1"},
    "/admin/mail-templates/ticket_closed": {"source": "Subject: Done\n\n{{ ticket.number }} is closed."},
    "/admin/me/second-factor/begin": {"old": PASSWORD},
}


@pytest.mark.parametrize("address", FIRST_TIME)
def test_of_eight_presses_on_what_nobody_chose_before_none_fails(app: Flask, address: str) -> None:
    """An impatient hand on a form whose row is not there yet: each press would make it."""
    person, clients = an_admin(), []
    for _ in range(EIGHT):
        client = app.test_client()
        sign_in(client, person)
        clients.append(client)
    db.session.remove()
    gate = Barrier(EIGHT)

    def press(client) -> int:  # type: ignore[no-untyped-def]
        with app.app_context():
            gate.wait()
            code = client.post(address, data=FIRST_TIME[address]).status_code
            db.session.remove()
            return int(code)

    with ThreadPoolExecutor(EIGHT) as pool:
        codes = list(pool.map(press, clients))

    assert set(codes) <= {302, 303}, codes


def test_a_second_factor_that_is_confirmed_while_another_tab_begins_anew_stays_on(app: Flask) -> None:
    person_id = a_supervisor().id
    secondfactor.prepare(person_id)
    db.session.commit()
    secret = secondfactor.prepared(person_id) or ""
    secondfactor.confirm(person_id, pyotp.TOTP(secret).at(clock.now()))

    def begin_anew() -> str:
        with app.app_context():
            try:
                secondfactor.prepare(person_id)
                db.session.commit()
            except HelpdeskError as refusal:
                return str(refusal)
            finally:
                db.session.remove()
        return "began anew"

    with ThreadPoolExecutor(1) as pool:
        told = pool.submit(begin_anew)
        wait([told], timeout=1)
        db.session.commit()

    assert told.result() == "Your second factor is on already."
    assert secondfactor.in_force(person_id)
