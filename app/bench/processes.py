"""What a tree of processes used: processor time and memory, from /proc."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")
USER_TIME = 11
"""The place of `utime` in /proc/<pid>/stat behind the name; stime, cutime and cstime follow."""


def tree(root: int) -> Iterator[int]:
    """The process and all its descendants."""
    yield root
    for tasks in Path(f"/proc/{root}/task").glob("*/children"):
        try:
            children = tasks.read_text().split()
        except OSError:
            continue
        for child in children:
            yield from tree(int(child))


def cpu_ms(*roots: int) -> float:
    """Of these processes, their descendants, and those of them that have ended."""
    return sum(_ticks(pid) for root in roots for pid in tree(root)) * TICK_MS


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(int(field) for field in fields[USER_TIME : USER_TIME + 4])


def memory_mib(*roots: int) -> float:
    """Proportional: what several share is counted once among them."""
    return sum(_shared_kib(pid) for root in roots for pid in tree(root)) / 1024


def _shared_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
