"""Mailboxes, each with its servers; by which of them a ticket and a raw mail came in; signatures of mails by HTTP that were seen"""

import sqlalchemy as sa
from alembic import op

from app.core.model import UTCDateTime

revision = "0024"
down_revision = "0028"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
AT = UTCDateTime()
WORDS = ("sender_name", "user", "smtp_host", "imap_host", "folder", "after_folder", "provider", "client_id", "authorize_url", "token_url", "scope")  # fmt: skip
SECRETS = ("secret", "client_secret", "tokens", "hook_secret")


def upgrade() -> None:
    table = op.create_table(
        "mailbox",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("name", sa.String(255), nullable=False, unique=True),
        sa.Column("address", sa.String(255), unique=True),
        *(sa.Column(name, sa.Boolean, nullable=False) for name in ("main", "for_department", "active", "idle", "paused")),
        *(sa.Column(name, sa.String(255), nullable=False) for name in WORDS),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("aliases", "signature")),
        *(sa.Column(name, sa.Text) for name in (*SECRETS, "error")),
        *(_pointer(name) for name in ("department", "category", "priority")),
        *(sa.Column(name, sa.String(32), nullable=False) for name in ("sign_in", "smtp_security", "imap_security", "after")),
        *(sa.Column(name, sa.Integer) for name in ("smtp_port", "imap_port")),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("poll_seconds", "failures")),
        sa.Column("validity", BIG),
        *(sa.Column(name, BIG, nullable=False) for name in ("next_uid", "fresh_from")),
        *(sa.Column(name, AT) for name in ("error_at", "reached_at", "due_at", "lease_until")),
    )  # fmt: skip
    op.create_table(
        "mail_hook_seen",
        sa.Column("signature", sa.String(255), primary_key=True),
        sa.Column("at", AT, nullable=False),
    )
    for name in ("ticket", "raw_mail"):
        _point(name)
    _the_desks_own(table)


def _pointer(target: str) -> sa.Column[int]:
    return sa.Column(f"{target}_id", BIG, sa.ForeignKey(f"{target}.id", ondelete="SET NULL"))


def _point(table: str) -> None:
    """SQLite takes the reference with the column, without making the table anew: that would lose its triggers."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"ALTER TABLE {table} ADD COLUMN mailbox_id INTEGER REFERENCES mailbox (id)")
    else:
        op.add_column(table, sa.Column("mailbox_id", BIG, sa.ForeignKey("mailbox.id")))
    some = sa.text("mailbox_id IS NOT NULL")
    op.create_index(f"ix_{table}_mailbox", table, ["mailbox_id", "id"], sqlite_where=some, postgresql_where=some)


def _the_desks_own(table: sa.Table) -> None:
    """The address that the desk has today stays a setting; this is the mailbox of it."""
    words = dict.fromkeys(WORDS, "") | {"folder": "INBOX", "provider": "google", "aliases": "", "signature": ""}
    choices = {"sign_in": "password", "smtp_security": "starttls", "imap_security": "tls", "after": "keep"}
    truths = {"main": True, "active": True, "idle": True, "for_department": False, "paused": False}
    numbers = {"poll_seconds": 60, "failures": 0, "next_uid": 1, "fresh_from": 1}
    op.bulk_insert(table, [{"name": "Support", **words, **choices, **truths, **numbers}])


def downgrade() -> None:
    for table in ("ticket", "raw_mail"):
        op.drop_index(f"ix_{table}_mailbox", table)
        op.drop_column(table, "mailbox_id")
    op.drop_table("mail_hook_seen")
    op.drop_table("mailbox")
