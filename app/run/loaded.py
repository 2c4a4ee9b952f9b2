"""The app, made once a process tree: whoever forks from the process that made it shares its memory."""

import functools
import gc
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


@functools.cache
def the_app() -> "Flask":
    from app import create_app

    gc.disable()  # it would look at all that was loaded again and again, a third of the time that loading takes
    app = create_app()
    gc.enable()
    gc.collect()
    gc.freeze()  # the collector would write to every page and so un-share it
    collect_seldom()
    os.register_at_fork(after_in_child=lambda: _forget_connections(app))
    return app


def collect_seldom() -> None:
    """A page makes some ten thousand things and drops them by itself: to look for circles after each seven hundred is half a millisecond a page."""
    gc.set_threshold(50_000, 20, 20)


def _forget_connections(app: "Flask") -> None:
    """A database connection belongs to the process that opened it; here it is dropped without a goodbye over the parent's line."""
    from app.core.extensions import db

    with app.app_context():
        for engine in db.engines.values():
            engine.dispose(close=False)
