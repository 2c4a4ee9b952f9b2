"""Jobs on tickets."""

import datetime as dt
import logging

from app.core.outbox import Outbox
from app.tickets import (
    dates,
    departures,
    drafts,
    files,
    inactivity,
    reminding,
    restating,
    tally,
    timefigures,
    timers,
    timespent,
)

log = logging.getLogger(__name__)


def recount_tally() -> None:
    """Heal the sums of live tickets, should one ever be wrong."""
    wrong = tally.recount()
    if wrong:
        log.warning("%s cells of the tally were wrong and are right now", wrong)


def remind_waiting() -> None:
    """Write to customers who let us wait. A full batch means that there may be more."""
    if inactivity.remind_waiting() == inactivity.BATCH:
        Outbox.put("tickets.remind_waiting", queue="bulk")


def remind_documents() -> None:
    """Write to customers whose documents are missing. A full batch means that there may be more."""
    if reminding.remind() == reminding.BATCH:
        Outbox.put("tickets.remind_documents", queue="bulk")


def close_waiting() -> None:
    """Close what the customer let wait too long."""
    if inactivity.close_waiting() == inactivity.BATCH:
        Outbox.put("tickets.close_waiting", queue="bulk")


def close_resolved() -> None:
    """Close what was resolved some days ago."""
    if inactivity.close_resolved() == inactivity.BATCH:
        Outbox.put("tickets.close_resolved", queue="bulk")


def move_status(move_id: int, beyond: int = 0, look: int = 0) -> None:
    """The next tickets of a status that gives its tickets away or means something else; then the turn of others."""
    restating.carry_on(move_id, beyond, look)


def recount_time() -> None:
    """Heal the sums of time spent, should one ever be wrong."""
    wrong = timefigures.recount() + timespent.recount_tickets()
    if wrong:
        log.warning("%s sums of time spent were wrong and are right now", wrong)


def stop_timers() -> None:
    """Pause timers that somebody forgot. A full batch means that there may be more."""
    if timers.stop_forgotten() == timers.BATCH:
        Outbox.put("tickets.stop_timers", queue="bulk")


def sweep_files() -> None:
    """Bytes in the storage that belong to nothing."""
    swept = files.sweep()
    if swept:
        log.warning("%s files in the storage belonged to nothing and are gone", swept)


def leave(draft_id: int, ticket_id: int) -> None:
    """A reply's moment has come. `ticket_id` says on the jobs page what it is about."""
    departures.leave(draft_id)


def forget_drafts() -> None:
    """Marks of composers that were sent."""
    drafts.forget_spent()


def remind(ticket_id: int, what: str, date: str) -> None:
    """The moment of a follow-up or of an action that is required has come."""
    dates.remind(ticket_id, dates.Reminder(what), dt.datetime.fromisoformat(date))


def wake(ticket_id: int, until: str) -> None:
    """The moment has come until which somebody snoozed the ticket."""
    dates.end_snooze(ticket_id, dt.datetime.fromisoformat(until))
