"""The jobs a worker may run, and those that run by the clock."""

from app.core import slots
from app.core.queue import JobFunction
from app.tickets import jobs as tickets

JOBS: dict[str, JobFunction] = {
    "slots.forget_old": slots.forget_old,
    "tickets.recount_tally": tickets.recount_tally,
}
"""Name -> function of ids. Nothing else ever runs in a worker."""

PERIODIC: dict[str, tuple[int, str]] = {
    "slots.forget_old": (86400, "bulk"),
    "tickets.recount_tally": (86400, "bulk"),
}
"""Job -> (every so many seconds, its queue)."""
