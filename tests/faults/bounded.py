"""Run by test_database.py: a desk in a process whose files may not grow, then may again. Prints what it answered."""

import resource
import sys
from pathlib import Path

from sqlalchemy import text

from app import create_app
from app.core.extensions import db
from app.desk.setup import set_up
from tests.factories import a_customer, sign_in_customer

home = Path(sys.argv[1])
FORM = {"form": "mark", "subject": "Printer", "message": "It burns. " * 30_000}
app = create_app(
    SQLALCHEMY_DATABASE_URI=f"sqlite:///{home / 'desk.sqlite3'}", TESTING=True, QUEUE_OFF=True, WTF_CSRF_ENABLED=False
)
with app.app_context():
    set_up()
    ada = a_customer()
    client = app.test_client()
    sign_in_customer(client, ada)
    db.session.remove()
    db.engine.dispose()  # the last to close writes the log back into the database
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
print(client.post("/portal/tickets/new", data=FORM).status_code)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
with app.app_context():
    print(db.session.scalar(text("PRAGMA integrity_check")))
    db.session.remove()
print(client.post("/portal/tickets/new", data=FORM).status_code)
