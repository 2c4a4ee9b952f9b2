"""Rules, their versions, and what each of them did to which ticket"""

import sqlalchemy as sa
from alembic import op

from app.core.model import UTCDateTime

revision = "0027"
down_revision = "0025"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
AT = UTCDateTime()


def upgrade() -> None:
    op.create_table(
        "rule",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("listens", sa.JSON, nullable=False),
        sa.Column("basis", sa.String(32)),
        sa.Column("minutes", sa.Integer, nullable=False),
        sa.Column("hours", sa.String(32), nullable=False),
        sa.Column("condition", sa.JSON, nullable=False),
        sa.Column("actions", sa.JSON, nullable=False),
        sa.Column("stop", sa.Boolean, nullable=False),
        sa.Column("most_runs", sa.Integer, nullable=False),
        sa.Column("pause_minutes", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("stopped_why", sa.String(255)),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("updated_at", AT, nullable=False),
    )
    op.create_table(
        "rule_version",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("rule_id", BIG, sa.ForeignKey("rule.id", ondelete="CASCADE"), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("written", sa.JSON, nullable=False),
        sa.Column("by_name", sa.String(255), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.UniqueConstraint("rule_id", "version"),
    )
    op.create_table(
        "rule_run",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("rule_id", BIG, sa.ForeignKey("rule.id", ondelete="SET NULL")),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("ticket_id", BIG, sa.ForeignKey("ticket.id", ondelete="CASCADE"), nullable=False),
        sa.Column("cause", sa.String(255), nullable=False),
        sa.Column("basis_at", AT),
        sa.Column("chain", sa.String(255), nullable=False),
        sa.Column("held", sa.JSON, nullable=False),
        sa.Column("did", sa.JSON, nullable=False),
        sa.Column("changed", sa.Boolean, nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.UniqueConstraint("rule_id", "ticket_id", "cause"),
    )
    op.create_index("ix_rule_run_ticket", "rule_run", ["ticket_id", "id"])
    op.create_index("ix_rule_run_at", "rule_run", ["at"])


def downgrade() -> None:
    op.drop_table("rule_run")
    op.drop_table("rule_version")
    op.drop_table("rule")
