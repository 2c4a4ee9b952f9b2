"""Lists of tickets as people keep them: saved views, their own or shared, and which columns somebody wants to see."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any

from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import ColumnElement, ForeignKey, and_, or_, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Department
from app.accounts.viewer import Viewer
from app.core import clock
from app.core.model import Base, intpk, longtext


class Audience(enum.StrEnum):
    """Who is offered a saved view, or a macro."""

    OWNER = "owner"
    EVERYONE = "everyone"
    ROLE = "role"
    DEPARTMENT = "department"


class SavedView(Base):
    """A list under a name: its address, and the columns it shows when they are not each reader's own."""

    __tablename__ = "saved_view"

    id: Mapped[intpk]
    name: Mapped[str]
    owner_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    query: Mapped[longtext] = mapped_column(default="")
    """The query string of its address: queue, filters, words and order. What it finds is each reader's own to see."""
    columns: Mapped[longtext] = mapped_column(default="")
    """As ListChoice.columns; empty: the reader's own."""
    audience: Mapped[Audience] = mapped_column(default=Audience.OWNER)
    role_id: Mapped[int | None] = mapped_column(ForeignKey("ab_role.id", ondelete="CASCADE"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)

    owner: Mapped[User] = relationship(User)
    role: Mapped[Role | None] = relationship(Role)
    department: Mapped[Department | None] = relationship(Department)

    def may_be_changed_by(self, viewer: Viewer) -> bool:
        """Its owner's, or, when others have it too, whoever keeps the desk's views."""
        return self.owner_id == viewer.id or (self.audience is not Audience.OWNER and viewer.can("edit", "SavedView"))

    def __str__(self) -> str:
        return self.name


class ListChoice(Base):
    """How one person wants their lists."""

    __tablename__ = "list_choice"

    staff_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    columns: Mapped[longtext] = mapped_column(default="")
    """Names of columns in their order, separated by commas; a wide one ends with "+". Empty: the usual ones."""
    default_view_id: Mapped[int | None] = mapped_column(ForeignKey("saved_view.id", ondelete="SET NULL"))
    """What the bare address of the list opens."""


def offered_to(viewer: Viewer, kind: Any) -> ColumnElement[bool]:
    """Of a table whose rows have an owner and an audience: their own, and those that are shared with everyone, with a role of theirs or
    with a department of theirs."""
    roles = select(Role.id).where(Role.name.in_(sorted(viewer.role_names)))
    return or_(
        kind.owner_id == viewer.id,
        kind.audience == Audience.EVERYONE,
        and_(kind.audience == Audience.ROLE, kind.role_id.in_(roles)),
        and_(kind.audience == Audience.DEPARTMENT, kind.department_id.in_(sorted(viewer.departments))),
    )


def views_of(viewer: Viewer) -> ColumnElement[bool]:
    return offered_to(viewer, SavedView)
