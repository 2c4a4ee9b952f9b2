"""Jobs on assignment."""

from __future__ import annotations

from app.assignment import pools, queue


def assign(ticket_id: int) -> None:
    if pools.any_automatic():
        queue.give_queued(ticket_id, ask_place=True)


def drain() -> None:
    """Every minute, and when somebody has room: nothing stays queued while somebody may have it."""
    queue.take_back()
    if pools.any_automatic():
        queue.drain()


def hand_back(staff_id: int) -> None:
    queue.release_of_absent(staff_id)
