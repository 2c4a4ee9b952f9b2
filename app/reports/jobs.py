"""Jobs on reports."""

import datetime as dt
import logging

from app.reports import recount as counting
from app.reports.volume import today

log = logging.getLogger(__name__)
NIGHTLY_DAYS = 35


def recount() -> None:
    """Heal the sums of the last weeks, should one ever be wrong."""
    last = today() - dt.timedelta(days=1)
    wrong = counting.recount(last - dt.timedelta(days=NIGHTLY_DAYS - 1), last)
    if wrong:
        log.warning("%s rows of the daily figures were wrong and are right now", wrong)
