"""The database server of the test run itself."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import postgres
from tests.run.desks import PROJECT, gone, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
STARTS_ONE = "import sys; from tests import postgres; print(postgres.start()[0], flush=True); sys.stdin.read()"


def test_the_server_of_a_killed_test_run_is_gone() -> None:
    env = {name: value for name, value in os.environ.items() if name != "TEST_DATABASE_URL"}
    tests = subprocess.Popen(
        [sys.executable, "-c", STARTS_ONE],
        cwd=PROJECT,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with tests:
        assert tests.stdout is not None
        home = Path(tests.stdout.readline().strip().partition("host=")[2])
        server = int((home / "data" / "postmaster.pid").read_text().splitlines()[0])
        assert not gone(server)

        tests.send_signal(signal.SIGKILL)

        until(lambda: gone(server), "PostgreSQL to end")


def test_a_database_of_ones_own_is_taken_and_left_running(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_DATABASE_URL", "postgresql://somebody@elsewhere/tests")

    url, stop = postgres.start()
    stop()

    assert url == "postgresql://somebody@elsewhere/tests"
