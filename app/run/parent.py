"""A process that must not outlive the one that started it."""

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_NAME, PR_SET_CHILD_SUBREAPER = 1, 15, 36
"""From linux/prctl.h."""


def die_with_it(expected: int | None = None) -> None:
    """Linux tells us when the parent is gone, even by kill -9; elsewhere a killed supervisor leaves its children.

    Without `expected`, the parent meant is the supervisor; a process run as a unit of its own has none and lives on.
    """
    supervisor = expected or int(os.environ.get("DESKHAND_SUPERVISOR") or 0)
    if sys.platform == "linux" and supervisor and (expected or os.getppid() == supervisor):
        _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != supervisor:  # it died before we asked
            os.kill(os.getpid(), signal.SIGTERM)


def bind_descendants() -> None:
    """Whatever this process forks from now on, gunicorn's workers for instance, ends with the process that forked it."""
    forking: list[int] = []
    os.register_at_fork(
        before=lambda: forking.append(os.getpid()),
        after_in_parent=lambda: forking.clear(),
        after_in_child=lambda: die_with_it(forking[-1]),
    )


def adopt_orphans() -> None:
    """Grandchildren whose parent was killed become ours instead of init's, so that we can end them."""
    if sys.platform == "linux":
        _prctl(PR_SET_CHILD_SUBREAPER, 1)


def children() -> set[int]:
    """Of this process, the adopted ones too."""
    try:
        return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}
    except OSError:
        return set()


def call_myself(name: str) -> None:
    """What ps and top show; 15 bytes at most."""
    if sys.platform == "linux":
        _prctl(PR_SET_NAME, ctypes.c_char_p(name.encode()[:15]))


def _prctl(option: int, value: object) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
