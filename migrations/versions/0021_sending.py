"""To whom a reply goes, what a waiting question to a supplier holds, and which tickets somebody follows"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

WORDS = ("about", "along", "along_files")


def upgrade() -> None:
    op.add_column("ticket", sa.Column("watched", sa.Boolean, nullable=False, server_default=sa.false()))
    op.execute("UPDATE ticket SET watched = true WHERE id IN (SELECT ticket_id FROM ticket_watch WHERE way = 'follow')")
    op.add_column("message", sa.Column("sent_to", sa.Text, nullable=True))
    op.add_column("draft", sa.Column("sent_to", sa.Text, nullable=True))
    for name in WORDS:
        op.add_column("draft", sa.Column(name, sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    for name in ("sent_to", *WORDS):
        op.drop_column("draft", name)
    op.drop_column("message", "sent_to")
    op.drop_column("ticket", "watched")
