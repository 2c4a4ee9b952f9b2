"""Codes of an authenticator app: set up, asked for, taken once, lost, reset, and needed by a role."""

import datetime as dt
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

import pyotp
import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, select

from app.accounts import keys, secondfactor
from app.accounts.models import RoleScope
from app.accounts.secondfactor import HalfSignIn, RecoveryCode, SecondFactor
from app.core.extensions import db
from app.mail.models import Delivery
from tests.factories import PASSWORD, a_super_admin, an_admin, an_agent, run_jobs, setting, sign_in

NOON = dt.datetime(2026, 6, 1, 12, 0, 0, tzinfo=dt.UTC)
HERE = "/admin/me/second-factor/"
AtMost = Callable[[int], AbstractContextManager[list[str]]]


class Phone(NamedTuple):
    """An authenticator app and the paper with the recovery codes."""

    app: pyotp.TOTP
    paper: list[str]

    def code(self, off: int = 0) -> str:
        return self.app.at(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=30 * off))


def with_factor(user: User) -> Phone:
    secondfactor.prepare(user.id)
    secret = secondfactor.prepared(user.id)
    assert secret is not None
    paper = secondfactor.confirm(user.id, pyotp.TOTP(secret).at(dt.datetime.now(dt.UTC) - dt.timedelta(seconds=30)))
    db.session.commit()
    return Phone(pyotp.TOTP(secret), paper)


def password_given(client: FlaskClient, user: User) -> None:
    db.session.commit()
    answer = client.post("/login/", data={"username": user.username, "password": PASSWORD})
    assert answer.location == "/login/code"


def inside(client: FlaskClient) -> bool:
    return client.get("/admin/me/").status_code == 200


def code_given(client: FlaskClient, code: str) -> int:
    return client.post("/login/code", data={"code": code}).status_code


def exhausted(client: FlaskClient, user: User) -> None:
    """As many wrong codes as one person has, by somebody with the password."""
    for _ in range(secondfactor.MOST_WRONG_TOGETHER // secondfactor.MOST_WRONG):
        password_given(client, user)
        for _try in range(secondfactor.MOST_WRONG):
            code_given(client, "000000")


class TestSetUp:
    def test_asks_the_password_and_a_first_code_and_shows_the_codes_once(self, client: FlaskClient, app: Flask) -> None:
        agent = an_agent()
        sign_in(client, agent)
        sign_in(elsewhere := app.test_client(), agent)

        assert client.post(f"{HERE}begin", data={"old": "wrong"}).status_code == 422
        assert client.get(f"{HERE}square.svg").status_code == 404
        assert client.post(f"{HERE}begin", data={"old": PASSWORD}).status_code == 302
        page = client.get(HERE).text
        secret = re.search(r'<code class="key">([A-Z2-7]{32})</code>', page)
        assert secret is not None
        assert client.post(f"{HERE}confirm", data={"code": "000000"}).status_code == 422
        assert not secondfactor.in_force(agent.id)
        shown = client.post(f"{HERE}confirm", data={"code": pyotp.TOTP(secret[1]).now()})

        codes = re.findall(r"<code>([a-z2-7]{4}(?:-[a-z2-7]{4}){3})</code>", shown.text)
        assert len(set(codes)) == 10
        assert secondfactor.in_force(agent.id)
        assert inside(client) and not inside(elsewhere)
        later = client.get(HERE).text
        assert secret[1] not in later and codes[0] not in later
        assert client.get(f"{HERE}square.svg").status_code == 404

    def test_the_square_is_a_picture_that_no_browser_keeps(self, client: FlaskClient) -> None:
        sign_in(client, an_agent())
        client.post(f"{HERE}begin", data={"old": PASSWORD})

        picture = client.get(f"{HERE}square.svg")

        assert picture.mimetype == "image/svg+xml"
        assert picture.headers["Cache-Control"] == "no-store"
        assert b"<svg" in picture.data and b"<script" not in picture.data

    def test_takes_half_an_hour_at_most(self, client: FlaskClient) -> None:
        agent = an_agent()
        secondfactor.prepare(agent.id)
        secret = secondfactor.prepared(agent.id)
        db.session.commit()
        assert secret is not None

        with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(minutes=31), tick=False):
            sign_in(client, agent)
            answer = client.post(f"{HERE}confirm", data={"code": pyotp.TOTP(secret).now()})

        assert answer.status_code == 422
        assert not secondfactor.in_force(agent.id)

    def test_replaces_none_that_is_on(self, client: FlaskClient) -> None:
        agent = an_agent()
        with_factor(agent)
        sign_in(client, agent)

        assert client.post(f"{HERE}begin", data={"old": PASSWORD}).status_code == 422
        assert secondfactor.in_force(agent.id)

    def test_the_database_holds_neither_secret_nor_codes(self, app: Flask) -> None:
        phone = with_factor(an_agent())

        kept = repr([vars(row) for row in (*db.session.scalars(select(SecondFactor)), *db.session.scalars(select(RecoveryCode)))])  # fmt: skip

        assert phone.app.secret not in kept
        assert not any(code in kept or code.replace("-", "") in kept for code in phone.paper)


class TestSigningIn:
    def test_the_password_alone_opens_nothing(self, client: FlaskClient) -> None:
        agent = an_agent()
        phone = with_factor(agent)
        password_given(client, agent)

        assert client.get("/login/code").status_code == 200
        assert not inside(client)
        assert client.get("/admin/tickets/").status_code == 302
        assert code_given(client, phone.code()) == 302
        assert inside(client)

    def test_a_code_works_once(self, client: FlaskClient, app: Flask) -> None:
        agent = an_agent()
        phone = with_factor(agent)
        password_given(client, agent)
        code = phone.code()
        assert code_given(client, code) == 302

        again = app.test_client()
        password_given(again, agent)

        assert code_given(again, code) == 422
        assert not inside(again)

    @pytest.mark.parametrize(("off", "status"), [(-2, 422), (-1, 302), (0, 302), (1, 302), (2, 422)])
    def test_a_phone_may_be_half_a_minute_off(self, client: FlaskClient, off: int, status: int) -> None:
        with time_machine.travel(NOON - dt.timedelta(minutes=5), tick=False):
            agent = an_agent()
            phone = with_factor(agent)
        with time_machine.travel(NOON, tick=False):
            password_given(client, agent)

            assert code_given(client, phone.code(off)) == status

    def test_five_wrong_codes_end_it(self, client: FlaskClient) -> None:
        agent = an_agent()
        phone = with_factor(agent)
        password_given(client, agent)

        answers = [code_given(client, "000000") for _ in range(5)]

        assert answers == [422, 422, 422, 422, 302]
        assert client.post("/login/code", data={"code": phone.code()}).location == "/login/"
        assert not inside(client)

    def test_a_copied_half_done_sign_in_gives_no_further_tries(self, client: FlaskClient, app: Flask) -> None:
        agent = an_agent()
        phone = with_factor(agent)
        password_given(client, agent)
        copy = app.test_client()
        cookie = client.get_cookie(app.config["SESSION_COOKIE_NAME"])
        assert cookie is not None
        for _ in range(5):
            code_given(client, "000000")

        copy.set_cookie(app.config["SESSION_COOKIE_NAME"], cookie.value)

        assert copy.post("/login/code", data={"code": phone.code()}).location == "/login/"
        assert not inside(copy)

    def test_beginning_anew_gives_only_so_many(self, app: Flask) -> None:
        agent = an_agent()
        phone = with_factor(agent)
        for _ in range(4):
            password_given(client := app.test_client(), agent)
            for _ in range(5):
                code_given(client, "000000")

        password_given(client, agent)

        assert code_given(client, phone.code()) == 422
        assert not inside(client)

    @pytest.mark.parametrize("ending", ["eleven minutes", "a new password", "the second factor reset"])
    def test_a_half_done_one_ends_with(self, client: FlaskClient, ending: str) -> None:
        agent = an_agent()
        phone = with_factor(agent)
        password_given(client, agent)
        later = dt.datetime.now(dt.UTC)
        if ending == "eleven minutes":
            later += dt.timedelta(minutes=11)
        elif ending == "a new password":
            agent.password = "another"
        else:
            secondfactor.switch_off(agent.id)
        db.session.commit()

        with time_machine.travel(later, tick=False):
            assert client.post("/login/code", data={"code": phone.code()}).location == "/login/"
            assert not inside(client)

    def test_leads_on_to_where_they_wanted_to_go(self, client: FlaskClient) -> None:
        agent = an_agent()
        phone = with_factor(agent)
        client.post("/login/?next=/admin/dashboard", data={"username": agent.username, "password": PASSWORD})

        answer = client.post("/login/code", data={"code": phone.code()})

        assert answer.location == "/admin/dashboard"

    @pytest.mark.parametrize("code", ["", "x" * 100_000, "١٢٣٤٥٦", "\x00", "12345", "' OR 1=1"])
    def test_nonsense_is_no_code(self, client: FlaskClient, code: str) -> None:
        agent = an_agent()
        with_factor(agent)
        password_given(client, agent)

        assert code_given(client, code) == 422

    def test_without_a_half_done_one_there_is_no_code_to_give(self, client: FlaskClient) -> None:
        assert client.get("/login/code").location == "/login/"
        assert client.post("/login/code", data={"code": "123456"}).location == "/login/"

    def test_forgotten_ones_are_swept(self, client: FlaskClient) -> None:
        agent = an_agent()
        with_factor(agent)
        password_given(client, agent)

        with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(hours=1), tick=False):
            secondfactor.forget_over()

        assert db.session.scalar(select(func.count()).select_from(HalfSignIn)) == 0

    def test_a_stranger_with_the_password_keeps_the_owner_out_of_no_browser_of_theirs(
        self, client: FlaskClient, app: Flask
    ) -> None:
        agent = an_agent()
        phone = with_factor(agent)
        password_given(client, agent)
        code_given(client, phone.code())
        client.post("/logout/")
        exhausted(app.test_client(), agent)

        password_given(client, agent)
        assert code_given(client, phone.code(1)) == 302
        assert inside(client)

    def test_a_stranger_with_the_password_keeps_the_owner_out_with_no_recovery_code(self, app: Flask) -> None:
        agent = an_agent()
        phone = with_factor(agent)
        exhausted(app.test_client(), agent)

        fresh = app.test_client()
        password_given(fresh, agent)
        assert code_given(fresh, phone.code()) != 302
        assert code_given(fresh, phone.paper[0]) == 302

    def test_a_known_browser_tries_no_more_codes_than_any(self, client: FlaskClient, app: Flask) -> None:
        agent = an_agent()
        phone = with_factor(agent)
        password_given(client, agent)
        code_given(client, phone.code())
        client.post("/logout/")
        exhausted(client, agent)

        password_given(client, agent)
        assert code_given(client, phone.code(1)) != 302

    def test_a_browser_known_to_one_person_is_a_strangers_for_another(self, client: FlaskClient, app: Flask) -> None:
        agent, other = an_agent(), an_agent()
        phones = {each: with_factor(each) for each in (agent, other)}
        password_given(client, agent)
        code_given(client, phones[agent].code())
        client.post("/logout/")
        exhausted(client, other)

        password_given(client, other)
        assert code_given(client, phones[other].code()) != 302


class TestRecoveryCodes:
    def test_each_lets_in_once(self, client: FlaskClient, app: Flask) -> None:
        agent = an_agent()
        phone = with_factor(agent)
        password_given(client, agent)

        assert code_given(client, phone.paper[3].upper()) == 302
        assert inside(client)
        again = app.test_client()
        password_given(again, agent)
        assert code_given(again, phone.paper[3]) == 422
        assert secondfactor.codes_left(agent.id) == 9

    def test_one_persons_let_nobody_else_in(self, client: FlaskClient) -> None:
        agent, other = an_agent(), an_agent()
        with_factor(agent)
        theirs = with_factor(other).paper
        password_given(client, agent)

        assert code_given(client, theirs[0]) == 422

    def test_new_ones_end_the_old_ones(self, client: FlaskClient) -> None:
        agent = an_agent()
        phone = with_factor(agent)
        sign_in(client, agent)

        assert client.post(f"{HERE}codes", data={"old": PASSWORD, "code": "000000"}).status_code == 422
        assert client.post(f"{HERE}codes", data={"old": "wrong", "code": phone.code()}).status_code == 422
        shown = client.post(f"{HERE}codes", data={"old": PASSWORD, "code": phone.code()})

        assert shown.status_code == 200
        assert not secondfactor.proves(agent.id, phone.paper[0])
        fresh = re.findall(r"<code>([a-z2-7-]{19})</code>", shown.text)
        assert secondfactor.proves(agent.id, fresh[0])


class TestSwitchingOff:
    def test_asks_for_password_and_code(self, client: FlaskClient) -> None:
        agent = an_agent()
        phone = with_factor(agent)
        sign_in(client, agent)

        for words in ({}, {"old": PASSWORD}, {"code": phone.code()}, {"old": "wrong", "code": phone.code()}):
            assert client.post(f"{HERE}off", data=words).status_code == 422
            assert secondfactor.in_force(agent.id)
        assert client.post(f"{HERE}off", data={"old": PASSWORD, "code": phone.code()}).status_code == 302

        assert not secondfactor.in_force(agent.id)
        assert secondfactor.codes_left(agent.id) == 0

    @pytest.mark.parametrize("what", ["off", "codes"])
    def test_takes_ten_wrong_codes_at_most(self, client: FlaskClient, what: str) -> None:
        agent = an_agent()
        phone = with_factor(agent)
        sign_in(client, agent)
        wrong = [client.post(f"{HERE}{what}", data={"old": PASSWORD, "code": "wrong"}).status_code for _ in range(10)]

        answer = client.post(f"{HERE}{what}", data={"old": PASSWORD, "code": phone.code()})

        assert wrong == [422] * 10
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 0
        assert secondfactor.in_force(agent.id)
        assert secondfactor.proves(agent.id, phone.paper[0])

    def test_is_refused_where_the_role_needs_it(self, client: FlaskClient) -> None:
        agent = an_agent()
        phone = with_factor(agent)
        needed_by(agent)
        sign_in(client, agent)

        assert client.post(f"{HERE}off", data={"old": PASSWORD, "code": phone.code()}).status_code == 403
        assert secondfactor.in_force(agent.id)


def needed_by(user: User) -> None:
    db.session.get_one(RoleScope, user.roles[0].id).second_factor = True
    db.session.commit()


class TestReset:
    def test_by_an_admin_ends_it_and_tells_the_person(self, client: FlaskClient, app: Flask) -> None:
        agent, admin = an_agent(), an_admin()
        with_factor(agent)
        sign_in(client, agent)
        sign_in(desk := app.test_client(), admin)

        assert desk.post(f"/admin/staff/action/reset_factor/{agent.id}").status_code == 302
        run_jobs(1)

        assert not secondfactor.in_force(agent.id)
        assert not inside(client)
        told = db.session.scalars(select(Delivery)).all()
        assert [(mail.kind, mail.staff_id) for mail in told] == [("factor_reset", agent.id)]
        assert told[0].values == {"who": f"{admin.first_name} {admin.last_name}"}

    def test_of_somebody_above_is_refused(self, client: FlaskClient) -> None:
        strongest = a_super_admin()
        with_factor(strongest)
        sign_in(client, an_admin())

        assert client.post(f"/admin/staff/action/reset_factor/{strongest.id}").status_code == 403
        assert secondfactor.in_force(strongest.id)

    def test_is_offered_for_those_alone_who_have_one_and_are_not_above(self, client: FlaskClient) -> None:
        agent, strongest, without = an_agent(), a_super_admin(), an_agent()
        with_factor(agent)
        with_factor(strongest)
        secondfactor.prepare(without.id)  # begun, no code typed yet
        sign_in(client, an_admin())

        offered = [
            "reset_factor" in client.get(f"/admin/staff/show/{person.id}").text
            for person in (agent, strongest, without)
        ]

        assert offered == [True, False, False]

    def test_is_not_an_agents_to_do(self, client: FlaskClient) -> None:
        agent = an_agent()
        with_factor(agent)
        sign_in(client, an_agent())

        client.post(f"/admin/staff/action/reset_factor/{agent.id}")

        assert secondfactor.in_force(agent.id)


def test_the_staff_page_says_who_has_one(client: FlaskClient, at_most: AtMost) -> None:
    with_factor(an_agent(name="sure"))
    secondfactor.prepare(an_agent(name="begun").id)
    an_agent(name="without")
    sign_in(client, an_admin(name="admin"))

    with at_most(12):
        page = client.get("/admin/staff/list/").text

    said = re.findall(r'>(\w+)</a></td>(?:(?!<tr>).)*?data-h="Second factor">(\w+)<', page, re.S)
    assert dict(said) == {"sure": "Yes", "begun": "No", "without": "No", "admin": "No"}


class TestNeededByARole:
    def test_leads_to_the_set_up_before_anything_else_opens(self, client: FlaskClient) -> None:
        agent = an_agent()
        needed_by(agent)
        sign_in(client, agent)

        for page in ("/admin/tickets/", "/admin/me/", "/admin/dashboard", "/"):
            assert client.get(page).location == HERE
        assert client.post("/admin/me/signature", data={"signature": "x"}).status_code == 403
        assert client.get("/admin/notifications/unread", headers={"Accept": "application/json"}).status_code == 403
        assert client.get(HERE).status_code == 200
        client.post(f"{HERE}begin", data={"old": PASSWORD})
        secret = secondfactor.prepared(agent.id)
        assert secret is not None
        assert client.post(f"{HERE}confirm", data={"code": pyotp.TOTP(secret).now()}).status_code == 200
        assert client.get("/admin/tickets/").status_code == 200

    def test_lets_out(self, client: FlaskClient) -> None:
        agent = an_agent()
        needed_by(agent)
        sign_in(client, agent)

        assert client.post("/logout/").location == "/login/"

    def test_leaves_programs_alone(self, client: FlaskClient) -> None:
        agent = an_agent()
        _key, secret = keys.make("a program", agent.id, ["*"])
        needed_by(agent)

        assert client.get("/api/v1/tickets", headers={"Authorization": f"Bearer {secret}"}).status_code == 200

    def test_is_a_box_on_the_roles_page(self, client: FlaskClient) -> None:
        agent, strongest = an_agent(), a_super_admin()
        sign_in(client, strongest)
        role = agent.roles[0].id

        answer = client.post(f"/admin/role-scopes/edit/{role}", data={"scope": "all", "categories": "", "second_factor": "y"})  # fmt: skip

        assert answer.status_code == 302
        assert db.session.get_one(RoleScope, role, populate_existing=True).second_factor


def test_another_secret_key_leaves_the_recovery_codes(client: FlaskClient, app: Flask) -> None:
    """docs/sign-in.md: what a changed SECRET_KEY means."""
    agent = an_agent()
    phone = with_factor(agent)
    key = app.config["SECRET_KEY"]
    try:
        app.config["SECRET_KEY"] = "another key, as after a restore without the old one"
        password_given(client, agent)

        assert code_given(client, phone.code()) == 422
        assert code_given(client, phone.paper[0]) == 302
        assert inside(client)
    finally:
        app.config["SECRET_KEY"] = key


def test_the_apps_list_names_desk_and_person(app: Flask) -> None:
    setting(desk_name="Fjord & Søn")

    address = secondfactor.address("ann", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "Fjord & Søn")

    assert (
        address
        == "otpauth://totp/Fjord%20%26%20S%C3%B8n:ann?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Fjord%20%26%20S%C3%B8n"
    )
