"""Stand-in."""

import threading

from flask import Flask


def run(app: Flask) -> None:
    threading.Event().wait()
