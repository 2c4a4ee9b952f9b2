"""What happens is counted in the queue's store, for all processes together: /metrics may be asked of any of them.

A process keeps its counts for a second or so and hands them over in one go; what it had not yet handed over when it was killed is lost.
A queue that does not answer costs a request nothing: it is tried again later.
"""

from __future__ import annotations

import threading
import time
from collections import Counter

from flask import Flask, Response, current_app, g, request

from app.core import queue

KEY = "deskhand:counts"
HANDED_OVER_EVERY = 2.0
BUCKETS_MS = (10, 25, 50, 100, 250, 500, 1000, 2500, 10_000)
_counts: Counter[str] = Counter()
_lock = threading.Lock()
_due = 0.0


def install(app: Flask) -> None:
    app.after_request(_count_request)


def add(name: str, amount: float = 1, **labels: str) -> None:
    """`name{label=value,…}`; labels are words of ours, never a person's."""
    key = name + "".join(f"|{label}={value}" for label, value in sorted(labels.items()))
    with _lock:
        _counts[key] += amount  # type: ignore[assignment]


def _count_request(response: Response) -> Response:
    """By face and outcome, not by address: hundreds of addresses would make thousands of series."""
    face = face_of(request.path)
    if face == "health":
        return response
    ms = (time.perf_counter() - g.get("request_began", time.perf_counter())) * 1000
    add("requests", face=face, status=f"{response.status_code // 100}xx")
    add("request_ms_sum", ms, face=face)
    add("request_ms_bucket", face=face, le=next((str(edge) for edge in BUCKETS_MS if ms <= edge), "+Inf"))
    if not current_app.config.get("QUEUE_OFF"):
        hand_over()
    return response


def face_of(path: str) -> str:
    first = path.split("/")[1] if path.startswith("/") else ""
    if first in ("healthz", "readyz", "metrics"):
        return "health"
    return {"admin": "staff", "portal": "portal", "help": "help", "api": "api", "static": "static"}.get(first, "other")


def hand_over(at_once: bool = False) -> None:
    global _due
    now = time.monotonic()
    with _lock:
        if not _counts or (now < _due and not at_once):
            return
        _due, kept = now + HANDED_OVER_EVERY, dict(_counts)
        _counts.clear()
    try:
        line = queue.connection().pipeline(transaction=False)
        for key, amount in kept.items():
            line.hincrbyfloat(KEY, key, amount)
        line.execute()
    except queue.NotAnswering:
        with _lock:
            _counts.update(kept)
            _due = now + 10 * HANDED_OVER_EVERY


def counted() -> dict[str, float]:
    """Everything that was ever handed over."""
    hand_over(at_once=True)
    found = queue.connection().hgetall(KEY)
    return {key.decode(): float(amount) for key, amount in found.items()}  # type: ignore[union-attr]
