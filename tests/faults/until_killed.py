"""Run by test_batches.py: does one job of a worker, to be killed in it. Says when it is ready, begins when its input ends."""

import datetime as dt
import json
import os
import signal
import sys

import time_machine

from app import create_app
from app.core import clock, queue
from app.core.extensions import db
from app.mail import incoming, transport
from app.mail.models import RawMail
from app.schedule import JOBS

deed, given, later = sys.argv[1:]


def deliver(raw_mail_id: int) -> None:
    """As in a desk; but one message is the death of whoever reads it, when all is written and nothing committed."""
    incoming.deliver(raw_mail_id)
    db.session.flush()
    if "deadly" in db.session.get_one(RawMail, raw_mail_id).subject:
        os.kill(os.getpid(), signal.SIGKILL)


queue.RUN_SECONDS = transport.LONGEST_RUN_SECONDS = transport.QUICK_SECONDS = 600  # however busy the machine is
app = create_app(**json.loads(given), TESTING=True, QUEUE_OFF=True)
queue.allow({**JOBS, "mail.deliver": deliver})
with app.app_context(), time_machine.travel(clock.now() + dt.timedelta(seconds=int(later))):
    print("ready", flush=True)
    sys.stdin.read()
    if deed == "send":
        transport.deliver_due()
    else:
        while queue.run_due("mail_in"):
            pass
