"""Jobs on tickets."""

import logging

from app.tickets import tally

log = logging.getLogger(__name__)


def recount_tally() -> None:
    """Heal the sums of live tickets, should one ever be wrong."""
    wrong = tally.recount()
    if wrong:
        log.warning("%s cells of the tally were wrong and are right now", wrong)
