"""Nobody finds out who has an account: known, unknown, switched-off and invited people get one answer, for the same work."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import pytest
import werkzeug.security
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.accounts import staff, tokens
from app.accounts.models import OneTimeToken
from app.accounts.tokens import Purpose
from app.core import clock
from app.core.extensions import db
from app.mail.models import Delivery
from app.tickets.models import Ticket
from tests.factories import HASH, a_customer, an_agent, run_jobs

NEW = "violet tractor sings loudly"
SECRET = re.compile(r'name="csrf_token"[^>]*|nonce="[^"]*"|nonce-[\w-]+|name="form" value="[^"]*"')
EACH_ITS_OWN = ("Set-Cookie", "X-Request-ID")


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The method of each password hash that is made, by whoever asks for one; they are made all the same."""
    done: list[str] = []
    real = werkzeug.security._hash_internal

    def counted(method: str, salt: str, password: str) -> tuple[str, str]:
        done.append(method.partition(":")[0])
        return real(method, salt, password)

    monkeypatch.setattr(werkzeug.security, "_hash_internal", counted)
    return done


@pytest.fixture
def people(app: Flask) -> tuple[str, ...]:
    """Names of one length: staff that work, were switched off, were invited; and a name nobody has."""
    an_agent(name="kenny")
    an_agent(name="gone1").active = False
    an_agent(name="asked").password = ""
    db.session.commit()
    return ("kenny", "gone1", "asked", "none1")


@pytest.fixture
def customers(app: Flask) -> tuple[str, ...]:
    a_customer("K", email="known@own.test", password_hash=HASH)
    a_customer("G", email="gone1@own.test", password_hash=HASH, active=False)
    a_customer("A", email="asked@own.test")
    a_customer("U", email="unpro@own.test", verified_at=None)
    db.session.commit()
    return ("known@own.test", "gone1@own.test", "asked@own.test", "unpro@own.test", "none1@own.test")


class Seen(NamedTuple):
    """What somebody outside sees of an answer."""

    status: int
    text: str
    length: int
    headers: tuple[tuple[str, str], ...]


def seen(answer: TestResponse, name: str) -> Seen:
    headers = tuple(sorted((key, SECRET.sub("", value)) for key, value in answer.headers if key not in EACH_ITS_OWN))
    return Seen(answer.status_code, SECRET.sub("", answer.text).replace(name, "…"), len(answer.data), headers)


def alike(answers: dict[str, TestResponse]) -> Seen:
    """The one answer that all of them got."""
    shown = {seen(answer, name) for name, answer in answers.items()}
    assert len(shown) == 1, {name: answer.status_code for name, answer in answers.items()}
    return shown.pop()


def test_staff_sign_in_answers_and_works_the_same(app: Flask, people: tuple[str, ...], hashed: list[str]) -> None:
    answers, work = {}, {}
    _warm_up(app, hashed)
    for name in people:
        answers[name] = app.test_client().post("/login/", data={"username": name, "password": "wrong password"})
        work[name], hashed[:] = len(hashed), []

    assert "This name and password do not belong together." in alike(answers).text
    assert set(work.values()) == {1}, work


def test_a_customers_sign_in_answers_and_works_the_same(
    app: Flask, customers: tuple[str, ...], hashed: list[str]
) -> None:
    answers, work = {}, {}
    _warm_up(app, hashed)
    for name in customers:
        answers[name] = app.test_client().post("/portal/login", data={"email": name, "password": "wrong password"})
        work[name], hashed[:] = len(hashed), []

    assert "This address and password do not belong together." in alike(answers).text
    assert set(work.values()) == {1}, work


def _warm_up(app: Flask, hashed: list[str]) -> None:
    """The hash that stands for nobody's is made once a process."""
    app.test_client().post("/portal/login", data={"email": "first@own.test", "password": "wrong password"})
    hashed.clear()


@pytest.mark.parametrize("door", ["staff", "customer"])
def test_what_is_no_password_at_all_is_hashed_for_nobody(
    app: Flask, people: tuple[str, ...], customers: tuple[str, ...], hashed: list[str], door: str
) -> None:
    """Longer than any password, or made of nothing: refused for all alike."""
    _warm_up(app, hashed)
    answers = {}
    for name in people if door == "staff" else customers:
        path, field = ("/login/", "username") if door == "staff" else ("/portal/login", "email")
        answers[name] = app.test_client().post(path, data={field: name, "password": "x" * 100_000})

    alike(answers)
    assert hashed == []


@pytest.mark.parametrize("path", ["/portal/login", "/portal/password"], ids=["a link to sign in", "a new password"])
def test_asking_for_a_link_answers_and_works_the_same_for_customers(
    app: Flask, customers: tuple[str, ...], at_most: Callable[[int], AbstractContextManager[list[str]]], path: str
) -> None:
    answers, work = {}, set()
    app.test_client().post(path, data={"email": "first@own.test", "how": "link"})
    for name in customers:
        with at_most(20) as statements:
            answers[name] = app.test_client().post(path, data={"email": name, "how": "link"})
        work.add(tuple(statements))
    run_jobs()

    assert "is known to us" in alike(answers).text
    assert len(work) == 1
    assert {row.address for row in db.session.scalars(select(Delivery))} == {
        "known@own.test",
        "asked@own.test",
        "unpro@own.test",
    }


def test_asking_for_a_new_password_answers_and_works_the_same_for_staff(
    app: Flask, people: tuple[str, ...], at_most: Callable[[int], AbstractContextManager[list[str]]]
) -> None:
    answers, work = {}, set()
    app.test_client().post("/forgotten/", data={"login": "first"})
    for name in people:
        with at_most(20) as statements:
            answers[name] = app.test_client().post("/forgotten/", data={"login": name})
        work.add(tuple(statements))
    run_jobs()

    assert "If this name is known here" in alike(answers).text
    assert len(work) == 1
    assert {row.address for row in db.session.scalars(select(Delivery))} == {"kenny@desk.test", "asked@desk.test"}


def test_a_guest_is_answered_the_same_whoever_the_address_belongs_to(
    app: Flask, customers: tuple[str, ...], at_most: Callable[[int], AbstractContextManager[list[str]]]
) -> None:
    form = {"name": "Gus", "subject": "Where is it?", "message": "I cannot find it"}
    app.test_client().post("/portal/contact", data={**form, "email": "first@own.test"})
    answers, work = {}, {}
    for name in customers:
        with at_most(200) as statements:
            answers[name] = app.test_client().post("/portal/contact", data={**form, "email": name})
        work[name] = len(statements)

    alike(answers)
    assert abs(work["known@own.test"] - work["gone1@own.test"]) <= 2, work
    assert max(work.values()) - min(work.values()) <= 10, work  # somebody new is written down
    wrote = {ticket.requester.email for ticket in db.session.scalars(select(Ticket))}
    assert wrote == {"first@own.test", *customers} - {"gone1@own.test"}


def test_the_link_of_nobody_of_a_customer_and_of_yesterday_answer_the_same(app: Flask, client: FlaskClient) -> None:
    used, over = staff_link("lena"), staff_link("mona")
    assert client.post(f"/welcome/{used}", data={"password": NEW}).status_code == 302
    for_customer = tokens.issue(Purpose.SIGN_IN, a_customer())
    db.session.commit()
    secrets = {"never": "n" * 43, "used": used, "customer": for_customer, "over": over, "cut": over[:-1]}

    with clock.at(clock.now() + staff.RESET_LIVES + dt.timedelta(seconds=1)):
        answers = {secret: app.test_client().get(f"/welcome/{secret}") for secret in secrets.values()}

    assert alike(answers).status == 404


# Links that open an account


def staff_link(name: str) -> str:
    """The secret of a link to a new password of a new staff user."""
    an_agent(name=name)
    return another_link(name)


def another_link(name: str) -> str:
    db.session.commit()
    staff.ask_reset(name)
    db.session.commit()
    newest = select(Delivery).where(Delivery.kind == "password_reset").order_by(Delivery.id.desc()).limit(1)
    return str(db.session.scalars(newest).one().values["link"]).rpartition("/")[2]


def test_a_link_of_staff_works_once(client: FlaskClient) -> None:
    secret = staff_link("lena")

    assert client.post(f"/welcome/{secret}", data={"password": NEW}).status_code == 302
    assert client.post(f"/welcome/{secret}", data={"password": NEW + " again"}).status_code == 404


def test_opening_a_link_of_staff_spends_nothing(client: FlaskClient) -> None:
    secret = staff_link("lena")

    assert [client.get(f"/welcome/{secret}").status_code for _ in range(3)] == [200] * 3


@pytest.mark.parametrize(
    "changed",
    [{"email": "other@desk.test"}, {"password": HASH + "0"}, {"active": False}],
    ids=["another address", "another password", "switched off"],
)
def test_a_link_of_staff_ends_with_what_it_was_made_for(client: FlaskClient, changed: dict[str, Any]) -> None:
    user = an_agent(name="lena")
    secret = another_link("lena")
    for name, value in changed.items():
        setattr(user, name, value)
    db.session.commit()

    assert client.post(f"/welcome/{secret}", data={"password": NEW}).status_code == 404


def test_a_newer_link_of_staff_ends_the_earlier_one(client: FlaskClient) -> None:
    earlier = staff_link("lena")
    newer = another_link("lena")

    assert client.get(f"/welcome/{earlier}").status_code == 404
    assert client.get(f"/welcome/{newer}").status_code == 200


def test_a_link_is_kept_as_its_hash(app: Flask) -> None:
    secret = staff_link("lena")

    row = db.session.scalars(select(OneTimeToken)).one()
    assert secret not in str({column.name: getattr(row, column.name) for column in row.__table__.columns})


@pytest.mark.parametrize("path", ["/forgotten/", "/portal/password"])
def test_a_link_leads_to_the_configured_address_whatever_the_request_says(
    app: Flask, client: FlaskClient, path: str
) -> None:
    an_agent(name="lena")
    a_customer("L", email="lena@own.test")
    db.session.commit()
    forged = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example"}

    assert client.post(path, data={"login": "lena"}, headers={"Host": "evil.example"}).status_code == 400
    client.post(path, data={"login": "lena", "email": "lena@own.test"}, headers=forged)
    run_jobs()

    delivery = db.session.scalars(select(Delivery)).one()
    assert b"evil.example" not in (delivery.raw or b"")
    assert app.config["PUBLIC_URL"].encode() in (delivery.raw or b"")


def test_a_number_and_an_address_open_no_guests_ticket(app: Flask, client: FlaskClient) -> None:
    """Only the mail's link does: who knows both has proven nothing."""
    form = {"name": "Gus", "email": "gus@guest.test", "subject": "My secret", "message": "canary"}
    client.post("/portal/contact", data=form)

    for path in ("/portal/tickets/1001", "/portal/tickets/1001?email=gus@guest.test", "/portal/prove/1001"):
        answer = client.get(path)
        assert answer.status_code in (302, 404)
        assert "canary" not in answer.text
