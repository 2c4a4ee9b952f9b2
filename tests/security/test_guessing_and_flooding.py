"""Guessing, flooding and mailing by force end at a bound, at every door, and the bound keeps nobody outside for good."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import TestResponse

from app.accounts.models import Customer
from app.core import clock
from app.core.extensions import db
from app.mail.models import Delivery
from app.tickets.models import Ticket
from app.tickets.thread import Attachment, Message
from tests.api.desk import a_program
from tests.factories import (
    HASH,
    PASSWORD,
    a_customer,
    a_supervisor,
    a_ticket,
    an_agent,
    multipart,
    run_jobs,
    sign_in,
    sign_in_customer,
)

WINDOW = dt.timedelta(minutes=15)
NEW = "violet tractor sings loudly"
GUEST = {"name": "Gus", "email": "gus@guest.test", "subject": "Where is it?", "message": "I cannot find it"}


@contextmanager
def bound(app: Flask, **narrower: int) -> Iterator[None]:
    before = app.config["LIMITS"]
    app.config["LIMITS"] = {**before, **{name: (attempts, 900) for name, attempts in narrower.items()}}
    try:
        yield
    finally:
        app.config["LIMITS"] = before


def as_staff(
    client: FlaskClient, name: str, password: str, address: str = "203.0.113.7", **headers: str
) -> TestResponse:
    form = {"username": name, "password": password}
    return client.post("/login/", data=form, headers=headers, environ_base={"REMOTE_ADDR": address})


def as_customer(client: FlaskClient, email: str, password: str, **more: str) -> TestResponse:
    form = {"email": email, "password": password, **more}
    return client.post("/portal/login", data=form, environ_base={"REMOTE_ADDR": "203.0.113.7"})


def a_known_customer() -> Customer:
    customer = a_customer("Ada", email="ada@own.test", password_hash=HASH)
    db.session.commit()
    return customer


# Passwords


def test_after_ten_wrong_passwords_of_staff_the_right_one_is_refused_too(app: Flask, client: FlaskClient) -> None:
    an_agent(name="lena")
    db.session.commit()
    wrong = [as_staff(client, "lena", "wrong").status_code for _ in range(10)]

    answer = as_staff(client, "lena", PASSWORD)

    assert wrong == [200] * 10
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert "Too many wrong passwords. Please wait 15 minutes" in answer.text
    assert 'value="lena"' in answer.text
    assert client.get("/admin/tickets/").status_code == 302
    with clock.at(clock.now() + WINDOW):
        assert as_staff(client, "lena", PASSWORD).status_code == 302


def test_after_ten_wrong_passwords_of_a_customer_the_right_one_is_refused_too(client: FlaskClient) -> None:
    a_known_customer()
    wrong = [as_customer(client, "ada@own.test", "wrong").status_code for _ in range(10)]

    answer = as_customer(client, "ada@own.test", PASSWORD)

    assert wrong == [422] * 10
    assert answer.status_code == 429
    assert 'value="ada@own.test"' in answer.text
    assert "have a link mailed to you" in answer.text
    with clock.at(clock.now() + WINDOW):
        assert as_customer(client, "ada@own.test", PASSWORD).status_code == 303


@pytest.mark.parametrize(
    "spelling",
    ["NİKİ", "ＮＩＫＩ", "ｎiki", "ñiki", "n\u00adiki", "ni\u200bki", "niKi"],
)
def test_letters_that_a_database_or_directory_takes_for_others_count_as_those(
    app: Flask, client: FlaskClient, spelling: str
) -> None:
    an_agent(name="niki")
    db.session.commit()
    for _ in range(10):
        as_staff(client, spelling, "wrong")

    assert as_staff(client, "niki", PASSWORD).status_code == 429


def test_the_two_doors_count_together_and_so_does_every_spelling(app: Flask, client: FlaskClient) -> None:
    a_known_customer()
    for spelling in ("ada@own.test", "ADA@own.test", " ada@own.test", "Ada@Own.Test", "ada@OWN.test "):
        as_customer(client, spelling, "wrong")
        as_staff(client, spelling, "wrong")

    assert as_customer(client, "ada@own.test", PASSWORD).status_code == 429
    assert as_staff(client, "ada@own.test", PASSWORD).status_code == 429


@pytest.mark.parametrize("name", ["lena", "nobody"], ids=["a known name", "a name nobody has"])
def test_a_name_that_nobody_has_is_refused_alike(app: Flask, client: FlaskClient, name: str) -> None:
    an_agent(name="lena")
    db.session.commit()
    with bound(app, sign_in_account=2):
        codes = [as_staff(client, name, "wrong").status_code for _ in range(4)]

    assert codes == [200, 200, 429, 429]


def test_one_network_cannot_try_one_password_on_all_names(app: Flask, client: FlaskClient) -> None:
    an_agent(name="lena")
    db.session.commit()
    with bound(app, sign_in_network=3):
        for n in range(3):
            as_staff(client, f"person{n}", "wrong")

        assert as_staff(client, "lena", PASSWORD).status_code == 429
        assert as_customer(client, "ada@own.test", PASSWORD).status_code == 429
        assert as_staff(client, "lena", PASSWORD, address="198.51.100.1").status_code == 302


def test_no_header_of_the_caller_makes_it_another_network(app: Flask, client: FlaskClient) -> None:
    with bound(app, sign_in_network=3):
        codes = [
            as_staff(client, f"person{n}", "wrong", **{"X-Forwarded-For": f"10.0.0.{n}", "X-Real-Ip": f"10.0.1.{n}", "Forwarded": f"for=10.0.2.{n}"}).status_code
            for n in range(4)
        ]  # fmt: skip

    assert codes == [200, 200, 200, 429]


def test_behind_a_proxy_of_ours_only_its_own_word_counts(app: Flask, client: FlaskClient) -> None:
    """The caller's own entries stand left of the one that our proxy adds."""
    plain, app.wsgi_app = app.wsgi_app, ProxyFix(app.wsgi_app, x_for=1)  # type: ignore[method-assign]
    try:
        with bound(app, sign_in_network=3):
            codes = [
                as_staff(client, f"person{n}", "wrong", **{"X-Forwarded-For": f"10.0.0.{n}, 192.0.2.1"}).status_code
                for n in range(4)
            ]
            elsewhere = as_staff(client, "person9", "wrong", **{"X-Forwarded-For": "10.0.0.3, 192.0.2.99"})
    finally:
        app.wsgi_app = plain  # type: ignore[method-assign]

    assert codes == [200, 200, 200, 429]
    assert elsewhere.status_code == 200


def test_an_office_that_signs_in_behind_one_address_is_not_refused(app: Flask, client: FlaskClient) -> None:
    """Thirty people; a right password does not count."""
    for n in range(30):
        an_agent(name=f"agent{n}")
    db.session.commit()
    with bound(app, sign_in_network=3):
        codes = {as_staff(app.test_client(), f"agent{n}", PASSWORD).status_code for n in range(30)}

    assert codes == {302}


def test_a_found_session_is_no_place_to_guess_the_password(app: Flask, client: FlaskClient) -> None:
    customer, agent = a_known_customer(), an_agent(name="lena")
    desk = app.test_client()
    sign_in_customer(client, customer)
    sign_in(desk, agent)
    new = {"old": "wrong", "password": NEW, "again": NEW}
    for _ in range(10):
        client.post("/portal/account/password", data=new)
        desk.post("/admin/me/password", data=new)

    right = {**new, "old": PASSWORD}
    assert client.post("/portal/account/password", data=right).status_code == 429
    assert desk.post("/admin/me/password", data=right).status_code == 429
    assert as_customer(app.test_client(), "ada@own.test", PASSWORD).status_code == 429


# The owner's way in


def test_a_customer_whom_strangers_keep_outside_comes_in_by_a_mail_link(app: Flask, client: FlaskClient) -> None:
    a_known_customer()
    with bound(app, sign_in_account=1):
        as_customer(client, "ada@own.test", "wrong")
        assert as_customer(client, "ada@own.test", PASSWORD).status_code == 429

        as_customer(client, "ada@own.test", "", how="link")
        run_jobs()

        assert client.post(the_link("sign_in_link")).status_code == 303
        assert client.get("/portal/account").status_code == 200


def test_staff_whom_strangers_keep_outside_come_in_after_a_mail_link(app: Flask, client: FlaskClient) -> None:
    an_agent(name="lena")
    db.session.commit()
    stranger = app.test_client()
    with bound(app, sign_in_account=1):
        as_staff(stranger, "lena", "wrong")
        client.post("/forgotten/", data={"login": "lena"})
        run_jobs()
        client.post(the_link("password_reset"), data={"password": NEW})

        assert as_staff(stranger, "lena", NEW).status_code == 429
        assert as_staff(client, "lena", NEW).status_code == 302


def the_link(kind: str) -> str:
    """Of the newest such mail, as a path."""
    newest = select(Delivery).where(Delivery.kind == kind).order_by(Delivery.id.desc()).limit(1)
    delivery = db.session.scalars(newest).one()
    written = delivery.values.get("link") or re.findall(rb"https?://\S+", delivery.raw or b"")[0].decode()
    return "/" + written.split("/", 3)[3]


@pytest.mark.parametrize(
    ("path", "form"),
    [("/portal/login", {"email": "{}", "how": "link"}), ("/portal/password", {"email": "{}"}), ("/forgotten/", {"login": "{}"})],
    ids=["a customer's link", "a customer's password", "a password of staff"],
)  # fmt: skip
@pytest.mark.parametrize("address", ["ada@own.test", "ida@own.test"], ids=["known", "unknown"])
def test_links_to_one_address_are_mailed_only_so_often(
    app: Flask, client: FlaskClient, path: str, form: dict[str, str], address: str
) -> None:
    a_known_customer()
    filled = {name: value.format(address) for name, value in form.items()}
    with bound(app, link_address=3):
        answers = [client.post(path, data=filled) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert f'value="{address}"' in answers[-1].text
    assert "Please wait 15 minutes" in answers[-1].text


def test_one_network_cannot_have_links_mailed_to_everybody(app: Flask, client: FlaskClient) -> None:
    with bound(app, link_network=3):
        codes = [client.post("/portal/password", data={"email": f"person{n}@own.test"}).status_code for n in range(5)]

    assert codes == [200, 200, 200, 429, 429]


# Forms


@pytest.mark.parametrize("limit", ["guest_address", "guest_network"])
def test_a_guest_writes_only_so_often_and_loses_no_word(app: Flask, client: FlaskClient, limit: str) -> None:
    with bound(app, **{limit: 2}):
        answers = [client.post("/portal/contact", data={**GUEST, "subject": f"Round {n}"}) for n in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert "I cannot find it" in answers[-1].text
    assert 'id="message-error"' in answers[-1].text
    assert count(Ticket) == 2


def test_a_customer_opens_and_answers_only_so_many_and_loses_no_word(app: Flask, client: FlaskClient) -> None:
    ticket = a_ticket(requester=a_known_customer())
    sign_in_customer(client, ticket.requester)
    with bound(app, new_ticket=2, reply=2):
        new = [
            client.post("/portal/tickets/new", data={"subject": f"Round {n}", "message": "It burns"}) for n in range(3)
        ]
        replies = [
            client.post(f"/portal/tickets/{ticket.number}/reply", data={"message": f"Still burning {n}"})
            for n in range(3)
        ]
        last = client.post(f"/portal/tickets/{ticket.number}/close", data={"last": "It is out"})

    assert [answer.status_code for answer in (*new, *replies)] == [303, 303, 429, 303, 303, 429]
    assert "Round 2" in new[-1].text and "It burns" in new[-1].text
    assert "Still burning 2" in replies[-1].text
    assert (last.status_code, "It is out" in last.text) == (429, True)
    assert (count(Ticket), count(Message)) == (3, 5)


def count(model: type[Ticket] | type[Message] | type[Attachment]) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_files_come_only_so_many_by_every_way_and_no_word_is_lost(app: Flask, client: FlaskClient) -> None:
    ticket, supervisor = a_ticket(requester=a_known_customer()), a_supervisor()
    sign_in_customer(client, ticket.requester)
    desk = app.test_client()
    sign_in(desk, supervisor)
    number = ticket.number
    with bound(app, upload=2):
        by_script = [client.post("/portal/files", **multipart({"file": a_file(n)})).status_code for n in range(3)]
        by_form = client.post(f"/portal/tickets/{number}/reply", **multipart({"message": "See", "files": a_file(9)}))
        by_staff = desk.post(
            f"/admin/tickets/{number}/messages",
            **multipart({"kind": "reply", "body": "Look here", "files": [a_file(n) for n in range(3)]}),
        )
        by_guest = app.test_client().post(
            "/portal/contact", **multipart({**GUEST, "files": [a_file(n) for n in range(3)]})
        )

    assert by_script == [201, 201, 429]
    assert (by_form.status_code, "See" in by_form.text) == (429, True)
    assert (by_staff.status_code, "Look here" in by_staff.text) == (429, True)
    assert (by_guest.status_code, "I cannot find it" in by_guest.text) == (429, True)
    assert count(Attachment) == 4


def a_file(n: int) -> tuple[io.BytesIO, str]:
    return io.BytesIO(f"file {n}".encode()), f"file{n}.txt"


def test_the_script_that_uploads_is_told_in_a_sentence(app: Flask, client: FlaskClient) -> None:
    sign_in_customer(client, a_known_customer())
    with bound(app, upload=1):
        client.post("/portal/files", **multipart({"file": a_file(1)}))
        answer = client.post("/portal/files", **multipart({"file": a_file(2)}), headers={"Accept": "application/json"})

    assert (answer.json or {})["error"]["message"] == "That was a lot at once. Please wait 15 minutes and try again."


# The API


def test_a_key_that_calls_too_often_is_told_when_to_go_on(app: Flask, client: FlaskClient) -> None:
    program, other = a_program(client, a_supervisor()), a_program(client, a_supervisor())
    with bound(app, api_key=2):
        answers = [program.get("/tickets") for _ in range(3)]

        assert other.get("/tickets").status_code == 200
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 900
    assert answers[-1].json == {
        "error": {
            "code": "too_many_requests",
            "message": "That was a lot at once. Please wait 15 minutes and try again.",
            "fields": {},
        }
    }


def test_wrong_keys_from_one_network_end_at_a_bound_and_a_right_one_goes_on(app: Flask, client: FlaskClient) -> None:
    program = a_program(client, a_supervisor())
    with bound(app, api_network=2):
        wrong = [
            client.get("/api/v1/tickets", headers={"Authorization": f"Bearer dsk_{n}"}).status_code for n in range(4)
        ]
        metrics = client.get(
            "/metrics", headers={"Authorization": "Bearer dsk_x"}, environ_base={"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "1.2.3.4"}
        )  # fmt: skip

        assert program.get("/tickets").status_code == 200
    assert wrong == [401, 401, 429, 429]
    assert metrics.status_code == 429
