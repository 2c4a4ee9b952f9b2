"""gunicorn's settings that are functions."""

import gc

from app.run import loaded

logger_class = "app.core.logs.GunicornLogger"


def when_ready(_server: object) -> None:
    """What is loaded by now stays shared between the workers: the collector does not touch it again."""
    gc.collect()
    gc.freeze()
    loaded.collect_seldom()
