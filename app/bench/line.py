"""A browser's part of the measurement: HTTP over kept connections, with as little work of our own as can be."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from app.bench.counted import HEADER

LONGEST_WAIT_SECONDS = 120
Ask = Callable[[int, int], bytes]
"""The request of a client's nth turn: (client, turn) -> its bytes."""


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Line:
    def __init__(self, port: int) -> None:
        self.port = port
        self.socket: socket.socket | None = None
        self.unread = b""

    def ask(self, request: bytes) -> Answer:
        """A kept connection may have been closed while nobody asked: then over a new one."""
        try:
            return self._ask(request)
        except (ConnectionError, EOFError):
            self.close()
            return self._ask(request)

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
        self.socket, self.unread = None, b""

    def _ask(self, request: bytes) -> Answer:
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=LONGEST_WAIT_SECONDS)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(request)
        head = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        answer = Answer(int(head[0].split()[1]), headers, self._exactly(int(headers.get("content-length", 0))))
        if headers.get("connection", "") == "close":
            self.close()
        return answer

    def _until(self, end: bytes) -> bytes:
        while end not in self.unread:
            self._read()
        found, _, self.unread = self.unread.partition(end)
        return found

    def _exactly(self, count: int) -> bytes:
        while len(self.unread) < count:
            self._read()
        found, self.unread = self.unread[:count], self.unread[count:]
        return found

    def _read(self) -> None:
        assert self.socket is not None
        read = self.socket.recv(1 << 18)
        if not read:
            raise EOFError
        self.unread += read


class Asked(NamedTuple):
    """What many askings of one page took."""

    ms: list[float]
    seconds: float
    statements: int
    refused: int
    """Answers that were no success."""


def ask_for(port: int, ask: Ask, clients: int, seconds: float, least: int) -> Asked:
    """Each client asks again as soon as it is answered, for so many seconds and at least so often."""
    taken: list[list[float]] = [[] for _ in range(clients)]
    bad: list[int] = []
    statements: list[int] = []
    began = time.perf_counter()

    def client(place: int) -> None:
        line, turn = Line(port), 0
        while turn * clients < least or time.perf_counter() - began < seconds:
            request = ask(place, turn)
            at = time.perf_counter()
            answer = line.ask(request)
            taken[place].append((time.perf_counter() - at) * 1000)
            turn += 1
            if answer.status >= 400:
                bad.append(answer.status)
            statements.append(int(answer.headers.get(HEADER.lower(), 0)))
        line.close()

    _together([threading.Thread(target=client, args=(place,)) for place in range(clients)])
    elapsed = time.perf_counter() - began
    all_ms = sorted(ms for each in taken for ms in each)
    return Asked(all_ms, elapsed, sorted(statements)[len(statements) // 2], len(bad))


def _together(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
