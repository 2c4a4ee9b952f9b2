"""Where a ticket plays: production, staging, and what else an admin calls the places that customers run."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Mapped, mapped_column

from app.core.extensions import db
from app.core.model import Base, intpk
from app.settings import desk


class Environment(Base):
    """One place of an admin's list."""

    __tablename__ = "environment"

    id: Mapped[intpk]
    name: Mapped[str] = mapped_column(unique=True)
    colour: Mapped[str | None]
    """A name of COLOURS; empty: grey."""
    active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)

    def __str__(self) -> str:
        return self.name


COLOURS = ("grey", "blue", "green", "amber", "red", "violet")


def active() -> Sequence[Environment]:
    """In the admin's order."""
    wanted = select(Environment).where(Environment.active.is_(True)).order_by(Environment.position, Environment.name)
    return db.session.scalars(wanted).all()


def offered_to_customers() -> Sequence[Environment]:
    """Nothing is asked of the database where the desk does not offer it."""
    return active() if desk.current().environment_in_portal else ()


def required() -> bool:
    """Of a form that offers some."""
    return desk.current().environment_required and bool(active())
