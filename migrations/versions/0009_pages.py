"""indexes and columns that the pages need"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_ticket_owner", "ticket", ["assignee_id", "last_activity_at"])
    op.create_index("ix_ticket_requester_live", "ticket", ["requester_id", "live", "id"])


def downgrade() -> None:
    op.drop_index("ix_ticket_requester_live", "ticket")
    op.drop_index("ix_ticket_owner", "ticket")
