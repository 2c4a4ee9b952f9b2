"""Starts a desk as a person does, reads what it says, and finds every process that belongs to it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.run import folder

PROJECT = Path(__file__).resolve().parents[2]
STANDIN = Path(__file__).parent / "standin"
SOON_SECONDS = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stand_in(folder: Path) -> Path:
    """A checkout in `folder` whose app is the stand-in and whose app/run is the real one."""
    shutil.copytree(STANDIN, folder)
    shutil.copytree(PROJECT / "app" / "run", folder / "app" / "run", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def surroundings(project: Path, data: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    ports = {"DESKHAND_PORT": str(free_port()), "DESKHAND_RECEIVER_PORT": str(free_port())}
    return {**kept, "PYTHONPATH": str(project), "DESKHAND_DATA": str(data), **ports, **more}


def command(*words: str) -> list[str]:
    """What run.py hands over to, in the Python of these tests."""
    return [sys.executable, "-P", "-m", "app.run", *words]


class RunningDesk:
    def __init__(self, project: Path, data: Path, **more: str) -> None:
        self.data = data
        self.env = surroundings(project, data, **more)
        self.process = subprocess.Popen(
            command("up"),
            cwd=project,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )
        self.said: list[str] = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    @property
    def text(self) -> str:
        return "".join(self.said)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.env['DESKHAND_PORT']}"

    def wait_for(self, words: str, within_seconds: float = SOON_SECONDS) -> str:
        give_up_at = time.monotonic() + within_seconds
        while words not in self.text and self.process.poll() is None and time.monotonic() < give_up_at:
            time.sleep(0.05)
        self.reader.join(0.5 if self.process.poll() is not None else 0)
        assert words in self.text, (
            f"no {words!r} within {within_seconds} s; exit status {self.process.poll()}; it said:\n{self.text}"
        )
        return self.text

    def pids(self, name: str) -> list[int]:
        return [pid for pid in processes_of(self.data) if name_of(pid) == f"desk-{name}"]

    def stop(self, number: int = signal.SIGINT) -> int:
        """Its exit status; it has as long as a person waits."""
        self.process.send_signal(number)
        code = self.process.wait(20)
        self.reader.join(5)
        return code

    def end(self) -> None:
        """After a test, whatever the test found."""
        end_all(self.data)
        folder.tidy(self.data)
        self.process.wait()
        self.reader.join(5)
        if self.process.stdout is not None and not self.reader.is_alive():
            self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)


@contextmanager
def a_desk(project: Path, data: Path, **more: str) -> Iterator[RunningDesk]:
    desk = RunningDesk(project, data, **more)
    try:
        yield desk
    finally:
        desk.end()


def processes_of(data: Path) -> list[int]:
    """Every process that was started with this data folder, orphans too. The queue's server overwrites its environment but stands in the folder."""
    mark = f"DESKHAND_DATA={data}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if mark in (entry / "environ").read_bytes().split(b"\0") or (entry / "cwd").readlink().is_relative_to(
                    data
                ):
                    found.append(int(entry.name))
            except OSError:
                pass
    return [pid for pid in found if not gone(pid)]


def end_all(data: Path) -> None:
    for pid in processes_of(data):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def name_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def until(true: Callable[[], object], what: str, within_seconds: float = SOON_SECONDS) -> None:
    give_up_at = time.monotonic() + within_seconds
    while not true():
        assert time.monotonic() < give_up_at, f"waited {within_seconds} s for {what}"
        time.sleep(0.05)
