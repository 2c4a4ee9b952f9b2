"""Stand-in: a worker with a child of its own in another group, as RQ forks one a job."""

import os
import signal
import time

from flask import Flask


def work(app: Flask) -> None:
    if os.environ.get("STANDIN") == "worker will not stop":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.fork() == 0:
        os.setpgrp()
        time.sleep(600)
        os._exit(0)
    while True:
        time.sleep(600)
