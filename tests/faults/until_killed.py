"""Run by test_batches.py: does one job of a worker until it is killed. Says when it begins."""

import json
import sys

from app import create_app
from app.mail import transport

DEEDS = {"send": transport.deliver_due}

deed, given = sys.argv[1:]
app = create_app(**json.loads(given), TESTING=True, QUEUE_OFF=True)
with app.app_context():
    print("ready", flush=True)
    sys.stdin.read()
    DEEDS[deed]()
