"""What a desk promises (policies and targets), and each promise made to a ticket (clocks)."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.model import Base, BigId, intpk
from app.core.shipped import shown
from app.hours.models import Calendar
from app.sla.fold import ClockState
from app.sla.promises import Level, Metric


class Hours(enum.StrEnum):
    """The time that counts."""

    ALWAYS = "always"
    BUSINESS = "business"


HOURS_LABELS = {Hours.ALWAYS: _l("Round the clock"), Hours.BUSINESS: _l("Business hours")}
METRIC_LABELS = {
    Metric.FIRST_RESPONSE: _l("first response"),
    Metric.NEXT_RESPONSE: _l("next response"),
    Metric.PERIODIC_UPDATE: _l("update"),
    Metric.RESOLUTION: _l("resolution"),
}


class SlaPolicy(Base):
    """Of the active ones, by position, the first whose conditions a ticket meets holds for it; where none does, nothing is promised."""

    __tablename__ = "sla_policy"

    id: Mapped[intpk]
    name: Mapped[str] = mapped_column(unique=True)
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)
    hours: Mapped[Hours] = mapped_column(default=Hours.ALWAYS)
    """Business hours are those of the ticket's department; round the clock, business days are Monday to Friday."""
    calendar_id: Mapped[int | None] = mapped_column(ForeignKey("calendar.id"))
    """One calendar for the business hours of all departments."""
    conditions: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """A list of ids or words by what is asked (matching.py). All must be met; empty holds for every ticket."""
    levels: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list, server_default="[]")
    """promises.Level, written."""
    new_cycle_on_reopen: Mapped[bool] = mapped_column(default=False, server_default=false())

    calendar: Mapped[Calendar | None] = relationship(Calendar)
    targets: Mapped[list[SlaTarget]] = relationship(
        back_populates="policy",
        order_by="SlaTarget.priority_rank.desc()",
        cascade="all, delete-orphan",
        passive_deletes=True,
    )

    @property
    def told(self) -> tuple[Level, ...]:
        return tuple(
            Level(int(each["code"]), tuple(each.get("tell", ())), str(each.get("act", ""))) for each in self.levels
        )

    def __str__(self) -> str:
        return shown(self.name)


class SlaTarget(Base):
    """What a policy promises for one priority. Empty promises nothing; of minutes and days only one is given."""

    __tablename__ = "sla_target"
    __table_args__ = (UniqueConstraint("policy_id", "priority_rank"),)

    id: Mapped[intpk]
    policy_id: Mapped[int] = mapped_column(ForeignKey("sla_policy.id", ondelete="CASCADE"))
    priority_rank: Mapped[int]
    first_response_minutes: Mapped[int | None]
    first_response_business_days: Mapped[int | None]
    next_response_minutes: Mapped[int | None]
    next_response_business_days: Mapped[int | None]
    periodic_update_minutes: Mapped[int | None]
    periodic_update_business_days: Mapped[int | None]
    resolution_minutes: Mapped[int | None]
    resolution_business_days: Mapped[int | None]

    policy: Mapped[SlaPolicy] = relationship(back_populates="targets")

    def __str__(self) -> str:
        return f"{self.policy}: {self.priority_rank}"


class SlaClock(Base):
    """One promise of one ticket, once. Folded from the ticket's events: deleting all rows and replaying gives the same ones."""

    __tablename__ = "sla_clock"
    __table_args__ = (
        UniqueConstraint("ticket_id", "metric", "cycle"),
        Index(
            "ix_sla_clock_fire",
            "next_fire_at",
            "id",
            sqlite_where=text("next_fire_at IS NOT NULL"),
            postgresql_where=text("next_fire_at IS NOT NULL"),
        ),
        *(
            Index(
                f"ix_sla_clock_{name}",
                name,
                sqlite_where=text(f"{name} IS NOT NULL"),
                postgresql_where=text(f"{name} IS NOT NULL"),
            )
            for name in ("ended_at", "breached_at")
        ),
    )

    id: Mapped[intpk]
    ticket_id: Mapped[int] = mapped_column(BigId, ForeignKey("ticket.id", ondelete="CASCADE"))
    metric: Mapped[Metric]
    cycle: Mapped[int]
    epoch: Mapped[int] = mapped_column(default=1)
    """Raised when a deadline that was missed moves into the future again, so that missing it again is told again."""
    policy_id: Mapped[int] = mapped_column(BigId)
    state: Mapped[ClockState]
    started_at: Mapped[dt.datetime]
    target_seconds: Mapped[int]
    paused_seconds: Mapped[int] = mapped_column(default=0)
    paused_since: Mapped[dt.datetime | None]
    due_at: Mapped[dt.datetime | None]
    """Nobody knows it while the clock is paused."""
    ended_at: Mapped[dt.datetime | None]
    elapsed_seconds: Mapped[int | None]
    """Working time used, once it has ended."""
    overrun_seconds: Mapped[int | None]
    breached_at: Mapped[dt.datetime | None]
    detected_at: Mapped[dt.datetime | None]
    """When the breach was told."""
    next_fire_at: Mapped[dt.datetime | None]
    """When the enforcer has to look at it; empty when there is nothing more to tell."""
    schedule: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    """While it runs: each level's code and when it is reached."""
    told_level: Mapped[int] = mapped_column(default=0, server_default="0")
    """The highest level that was told, or passed over, in this epoch."""

    @property
    def levels(self) -> list[tuple[int, dt.datetime]]:
        """A clock from before there were levels knows its end alone."""
        if self.schedule is None:
            return [(100, self.due_at)] if self.due_at else []
        return [(int(code), dt.datetime.fromisoformat(at)) for code, at in self.schedule]

    @property
    def ended(self) -> bool:
        return self.state in (ClockState.FULFILLED, ClockState.CANCELLED)


class SlaFired(Base):
    """Told once: the row is inserted by whoever tells of a breach, and only one can."""

    __tablename__ = "sla_fired"

    clock_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("sla_clock.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    epoch: Mapped[int] = mapped_column(primary_key=True)
    level: Mapped[int] = mapped_column(primary_key=True)
    """Per cent of the allowance; above 100 the minutes after its end are added."""
    at: Mapped[dt.datetime]
    skipped: Mapped[bool] = mapped_column(default=False, server_default=false())
    """A higher level was reached as well before anybody looked: that one was told."""


class SlaRebuild(Base):
    """One run over all promises after a change of the policies, and how far it is."""

    __tablename__ = "sla_rebuild"

    id: Mapped[intpk]
    started_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    moved: Mapped[int] = mapped_column(default=0)
    """Tickets whose promises are others now."""
    ended_at: Mapped[dt.datetime | None]
