"""what an API key was given when it was made"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_key", sa.Column("given", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("api_key", "given")
