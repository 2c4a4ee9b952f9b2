"""What each person wants to hear and when, tickets they follow or mute, notices that wait for a joint mail, planned absences"""

import sqlalchemy as sa
from alembic import op

from app.core.model import UTCDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
AT = UTCDateTime()
WAITS = sa.text("mail_due_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("staff_profile", sa.Column("time_zone", sa.String(255)))
    op.add_column("staff_profile", sa.Column("away_reason", sa.String(255)))
    op.add_column("notice_preference", sa.Column("digest", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("notification", sa.Column("in_app", sa.Boolean, nullable=False, server_default=sa.true()))
    op.add_column("notification", sa.Column("count", sa.Integer, nullable=False, server_default="1"))
    op.add_column("notification", sa.Column("since", AT))
    op.add_column("notification", sa.Column("mail_due_at", AT))
    op.create_index(
        "ix_notification_mail", "notification", ["mail_due_at", "staff_id"], sqlite_where=WAITS, postgresql_where=WAITS
    )
    _plans()
    op.create_table(
        "ticket_watch",
        sa.Column("ticket_id", BIG, sa.ForeignKey("ticket.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("staff_id", sa.Integer, sa.ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("way", sa.String(32), nullable=False),
    )
    op.create_index("ix_ticket_watch_staff_id", "ticket_watch", ["staff_id"])
    op.create_table(
        "absence",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("staff_id", sa.Integer, sa.ForeignKey("ab_user.id", ondelete="CASCADE"), nullable=False),
        sa.Column("starts_on", sa.Date, nullable=False),
        sa.Column("ends_on", sa.Date, nullable=False),
        sa.Column("reason", sa.String(255)),
        sa.Column("begun_at", AT),
        sa.Column("created_at", AT, nullable=False),
    )
    op.create_index("ix_absence_staff_id", "absence", ["staff_id"])
    op.create_index("ix_absence_starts_on", "absence", ["starts_on"])


def _plans() -> None:
    op.create_table(
        "notice_plan",
        sa.Column("staff_id", sa.Integer, sa.ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("reach", sa.String(32), nullable=False),
        sa.Column("follows", sa.Boolean, nullable=False),
        sa.Column("rhythm", sa.String(32), nullable=False),
        sa.Column("digest_minute", sa.Integer, nullable=False),
        sa.Column("digest_weekday", sa.Integer, nullable=False),
        sa.Column("quiet_days", sa.String(255), nullable=False),
        sa.Column("quiet_from", sa.Integer, nullable=False),
        sa.Column("quiet_to", sa.Integer, nullable=False),
        sa.Column("quiet_whole_days", sa.String(255), nullable=False),
        sa.Column("urgent_passes", sa.Boolean, nullable=False),
        sa.Column("undisturbed_until", AT),
    )


def downgrade() -> None:
    for table in ("absence", "ticket_watch", "notice_plan"):
        op.drop_table(table)
    op.drop_index("ix_notification_mail", "notification")
    for name in ("mail_due_at", "since", "count", "in_app"):
        op.drop_column("notification", name)
    op.drop_column("notice_preference", "digest")
    for name in ("away_reason", "time_zone"):
        op.drop_column("staff_profile", name)
