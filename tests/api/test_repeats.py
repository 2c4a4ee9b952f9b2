"""A program that is not sure whether its request arrived sends it again."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.api import models
from app.api.models import IdempotentAnswer
from app.core import clock
from app.core.extensions import db
from app.tickets.models import Ticket
from app.tickets.thread import Attachment
from tests.api.desk import Program, a_program, refused
from tests.factories import a_supervisor, a_ticket

NEW = {"subject": "Printer", "body": "It burns.", "customer": {"email": "kim@customer.test", "name": "Kim"}}
ONCE = {"Idempotency-Key": "order-4711"}


@pytest.fixture
def program(client: FlaskClient) -> Program:
    return a_program(client, a_supervisor())


def tickets() -> int:
    db.session.rollback()
    return int(db.session.scalar(select(func.count()).select_from(Ticket)) or 0)


def test_the_same_request_twice_makes_one_ticket_and_gets_one_answer(program: Program) -> None:
    first, second = program.post("/tickets", NEW, headers=ONCE), program.post("/tickets", NEW, headers=ONCE)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json == second.json
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert tickets() == 1


def test_another_request_under_the_same_key_is_refused(program: Program) -> None:
    program.post("/tickets", NEW, headers=ONCE)
    ticket = a_ticket()
    db.session.commit()

    refused(program.post("/tickets", {**NEW, "subject": "Other"}, headers=ONCE), 409)
    refused(program.post(f"/tickets/{ticket.number}/close", headers=ONCE), 409)
    assert tickets() == 2


def test_another_program_may_use_the_same_word(client: FlaskClient, program: Program) -> None:
    program.post("/tickets", NEW, headers=ONCE)

    assert a_program(client, a_supervisor()).post("/tickets", NEW, headers=ONCE).status_code == 201
    assert tickets() == 2


def test_a_refused_request_may_be_mended_and_sent_again(program: Program) -> None:
    refused(program.post("/tickets", {**NEW, "priority": "no such"}, headers=ONCE), 422, "priority")

    assert program.post("/tickets", NEW, headers=ONCE).status_code == 201


def test_an_upload_is_the_same_in_another_wrapping(program: Program) -> None:
    first, second = program.upload(b"scan", headers=ONCE), program.upload(b"scan", headers=ONCE)

    assert first.json == second.json
    assert db.session.scalar(select(func.count()).select_from(Attachment)) == 1
    refused(program.upload(b"other", headers=ONCE), 409)


@pytest.mark.parametrize("name", ["x" * 201, "a\tb"])
def test_a_key_that_cannot_be_kept_is_refused(program: Program, name: str) -> None:
    refused(program.post("/tickets", NEW, headers={"Idempotency-Key": name}), 422, "Idempotency-Key")


def test_of_many_at_once_one_has_the_effect_and_all_get_its_answer(app: Flask, program: Program) -> None:
    answers: list[tuple[int, int]] = []
    start = threading.Barrier(4)

    def send() -> None:
        start.wait()
        with app.app_context():
            answer = Program(app.test_client(), program.secret).post("/tickets", NEW, headers=ONCE)
        answers.append((answer.status_code, answer.json.get("number", 0)))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(set(answers)) == 1, answers
    assert answers[0][0] == 201
    assert tickets() == 1


def test_answers_are_forgotten_after_two_days(program: Program) -> None:
    program.post("/tickets", NEW, headers=ONCE)

    with clock.at(clock.now() + dt.timedelta(days=1)):
        models.forget_old()
    assert db.session.scalar(select(func.count()).select_from(IdempotentAnswer)) == 1
    with clock.at(clock.now() + dt.timedelta(days=3)):
        models.forget_old()
    assert db.session.scalar(select(func.count()).select_from(IdempotentAnswer)) == 0
