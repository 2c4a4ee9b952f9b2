"""What a whole desk takes at rest, and how soon it shows its first page: `run.py up` in the folder of a desk that is set up."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator

from app.bench.desks import PYTHON, Desk, free_port, say, wait_for
from app.bench.processes import memory_mib

REST_SECONDS = 8
"""After the first page, until what starting needed has passed."""


def told(desk: Desk) -> Iterator[str]:
    say("memory and start …")
    environment = {**desk.environment, "DESKHAND_RECEIVER_PORT": str(free_port())}
    began = time.perf_counter()
    process = subprocess.Popen(
        [*PYTHON, "-m", "app.run", "up"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(desk.port, "/login/")
        started = time.perf_counter() - began
        time.sleep(REST_SECONDS)
        resting = memory_mib(process.pid)
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.wait(60)
    yield f"{desk.database}, {desk.tickets:,} tickets: first page after {started:.1f} s, {resting:.0f} MiB at rest in all processes"
