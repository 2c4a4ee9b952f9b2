"""A macro: several actions on a ticket under one name, somebody's own or shared, and who is offered it where."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import JSON, ColumnElement, ForeignKey, Index, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Department
from app.accounts.viewer import Viewer
from app.core import clock
from app.core.extensions import db
from app.core.model import Base, BigId, intpk
from app.tickets.actions import Action
from app.tickets.lists import Audience, offered_to
from app.tickets.models import Ticket

LONGEST_NAME = 80
CONDITIONS = ("department", "category", "kind", "state")
"""What of a ticket may decide whether a macro is offered for it."""


class Macro(Base):
    __tablename__ = "macro"

    id: Mapped[intpk]
    name: Mapped[str]
    owner_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    audience: Mapped[Audience] = mapped_column(default=Audience.OWNER)
    role_id: Mapped[int | None] = mapped_column(ForeignKey("ab_role.id", ondelete="CASCADE"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id", ondelete="CASCADE"))
    actions: Mapped[list[dict[str, str]]] = mapped_column(JSON, default=list)
    """In their order, each as actions.Action writes itself."""
    conditions: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Names of CONDITIONS with the one value for which it is offered; what is not there does not matter."""
    active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)
    uses: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)

    owner: Mapped[User] = relationship(User)
    role: Mapped[Role | None] = relationship(Role)
    department: Mapped[Department | None] = relationship(Department)

    @property
    def steps(self) -> list[Action]:
        return [Action.of(written) for written in self.actions]

    @property
    def shared(self) -> bool:
        return self.audience is not Audience.OWNER

    def fits(self, ticket: Ticket) -> bool:
        """A condition that names what was deleted since fits no ticket."""
        here = {
            "department": str(ticket.department_id), "category": str(ticket.category_id or ""), "kind": ticket.kind.value, "state": ticket.state.value,
        }  # fmt: skip
        return all(here[name] == str(value) for name, value in self.conditions.items() if name in here and value)

    def may_be_changed_by(self, viewer: Viewer) -> bool:
        """Its owner's; what others have too is changed by those who may share."""
        return (
            viewer.can("share", "Macro") if self.shared else self.owner_id == viewer.id and viewer.can("edit", "Macro")
        )

    def __str__(self) -> str:
        return self.name


class MacroRun(Base):
    """One run on one ticket, for giving it back."""

    __tablename__ = "macro_run"
    __table_args__ = (Index("ix_macro_run_ticket", "ticket_id", "id"),)

    id: Mapped[intpk]
    macro_id: Mapped[int | None] = mapped_column(ForeignKey("macro.id", ondelete="SET NULL"))
    name: Mapped[str]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    staff_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    was: Mapped[dict[str, Any]]
    """What the ticket was, and below what it was then, as actions.state_of says it."""
    now: Mapped[dict[str, Any]]
    draft_ids: Mapped[str] = mapped_column(default="")
    """Replies of it that wait to leave, between blanks."""
    last_event_id: Mapped[int] = mapped_column(BigId)
    """What came later was not part of it."""
    at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    undone_at: Mapped[dt.datetime | None]


def macros_of(viewer: Viewer) -> ColumnElement[bool]:
    return offered_to(viewer, Macro)


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """On the page where they are kept: whoever may share keeps all that are shared."""
    if viewer.can("share", "Macro"):
        return or_(macros_of(viewer), Macro.audience != Audience.OWNER)
    return macros_of(viewer)


def offered(viewer: Viewer, ticket: Ticket | None = None, words: str = "") -> list[Macro]:
    """Active ones for this ticket, in their order; without a ticket those that may be tried on any."""
    if not viewer.can("list", "Macro"):
        return []
    wanted = (
        select(Macro).where(Macro.active.is_(True), macros_of(viewer)).order_by(Macro.position, Macro.name, Macro.id)
    )
    parts = words.casefold().split()
    return [
        macro
        for macro in db.session.scalars(wanted)
        if (ticket is None or macro.fits(ticket)) and all(part in macro.name.casefold() for part in parts)
    ]


def find(macro_id: int, viewer: Viewer) -> Macro | None:
    """One that this person may run."""
    if macro_id >= 2**63 or not viewer.can("list", "Macro"):
        return None
    return db.session.scalar(select(Macro).where(Macro.id == macro_id, Macro.active.is_(True), macros_of(viewer)))


def count_use(macro: Macro) -> None:
    counted = update(Macro).where(Macro.id == macro.id).values(uses=Macro.uses + 1)
    db.session.execute(counted.execution_options(synchronize_session=False))


def in_order(found: Sequence[Macro]) -> list[Macro]:
    return sorted(found, key=lambda one: (one.position, one.name.casefold(), one.id))
