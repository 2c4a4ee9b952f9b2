"""the log of what admins and machines did"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    bigint = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    words = [
        sa.Column(name, sa.String(length=255), nullable=False)
        for name in ("source", "what", "object_kind", "object_id", "object_name")
    ]
    op.create_table(
        "audit",
        sa.Column("id", bigint, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(length=255), nullable=False),
        sa.Column("actor_id", bigint, nullable=True),
        sa.Column("actor_name", sa.String(length=255), nullable=False),
        *words,
        sa.Column("changed", sa.JSON(), nullable=False),
        sa.Column("request_id", sa.String(length=255), nullable=False),
        sa.Column("hash", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_index("ix_audit_what", "audit", ["what", "id"])
    op.create_index("ix_audit_object", "audit", ["object_kind", "object_id"])
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


APPEND_ONLY = {
    "sqlite": [
        f"CREATE TRIGGER audit_no_{deed} BEFORE {deed.upper()} ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append only'); END"
        for deed in ("update", "delete")
    ],
    "postgresql": [
        "CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append only'; END $$",
        "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_append_only()",
        "CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()",
    ],
}


def downgrade() -> None:
    op.drop_table("audit")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_append_only()")
