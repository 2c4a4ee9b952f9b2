"""Runs the migrations on the app's own engine."""

from alembic import context
from flask import current_app

from app.core.model import UTCDateTime

extension = current_app.extensions["migrate"]
metadata = extension.db.metadatas[None]
OURS_BY_HAND = ("search_",)
"""Tables that only a hand-written migration can make (full-text indexes): autogenerate leaves them alone."""


def include_name(name: str | None, kind: str, _parents: object) -> bool:
    return not (kind == "table" and name is not None and name.startswith(OURS_BY_HAND))


def render_item(kind: str, item: object, _context: object) -> str | bool:
    """A column type of ours stands in a migration as the plain type: old migrations must not follow new code."""
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run() -> None:
    with extension.db.engine.connect() as connection:
        context.configure(
            connection=connection, target_metadata=metadata, include_name=include_name, render_item=render_item,
            render_as_batch=True, compare_type=True, transaction_per_migration=True,
        )  # fmt: skip
        with context.begin_transaction():
            context.run_migrations()


run()
