"""follow-up, action required, snooze"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANTS = ("follow_up_told_at", "action_told_at", "snoozed_until", "woke_at")
PEOPLE = ("follow_up_by_id", "action_by_id", "snoozed_by_id")
INDEXES = {
    "ix_ticket_follow_up": "follow_up_at",
    "ix_ticket_action": "action_required_at",
    "ix_ticket_snoozed": "snoozed_until",
    "ix_ticket_woke": "woke_at",
}


def upgrade() -> None:
    for name in INSTANTS:
        op.add_column("ticket", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    for name in PEOPLE:
        op.add_column("ticket", sa.Column(name, BIG, nullable=True))
    for name, column in INDEXES.items():
        set_at_all = sa.text(f"{column} IS NOT NULL")
        op.create_index(name, "ticket", [column, "id"], sqlite_where=set_at_all, postgresql_where=set_at_all)


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, "ticket")
    for name in (*INSTANTS, *PEOPLE):
        op.drop_column("ticket", name)
