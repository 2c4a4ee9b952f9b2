"""Rules as admins shape them, their earlier versions, and what each of them did to which ticket."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.model import Base, intpk
from app.tickets.actions import Action

LONGEST_NAME = 80


class Kind(enum.StrEnum):
    TRIGGER = "trigger"
    TIMER = "timer"


class On(enum.StrEnum):
    """What a trigger listens to."""

    CREATED = "created"
    CUSTOMER_MESSAGE = "customer_message"
    STAFF_REPLY = "staff_reply"
    NOTE = "note"
    STATUS = "status"
    ASSIGNED = "assigned"
    UPDATED = "updated"
    SLA_WARNING = "sla_warning"
    SLA_BREACHED = "sla_breached"


ON_LABELS = {
    On.CREATED: _l("a ticket is opened"),
    On.CUSTOMER_MESSAGE: _l("a customer writes"),
    On.STAFF_REPLY: _l("staff reply"),
    On.NOTE: _l("an internal note is written"),
    On.STATUS: _l("the status changes"),
    On.ASSIGNED: _l("the assignee changes"),
    On.UPDATED: _l("priority, category, department, tags or a field change"),
    On.SLA_WARNING: _l("a promise is nearly due"),
    On.SLA_BREACHED: _l("a promise is broken"),
}


class Basis(enum.StrEnum):
    """From when a timer counts."""

    CREATED = "created"
    STATUS = "status"
    CUSTOMER = "customer"
    STAFF = "staff"
    ACTIVITY = "activity"
    DUE = "due"


BASIS_LABELS = {
    Basis.CREATED: _l("after the ticket was opened"),
    Basis.STATUS: _l("after the status changed"),
    Basis.CUSTOMER: _l("after the customer last wrote"),
    Basis.STAFF: _l("after staff last replied"),
    Basis.ACTIVITY: _l("after anything last happened"),
    Basis.DUE: _l("before the next promise is due"),
}


class Hours(enum.StrEnum):
    CALENDAR = "calendar"
    BUSINESS = "business"


class Rule(Base):
    """If this happens, or so much time passed, and that holds: do these things. A change makes a new version."""

    __tablename__ = "rule"

    id: Mapped[intpk]
    name: Mapped[str]
    kind: Mapped[Kind] = mapped_column(default=Kind.TRIGGER)
    active: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int] = mapped_column(default=0)
    listens: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Of a trigger: values of On."""
    basis: Mapped[Basis | None]
    """Of a timer, as are the next two."""
    minutes: Mapped[int] = mapped_column(default=0)
    hours: Mapped[Hours] = mapped_column(default=Hours.CALENDAR)
    condition: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """A node of conditions.py."""
    actions: Mapped[list[dict[str, str]]] = mapped_column(JSON, default=list)
    """In their order, each as tickets.actions.Action writes itself."""
    stop: Mapped[bool] = mapped_column(default=False)
    """Where it acts, no rule behind it is asked."""
    most_runs: Mapped[int] = mapped_column(default=0)
    """On one ticket, ever; 0: as often as it fits."""
    pause_minutes: Mapped[int] = mapped_column(default=0)
    """So long it leaves a ticket alone after it acted there."""
    version: Mapped[int] = mapped_column(default=1)
    stopped_why: Mapped[str | None]
    """Why the desk switched it off."""
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    updated_at: Mapped[dt.datetime] = mapped_column(default=clock.now, onupdate=clock.now)

    @property
    def steps(self) -> list[Action]:
        return [Action.of(written) for written in self.actions]

    def __str__(self) -> str:
        return self.name


class RuleVersion(Base):
    """A rule as it was saved, in the text in which rules are exported."""

    __tablename__ = "rule_version"
    __table_args__ = (UniqueConstraint("rule_id", "version"),)

    id: Mapped[intpk]
    rule_id: Mapped[int] = mapped_column(ForeignKey("rule.id", ondelete="CASCADE"))
    version: Mapped[int]
    written: Mapped[dict[str, Any]]
    by_name: Mapped[str]
    at: Mapped[dt.datetime] = mapped_column(default=clock.now)


class RuleRun(Base):
    """That a rule acted on a ticket, why, and what came of it. The unique key is what makes it act once."""

    __tablename__ = "rule_run"
    __table_args__ = (
        UniqueConstraint("rule_id", "ticket_id", "cause"),
        Index("ix_rule_run_ticket", "ticket_id", "id"),
        Index("ix_rule_run_at", "at"),
    )

    id: Mapped[intpk]
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("rule.id", ondelete="SET NULL"))
    name: Mapped[str]
    version: Mapped[int]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    cause: Mapped[str]
    """`event <id>`, or `<basis> <instant>` of a timer."""
    basis_at: Mapped[dt.datetime | None]
    """The instant a timer counted from."""
    chain: Mapped[str] = mapped_column(default="")
    """Ids of the rules that led here, between blanks."""
    held: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    """Each condition with whether it held."""
    did: Mapped[list[dict[str, str]]] = mapped_column(JSON, default=list)
    """Each action with what it changed, or why it could not."""
    changed: Mapped[bool] = mapped_column(default=False)
    at: Mapped[dt.datetime] = mapped_column(default=clock.now)

    rule: Mapped[Rule | None] = relationship(Rule)
