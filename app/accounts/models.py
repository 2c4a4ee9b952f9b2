"""Staff and customers, and the departments and organizations they belong to."""

from __future__ import annotations

import datetime as dt
import enum

from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import Column, ForeignKey, Index, Integer, Table, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from app.accounts.environments import Environment
from app.core import clock
from app.core.model import Base, BigId, intpk, longtext
from app.core.shipped import shown

customer_staff = Table(
    "customer_staff",
    Base.metadata,
    Column("customer_id", BigId, ForeignKey("customer.id", ondelete="CASCADE"), primary_key=True),
    Column("staff_id", Integer, ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True),
)
"""The customer's own staff: tickets of theirs are offered to these people first."""

department_member = Table(
    "department_member",
    Base.metadata,
    Column("department_id", BigId, ForeignKey("department.id", ondelete="CASCADE"), primary_key=True),
    Column("staff_id", Integer, ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class Organization(Base):
    """Its members see and answer each other's tickets."""

    __tablename__ = "organization"

    id: Mapped[intpk]
    name: Mapped[str] = mapped_column(unique=True)
    domain: Mapped[str | None] = mapped_column(index=True)
    notes: Mapped[longtext | None]
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    budget_minutes: Mapped[int | None]
    """Of our time in a month."""
    budget_told: Mapped[str] = mapped_column(default="", server_default="")
    """The month and the percentage that people were told of last: 2026-11:80."""

    customers: Mapped[list[Customer]] = relationship(back_populates="organization")

    @validates("budget_minutes")
    def _tell_anew(self, _name: str, minutes: int | None) -> int | None:
        """Another budget is told of anew."""
        if minutes != self.budget_minutes:
            self.budget_told = ""
        return minutes

    def __str__(self) -> str:
        return self.name


class Customer(Base):
    """Somebody who writes to the desk. Not a staff user: own table, own sign-in."""

    __tablename__ = "customer"
    __table_args__ = (Index("ix_customer_name_key", "name_key"),)

    id: Mapped[intpk]
    name: Mapped[str]
    email: Mapped[str]
    email_key: Mapped[str] = mapped_column(unique=True)
    """The address case-folded: what makes two addresses the same."""
    name_key: Mapped[str] = mapped_column(default="")
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organization.id", ondelete="SET NULL"), index=True)
    phone: Mapped[str | None]
    notes: Mapped[longtext | None]
    language: Mapped[str | None]
    password_hash: Mapped[str | None]
    generation: Mapped[int] = mapped_column(default=1)
    active: Mapped[bool] = mapped_column(default=True)
    address_works: Mapped[bool] = mapped_column(default=True)
    """False after a bounce that says the mailbox is gone: nothing is mailed there until an agent changes it."""
    verified_at: Mapped[dt.datetime | None]
    """When a mail link or a signed reply proved that the address is theirs."""
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    environment_id: Mapped[int | None] = mapped_column(ForeignKey("environment.id"))
    """Where their tickets play when nobody says it."""

    environment: Mapped[Environment | None] = relationship(Environment)
    organization: Mapped[Organization | None] = relationship(back_populates="customers", lazy="joined")
    staff: Mapped[list[User]] = relationship(User, secondary=customer_staff)

    @validates("email")
    def _keep_email_key(self, _: str, email: str) -> str:
        self.email_key = email.strip().casefold()
        return email.strip()

    @validates("name")
    def _keep_name_key(self, _: str, name: str) -> str:
        self.name_key = name.strip().casefold()[:255]
        return name.strip()

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>" if self.name else self.email


class Department(Base):
    """Exactly one answers for a ticket; it decides who sees it."""

    __tablename__ = "department"

    id: Mapped[intpk]
    name: Mapped[str] = mapped_column(unique=True)
    description: Mapped[longtext | None]
    email: Mapped[str | None]
    lead_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"))
    active: Mapped[bool] = mapped_column(default=True)
    public: Mapped[bool] = mapped_column(default=True)
    """Customers may choose it."""
    position: Mapped[int] = mapped_column(default=0)
    calendar_id: Mapped[int | None] = mapped_column(ForeignKey("calendar.id"))
    """When it works; empty: by the desk's calendar. The relation comes from app/hours, which lies a floor higher."""

    members: Mapped[list[User]] = relationship(User, secondary=department_member, order_by=User.first_name)
    lead: Mapped[User | None] = relationship(User, foreign_keys=[lead_id])

    def __str__(self) -> str:
        return shown(self.name)


class Availability(enum.StrEnum):
    AVAILABLE = "available"
    AWAY = "away"
    OFFLINE = "offline"


class StaffProfile(Base):
    """What the desk knows of a staff user beyond Flask-AppBuilder's own columns (1:1)."""

    __tablename__ = "staff_profile"

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    generation: Mapped[int] = mapped_column(default=1)
    """Part of every session of theirs: raised, it ends them all."""
    availability: Mapped[Availability] = mapped_column(default=Availability.AVAILABLE)
    away_until: Mapped[dt.datetime | None]
    away_reason: Mapped[str | None]
    """In their own words, for colleagues."""
    time_zone: Mapped[str | None]
    """Where they work; empty: the desk's."""
    capacity: Mapped[int | None]
    """Open tickets automation may give them; empty: the desk's default."""
    share_percent: Mapped[int] = mapped_column(default=100, server_default="100")
    """Of new tickets, beside a colleague who takes 100."""
    stand_in_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    """Whom to ask while they are away."""
    last_assigned_at: Mapped[dt.datetime | None]
    language: Mapped[str | None]
    signature: Mapped[longtext | None]

    user: Mapped[User] = relationship(User, lazy="joined", foreign_keys=[user_id])
    stand_in: Mapped[User | None] = relationship(User, foreign_keys=[stand_in_id])

    def available(self, at: dt.datetime) -> bool:
        return available(self.availability, self.away_until, at)

    def __str__(self) -> str:
        return str(self.user.get_full_name())


def available(availability: Availability, away_until: dt.datetime | None, at: dt.datetime) -> bool:
    """Away ends by itself at `away_until`."""
    if availability is Availability.AWAY:
        return away_until is not None and away_until <= at
    return availability is Availability.AVAILABLE


class Scope(enum.StrEnum):
    """Which tickets a role sees; the widest of a person's roles wins."""

    ALL = "all"
    OWN_DEPARTMENTS = "own_departments"
    MINE_AND_UNASSIGNED = "mine_and_unassigned"
    CATEGORIES = "categories"


class RoleScope(Base):
    """The scope of one role. A role without a row sees no ticket."""

    __tablename__ = "role_scope"

    role_id: Mapped[int] = mapped_column(ForeignKey("ab_role.id", ondelete="CASCADE"), primary_key=True)
    scope: Mapped[Scope]
    categories: Mapped[str] = mapped_column(default="")
    """For the scope `categories`: their ids, separated by blanks."""
    second_factor: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Who has the role sets up a second factor before anything else opens."""

    role: Mapped[Role] = relationship(Role, lazy="joined")

    def __str__(self) -> str:
        return f"{self.role.name}: {self.scope.value}"


class RightsVersion(Base):
    """One row. It is raised by every change of a role, a right, a membership or a person, so that kept rights are never stale."""

    __tablename__ = "rights_version"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(default=1)


class ApiKey(Base):
    """A program's way in: it may do what its owner may now and could when it was made, within its scopes. Only the hash is kept."""

    __tablename__ = "api_key"

    id: Mapped[intpk]
    name: Mapped[str]
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    key_hash: Mapped[str] = mapped_column(unique=True)
    prefix: Mapped[str]
    scopes: Mapped[str]
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    last_used_at: Mapped[dt.datetime | None]
    expires_at: Mapped[dt.datetime | None]
    revoked_at: Mapped[dt.datetime | None]
    given: Mapped[longtext] = mapped_column(default="", server_default="")
    """The owner's rights, scopes and departments of then (bounds.py). Empty on a key older than this column, until the next set-up."""

    user: Mapped[User] = relationship(User)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class OneTimeToken(Base):
    """A link by mail that works once: sign-in, password reset, invitation, proof of an address. Only the hash is kept."""

    __tablename__ = "one_time_token"
    __table_args__ = (UniqueConstraint("token_hash"),)

    id: Mapped[intpk]
    token_hash: Mapped[str]
    purpose: Mapped[str]
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    ticket_id: Mapped[int | None] = mapped_column(BigId)
    fingerprint: Mapped[str] = mapped_column(default="")
    """A digest of password and address when it was made: a change of either ends the link."""
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]
