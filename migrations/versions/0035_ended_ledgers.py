"""Tickets that ended before there were ledgers get theirs by a job"""

import datetime as dt

import sqlalchemy as sa
from alembic import op

from app.core.model import UTCDateTime

revision = "0035"
down_revision = "0032"
branch_labels = None
depends_on = None

AT = UTCDateTime()


def upgrade() -> None:
    """A desk without tickets has none to book."""
    bind, now = op.get_bind(), dt.datetime.now(dt.UTC)
    if bind.execute(sa.select(sa.table("ticket", sa.column("id")).c.id).limit(1)).first() is None:
        return
    names = ("job", "queue", "tries")
    outbox = sa.table("outbox", *map(sa.column, names), sa.column("arguments", sa.JSON), sa.column("created_at", AT), sa.column("due_at", AT))  # fmt: skip
    row = {
        "job": "reports.file_ended",
        "queue": "reports",
        "arguments": {},
        "tries": 0,
        "created_at": now,
        "due_at": now,
    }
    bind.execute(sa.insert(outbox).values(row))


def downgrade() -> None:
    """What was booked stays with the table it stands in."""
