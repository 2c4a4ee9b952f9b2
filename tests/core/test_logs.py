"""A line of the log is one line, says where and who, and nothing that a person typed in confidence."""

import io
import json
import logging

import pytest
import structlog
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from app.core import logs
from app.core.extensions import db
from tests.factories import PASSWORD, a_customer, an_admin, an_agent, sign_in

FORGED = 'kim\r\n{"level": "error", "event": "forged"}\x1b[31m\u2028'


@pytest.fixture
def lines(app):
    """What production would write, as JSON; the logging of the tests is put back."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, levels = root.handlers[:], {name: logging.getLogger(name).level for name in ("", "app", "app.core.logs")}
    logs.configure(production=True, stream=stream)

    def read() -> list[dict[str, object]]:
        text = stream.getvalue()
        assert text.isascii() and "\x1b" not in text and "\r" not in text
        return [json.loads(line) for line in text.splitlines()]

    yield read
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    structlog.contextvars.clear_contextvars()


def test_a_request_is_one_line_with_its_id_route_actor_and_cost(app, client: FlaskClient, lines):
    agent = an_agent()
    sign_in(client, agent)

    answer = client.get("/admin/tickets/?q=a+secret+search")

    line = lines()[-1]
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert (line["route"], line["method"], line["status"]) == ("/admin/tickets/", "GET", 200)
    assert (line["actor_kind"], line["actor_id"]) == ("staff", agent.id)
    assert line["ms"] > 0 and 0 < line["statements"] < 20
    assert "secret" not in json.dumps(lines())


@pytest.mark.parametrize("place", ["user name", "user agent", "forwarded for", "subject", "path", "request id"])
def test_no_line_can_be_forged(app, client: FlaskClient, lines, place):
    flat = FORGED.replace("\r", " ").replace("\n", " ")
    given = {
        "user name": lambda: client.post("/login/", data={"username": FORGED, "password": "x"}),
        "user agent": lambda: client.get("/login/", headers={"User-Agent": flat.replace("\u2028", "")}),
        "forwarded for": lambda: client.get("/login/", headers={"X-Forwarded-For": flat.replace("\u2028", "")}),
        "subject": lambda: logging.getLogger("app.mail").warning("a mail was refused: %s", FORGED),
        "path": lambda: client.get("/nowhere/%0d%0a%1b[31mforged"),
        "request id": lambda: client.get("/login/", headers={"X-Request-ID": "forged"}),
    }
    given[place]()

    assert [line for line in lines() if line.get("event") == "forged"] == []
    assert all(line.get("request_id") != "forged" for line in lines())
    assert len(lines()) >= 1


def test_a_line_on_a_terminal_shows_codes_instead_of_doing_them():
    shown = logs.as_text(None, "", {"level": "warning", "event": FORGED})

    assert shown.count("\n") == 0 and "\x1b" not in shown
    assert "\\x1b[31m" in shown


def test_a_field_that_is_not_on_the_list_is_not_written(lines):
    logging.getLogger("app").warning(
        "something", extra={"password": "hunter2 canary", "subject": "private canary", "rows": 3}
    )

    assert lines()[-1]["rows"] == 3
    assert "canary" not in json.dumps(lines())


@pytest.mark.parametrize(
    "said",
    [
        "cannot connect to smtps://desk:canary-one@mail.example.com",
        "Authorization: Bearer canary-two",
        "password='canary-three' is wrong",
        "GET /welcome/canary-four failed",
        "GET /portal/link/canary-five failed",
        "the key dsk_canary-six",
        "SECRET_KEY=canary-seven",
    ],
)
def test_the_words_of_libraries_lose_their_secrets(lines, said):
    logging.getLogger("somebody.else").error(said)

    assert "canary" not in json.dumps(lines())
    assert "***" in lines()[-1]["event"]


def test_an_error_tells_where_it_was_and_not_the_row_it_was_about(app, lines):
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    a_customer("Canary Person", email="canary@customer.test")
    db.session.commit()
    try:
        db.session.execute(
            text("INSERT INTO customer (name, email, email_key, name_key) VALUES (:n, 'x', :k, '')"),
            {"n": "Canary words", "k": "canary@customer.test"},
        )
    except SQLAlchemyError:
        db.session.rollback()
        logging.getLogger("app").exception("could not be stored")

    line = lines()[-1]
    assert "test_logs.py" in line["trace"]
    assert "anary" not in json.dumps(line)


def test_an_error_page_shows_the_id_under_which_the_log_has_it(app, client: FlaskClient, lines, monkeypatch):
    monkeypatch.setitem(app.view_functions, "health.alive", lambda: 1 / 0)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    try:
        answer = client.get("/healthz")
    finally:
        app.config["PROPAGATE_EXCEPTIONS"] = None

    assert answer.status_code == 500
    assert answer.headers["X-Request-ID"] in answer.text
    broken = next(line for line in lines() if "trace" in line)
    assert broken["request_id"] == answer.headers["X-Request-ID"]
    assert broken["error"].startswith("ZeroDivisionError")


def test_signing_in_and_asking_for_a_link_leave_no_secret_in_the_log(app, client: FlaskClient, lines):
    """Each door through which a secret comes, right and wrong."""
    admin = an_admin(name="kim")
    customer = a_customer("Ada", email="ada@customer.test")
    db.session.commit()

    client.post("/login/", data={"username": "kim", "password": "wrong canary password"})
    client.post("/login/", data={"username": "canary typed here", "password": PASSWORD})
    client.post("/login/", data={"username": admin.username, "password": PASSWORD})
    client.get("/welcome/canary-welcome")
    client.get("/portal/link/canary-link")
    client.get("/portal/password/canary-password")
    client.get("/portal/prove/canary-prove")
    client.post("/portal/login", data={"email": customer.email, "password": "canary customer password"})
    client.get("/api/v1/tickets", headers={"Authorization": "Bearer dsk_canary-key"})

    written = json.dumps(lines())
    assert "canary" not in written and PASSWORD not in written
    assert {"/login/", "/welcome/<secret>", "/portal/link/<secret>"} <= {
        line["route"] for line in lines() if "route" in line
    }


PIECES = ("password=x", "passwd: y", "Bearer abc", "basic Zm9v", "http://u:p@h", "/welcome/abc", "/PASSWORD/abc", "/prove/x", "dsk_1234", "Cookie: a=b", "code=1", "tokeN = 'z'", "ſecret=q", " ", "a word", ":", "/link/q.w~e")  # fmt: skip


@given(text=st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=6).map("".join))
def test_a_line_that_is_looked_at_once_hides_no_less(text: str) -> None:
    thorough = text
    for pattern in logs.SECRETS:
        thorough = pattern.sub(r"\1***", thorough)

    assert logs.scrubbed(text) == thorough
