"""What the supervisor says, and what its processes say, line by line."""

import errno
import os
import select
import sys

PATIENCE_SECONDS = 1.0
"""For a reader who is slow. One who reads nothing at all loses lines; the desk itself goes on and can still be stopped."""
NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
"""A log on a full disk: its lines are lost until there is room again, the desk is not."""
_patient = True


class Gone(Exception):
    """Nobody reads us any more: `run.py | head` has seen enough."""


def say(text: str, name: str = "") -> None:
    global _patient
    line = f"{name:9}| {text}\n" if name else f"{text}\n"
    data = line.encode(errors="replace")
    for start in range(0, len(data), select.PIPE_BUF):
        _patient = bool(select.select([], [1], [], PATIENCE_SECONDS if _patient else 0)[1])
        if not _patient:
            return
        _write(data[start : start + select.PIPE_BUF])


def close() -> None:
    """From here on nothing is said, so that stopping cannot fail for want of a reader."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    sys.stdout = open(1, "w", closefd=False)


def _write(data: bytes) -> None:
    try:
        os.write(1, data)
    except BlockingIOError:
        return
    except OSError as problem:
        if problem.errno not in NO_ROOM:
            raise Gone from problem
