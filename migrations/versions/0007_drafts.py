"""drafts, who is here, and replies that may still be taken back"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    kind = sa.Enum("reply", "note", name="messagekind", native_enum=False, length=32)
    op.create_table(
        "draft",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("ticket_id", BigId, sa.ForeignKey("ticket.id", ondelete="CASCADE"), nullable=False),
        sa.Column("staff_id", sa.Integer(), sa.ForeignKey("ab_user.id", ondelete="CASCADE"), nullable=False),
        sa.Column("mark", sa.String(255), nullable=False),
        sa.Column("turn", BigId, nullable=False),
        sa.Column("kind", kind, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("then", sa.String(255), nullable=False),
        sa.Column("priority", sa.String(255), nullable=False),
        sa.Column("cc", sa.Text()),
        sa.Column("bcc", sa.Text()),
        sa.Column("files", sa.Text(), nullable=False),
        sa.Column("saved_at", Instant, nullable=False),
        sa.Column("returned", sa.Text()),
        sa.Column("leaves_at", Instant),
        sa.Column("scheduled", sa.Boolean(), nullable=False),
        sa.Column("seen_id", BigId, nullable=False),
        sa.Column("spent_at", Instant),
        sa.UniqueConstraint("staff_id", "mark"),
    )
    op.create_index("ix_draft_ticket", "draft", ["ticket_id", "staff_id"])


def downgrade() -> None:
    op.drop_table("draft")
