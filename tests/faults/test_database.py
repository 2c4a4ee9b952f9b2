"""The database goes away, loses a connection, or has no room: a clean answer, nothing half-written, and on it goes afterwards."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, make_url, select, text
from sqlalchemy.exc import DBAPIError

from app import create_app
from app.core import queue
from app.core.extensions import db
from app.core.outbox import Outbox
from app.schedule import JOBS
from app.tickets.models import Ticket
from tests.factories import a_customer, a_ticket, an_admin, sign_in_customer
from tests.faults.conftest import new_database
from tests.faults.places import Gate
from tests.run.desks import PROJECT, command, free_port, surroundings, until

FORM = {"form": "mark", "subject": "Printer", "message": "It burns."}
NOT_READY = "The desk is not ready"


def only(kind: str) -> pytest.MarkDecorator:
    """What the other database has no such thing of."""
    return pytest.mark.parametrize("app", [kind], indirect=True)


def tickets() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Ticket)) or 0


@only("postgresql")
def test_a_connection_cut_in_the_middle_leaves_nothing_half_written(app: Flask) -> None:
    a_ticket()
    db.session.flush()
    mine = db.session.scalar(text("SELECT pg_backend_pid()"))
    with db.engine.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})

    with pytest.raises(DBAPIError):
        db.session.commit()

    db.session.rollback()
    assert tickets() == 0
    assert db.session.scalar(select(func.count()).select_from(Outbox)) == 0


@only("postgresql")
def test_a_job_whose_connection_is_cut_keeps_its_row_and_the_next_job_runs(app: Flask) -> None:

    def cut() -> None:
        a_ticket()
        db.session.flush()
        mine = db.session.scalar(text("SELECT pg_backend_pid()"))
        with db.engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})
        db.session.execute(select(1))

    queue.allow({**JOBS, "cut": cut})
    try:
        first, second = Outbox.put("cut"), Outbox.put("tickets.recount_tally")
        db.session.flush()
        ids = first.id, second.id
        db.session.commit()
        for one in ids:
            queue.run_outbox(one)
    finally:
        queue.allow(JOBS)

    db.session.rollback()
    assert db.session.get_one(Outbox, ids[0]).state == "waiting"
    assert "terminating connection" in (db.session.get_one(Outbox, ids[0]).error or "")
    assert db.session.get_one(Outbox, ids[1]).state == "done"
    assert tickets() == 0


@contextmanager
def full_disk(app: Flask) -> Iterator[None]:
    """No page more than there are now, and none that earlier tests left free."""
    db.session.remove()
    with closing(db.engine.raw_connection()) as connection:
        connection.cursor().execute("VACUUM")

    def bound(connection: Any, *_: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")

    event.listen(db.engine, "checkout", bound)
    try:
        yield
    finally:
        db.session.remove()
        event.remove(db.engine, "checkout", bound)
        db.engine.dispose()  # the bound is each connection's own


@only("sqlite")
def test_a_full_disk_is_said_in_a_sentence_and_harms_nothing(app: Flask, client: FlaskClient) -> None:
    sign_in_customer(client, a_customer())
    long = FORM | {"message": "It burns. " * 30_000}

    with full_disk(app):
        answer = client.post("/portal/tickets/new", data=long)
        asked = client.post("/portal/tickets/new", data=long, headers={"Accept": "application/json"})

    assert (answer.status_code, asked.status_code) == (503, 503)
    assert "disk is full" in answer.text and "disk is full" in asked.json["error"]["message"]
    assert tickets() == 0
    assert db.session.scalars(text("PRAGMA integrity_check")).all() == ["ok"]
    assert client.post("/portal/tickets/new", data=long).status_code == 303
    assert tickets() == 1


def test_a_file_that_may_not_grow_is_a_full_disk_too(tmp_path: Path) -> None:
    """In a process of its own, as the bound holds for all of its files."""
    told = subprocess.run(
        command_of("bounded.py", str(tmp_path)),
        cwd=PROJECT,
        env=surroundings(PROJECT, tmp_path),
        capture_output=True,
        text=True,
        timeout=100,
    )

    assert told.stdout.split() == ["503", "ok", "303"], told.stderr[-3000:]


def command_of(script: str, *words: str) -> list[str]:
    return [*command()[:-2], str(Path(__file__).with_name(script)), *words]


def test_pages_of_the_version_before_are_read_on_while_a_migration_is_pending(app: Flask, client: FlaskClient) -> None:
    ticket = a_ticket()
    sign_in_customer(client, ticket.requester)
    right = db.session.scalar(text("SELECT version_num FROM alembic_version"))
    db.session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    db.session.commit()
    try:
        ready, page = client.get("/readyz"), client.get(f"/portal/tickets/{ticket.number}")
    finally:
        db.session.execute(text("UPDATE alembic_version SET version_num = :right"), {"right": right})
        db.session.commit()

    assert ready.status_code == 503
    assert ready.json["checks"]["migrations"]["ok"] is False
    assert page.status_code == 200


@pytest.fixture
def gate(postgresql: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gate, str]]:
    """A door before PostgreSQL, and the address of an empty database behind it."""
    behind = Path(str(make_url(postgresql).query["host"]), ".s.PGSQL.5432")
    folder = Path(tempfile.mkdtemp(prefix="gate", dir="/tmp"))
    folder.chmod(0o755)
    for url in new_database(postgresql):
        gate = Gate(folder, behind)
        yield gate, make_url(url).set(query={"host": str(folder)}).render_as_string(hide_password=False)
        gate.shut()
    folder.rmdir()


def test_the_web_waits_for_a_database_that_is_down_and_says_so(gate: tuple[Gate, str], tmp_path: Path) -> None:
    door, url = gate
    app = create_app(SQLALCHEMY_DATABASE_URI=url, TESTING=True, QUEUE_OFF=True)
    with app.app_context():
        from app.desk.setup import set_up

        set_up()
        an_admin()
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
    door.shut()
    port = free_port()
    env = surroundings(PROJECT, tmp_path / "data", DATABASE_URL=url, DESKHAND_PORT=str(port), DESKHAND_WEB_WORKERS="1")
    web = subprocess.Popen(command("web"), cwd=PROJECT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        until(lambda: status(address + "/healthz") == 200, "the web to start without a database", 60)
        page = requests.get(address + "/portal/login", timeout=30)
        told = requests.get(address + "/api/v1/tickets", headers={"Authorization": "Bearer dsk_x"}, timeout=30)
        ready = requests.get(address + "/readyz", timeout=30)

        assert (page.status_code, told.status_code, ready.status_code) == (503, 503, 503)
        assert NOT_READY in page.text and page.headers["Retry-After"]
        assert told.json()["error"]["code"] == "unavailable"
        assert ready.json()["checks"]["database"]["ok"] is False

        door.open()
        assert requests.get(address + "/portal/login", timeout=30).status_code == 200
        door.shut()  # once more, now with connections in the pool
        assert status(address + "/portal/login") == 503
        door.open()
        assert status(address + "/portal/login") == 200
    finally:
        web.terminate()
        web.wait(20)


def status(address: str) -> int:
    try:
        return requests.get(address, timeout=30).status_code
    except requests.ConnectionError:
        return 0
