"""How customers say that we did: one row each time a ticket is solved, and the newest score on the ticket"""

import sqlalchemy as sa
from alembic import op

from app.core.model import UTCDateTime

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
AT = UTCDateTime()
RATED = sa.text("rating IS NOT NULL")


def upgrade() -> None:
    op.add_column("ticket", sa.Column("rating", sa.Integer))
    op.create_index(
        "ix_ticket_rating", "ticket", ["rating", "last_activity_at", "id"], sqlite_where=RATED, postgresql_where=RATED
    )
    op.create_table(
        "rating",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("ticket_id", BIG, sa.ForeignKey("ticket.id", ondelete="CASCADE"), nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("customer_id", BIG, sa.ForeignKey("customer.id"), nullable=False),
        sa.Column("staff_id", sa.Integer, sa.ForeignKey("ab_user.id", ondelete="SET NULL")),
        sa.Column("scale", sa.String(32), nullable=False),
        sa.Column("score", sa.Integer),
        sa.Column("comment", sa.Text),
        sa.Column("made_at", AT, nullable=False),
        sa.Column("asked_at", AT),
        sa.Column("asked_on", sa.Date),
        sa.Column("given_at", AT),
        sa.Column("given_on", sa.Date),
        sa.Column("changed_at", AT),
    )
    op.create_index("ix_rating_ticket", "rating", ["ticket_id", "round"], unique=True)
    op.create_index("ix_rating_customer", "rating", ["customer_id", "asked_at"])
    op.create_index("ix_rating_asked", "rating", ["asked_on"])
    op.create_index("ix_rating_given", "rating", ["given_on"])


def downgrade() -> None:
    op.drop_table("rating")
    op.drop_index("ix_ticket_rating", "ticket")
    op.drop_column("ticket", "rating")
