"""How long whom each ended ticket waited for"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0024"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
PARTIES = ("us", "customer", "supplier", "nobody")


def upgrade() -> None:
    op.create_table(
        "ticket_ledger",
        sa.Column("ticket_id", BIG, sa.ForeignKey("ticket.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
        sa.Column("ended_on", sa.Date, nullable=False),
        *(sa.Column(f"{name}_id", BIG, nullable=False) for name in ("department", "category", "staff", "customer")),
        *(sa.Column(f"{party}_{side}", BIG, nullable=False) for party in PARTIES for side in ("inside", "outside")),
    )  # fmt: skip
    op.create_index("ix_ticket_ledger_day", "ticket_ledger", ["ended_on", "department_id"])


def downgrade() -> None:
    op.drop_table("ticket_ledger")
