"""Jobs of the search index."""

import logging

from app.search import index

log = logging.getLogger(__name__)


def index_customer(customer_id: int) -> None:
    """After a new name or address: their tickets are found by it."""
    index.index_customer(customer_id)


def rebuild() -> None:
    """Write the whole index anew."""
    log.info("%s rows of the search index written", index.rebuild())
