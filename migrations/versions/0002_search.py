"""the full-text index: FTS5 on SQLite, tsvector and GIN on PostgreSQL"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = (("search_entry", "message", "message_id"), ("search_ticket", "ticket", "ticket_id"))


def upgrade() -> None:
    """The app folds and cuts the words itself. So FTS5 gets them joined by blanks and may not fold or cut again: its tokenizer `ascii`
    takes every sign beyond ASCII for part of a word, and we name those of ASCII. No positions: there are no phrases to find."""
    for table, owner, key in TABLES:
        if op.get_bind().dialect.name == "postgresql":
            op.execute(
                f"CREATE TABLE {table} ({key} bigint PRIMARY KEY REFERENCES {owner} (id) ON DELETE CASCADE, vector tsvector NOT NULL)"
            )
            op.execute(f"CREATE INDEX {table}_vector ON {table} USING gin (vector)")
        else:
            op.execute(
                f"CREATE VIRTUAL TABLE {table} USING fts5(words, detail=none, columnsize=0, prefix='2 3', tokenize=\"ascii tokenchars '.,:@_+%-#'\")"
            )
            op.execute(
                f"CREATE TRIGGER {table}_forget AFTER DELETE ON {owner} BEGIN DELETE FROM {table} WHERE rowid = old.id; END"
            )


def downgrade() -> None:
    for table, _owner, _key in TABLES:
        op.execute(f"DROP TABLE {table}")
        if op.get_bind().dialect.name == "sqlite":
            op.execute(f"DROP TRIGGER {table}_forget")
