"""The whole product started by its one command, once: that it is ready, survives its processes and ends clean."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.run.desks import PROJECT, RunningDesk, a_desk, command, processes_of, until

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc"),
    pytest.mark.timeout(180),
]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    with a_desk(PROJECT, tmp_path_factory.mktemp("desk") / "data") as desk:
        desk.wait_for("Stop it with Ctrl-C", within_seconds=90)
        yield desk


def status(desk: RunningDesk, path: str) -> int:
    try:
        with urllib.request.urlopen(desk.url + path, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code
    except OSError:
        return 0


def test_the_first_start_shows_the_address_and_every_demo_person(desk: RunningDesk) -> None:
    assert f"{desk.url}/" in desk.text
    for person in (
        "super",
        "admin",
        "supervisor",
        "agent",
        "agent2",
        "developer",
        "ada@northwind.example",
        "eve@other.example",
    ):
        assert person in desk.text


def test_it_is_ready_and_says_for_which_folder(desk: RunningDesk) -> None:
    with urllib.request.urlopen(desk.url + "/readyz", timeout=10) as answer:
        assert str(desk.data) in json.dumps(json.load(answer))
    assert status(desk, "/healthz") == 200
    assert status(desk, "/login/") == 200


def test_the_command_line_reaches_the_running_desk(desk: RunningDesk) -> None:
    told = subprocess.run(
        command("desk", "status"), cwd=PROJECT, env=desk.env, capture_output=True, text=True, timeout=30
    )

    assert told.returncode == 0, told.stderr
    assert told.stdout


@pytest.mark.parametrize("name", ["web", "worker", "ticker", "receiver"])
def test_it_is_ready_again_after_a_process_was_killed(desk: RunningDesk, name: str) -> None:
    killed = min(desk.pids(name))
    os.kill(killed, signal.SIGKILL)

    until(lambda: (present := desk.pids(name)) and min(present) != killed, f"{name} to start again")
    until(lambda: status(desk, "/readyz") == 200, "the desk to be ready again")


def test_the_sign_ins_are_kept_for_their_owner_alone(desk: RunningDesk) -> None:
    kept = desk.data / "sign-ins.txt"

    assert kept.stat().st_mode & 0o077 == 0
    assert "super" in kept.read_text()


def test_it_ends_on_ctrl_c_and_starts_quickly_the_second_time(desk: RunningDesk) -> None:
    """The last test of this module: it ends the desk that the others share. The bound leaves room for a busy machine; alone it takes 3 s."""
    assert desk.stop(signal.SIGINT) == 0
    assert processes_of(desk.data) == []
    assert "Traceback" not in desk.text

    began_at = time.monotonic()
    with a_desk(PROJECT, desk.data) as again:
        again.wait_for("Stop it with Ctrl-C")
        assert time.monotonic() - began_at < 15
        assert "super" in again.text
        assert again.stop(signal.SIGTERM) == 0
        assert processes_of(desk.data) == []


def test_a_first_start_that_was_cut_off_in_its_demo_does_not_spoil_the_next(tmp_path: Path) -> None:
    with a_desk(PROJECT, tmp_path / "data") as cut_off:
        cut_off.wait_for("loading the demo")
        time.sleep(1)
        cut_off.stop()

    with a_desk(PROJECT, tmp_path / "data") as again:
        again.wait_for("starting the pages", within_seconds=60)
