"""Skills of people and of categories, pools that say how departments hand out work, shares and stand-ins"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0031"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "skill",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("name", sa.String(255), nullable=False, unique=True),
        sa.Column("description", sa.Text),
    )
    op.create_table(
        "staff_skill",
        sa.Column("skill_id", BIG, sa.ForeignKey("skill.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("staff_id", sa.Integer, sa.ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True),
    )
    op.create_index("ix_staff_skill_staff_id", "staff_skill", ["staff_id"])
    op.create_table(
        "category_skill",
        sa.Column("category_id", BIG, sa.ForeignKey("category.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("skill_id", BIG, sa.ForeignKey("skill.id", ondelete="CASCADE"), primary_key=True),
    )
    op.create_index("ix_category_skill_skill_id", "category_skill", ["skill_id"])
    op.create_table(
        "pool",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("department_id", BIG, sa.ForeignKey("department.id", ondelete="CASCADE"), nullable=False),
        sa.Column("category_id", BIG, sa.ForeignKey("category.id", ondelete="CASCADE")),
        sa.Column("method", sa.String(255), nullable=False),
        sa.Column("hours", sa.String(255), nullable=False),
        sa.Column("absent", sa.String(255), nullable=False),
        sa.Column("previous_days", sa.Integer),
        *(sa.Column(f"weight_{name}", sa.Integer) for name in ("low", "normal", "high", "critical")),
        sa.Column("fallback_id", sa.Integer, sa.ForeignKey("ab_user.id", ondelete="SET NULL")),
        sa.Column("fallback_department_id", BIG, sa.ForeignKey("department.id", ondelete="SET NULL")),
        sa.UniqueConstraint("department_id", "category_id"),
    )
    op.add_column("category", sa.Column("any_skill", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("staff_profile", sa.Column("share_percent", sa.Integer, nullable=False, server_default="100"))
    if op.get_bind().dialect.name == "sqlite":
        op.execute("ALTER TABLE staff_profile ADD COLUMN stand_in_id INTEGER REFERENCES ab_user (id)")
    else:
        op.add_column("staff_profile", sa.Column("stand_in_id", sa.Integer, sa.ForeignKey("ab_user.id")))


def downgrade() -> None:
    op.drop_column("staff_profile", "stand_in_id")
    op.drop_column("staff_profile", "share_percent")
    op.drop_column("category", "any_skill")
    op.drop_table("pool")
    op.drop_table("category_skill")
    op.drop_table("staff_skill")
    op.drop_table("skill")
