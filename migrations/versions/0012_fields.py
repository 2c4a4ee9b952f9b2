"""custom fields of categories"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORD = sa.String(32)


def upgrade() -> None:
    op.create_table(
        "custom_field",
        sa.Column("id", ID, primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("key", sa.String(255), nullable=False, unique=True),
        sa.Column("help", sa.String(255), nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("choices", sa.Text, nullable=False),
        sa.Column("required", WORD, nullable=False),
        sa.Column("readers", WORD, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
    )
    op.create_table(
        "custom_field_category",
        sa.Column("field_id", ID, sa.ForeignKey("custom_field.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("category_id", ID, sa.ForeignKey("category.id"), primary_key=True),
    )
    op.create_index("ix_custom_field_category_category_id", "custom_field_category", ["category_id"])
    _values()


def _values() -> None:
    op.create_table(
        "custom_value",
        sa.Column("ticket_id", ID, sa.ForeignKey("ticket.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("field_id", ID, sa.ForeignKey("custom_field.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("folded", sa.String(255), nullable=False),
        sa.Column("number", sa.Double, nullable=True),
        sa.Column("day", sa.Date, nullable=True),
    )
    op.create_index("ix_custom_value_folded", "custom_value", ["field_id", "folded", "ticket_id"])
    for name in ("number", "day"):
        there = sa.text(f"{name} IS NOT NULL")
        op.create_index(
            f"ix_custom_value_{name}", "custom_value", ["field_id", name, "ticket_id"], sqlite_where=there, postgresql_where=there
        )  # fmt: skip


def downgrade() -> None:
    op.drop_table("custom_value")
    op.drop_table("custom_field_category")
    op.drop_table("custom_field")
