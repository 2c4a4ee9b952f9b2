"""Mail wordings for each language, what became of each try of a mail, and the keys that mails are signed with"""

import sqlalchemy as sa
from alembic import op

from app.core.model import UTCDateTime

revision = "0025"
down_revision = "0023"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
AT = UTCDateTime()
WORDS = ("source", "changed_at", "changed_by")


def upgrade() -> None:
    _wordings("language", sa.Column("language", sa.String(255), nullable=False), "''")
    op.add_column("delivery", sa.Column("story", sa.JSON, nullable=False, server_default="[]"))
    op.create_table(
        "signing_key",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("domain", sa.String(255), nullable=False),
        sa.Column("selector", sa.String(255), nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("public", sa.Text, nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("found_at", AT),
    )


def downgrade() -> None:
    op.drop_table("signing_key")
    op.drop_column("delivery", "story")
    op.execute("DELETE FROM email_template WHERE language <> ''")
    _wordings(None, None, None)


def _wordings(more, column, value) -> None:
    """The primary key is another one, which SQLite takes for a new table alone."""
    columns = [sa.Column("kind", sa.String(255), nullable=False)] + ([column] if more else [])
    op.create_table(
        "email_template_new",
        *columns,
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("changed_at", AT, nullable=False),
        sa.Column("changed_by", sa.String(255)),
        sa.PrimaryKeyConstraint("kind", *([more] if more else [])),
    )
    into = ", ".join(["kind", *([more] if more else []), *WORDS])
    given = ", ".join(["kind", *([value] if more else []), *WORDS])
    op.execute(f"INSERT INTO email_template_new ({into}) SELECT {given} FROM email_template")
    op.drop_table("email_template")
    op.rename_table("email_template_new", "email_template")
