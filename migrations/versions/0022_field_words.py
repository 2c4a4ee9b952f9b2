"""the full-text index of what tickets hold in the desk's own fields"""

import sqlalchemy as sa
from alembic import op

from app.core import clock
from app.core.model import UTCDateTime

revision = "0022"
down_revision = "0026"
branch_labels = None
depends_on = None

TABLE = "search_field"
OUTBOX = sa.table(
    "outbox", sa.column("job"), sa.column("queue"), sa.column("arguments", sa.JSON), sa.column("created_at", UTCDateTime()), sa.column("due_at", UTCDateTime()), sa.column("tries"),
)  # fmt: skip


def upgrade() -> None:
    """As migration 0002 does for messages and tickets. A worker writes the words of what is there already."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TABLE {TABLE} (ticket_id bigint PRIMARY KEY REFERENCES ticket (id) ON DELETE CASCADE, vector tsvector NOT NULL)"
        )
        op.execute(f"CREATE INDEX {TABLE}_vector ON {TABLE} USING gin (vector)")
    else:
        op.execute(
            f"CREATE VIRTUAL TABLE {TABLE} USING fts5(words, detail=none, columnsize=0, prefix='2 3', tokenize=\"ascii tokenchars '.,:@_+%-#'\")"
        )
        op.execute(
            f"CREATE TRIGGER {TABLE}_forget AFTER DELETE ON ticket BEGIN DELETE FROM {TABLE} WHERE rowid = old.id; END"
        )
    if op.get_bind().scalar(sa.text("SELECT 1 FROM custom_value LIMIT 1")):
        now = clock.now()
        row = {
            "job": "search.index_fields",
            "queue": "index",
            "arguments": {},
            "created_at": now,
            "due_at": now,
            "tries": 0,
        }
        op.get_bind().execute(OUTBOX.insert().values(**row))


def downgrade() -> None:
    op.execute(f"DROP TABLE {TABLE}")
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"DROP TRIGGER {TABLE}_forget")
    op.execute("DELETE FROM outbox WHERE job = 'search.index_fields' AND done_at IS NULL")
