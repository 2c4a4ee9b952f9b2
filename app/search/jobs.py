"""Jobs of the search index."""

import logging

from app.search import held, index, surges

log = logging.getLogger(__name__)


def index_customer(customer_id: int) -> None:
    """After a new name or address: their tickets are found by it."""
    index.index_customer(customer_id)


def index_fields() -> None:
    """After a field was switched on or off, or given to other categories: tickets are found by what they show."""
    log.info("%s tickets with words in fields written", held.rebuild())


def notice_surges() -> None:
    """Tell of many similar tickets, once."""
    surges.notice()


def rebuild() -> None:
    """Write the whole index anew."""
    log.info("%s rows of the search index written", index.rebuild())
