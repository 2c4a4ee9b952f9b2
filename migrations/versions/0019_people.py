"""What each person has read of a ticket, notes about customers with their earlier wordings, ways into a thread by time and into mails by message"""

import sqlalchemy as sa
from alembic import op

from app.core.model import UTCDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
AT = UTCDateTime()
OF_A_MESSAGE = sa.text("message_id IS NOT NULL")


def upgrade() -> None:
    op.create_index("ix_message_time", "message", ["ticket_id", "created_at", "id"])
    op.create_index(
        "ix_delivery_message", "delivery", ["message_id", "id"], sqlite_where=OF_A_MESSAGE, postgresql_where=OF_A_MESSAGE
    )  # fmt: skip
    op.create_table(
        "ticket_seen",
        sa.Column("staff_id", sa.Integer, sa.ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("ticket_id", BIG, sa.ForeignKey("ticket.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("message_id", BIG, nullable=False),
        sa.Column("at", AT, nullable=False),
    )
    op.create_index("ix_ticket_seen_ticket_id", "ticket_seen", ["ticket_id"])
    _notes()


def _notes() -> None:
    op.create_table(
        "customer_note",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("customer_id", BIG, sa.ForeignKey("customer.id", ondelete="CASCADE"), nullable=False),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("pinned", sa.Boolean, nullable=False),
        sa.Column("staff_id", sa.Integer, sa.ForeignKey("ab_user.id", ondelete="SET NULL")),
        sa.Column("author_name", sa.String(255), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("changed_at", AT),
        sa.Column("removed_at", AT),
    )
    op.create_index("ix_customer_note_customer", "customer_note", ["customer_id", "id"])
    op.create_table(
        "customer_note_wording",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("note_id", BIG, sa.ForeignKey("customer_note.id", ondelete="CASCADE"), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("until", AT, nullable=False),
        sa.Column("by_name", sa.String(255), nullable=False),
    )
    op.create_index("ix_customer_note_wording_note_id", "customer_note_wording", ["note_id"])


def downgrade() -> None:
    op.drop_table("customer_note_wording")
    op.drop_table("customer_note")
    op.drop_table("ticket_seen")
    op.drop_index("ix_delivery_message", "delivery")
    op.drop_index("ix_message_time", "message")
