"""Calendars: when the desk and its departments work. The week that was fixed until now becomes the first of them"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
NINE_TO_FIVE, WHOLE_DAY = [[540, 1020]], [[0, 1440]]


def upgrade() -> None:
    calendar = op.create_table(
        "calendar",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("name", sa.String(255), nullable=False, unique=True),
        sa.Column("zone", sa.String(255)),
        sa.Column("week", sa.JSON, nullable=False),
        sa.Column("standard", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_table(
        "calendar_date",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("calendar_id", BIG, sa.ForeignKey("calendar.id", ondelete="CASCADE"), nullable=False),
        sa.Column("falls_on", sa.Date, nullable=False),
        sa.Column("every_year", sa.Boolean, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("spans", sa.JSON, nullable=False),
        sa.Column("source", sa.String(255), nullable=False),
        sa.UniqueConstraint("calendar_id", "falls_on"),
    )
    op.bulk_insert(
        calendar,
        [
            {"name": "Business hours", "week": [NINE_TO_FIVE] * 5 + [[], []], "standard": True, "version": 1},
            {"name": "Always", "week": [WHOLE_DAY] * 7, "standard": False, "version": 1},
        ],
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute("ALTER TABLE department ADD COLUMN calendar_id INTEGER REFERENCES calendar (id)")
    else:
        op.add_column("department", sa.Column("calendar_id", BIG, sa.ForeignKey("calendar.id")))


def downgrade() -> None:
    op.drop_column("department", "calendar_id")
    op.drop_table("calendar_date")
    op.drop_table("calendar")
