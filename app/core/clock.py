"""The one place that reads the wall clock, so that tests can set it."""

import datetime as dt


def now() -> dt.datetime:
    """This instant in UTC."""
    return dt.datetime.now(dt.UTC)
