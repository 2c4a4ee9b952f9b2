"""Who acts: a staff user with their rights, a customer, or the system. Immutable, read once a request."""

from __future__ import annotations

import dataclasses as dc
import enum
import hashlib
from collections.abc import Iterable
from functools import lru_cache

from flask_appbuilder.security.sqla.models import (
    Permission,
    PermissionView,
    Role,
    User,
    ViewMenu,
    assoc_permissionview_role,
    assoc_user_role,
)
from sqlalchemy import bindparam, select

from app.accounts import secondfactor, sessions
from app.accounts.models import Customer, RightsVersion, RoleScope, Scope, StaffProfile, department_member
from app.accounts.sessions import SignedIn
from app.accounts.steps import StatusStep
from app.core.extensions import db
from app.core.rows import plain_rows


class Kind(enum.StrEnum):
    STAFF = "staff"
    CUSTOMER = "customer"
    SYSTEM = "system"


@dc.dataclass(frozen=True)
class Actor:
    """What every event needs to know of who did it."""

    kind: Kind
    name: str
    staff_id: int | None = None
    customer_id: int | None = None

    def can(self, verb: str, view: str = "Ticket") -> bool:
        """Whether a role of theirs has `can_<verb> on <view>`; the system may all, a customer's rights are fixed in rights.py."""
        return self.kind is Kind.SYSTEM

    def may_step(self, was: int, now: int) -> bool:
        """Whether they may change a status by hand from the one to the other. Roles bind staff alone."""
        return True


SYSTEM = Actor(Kind.SYSTEM, "Deskhand")


@dc.dataclass(frozen=True)
class CustomerActor(Actor):
    email: str = ""
    organization_id: int | None = None

    @classmethod
    def of(cls, customer: Customer) -> CustomerActor:
        return cls(
            Kind.CUSTOMER,
            customer.name or customer.email,
            customer_id=customer.id,
            email=customer.email,
            organization_id=customer.organization_id,
        )


@dc.dataclass(frozen=True)
class Viewer(Actor):
    """A signed-in staff user, as Flask-Login and Flask-AppBuilder see one. A change of role, department or password makes a new one."""

    id: int = 0
    username: str = ""
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    generation: int = 1
    permissions: frozenset[tuple[str, str]] = frozenset()
    role_names: frozenset[str] = frozenset()
    scopes: frozenset[Scope] = frozenset()
    departments: frozenset[int] = frozenset()
    categories: frozenset[int] = frozenset()
    digest: str = ""
    time_zone: str | None = None
    """Where they work; None: the desk's."""
    needs_factor: bool = False
    """A role of theirs needs a second factor."""
    lacks_factor: bool = False
    """It does, and they have none yet."""
    steps: frozenset[tuple[int, int]] | None = None
    """Changes of status that their roles allow, from one id to another; None: every one."""

    is_authenticated = True
    is_active = True
    is_anonymous = False
    active = True

    def can(self, verb: str, view: str = "Ticket") -> bool:
        return (f"can_{verb}", view) in self.permissions

    def may_step(self, was: int, now: int) -> bool:
        return self.steps is None or was == now or (was, now) in self.steps

    def may_reach(self, status_id: int) -> bool:
        """Whether they may change any other status to this one by hand."""
        return self.steps is None or any(now == status_id for _was, now in self.steps)

    def get_id(self) -> str:
        """Flask-Login keeps it in the session; `start_session` adds the secret of the session's row."""
        return str(self.id)

    def get_full_name(self) -> str:
        return self.name


GENERATION = (
    select(StaffProfile.generation, RightsVersion.version)
    .join(User, User.id == StaffProfile.user_id)
    .join(RightsVersion, RightsVersion.id == 1)
    .where(User.id == bindparam("staff"), User.active.is_(True))
)
GENERATIONS = (
    select(StaffProfile.user_id, StaffProfile.generation, RightsVersion.version)
    .join(User, User.id == StaffProfile.user_id)
    .join(RightsVersion, RightsVersion.id == 1)
    .where(User.id.in_(bindparam("staff", expanding=True)), User.active.is_(True))
)
SIGNED_IN = (
    GENERATION.add_columns(SignedIn.id, SignedIn.created_at, SignedIn.last_seen_at)
    .join(SignedIn, (SignedIn.staff_id == User.id) & (SignedIn.generation == StaffProfile.generation))
    .where(SignedIn.token_hash == bindparam("token"))
)
"""Whether the session still stands, read in the same statement."""
_permissions = (
    select(Permission.name, ViewMenu.name)
    .select_from(assoc_user_role)
    .join(assoc_permissionview_role, assoc_permissionview_role.c.role_id == assoc_user_role.c.role_id)
    .join(PermissionView, PermissionView.id == assoc_permissionview_role.c.permission_view_id)
    .join(Permission, Permission.id == PermissionView.permission_id)
    .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
    .where(assoc_user_role.c.user_id == bindparam("staff"))
)
_roles = (
    select(Role.name, RoleScope.scope, RoleScope.categories, RoleScope.second_factor)
    .select_from(assoc_user_role)
    .join(Role, Role.id == assoc_user_role.c.role_id)
    .outerjoin(RoleScope, RoleScope.role_id == Role.id)
    .where(assoc_user_role.c.user_id == bindparam("staff"))
)

_steps = (
    select(StatusStep.from_id, StatusStep.to_id)
    .select_from(assoc_user_role)
    .join(assoc_permissionview_role, assoc_permissionview_role.c.role_id == assoc_user_role.c.role_id)
    .join(PermissionView, PermissionView.id == assoc_permissionview_role.c.permission_view_id)
    .join(Permission, Permission.id == PermissionView.permission_id)
    .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
    .outerjoin(StatusStep, StatusStep.role_id == assoc_user_role.c.role_id)
    .where(assoc_user_role.c.user_id == bindparam("staff"), Permission.name == "can_status", ViewMenu.name == "Ticket")
)
"""Of those of their roles that give the right at all: one without rows allows every step, so it opens them all."""


def viewer(staff_id: int) -> Viewer | None:
    """The staff user with their rights of this moment: one small statement, the rest is kept until something changes.

    None for nobody or an inactive person.
    """
    now = db.session.execute(GENERATION, {"staff": staff_id}).first()
    if now is None:
        return None
    return _kept(str(db.engine.url), staff_id, now.generation, now.version)


def viewers(staff_ids: Iterable[int]) -> list[Viewer]:
    """As `viewer`, many at once and in this order, without the inactive."""
    ids = list(staff_ids)
    if not ids:
        return []
    now = {row.user_id: row for row in db.session.execute(GENERATIONS, {"staff": ids})}
    return [_kept(str(db.engine.url), one, now[one].generation, now[one].version) for one in ids if one in now]


def signed_in(staff_id: int, secret: str) -> Viewer | None:
    """Who a staff session stands for, as `viewer`. Nobody once it was ended, unused for too long or too old."""
    rows = plain_rows(SIGNED_IN, {"staff": staff_id, "token": sessions.digest(secret)})
    now = rows[0] if rows else None
    if now is None or sessions.staff_lifetime().over(now.created_at, now.last_seen_at):
        return None
    sessions.note_seen(now.id, now.last_seen_at)
    return _kept(str(db.engine.url), staff_id, now.generation, now.version)


@lru_cache(4096)
def _kept(database: str, staff_id: int, generation: int, version: int) -> Viewer:
    """Keyed by all that can change it, so keeping it is safe; the database is in the key because tests open several."""
    user = db.session.execute(
        select(User.username, User.email, User.first_name, User.last_name, StaffProfile.time_zone)
        .join(StaffProfile, StaffProfile.user_id == User.id)
        .where(User.id == staff_id)
    ).one()
    permissions = frozenset((name, view) for name, view in db.session.execute(_permissions, {"staff": staff_id}))
    roles = db.session.execute(_roles, {"staff": staff_id}).all()
    departments = db.session.scalars(
        select(department_member.c.department_id).where(department_member.c.staff_id == staff_id)
    )
    needs_factor = any(row.second_factor for row in roles)
    steps = frozenset((was, now) for was, now in db.session.execute(_steps, {"staff": staff_id}))
    digest = hashlib.sha256(repr(sorted(permissions)).encode()).hexdigest()[:16]
    return Viewer(
        Kind.STAFF,
        f"{user.first_name} {user.last_name}".strip() or user.username,
        staff_id=staff_id,
        id=staff_id,
        username=user.username,
        email=user.email,
        first_name=user.first_name,
        last_name=user.last_name,
        generation=generation,
        permissions=permissions,
        role_names=frozenset(row.name for row in roles),
        scopes=frozenset(row.scope for row in roles if row.scope),
        departments=frozenset(departments),
        categories=frozenset(
            int(word) for row in roles if row.scope is Scope.CATEGORIES for word in row.categories.split()
        ),
        digest=digest,
        time_zone=user.time_zone,
        needs_factor=needs_factor,
        lacks_factor=needs_factor and not secondfactor.in_force(staff_id),
        steps=None if not steps or (None, None) in steps else steps,
    )


def forget_kept() -> None:
    """For tests that empty the tables and start counting anew."""
    _kept.cache_clear()
