"""indexes that fit the lists"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

LIVE = sa.text("live")


def upgrade() -> None:
    """Outside batches: they would make the table anew, and its triggers would go."""
    columns = ["assignee_id", "last_activity_at", "id"]
    op.create_index("ix_ticket_mine", "ticket", columns, sqlite_where=LIVE, postgresql_where=LIVE)
    op.create_index("ix_ticket_updated", "ticket", ["updated_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_ticket_updated", "ticket")
    op.drop_index("ix_ticket_mine", "ticket")
