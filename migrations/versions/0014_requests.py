"""Document requests with their slots and links, and what a ticket keeps of them"""

import sqlalchemy as sa
from alembic import op

from app.core.model import UTCDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
AT = UTCDateTime()


def upgrade() -> None:
    op.add_column("ticket", sa.Column("documents_wanted", sa.Integer, nullable=False, server_default="0"))
    op.add_column("ticket", sa.Column("documents_here", sa.Integer, nullable=False, server_default="0"))
    op.add_column("ticket", sa.Column("documents_due_on", sa.Date))
    _requests()
    _slots()
    op.create_table(
        "upload_link",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("request_id", BIG, sa.ForeignKey("document_request.id", ondelete="CASCADE"), nullable=False),
        sa.Column("token_hash", sa.String(255), nullable=False, unique=True),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("expires_at", AT, nullable=False),
        sa.Column("revoked_at", AT),
    )
    op.create_index("ix_upload_link_request", "upload_link", ["request_id"])


def _requests() -> None:
    op.create_table(
        "document_request",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("ticket_id", BIG, sa.ForeignKey("ticket.id", ondelete="CASCADE"), nullable=False),
        sa.Column("asked_by_id", sa.Integer, sa.ForeignKey("ab_user.id", ondelete="SET NULL")),
        sa.Column("asked_by", sa.String(255), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("due_on", sa.Date),
        sa.Column("reminded", sa.String(32)),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("ended_at", AT),
    )
    op.create_index("ix_document_request_ticket", "document_request", ["ticket_id"])
    op.create_index(
        "ix_document_request_due", "document_request", ["due_on", "id"], sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'")
    )  # fmt: skip


def _slots() -> None:
    op.create_table(
        "document_slot",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("request_id", BIG, sa.ForeignKey("document_request.id", ondelete="CASCADE"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("hint", sa.Text, nullable=False),
        sa.Column("allowed", sa.String(32), nullable=False),
        sa.Column("required", sa.Boolean, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("attachment_id", BIG, sa.ForeignKey("attachment.id", ondelete="SET NULL")),
        sa.Column("reason", sa.Text),
        sa.Column("received_at", AT),
    )
    op.create_index("ix_document_slot_request", "document_slot", ["request_id", "position"])
    op.create_index("ix_document_slot_attachment_id", "document_slot", ["attachment_id"])


def downgrade() -> None:
    op.drop_table("upload_link")
    op.drop_table("document_slot")
    op.drop_table("document_request")
    for name in ("documents_due_on", "documents_here", "documents_wanted"):
        op.drop_column("ticket", name)
