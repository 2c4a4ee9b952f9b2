"""The one command with a stand-in for the app: what must hold however the app behaves."""

import os
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from app.run import folder
from tests.run.desks import (
    RunningDesk,
    a_desk,
    command,
    end_all,
    gone,
    name_of,
    processes_of,
    stand_in,
    surroundings,
    until,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
FOUR = ("web", "worker", "ticker", "receiver")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return stand_in(tmp_path / "a desk = 100%")


@pytest.fixture
def desk(project: Path, tmp_path: Path) -> Iterator[RunningDesk]:
    with a_desk(project, tmp_path / "its data") as desk:
        desk.wait_for("Stop it with Ctrl-C")
        yield desk


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_one_signal_ends_every_process_and_the_exit_status_is_0(desk: RunningDesk, number: int) -> None:
    assert desk.stop(number) == 0
    assert processes_of(desk.data) == []
    assert desk.text.splitlines()[-1] == "stopped"
    assert not folder.socket(desk.data).exists()


def test_a_signal_to_the_whole_group_ends_it_in_the_same_way(desk: RunningDesk) -> None:
    os.killpg(desk.process.pid, signal.SIGINT)

    assert desk.process.wait(20) == 0
    assert processes_of(desk.data) == []
    assert "starts again" not in desk.text


def test_it_says_where_it_is_and_as_whom_to_sign_in(desk: RunningDesk) -> None:
    assert f"{desk.url}/" in desk.text
    assert "super    correct-horse" in desk.text
    assert urllib.request.urlopen(f"{desk.url}/readyz", timeout=5).status == 200


def test_a_killed_process_starts_again(desk: RunningDesk) -> None:
    for name in FOUR:
        os.kill(min(desk.pids(name)), signal.SIGKILL)

    for name in FOUR:
        desk.wait_for(f"{name:9}| ended with -9; starts again in 1 s")
        until(lambda name=name: desk.pids(name), f"{name} to start again")


def test_a_killed_worker_takes_its_job_with_it(desk: RunningDesk) -> None:
    until(lambda: len(desk.pids("worker")) == 2, "the worker's own child")
    before = desk.pids("worker")

    os.kill(min(before), signal.SIGKILL)

    until(lambda: all(gone(pid) for pid in before), "the worker and its child to end", within_seconds=5)


def test_kill_9_of_the_supervisor_leaves_nothing_and_the_next_start_works(desk: RunningDesk, project: Path) -> None:
    desk.process.kill()
    with a_desk(project, desk.data) as next_desk:
        next_desk.wait_for("Stop it with Ctrl-C")
        next_desk.stop()

        until(lambda: not processes_of(desk.data), "everything to be gone")


def test_a_reader_who_leaves_stops_the_desk(project: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with unread(project, data, STANDIN="ticker falls") as desk:  # which it will want to tell
        assert desk.stdout is not None
        desk.stdout.readline()
        desk.stdout.close()

        assert desk.wait(20) != 0
        assert processes_of(data) == []


def test_a_desk_nobody_listens_to_can_still_be_stopped(project: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with unread(project, data, STANDIN="ticker talks") as desk:
        until(lambda: len(processes_of(data)) > 6, "the desk to run")
        time.sleep(1)  # the ticker fills the pipe meanwhile
        desk.terminate()

        assert desk.wait(20) == 0
        assert processes_of(data) == []


@contextmanager
def unread(project: Path, data: Path, **more: str) -> Iterator["subprocess.Popen[bytes]"]:
    env = surroundings(project, data, **more)
    desk = subprocess.Popen(
        command("up"), cwd=project, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, process_group=0
    )
    try:
        yield desk
    finally:
        end_all(data)
        desk.wait()
        assert desk.stdout is not None
        desk.stdout.close()


@pytest.mark.parametrize("room", ["none from the start", "none for a while"])
def test_a_log_without_room_loses_its_lines_and_not_the_desk(project: Path, tmp_path: Path, room: str) -> None:
    """As on a full disk: the file may not grow, and then may again."""
    data, kept = tmp_path / "data", tmp_path / "log"
    with logging_to(Path("/dev/full") if room == "none from the start" else kept, project, data) as desk:
        until(lambda: len(processes_of(data)) > 6, "the desk to run")
        if room == "none for a while":
            until(lambda: "Stop it with Ctrl-C" in kept.read_text(), "the desk to be ready")
            unbounded = resource.prlimit(desk.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(desk.pid, resource.RLIMIT_FSIZE, (kept.stat().st_size, unbounded[1]))
            assert_restarts(data, "worker")
            resource.prlimit(desk.pid, resource.RLIMIT_FSIZE, unbounded)
            assert "worker   | ended with -9" not in kept.read_text()
        assert_restarts(data, "ticker")
        desk.terminate()

        assert desk.wait(20) == 0
        assert processes_of(data) == []
    assert room == "none from the start" or "ticker   | ended with -9" in kept.read_text()


def assert_restarts(data: Path, name: str) -> None:
    def present() -> list[int]:
        return [pid for pid in processes_of(data) if name_of(pid) == f"desk-{name}"]

    until(present, f"the {name}")
    before = min(present())
    os.kill(before, signal.SIGKILL)
    until(lambda: gone(before) and present(), f"the {name} to start again")


@contextmanager
def logging_to(log: Path, project: Path, data: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with open(log, "ab") as file:
        desk = subprocess.Popen(
            command("up"), cwd=project, env=surroundings(project, data), stdout=file, stderr=file, process_group=0
        )
    try:
        yield desk
    finally:
        end_all(data)
        desk.wait()


def test_what_falls_again_and_again_waits_longer_each_time(project: Path, tmp_path: Path) -> None:
    with a_desk(project, tmp_path / "data", STANDIN="ticker falls") as desk:
        for pause in (1, 2, 4):
            desk.wait_for(f"starts again in {pause} s")

        assert "the clock fell from the wall" in desk.text
        assert desk.stop() == 0
        assert processes_of(desk.data) == []


def test_a_worker_that_will_not_stop_is_killed_within_20_s(project: Path, tmp_path: Path) -> None:
    with a_desk(project, tmp_path / "data", STANDIN="worker will not stop") as desk:
        desk.wait_for("Stop it with Ctrl-C")

        assert desk.stop() == 0
        assert "worker did not stop" in desk.text
        assert processes_of(desk.data) == []


def test_a_request_that_runs_is_answered_before_the_end(desk: RunningDesk) -> None:
    with socket.create_connection(("127.0.0.1", int(desk.env["DESKHAND_PORT"])), timeout=10) as line:
        line.sendall(b"GET /slow HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        time.sleep(0.3)

        assert desk.stop() == 0
        assert line.makefile("rb").read().endswith(b"done")


def test_a_stop_during_set_up_ends_it_too(project: Path, tmp_path: Path) -> None:
    with a_desk(project, tmp_path / "data", STANDIN="slow setup") as desk:
        desk.wait_for("a long step")

        assert desk.stop() == 0
        assert processes_of(desk.data) == []
        assert "starting the pages" not in desk.text


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("newer", "Deskhand could not set up its database: The database is newer than this Deskhand."),
        ("app refuses", "Production needs SECRET_KEY."),
    ],
)
def test_a_refusal_at_the_start_is_a_sentence_and_ends_everything(
    project: Path, tmp_path: Path, how: str, sentence: str
) -> None:
    with a_desk(project, tmp_path / "data", STANDIN=how) as desk:
        assert desk.process.wait(20) == 1
        desk.reader.join(5)

        assert sentence in desk.text
        assert "Traceback" not in desk.text
        assert processes_of(desk.data) == []


def test_a_second_desk_in_the_same_folder_is_refused_and_the_first_runs_on(desk: RunningDesk, project: Path) -> None:
    env = surroundings(project, desk.data)
    second = subprocess.run(command("up"), cwd=project, env=env, capture_output=True, text=True, timeout=20)

    assert second.returncode == 1
    assert second.stderr.startswith(f"A desk already runs in {desk.data} (process {desk.process.pid}).")
    assert urllib.request.urlopen(f"{desk.url}/readyz", timeout=5).status == 200


def test_the_queue_keeps_what_it_was_given_when_it_is_killed(desk: RunningDesk) -> None:
    queue = the_queue(desk)
    queue.set("given", "kept")
    time.sleep(1.2)  # it writes to disk every second
    [server] = [pid for pid in processes_of(desk.data) if Path(f"/proc/{pid}/comm").read_text().startswith("valkey")]

    os.kill(server, signal.SIGKILL)

    desk.wait_for("queue    | ended with -9")
    until(lambda: answers(queue), "the queue to answer again")
    assert queue.get("given") == b"kept"
    queue.close()


def test_a_queue_file_with_garbage_inside_is_set_aside(desk: RunningDesk, project: Path) -> None:
    queue = the_queue(desk)
    queue.set("given", "lost")
    queue.close()
    desk.stop()
    for file in (desk.data / "queue" / "appendonlydir").glob("*.incr.aof"):
        file.write_bytes(b"*3\r\n$3\r\nSET\r\ngarbage" * 100)

    with a_desk(project, desk.data) as again:
        again.wait_for("Stop it with Ctrl-C")

        assert "set aside as" in again.text
        assert list((desk.data / "queue").glob("unreadable-*"))


def the_queue(desk: RunningDesk) -> "redis.Redis":
    return redis.Redis(unix_socket_path=str(folder.socket(desk.data)))


def answers(queue: "redis.Redis") -> bool:
    try:
        return bool(queue.ping())
    except redis.RedisError:
        return False


def test_a_redis_of_ones_own_is_used_instead(desk: RunningDesk, project: Path, tmp_path: Path) -> None:
    with a_desk(project, tmp_path / "other", REDIS_URL=f"unix://{folder.socket(desk.data)}") as other:
        other.wait_for("Stop it with Ctrl-C")

        assert "starting the queue" not in other.text
        assert not (other.data / "queue").exists()


def test_a_data_folder_with_a_very_long_name_and_no_home_work(project: Path, tmp_path: Path) -> None:
    data = tmp_path / ("long" * 40) / ("name" * 20)
    env = surroundings(project, data)
    del env["HOME"]
    with a_desk(project, data) as desk:
        desk.wait_for("Stop it with Ctrl-C")

        assert desk.stop() == 0
