"""One policy for passwords behind every door that sets one, and one check behind every door that takes one."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from app.accounts import customers, passwords, tokens
from app.accounts import staff as people
from app.accounts.models import OneTimeToken
from app.accounts.tokens import Purpose
from app.core.errors import Invalid
from app.core.extensions import db
from app.mail.models import Delivery
from tests.effort import effort
from tests.factories import HASH, PASSWORD, a_customer, a_super_admin, an_agent, run_jobs, setting, sign_in

GOOD = "violet tractor sings"
WEAK = {
    "empty": "", "eleven characters": "vTr4x!q9Zp2", "on every list": "password1234", "listed and dressed up": "!!Football2024", "listed in figures": "p4$$w0rd!!!!",
    "the user name": "violet-kimberly-tractor", "the address": "violet kim.berg@desk.test", "the product": "deskhand rides a horse", "the desk": "fjord support for all of us",
    "one letter": "aaaaaaaaaaaaaaaaaaaa", "a row of keys": "qwertyuiopasdf", "129 characters": "violet tractor sings " * 6 + "abc", "a megabyte": "é" * 1_000_000,
}  # fmt: skip


def kim() -> User:
    user = an_agent(name="kimberly")
    user.email = "kim.berg@desk.test"
    setting(desk_name="Fjord Support")
    db.session.commit()
    return user


def invited(user: User) -> str:
    people.invite(user)
    db.session.commit()
    link = str(db.session.scalars(select(Delivery.values).order_by(Delivery.id.desc())).first()["link"])  # type: ignore[index]
    return link.removeprefix("http://127.0.0.1:8080")


@pytest.mark.parametrize("password", WEAK.values(), ids=WEAK)
class TestAWeakOneIsRefusedAt:
    def test_the_link_of_an_invitation(self, client: FlaskClient, password: str) -> None:
        user = kim()
        link = invited(user)

        page = client.post(link, data={"password": password}).text

        assert 'role="alert"' in page
        assert user.password == HASH

    def test_ones_own_account(self, client: FlaskClient, password: str) -> None:
        user = kim()
        sign_in(client, user)
        words = {"old": PASSWORD, "password": password, "again": password}

        assert client.post("/admin/me/password", data=words).status_code == 422
        assert db.session.get_one(User, user.id, populate_existing=True).password == HASH

    def test_the_command_line(self, app: Flask, password: str) -> None:
        kim()
        words = ["--username", "kimberly2", "--first-name", "Kim", "--email", "kim.berg@desk.test", "--password", password]  # fmt: skip
        if "kimberly" in password:
            words[1] = "kimberly"

        done = app.test_cli_runner().invoke(args=["desk", "create-staff", *words])

        assert done.exit_code != 0
        assert db.session.scalar(select(User).where(User.username == "kimberly2")) is None

    def test_flask_appbuilders_own_commands(self, app: Flask, password: str) -> None:
        user = kim()

        with pytest.raises(Invalid):
            app.appbuilder.sm.reset_password(user.id, password)  # type: ignore[attr-defined]


class TestCustomers:
    @pytest.mark.parametrize(
        "password", ["vTr4x!q9Z", "password1234", "x" * 129, "ada@customer.test!", "é" * 1_000_000]
    )
    def test_a_weak_one_is_refused(self, client: FlaskClient, password: str) -> None:
        customer = a_customer(name="Ada", email="ada@customer.test")
        secret = tokens.issue(Purpose.RESET, customer)
        db.session.commit()

        answer = client.post(f"/portal/password/{secret}", data={"password": password, "again": password})

        assert answer.status_code == 422
        assert customer.password_hash is None

    def test_ten_characters_are_enough_for_them_and_not_for_staff(self, app: Flask) -> None:
        password = "vTr4x!q9Zp"
        customers.set_password(a_customer(), password)

        with pytest.raises(Invalid):
            people.set_password(an_agent(), password)


def test_128_characters_and_other_scripts_are_taken(app: Flask) -> None:
    agent = an_agent()

    for password in (
        "violet tractor sings " * 6 + "ab",
        "сиреневый трактор поёт",
        "紫のトラクターが歌うよ毎朝",
        "🦊 sings to 🐧 nightly",
    ):
        people.set_password(agent, password)
        assert passwords.matches(agent.password, password)


@pytest.mark.parametrize("door", ["staff sign in", "staff choose", "customers sign in", "customers choose"])
def test_a_megabyte_is_refused_without_hashing_it(client: FlaskClient, door: str) -> None:
    """Measured without the way through the form, which has to read the megabyte whatever we do."""
    megabyte, agent, customer = "x" * 1_000_000, an_agent(), a_customer(password_hash=HASH)

    def knock() -> None:
        match door:
            case "staff sign in":
                assert not passwords.matches(agent.password, megabyte)
            case "customers sign in":
                assert customers.sign_in(customer.email, megabyte) is None
            case "staff choose":
                with pytest.raises(Invalid):
                    people.set_password(agent, megabyte)
            case _:
                with pytest.raises(Invalid):
                    customers.set_password(customer, megabyte)

    assert effort(knock, enough=1) < 1


def test_the_longest_sensible_one_is_judged_quickly(app: Flask) -> None:
    agent = an_agent()

    def choose() -> None:
        with pytest.raises(Invalid):
            people.set_password(agent, "aA1!" * 32)

    assert effort(choose, enough=10) < 10


@pytest.mark.parametrize(("kept", "typed"), [(None, ""), ("", ""), ("", "x"), (HASH, ""), (HASH, "\0"), ("not a hash", "x")])  # fmt: skip
def test_no_password_is_never_the_right_one(kept: str | None, typed: str) -> None:
    assert not passwords.matches(kept, typed)


def test_somebody_invited_who_chose_none_yet_cannot_sign_in(client: FlaskClient) -> None:
    agent = an_agent()
    agent.password = ""
    db.session.commit()

    for typed in ("", " ", "x"):
        assert client.post("/login/", data={"username": agent.username, "password": typed}).location is None


class TestLinksOfStaff:
    def test_work_once(self, client: FlaskClient) -> None:
        link = invited(an_agent())

        assert client.post(link, data={"password": GOOD}).location == "/login/"

        assert client.get(link).status_code == client.post(link, data={"password": GOOD}).status_code == 404

    @pytest.mark.parametrize("end", ["a new password", "a new address", "a newer link", "deactivation", "age"])
    def test_end_with(self, client: FlaskClient, end: str) -> None:
        agent = an_agent()
        link = invited(agent)
        match end:
            case "a new password":
                people.set_password(agent, GOOD)
            case "a new address":
                agent.email = "elsewhere@desk.test"
            case "a newer link":
                invited(agent)
            case "deactivation":
                agent.active = False
            case _:
                token = db.session.scalars(select(OneTimeToken)).one()
                token.expires_at = token.created_at
        db.session.commit()

        assert client.post(link, data={"password": GOOD}).status_code == 404

    @pytest.mark.parametrize("change", ["", "truncated", "another", "a customer's"])
    def test_made_up_ones_are_none(self, client: FlaskClient, change: str) -> None:
        link = invited(an_agent())
        secret = {
            "": "",
            "truncated": link.rpartition("/")[2][:-1],
            "another": "A" * 43,
            "a customer's": tokens.issue(Purpose.RESET, a_customer()),
        }[change]
        db.session.commit()

        assert client.post(f"/welcome/{secret}", data={"password": GOOD}).status_code == 404

    def test_end_every_session(self, client: FlaskClient, app: Flask) -> None:
        agent = an_agent()
        sign_in(elsewhere := app.test_client(), agent)

        client.post(invited(agent), data={"password": GOOD})

        assert elsewhere.get("/admin/me/").status_code == 302


def test_nobody_sets_anothers_password_at_the_desk(client: FlaskClient, app: Flask) -> None:
    """A Super Admin mails a link instead; Flask-AppBuilder's own pages for it are not there."""
    strongest, agent = a_super_admin(), an_agent()
    sign_in(client, strongest)
    rules = [rule.rule for rule in app.url_map.iter_rules()]

    assert not [rule for rule in rules if "resetpassword" in rule or "resetmypassword" in rule or "/users/" in rule]
    edited = {"username": agent.username, "first_name": "A", "last_name": "B", "email": agent.email, "active": "y", "roles": [str(agent.roles[0].id)], "password": GOOD, "conf_password": GOOD}  # fmt: skip
    assert client.post(f"/admin/staff/edit/{agent.id}", data=edited).status_code == 302
    assert db.session.get_one(User, agent.id, populate_existing=True).password == HASH
    assert client.post(f"/admin/staff/action/invite/{agent.id}").status_code == 302
    run_jobs(1)
    assert [mail.kind for mail in db.session.scalars(select(Delivery))] == ["invitation"]


def test_changing_ones_own_asks_for_the_old_one(client: FlaskClient, app: Flask) -> None:
    agent = an_agent()
    sign_in(client, agent)
    sign_in(elsewhere := app.test_client(), agent)
    new = {"password": GOOD, "again": GOOD}

    for old in ({}, {"old": ""}, {"old": "wrong"}, {"old": GOOD}):
        assert client.post("/admin/me/password", data={**new, **old}).status_code == 422
    assert client.post("/admin/me/password", data={**new, "old": PASSWORD}).status_code == 302

    assert client.get("/admin/me/").status_code == 200
    assert elsewhere.get("/admin/me/").status_code == 302


def test_flask_appbuilders_command_for_people_makes_whole_ones(app: Flask, client: FlaskClient) -> None:
    sm = app.appbuilder.sm  # type: ignore[attr-defined]

    with pytest.raises(Invalid):
        sm.add_user("pat", "Pat", "Doe", "pat@desk.test", sm.find_role("Support Agent"), "pat")
    user = sm.add_user("pat", "Pat", "Doe", "pat@desk.test", sm.find_role("Support Agent"), GOOD)

    assert user.id
    assert client.post("/login/", data={"username": "pat", "password": GOOD}).location == "/admin/tickets/"
