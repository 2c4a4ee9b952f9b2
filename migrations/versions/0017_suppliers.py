"""Suppliers with their people and their threads in tickets; environments; how many further people a ticket has"""

import sqlalchemy as sa
from alembic import op

from app.core.model import UTCDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
AT = UTCDateTime()
POINTERS = (
    ("ticket", "environment_id", "environment"),
    ("customer", "environment_id", "environment"),
    ("message", "supplier_id", "supplier"),
    ("delivery", "supplier_contact_id", "supplier_contact"),
)
"""Columns of tables that are there: (table, column, the table it points at)."""


def upgrade() -> None:
    op.create_table(
        "environment",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("name", sa.String(255), nullable=False, unique=True),
        sa.Column("colour", sa.String(255)),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
    )
    _suppliers()
    _of_tickets()
    for table, column, target in POINTERS:
        _point(table, column, target)
    op.add_column("ticket", sa.Column("supplier_turn", sa.String(32)))
    op.add_column("ticket", sa.Column("further", sa.Integer, nullable=False, server_default="0"))
    for column in ("supplier_turn", "environment_id"):
        op.create_index(
            f"ix_ticket_{column.removesuffix('_id')}",
            "ticket",
            [column, "last_activity_at", "id"],
            sqlite_where=sa.text(f"{column} IS NOT NULL"),
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )


def _suppliers() -> None:
    op.create_table(
        "supplier",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("name", sa.String(255), nullable=False, unique=True),
        sa.Column("department_id", BIG, sa.ForeignKey("department.id", ondelete="SET NULL")),
        sa.Column("language", sa.String(255)),
        sa.Column("notes", sa.Text),
        sa.Column("active", sa.Boolean, nullable=False),
    )
    op.create_table(
        "supplier_category",
        sa.Column("supplier_id", BIG, sa.ForeignKey("supplier.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("category_id", BIG, sa.ForeignKey("category.id", ondelete="CASCADE"), primary_key=True),
    )
    op.create_index("ix_supplier_category_category_id", "supplier_category", ["category_id"])
    op.create_table(
        "supplier_contact",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("supplier_id", BIG, sa.ForeignKey("supplier.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("email", sa.String(255), nullable=False),
        sa.Column("email_key", sa.String(255), nullable=False),
        sa.Column("address_works", sa.Boolean, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
    )
    op.create_index("ix_supplier_contact_supplier_id", "supplier_contact", ["supplier_id"])
    op.create_index("ix_supplier_contact_email_key", "supplier_contact", ["email_key"])


def _of_tickets() -> None:
    op.create_table(
        "ticket_supplier",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("ticket_id", BIG, sa.ForeignKey("ticket.id", ondelete="CASCADE"), nullable=False),
        sa.Column("supplier_id", BIG, sa.ForeignKey("supplier.id"), nullable=False),
        sa.Column("turn", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("asked_by_id", sa.Integer, sa.ForeignKey("ab_user.id", ondelete="SET NULL")),
        sa.Column("asked_at", AT),
        sa.Column("answered_at", AT),
        sa.Column("created_at", AT, nullable=False),
        sa.UniqueConstraint("ticket_id", "supplier_id"),
    )
    op.create_index("ix_ticket_supplier_supplier", "ticket_supplier", ["supplier_id", "ticket_id"])


def _point(table: str, column: str, target: str) -> None:
    """SQLite takes the reference with the column, without making the table anew: that would lose its triggers."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} INTEGER REFERENCES {target} (id)")
    else:
        op.add_column(table, sa.Column(column, BIG, sa.ForeignKey(f"{target}.id")))


def downgrade() -> None:
    for column in ("supplier_turn", "environment"):
        op.drop_index(f"ix_ticket_{column}", "ticket")
    for table, column, _target in (*POINTERS, ("ticket", "supplier_turn", ""), ("ticket", "further", "")):
        op.drop_column(table, column)
    for table in ("ticket_supplier", "supplier_contact", "supplier_category", "supplier", "environment"):
        op.drop_table(table)
