"""Filters of mail, banned senders, spam, mail that passes the filters"""

import sqlalchemy as sa
from alembic import op

from app.core.model import UTCDateTime

revision = "0026"
down_revision = "0021"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
AT = UTCDateTime()
VERDICT = sa.Enum("deliver", "spam", "quarantine", "ignore", "reject", name="verdict", native_enum=False, create_constraint=False, length=32)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "mail_filter",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        *(sa.Column(name, sa.Boolean, nullable=False) for name in ("active", "every", "answers", "last")),
        sa.Column("conditions", sa.JSON, nullable=False),
        sa.Column("verdict", VERDICT, nullable=False),
        sa.Column("department_id", BIG, sa.ForeignKey("department.id", ondelete="SET NULL")),
        sa.Column("category_id", BIG, sa.ForeignKey("category.id", ondelete="SET NULL")),
        sa.Column("priority_id", BIG, sa.ForeignKey("priority.id", ondelete="SET NULL")),
        sa.Column("tags", sa.String(255), nullable=False),
    )
    op.create_table(
        "banned_sender",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("sender", sa.String(255), nullable=False, unique=True),
        sa.Column("reason", sa.String(255), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("by_name", sa.String(255), nullable=False),
    )
    op.add_column("ticket", sa.Column("spam_since", AT))
    op.add_column("ticket", sa.Column("spam_before", sa.JSON))
    said = sa.text("spam_since IS NOT NULL")
    op.create_index("ix_ticket_spam", "ticket", ["spam_since", "id"], sqlite_where=said, postgresql_where=said)
    op.add_column("raw_mail", sa.Column("unfiltered", sa.Boolean, nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("raw_mail", "unfiltered")
    op.drop_index("ix_ticket_spam", "ticket")
    op.drop_column("ticket", "spam_before")
    op.drop_column("ticket", "spam_since")
    op.drop_table("banned_sender")
    op.drop_table("mail_filter")
