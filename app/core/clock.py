"""The one place that reads the wall clock, so that tests and the demo can set it."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_stopped: ContextVar[dt.datetime | None] = ContextVar("stopped", default=None)


def now() -> dt.datetime:
    """This instant in UTC."""
    return _stopped.get() or dt.datetime.now(dt.UTC)


@contextmanager
def at(instant: dt.datetime) -> Iterator[None]:
    """Inside, `now()` is this instant: the demo tells a month's stories by the same verbs that people use."""
    token = _stopped.set(instant)
    try:
        yield
    finally:
        _stopped.reset(token)
