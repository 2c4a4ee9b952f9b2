"""Jobs on assignment."""

from __future__ import annotations

from app.assignment import queue
from app.settings import desk


def assign(ticket_id: int) -> None:
    if desk.current().auto_assignment:
        queue.give_queued(ticket_id)


def drain() -> None:
    """Every minute, and when somebody has room: nothing stays queued while somebody may have it."""
    queue.take_back()
    if desk.current().auto_assignment:
        queue.drain()


def hand_back(staff_id: int) -> None:
    queue.release_of_absent(staff_id)
