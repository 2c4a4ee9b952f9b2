"""merging, splitting and linking tickets"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MERGED = sa.text("merged_into_id IS NOT NULL")
LINK_TYPES = (
    ("relates to", "relates to"),
    ("duplicates", "is duplicated by"),
    ("causes", "is caused by"),
    ("blocks", "is blocked by"),
)


def upgrade() -> None:
    """Columns are added outside batches: those would make ticket and message anew, and their triggers would go."""
    op.add_column("ticket", sa.Column("merged_into_id", BigId))
    op.add_column("ticket", sa.Column("merged_in", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(
        "ix_ticket_merged", "ticket", ["merged_into_id", "id"], sqlite_where=MERGED, postgresql_where=MERGED
    )
    op.add_column("message", sa.Column("moved_from_id", BigId))
    op.add_column("participant", sa.Column("merged_from_id", BigId))
    op.add_column("daily_figure", sa.Column("merged", sa.Integer(), nullable=False, server_default="0"))
    _merge()
    _shared_message()
    _link_type()


def _merge() -> None:
    ticket = sa.ForeignKey("ticket.id", ondelete="CASCADE")
    op.create_table(
        "merge",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("ticket_id", BigId, ticket, nullable=False),
        sa.Column("into_id", BigId, sa.ForeignKey("ticket.id", ondelete="CASCADE"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_name", sa.String(255), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_merge_ticket", "merge", ["ticket_id", "id"])
    op.create_index("ix_merge_into", "merge", ["into_id"])


def _shared_message() -> None:
    op.create_table(
        "shared_message",
        sa.Column("message_id", BigId, sa.ForeignKey("message.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("ticket_id", BigId, sa.ForeignKey("ticket.id", ondelete="CASCADE"), primary_key=True),
    )
    op.create_index("ix_shared_message_ticket_id", "shared_message", ["ticket_id"])


def _link_type() -> None:
    """What a desk may shape anew; a link of before is a follow-up and has no such row."""
    made = op.create_table(
        "link_type",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("name", sa.String(255), nullable=False, unique=True),
        sa.Column("reverse_name", sa.String(255), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
    )
    rows = [
        {"name": name, "reverse_name": reverse, "position": place, "active": True}
        for place, (name, reverse) in enumerate(LINK_TYPES)
    ]
    op.bulk_insert(made, rows)
    with op.batch_alter_table("ticket_link") as batch:
        batch.add_column(sa.Column("type_id", BigId))
        batch.create_foreign_key("fk_ticket_link_type", "link_type", ["type_id"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("ticket_link") as batch:
        batch.drop_constraint("fk_ticket_link_type", type_="foreignkey")
        batch.drop_column("type_id")
    for table in ("link_type", "shared_message", "merge"):
        op.drop_table(table)
    op.drop_column("daily_figure", "merged")
    op.drop_column("participant", "merged_from_id")
    op.drop_column("message", "moved_from_id")
    op.drop_index("ix_ticket_merged", "ticket")
    op.drop_column("ticket", "merged_in")
    op.drop_column("ticket", "merged_into_id")
