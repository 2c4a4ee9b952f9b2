"""Sessions of staff and customers: begun anew, listed, ended, and over after a while."""

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.accounts import sessions
from app.accounts.models import Customer, RoleScope
from app.accounts.sessions import SignedIn
from app.core.extensions import db
from tests.factories import (
    PASSWORD,
    a_customer,
    a_super_admin,
    acting,
    an_admin,
    an_agent,
    setting,
    sign_in,
    sign_in_customer,
    staff,
)

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
NEW = "violet tractor sings"


def by_form(client: FlaskClient, name: str, agent: str = FIREFOX) -> None:
    answer = client.post("/login/", data={"username": name, "password": PASSWORD}, headers={"User-Agent": agent})
    assert answer.location == "/admin/tickets/", answer.status


def stolen(client: FlaskClient, app: Flask) -> FlaskClient:
    """Another browser with a copy of this one's cookie."""
    thief = app.test_client()
    cookie = client.get_cookie(app.config["SESSION_COOKIE_NAME"])
    assert cookie is not None
    thief.set_cookie(app.config["SESSION_COOKIE_NAME"], cookie.value)
    return thief


def inside(client: FlaskClient, path: str = "/admin/me/") -> bool:
    """As a server does it: the answer is sent and closed, then the transaction is over."""
    with client.get(path) as answer:
        found = answer.status_code == 200
    db.session.rollback()
    return found


def test_a_cookie_planted_before_the_sign_in_is_worth_nothing(client: FlaskClient, app: Flask) -> None:
    agent = an_agent()
    db.session.commit()
    client.get("/login/")
    with client.session_transaction() as session:
        session["planted"] = "before"
    planted = stolen(client, app)

    by_form(client, agent.username)

    assert inside(client) and not inside(planted)
    with client.session_transaction() as session:
        assert "planted" not in session


def test_signing_in_again_ends_the_session_that_was_open_here(client: FlaskClient, app: Flask) -> None:
    customer = a_customer(password_hash=an_agent().password)
    db.session.commit()
    words = {"email": customer.email, "password": PASSWORD}
    client.post("/portal/login", data=words)
    before = stolen(client, app)

    client.post("/portal/login", data=words)

    assert before.get("/portal/account").status_code == 302
    assert db.session.scalar(select(func.count()).select_from(SignedIn)) == 1


def test_the_desk_keeps_no_secret_of_a_cookie(client: FlaskClient) -> None:
    agent = an_agent()
    sign_in(client, agent)
    with client.session_transaction() as session:
        secret = session["_user_id"].partition(":")[2]

    kept = db.session.scalars(select(SignedIn)).one()

    assert len(secret) >= 32
    assert secret not in repr(vars(kept))


@pytest.mark.parametrize("kept", ["1", "1:", ":", "x:y", "999999999999999999999:a", "1:1"])
def test_a_strange_cookie_is_nobodys(client: FlaskClient, kept: str) -> None:
    sign_in(client, an_agent())
    with client.session_transaction() as session:
        session["_user_id"] = kept

    assert not inside(client)


def test_one_persons_session_opens_nothing_as_another(client: FlaskClient) -> None:
    """The secret belongs to the person it was made for."""
    agent, strongest = an_agent(), a_super_admin()
    sign_in(client, agent)
    with client.session_transaction() as session:
        session["_user_id"] = f"{strongest.id}:{session['_user_id'].partition(':')[2]}"

    assert not inside(client)


class TestReplay:
    """A copied cookie after what should have ended it."""

    def test_after_signing_out(self, client: FlaskClient, app: Flask) -> None:
        sign_in(client, an_agent())
        thief = stolen(client, app)
        assert inside(thief)

        client.post("/logout/")

        assert not inside(client) and not inside(thief)

    def test_after_signing_out_as_a_customer(self, client: FlaskClient, app: Flask) -> None:
        sign_in_customer(client, a_customer())
        thief = stolen(client, app)

        client.post("/portal/logout")

        assert thief.get("/portal/account").status_code == 302

    @pytest.mark.parametrize("change", ["password", "email", "role", "deactivated and back", "everything ended"])
    def test_after_a_change_of_the_person(self, client: FlaskClient, change: str) -> None:
        """Whichever door made it: the rows alone decide."""
        agent = an_agent()
        sign_in(client, agent)
        other = staff("Developer")
        assert inside(client)

        match change:
            case "password":
                agent.password = "another hash"
            case "email":
                agent.email = "elsewhere@desk.test"
            case "role":
                agent.roles = list(other.roles)
            case "deactivated and back":
                agent.active = False
                db.session.commit()
                agent.active = True
            case _:
                sessions.end_staff(agent.id)
        db.session.commit()

        assert not inside(client)
        sign_in(client, agent)
        assert inside(client)

    @pytest.mark.parametrize(
        ("field", "value"), [("password_hash", "another"), ("email", "elsewhere@customer.test"), ("active", False)]
    )
    def test_after_a_change_of_the_customer(self, client: FlaskClient, field: str, value: object) -> None:
        customer = a_customer()
        sign_in_customer(client, customer)
        assert client.get("/portal/account").status_code == 200

        setattr(customer, field, value)
        db.session.commit()
        customer.active = True
        db.session.commit()

        assert client.get("/portal/account").status_code == 302

    def test_a_sign_in_or_a_new_name_ends_nothing(self, client: FlaskClient, app: Flask) -> None:
        agent = an_agent()
        sign_in(client, agent)

        by_form(app.test_client(), agent.username)
        agent.first_name = "Ann"
        db.session.commit()

        assert inside(client)

    def test_after_an_admin_edits_the_roles(self, client: FlaskClient, app: Flask) -> None:
        agent, admin = an_agent(), an_admin()
        sign_in(client, agent)
        desk = app.test_client()
        sign_in(desk, admin)
        form = {"username": agent.username, "first_name": "A", "last_name": "B", "email": agent.email, "active": "y", "roles": [str(staff("Developer").roles[0].id)]}  # fmt: skip
        db.session.commit()

        assert desk.post(f"/admin/staff/edit/{agent.id}", data=form).status_code == 302

        assert not inside(client) and inside(desk)

    def test_after_a_program_moves_the_customers_address(self, client: FlaskClient, app: Flask) -> None:
        from app.accounts import keys

        customer = a_customer()
        sign_in_customer(client, customer)
        _key, secret = keys.make("a program", an_admin().id, ["*"])
        db.session.commit()
        bearer = {"Authorization": f"Bearer {secret}"}

        answer = app.test_client().patch(f"/api/v1/customers/{customer.id}", json={"email": "moved@customer.test"}, headers=bearer)  # fmt: skip

        assert answer.status_code == 200
        assert client.get("/portal/account").status_code == 302


class TestLifetime:
    @pytest.mark.parametrize(
        ("steps", "stays"),
        [([11.9], True), ([12.1], False), ([11, 11, 11], True), ([*[11] * 30, 6.1], False)],
        ids=["a day's work", "the next morning", "in use", "two weeks in use"],
    )
    def test_of_staff(self, client: FlaskClient, steps: list[float], stays: bool) -> None:
        sign_in(client, an_agent())
        at = dt.datetime.now(dt.UTC)

        for hours in steps:
            at += dt.timedelta(hours=hours)
            with time_machine.travel(at, tick=False):
                last = inside(client)

        assert last is stays

    @pytest.mark.parametrize(("days", "stays"), [([13.9], True), ([14.1], False), ([13] * 6, True), ([13] * 7, False)])
    def test_of_customers(self, client: FlaskClient, days: list[float], stays: bool) -> None:
        sign_in_customer(client, a_customer())
        at = dt.datetime.now(dt.UTC)

        for step in days:
            at += dt.timedelta(days=step)
            with time_machine.travel(at, tick=False):
                last = inside(client, "/portal/account")

        assert last is stays

    def test_is_a_setting(self, client: FlaskClient) -> None:
        agent = an_agent()
        setting(staff_idle_hours=1)
        sign_in(client, agent)

        with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(minutes=61), tick=False):
            assert not inside(client)

    def test_a_page_that_asks_by_itself_keeps_nobody_signed_in(self, client: FlaskClient) -> None:
        sign_in(client, an_agent())
        at = dt.datetime.now(dt.UTC)

        for hours in (4, 8, 11):
            with time_machine.travel(at + dt.timedelta(hours=hours), tick=False):
                answer = client.get("/admin/notifications/unread", headers={"X-Background": "1"})
                answer.close()
                assert answer.status_code == 200
        with time_machine.travel(at + dt.timedelta(hours=13), tick=False):
            assert not inside(client)

    def test_over_ones_are_forgotten(self, client: FlaskClient) -> None:
        sign_in(client, an_agent())
        sign_in_customer(client, a_customer())

        with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(hours=13), tick=False):
            sessions.forget_over()

        assert [row.staff_id for row in db.session.scalars(select(SignedIn))] == [None]


def test_being_seen_is_written_once_a_minute_and_by_no_reading_request(
    client: FlaskClient, at_most: Callable[[int], AbstractContextManager[list[str]]]
) -> None:
    sign_in(client, an_agent())
    began = db.session.scalar(select(SignedIn.last_seen_at))
    at = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5)

    with time_machine.travel(at, tick=False), at_most(60) as statements:
        for _ in range(3):
            inside(client)

    wrote = [statement for statement in statements if not statement.startswith(("SELECT", "PRAGMA", "BEGIN"))]
    assert [statement.split()[:2] for statement in wrote] == [["UPDATE", "signed_in"]]
    db.session.rollback()
    assert began is not None
    assert db.session.scalar(select(SignedIn.last_seen_at)) == at


def test_the_session_is_read_in_one_statement(
    client: FlaskClient, at_most: Callable[[int], AbstractContextManager[list[str]]]
) -> None:
    agent = an_agent()
    sign_in(client, agent)
    inside(client)

    with at_most(30) as statements:
        client.get("/admin/notifications/unread")

    asking = [statement for statement in statements if "signed_in" in statement]
    assert len(asking) == 1 and "staff_profile" in asking[0] and "rights_version" in asking[0]


class TestMySessions:
    def test_of_staff_are_listed_and_ended_one_by_one(self, client: FlaskClient, app: Flask) -> None:
        agent = an_agent()
        db.session.commit()
        by_form(client, agent.username)
        phone = app.test_client()
        by_form(phone, agent.username, "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile Safari/604.1")  # fmt: skip

        page = client.get("/admin/me/").text
        assert "Firefox on Linux" in page and "Safari on iPhone" in page
        assert page.count("This session") == 1
        assert not any(kept in page for kept in db.session.scalars(select(SignedIn.token_hash)))
        theirs = db.session.scalars(select(SignedIn.id).order_by(SignedIn.id.desc())).first()
        assert client.post(f"/admin/me/sessions/{theirs}/end").status_code == 302

        assert inside(client) and not inside(phone)
        assert client.post(f"/admin/me/sessions/{theirs}/end").status_code == 404

    def test_of_customers_are_listed_and_ended_one_by_one(self, client: FlaskClient, app: Flask) -> None:
        customer = a_customer()
        sign_in_customer(client, customer)
        sign_in_customer(phone := app.test_client(), customer)
        theirs = db.session.scalars(select(SignedIn.id).order_by(SignedIn.id.desc())).first()

        assert client.get("/portal/account").text.count("This session") == 1
        assert client.post(f"/portal/account/sessions/{theirs}").status_code == 303

        assert client.get("/portal/account").status_code == 200
        assert phone.get("/portal/account").status_code == 302

    def test_all_others_end_at_once(self, client: FlaskClient, app: Flask) -> None:
        agent = an_agent()
        sign_in(client, agent)
        others = [app.test_client() for _ in range(3)]
        for other in others:
            sign_in(other, agent)

        client.post("/admin/me/sessions/end-others")

        assert inside(client)
        assert not any(inside(other) for other in others)

    def test_nobody_ends_anothers(self, client: FlaskClient, app: Flask) -> None:
        sign_in(victim := app.test_client(), a_super_admin())
        theirs = db.session.scalars(select(SignedIn.id)).one()
        sign_in_customer(customer := app.test_client(), a_customer())
        sign_in(client, an_agent())

        assert client.post(f"/admin/me/sessions/{theirs}/end").status_code == 404
        assert customer.post(f"/portal/account/sessions/{theirs}").status_code == 404

        assert inside(victim)

    @pytest.mark.parametrize(
        ("agent", "words"),
        [
            (FIREFOX, "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            ("curl/8.5", "Another program"),
            ("<script>alert(1)</script>", "Another program"),
            ("", "Another program"),
        ],
    )
    def test_a_device_has_few_words(self, app: Flask, agent: str, words: str) -> None:
        assert sessions.device(agent) == words

    def test_a_lying_browser_breaks_nothing(self, client: FlaskClient) -> None:
        agent = an_agent()
        db.session.commit()

        by_form(client, agent.username, "<script>\x1b[31m" + "x" * 5000)

        assert "<script>\x1b" not in client.get("/admin/me/").text


def test_a_question_of_an_open_page_is_answered_nothing_once_the_session_ended(client: FlaskClient) -> None:
    """The bell asks every 30 seconds; nothing of the desk waits on an open line."""
    agent = an_agent()
    sign_in(client, agent)
    ask = {"Accept": "application/json", "X-Background": "1"}
    assert client.get("/admin/notifications/unread", headers=ask).status_code == 200

    sessions.end_staff(agent.id)
    db.session.commit()

    answer = client.get("/admin/notifications/unread", headers=ask)
    assert answer.status_code in (302, 401) and b"count" not in answer.data


def test_deleting_a_customer_takes_their_sessions_along(client: FlaskClient) -> None:
    customer = a_customer()
    sign_in_customer(client, customer)

    db.session.delete(db.session.get_one(Customer, customer.id))
    db.session.commit()

    assert db.session.scalar(select(func.count()).select_from(SignedIn)) == 0
    assert client.get("/portal/account").status_code == 302


def test_rights_of_a_role_change_without_ending_the_session(client: FlaskClient) -> None:
    agent = an_agent()
    sign_in(client, agent)
    scope = db.session.get_one(RoleScope, agent.roles[0].id)

    scope.second_factor = True
    db.session.commit()

    assert acting(agent).lacks_factor
    assert client.get("/admin/tickets/").location == "/admin/me/second-factor/"
