"""A ticket has at most one assignee: the agent who owes the customer an answer."""

from __future__ import annotations

from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, ForeignKey
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from app.accounts.viewer import SYSTEM, Actor, viewer
from app.core.errors import Invalid
from app.core.extensions import db
from app.tickets.timeline import Did, Timeline
from app.tickets.turns import demand


class Assignable(Timeline):
    assignee_id: Mapped[int | None] = mapped_column(
        ForeignKey("ab_user.id"), active_history=True
    )  # active_history: the tally needs what it was

    @declared_attr
    def assignee(cls) -> Mapped[User | None]:
        return relationship(User, foreign_keys=[cls.assignee_id])  # type: ignore[list-item]

    @hybrid_property
    def assigned(self) -> bool:
        return self.assignee_id is not None

    @assigned.inplace.expression
    @classmethod
    def _assigned(cls) -> ColumnElement[bool]:
        return cls.assignee_id.is_not(None)

    def assign_to(self, agent: User | None, by: Actor, reason: str | None = None) -> None:
        """Hand the ticket to `agent`, or take it from everyone with None. Does nothing if it is so already.

        `reason` is shown as "why is this mine". Raises Invalid when the agent may not see the ticket.
        """
        demand(by, "assign", self)
        if (agent.id if agent else None) == self.assignee_id:
            return
        if agent is not None and not self.may_be_given_to(agent.id):
            sentence = _("%(name)s has no access to this ticket's department or category.", name=agent.get_full_name())
            raise Invalid(sentence, {"assignee": sentence})
        before = self.assignee
        self.assignee, self.assignee_id = agent, agent.id if agent else None
        self._follow_assignment(by)
        self.record(
            Did.ASSIGNED, by, was=before.get_full_name() if before else None, now=agent.get_full_name() if agent else None,
            was_id=before.id if before else None, now_id=agent.id if agent else None, reason=reason,
        )  # fmt: skip

    def may_be_given_to(self, staff_id: int) -> bool:
        """Whether this person would see the ticket if it were theirs."""
        from app.tickets import visibility

        agent = viewer(staff_id)
        return agent is not None and visibility.may_work_on(agent, self)  # type: ignore[arg-type]

    def release_if_lost(self) -> None:
        """Take the ticket from an assignee who has lost access to it."""
        if self.assignee_id is not None and not self.may_be_given_to(self.assignee_id):
            self.assign_to(None, by=SYSTEM, reason=_("no longer has access"))

    def _follow_assignment(self, by: Actor) -> None:
        """Some vocabularies have a status for what is assigned (New → Open)."""
        after = self.status.after_assignment  # type: ignore[attr-defined]
        if self.assignee is not None and after is not None and after.active:
            self._enter(after, by)  # type: ignore[attr-defined]
        db.session.flush()
