"""The audit log knows who came, who was refused, and what became of passwords, second factors and sessions."""

import pyotp
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.accounts import secondfactor
from app.accounts import staff as people
from app.core.audit import Audit
from app.core.extensions import db
from tests.accounts.test_second_factor import with_factor
from tests.factories import PASSWORD, an_admin, an_agent, sign_in

NEW = "violet tractor sings"
OF_SIGN_IN = ("signed_in", "sign_in_refused", "signed_out", "password_changed", "reset_asked", "invited", "second_factor_on", "second_factor_off", "second_factor_refused", "sessions_ended")  # fmt: skip


def noted() -> list[tuple[str, str]]:
    """What, and who did it."""
    rows = db.session.scalars(select(Audit).where(Audit.what.in_(OF_SIGN_IN)).order_by(Audit.id))
    return [(row.what, row.actor_name) for row in rows]


def test_coming_being_refused_and_going(client: FlaskClient) -> None:
    agent = an_agent(name="kim")
    phone = with_factor(agent)

    client.post("/login/", data={"username": "kim", "password": "a secret of another place"})
    client.post("/login/", data={"username": "kim", "password": PASSWORD})
    client.post("/login/code", data={"code": "000000"})
    client.post("/login/code", data={"code": phone.code()})
    client.post("/logout/")

    assert noted() == [
        ("sign_in_refused", "Deskhand"), ("second_factor_refused", "kim"), ("signed_in", "kim"), ("signed_out", "kim"),
    ]  # fmt: skip
    assert "a secret" not in repr([vars(row) for row in db.session.scalars(select(Audit))])


def test_ones_own_account(client: FlaskClient) -> None:
    agent = an_agent(name="kim")
    sign_in(client, agent)

    client.post("/admin/me/password", data={"old": PASSWORD, "password": NEW, "again": NEW})
    client.post("/admin/me/second-factor/begin", data={"old": NEW})
    secret = secondfactor.prepared(agent.id)
    assert secret is not None
    client.post("/admin/me/second-factor/confirm", data={"code": pyotp.TOTP(secret).now()})
    client.post("/admin/me/sessions/end-others")

    assert noted() == [("password_changed", "kim"), ("second_factor_on", "kim"), ("sessions_ended", "kim")]
    assert secret not in repr([vars(row) for row in db.session.scalars(select(Audit))])


def test_what_an_admin_does_for_somebody(client: FlaskClient, app: Flask) -> None:
    agent = an_agent(name="kim")
    with_factor(agent)
    sign_in(client, an_admin(name="boss"))

    client.post(f"/admin/staff/action/invite/{agent.id}")
    client.post(f"/admin/staff/action/reset_factor/{agent.id}")
    people.ask_reset("kim")
    db.session.commit()

    assert noted() == [("invited", "boss"), ("second_factor_off", "boss"), ("reset_asked", "Deskhand")]
