"""Run by test_processes.py: a worker like the desk's, with one job more that ends its process. Started anew whenever it dies, until told to stop."""

import os
import sys
import time

from app import create_app
from app.core import queue, ticker
from app.core.extensions import db
from app.schedule import JOBS

url, redis_url, lease = sys.argv[1:]
app = create_app(SQLALCHEMY_DATABASE_URI=url, REDIS_URL=redis_url, OUTBOX_LEASE_SECONDS=int(lease), TESTING=True)
queue.allow({**JOBS, "poison": lambda: os._exit(7)})
with app.app_context():
    db.engine.dispose()


def fork(deed) -> int:  # type: ignore[no-untyped-def]
    child = os.fork()
    if child == 0:
        deed()
        os._exit(0)
    return child


def relay() -> None:
    with app.app_context():
        while True:
            ticker.relay()
            db.session.remove()
            time.sleep(0.2)


relaying = fork(relay)
working, deaths = fork(lambda: queue.work(app)), 0
print("up", flush=True)
while True:
    ended, _status = os.wait()
    if ended == working:
        deaths += 1
        print(f"died {deaths}", flush=True)
        working = fork(lambda: queue.work(app))
