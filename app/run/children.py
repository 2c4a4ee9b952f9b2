"""One process of the desk, seen from the supervisor."""

import os
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import NoReturn

from app.run import console, parent

STEADY_SECONDS, LONGEST_PAUSE_SECONDS = 30, 30
LINE_BYTES = 64 * 1024
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_listening: set[int] = set()
"""The supervisor's ends of the pipes. No child keeps one, or another's writing would wait for a reader that is gone."""


class Child:
    """Forked, so that it shares the loaded app's memory, into a group of its own, so that Ctrl-C reaches only the supervisor."""

    def __init__(self, name: str, work: Callable[[], object], prefix: str | None = None) -> None:
        self.name = name
        self.work = work
        self.prefix = name if prefix is None else prefix
        self.pid: int | None = None
        self.returned: int | None = None
        self.started_at = self.start_at = 0.0
        self.pause = 0.5
        self.output = -1
        self.unfinished = b""
        self.last_lines: deque[str] = deque(maxlen=20)

    @property
    def running(self) -> bool:
        return self.pid is not None

    def start_when_due(self) -> None:
        if not self.running and time.monotonic() >= self.start_at:
            self.start()

    def start(self) -> None:
        self.started_at = time.monotonic()
        self.returned = None
        self.last_lines.clear()
        self.output, writing = os.pipe()
        os.set_blocking(self.output, False)
        supervisor = os.getpid()
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # one that came before the child's own handlers would be lost
        self.pid = os.fork()
        if self.pid == 0:
            self._live(supervisor, writing)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        os.close(writing)
        _listening.add(self.output)
        try:
            os.setpgid(self.pid, self.pid)
        except OSError:  # it did so itself, and may even be gone
            pass

    def signal(self, number: int) -> None:
        if self.pid is not None:
            os.kill(self.pid, number)

    def ended(self, status: int) -> None:
        """To be called once with what wait() said. The rest of its group goes too, such as gunicorn's workers after gunicorn was killed."""
        assert self.pid is not None
        group, self.pid, self.returned = self.pid, None, os.waitstatus_to_exitcode(status)
        try:
            os.killpg(group, signal.SIGKILL)
        except OSError:
            pass
        try:
            self.relay()
        finally:
            _listening.discard(self.output)
            os.close(self.output)
            self.output = -1

    def plan_restart(self) -> None:
        """The next start waits longer each time, until one has lived steadily."""
        now = time.monotonic()
        if now - self.started_at > STEADY_SECONDS:
            self.pause = 1.0
        else:
            self.pause = min(self.pause * 2, LONGEST_PAUSE_SECONDS)
        self.start_at = now + self.pause
        console.say(f"ended with {self.returned}; starts again in {self.pause:.0f} s", self.name)

    def relay(self) -> None:
        """Say what it has said since last time. Never waits: an orphan may hold the pipe open."""
        while read := self._read():
            *lines, self.unfinished = (self.unfinished + read).split(b"\n")
            if len(self.unfinished) > LINE_BYTES:
                lines, self.unfinished = [*lines, self.unfinished], b""
            for line in lines:
                text = line.decode(errors="replace").rstrip()
                self.hear(text)

    def hear(self, line: str) -> None:
        self.last_lines.append(line)
        console.say(line, self.prefix)

    def _read(self) -> bytes:
        try:
            return os.read(self.output, LINE_BYTES)
        except BlockingIOError:
            return b""

    def _live(self, supervisor: int, writing: int) -> NoReturn:
        """In the new process: nothing of the supervisor's own may run here, so it leaves by _exit."""
        code = 1
        try:
            os.setpgid(0, 0)
            _take_output(writing)
            for other in {*_listening, self.output}:
                os.close(other)
            for number in SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            parent.call_myself(f"desk-{self.name}")
            parent.die_with_it(supervisor)
            self.work()
            code = 0
        except SystemExit as leaving:
            code = _code_of(leaving)
        except KeyboardInterrupt:
            code = 130
        except BaseException:  # a forked child never runs on into the code of its parent
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def _take_output(writing: int) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    for ours, standard in ((nothing, 0), (writing, 1), (writing, 2)):
        os.dup2(ours, standard)
    os.close(nothing)
    os.close(writing)
    sys.stdout = open(1, "w", buffering=1, errors="replace", closefd=False)
    sys.stderr = open(2, "w", buffering=1, errors="replace", closefd=False)


def _code_of(leaving: SystemExit) -> int:
    """As Python itself does at the end of a program: a sentence goes to stderr and means 1."""
    if leaving.code is None or isinstance(leaving.code, int):
        return leaving.code or 0
    print(leaving.code, file=sys.stderr)
    return 1
