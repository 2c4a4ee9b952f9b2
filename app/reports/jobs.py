"""Jobs on reports."""

import datetime as dt
import logging

from app.core.outbox import Outbox
from app.reports import ledgercount, promises, summing, trends
from app.reports import recount as counting
from app.reports.volume import today

log = logging.getLogger(__name__)
NIGHTLY_DAYS = 35


def recount() -> None:
    """Heal the sums of the last weeks, should one ever be wrong."""
    last = today() - dt.timedelta(days=1)
    first = last - dt.timedelta(days=NIGHTLY_DAYS - 1)
    wrong = counting.recount(first, last)
    ledgercount.recount(first, last)  # filed as tickets stand now, and by the hours of today
    promises.count(first, last)  # filed as tickets stand now, so they may differ rightly
    if wrong:
        log.warning("%s rows of the daily figures were wrong and are right now", wrong)


def file_ended(after_ticket: int = 0) -> None:
    """Ledgers of tickets that ended before there were any, put on its way by the update: some at a time, the next by a job of its own."""
    last = ledgercount.file_some(after_ticket)
    if last is not None:
        Outbox.put("reports.file_ended", queue="reports", after_ticket=last)


def sum_up() -> None:
    """Promises of the last days, and the weeks and months that are over."""
    summing.bring_up(today())


def find_trends() -> None:
    """Which words tickets say more often than before."""
    trends.find(today() - dt.timedelta(days=1))
