"""Stand-in."""

import os
import sys
import threading

from flask import Flask


def run(app: Flask) -> None:
    if os.environ.get("STANDIN") == "ticker falls":
        sys.exit("the clock fell from the wall")
    if os.environ.get("STANDIN") == "ticker talks":
        while True:
            print("tick " * 1000)
    threading.Event().wait()
