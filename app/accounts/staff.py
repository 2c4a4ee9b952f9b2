"""Staff users: invited, given roles no higher than the giver's, switched off, their passwords."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets

from flask import current_app
from flask_appbuilder.const import AUTH_DB, AUTH_LDAP
from flask_appbuilder.security.sqla.models import Role, User
from flask_babel import gettext as _
from sqlalchemy import select, update

from app.accounts import guessing, passwords, secondfactor, sessions
from app.accounts.announcements import Announced, FactorReset, StaffLink
from app.accounts.models import OneTimeToken, StaffProfile
from app.accounts.tokens import LinkOver
from app.accounts.viewer import Viewer
from app.core import audit, clock
from app.core.audit import What
from app.core.errors import Forbidden, Invalid
from app.core.events import publish
from app.core.extensions import db

INVITATION_LIVES = dt.timedelta(days=7)
RESET_LIVES = dt.timedelta(hours=1)
A_FRESH_SIGN_IN = dt.timedelta(minutes=10)
STRONGEST = "Super Admin"


def may_give(giver: Viewer, role: Role) -> bool:
    """Nobody hands out a role with a right they do not have themselves."""
    if STRONGEST in giver.role_names:
        return True
    rights = {
        (right.permission.name, right.view_menu.name)
        for right in role.permissions
        if right.permission and right.view_menu
    }
    return role.name != STRONGEST and rights <= giver.permissions


def may_edit(editor: Viewer, person: User) -> bool:
    """Nobody edits somebody who may do more than they may."""
    return person.id == editor.id or all(may_give(editor, role) for role in person.roles)


def check_roles(giver: Viewer, roles: list[Role], had: list[Role]) -> None:
    for role in roles:
        if role not in had and not may_give(giver, role):
            raise Forbidden(_("The role “%(name)s” may do more than you may, so you cannot give it.", name=role.name))


def invite(user: User) -> None:
    """A mail with a link to choose the first password. Earlier links end. Where passwords are another's, there is none to choose."""
    if not have_passwords():
        return
    audit.note(What.INVITED, user)
    publish(Announced.INVITED, StaffLink(user.id, _link(user, "invitation", INVITATION_LIVES)))


def ask_reset(login: str) -> None:
    """A mail with a link to choose a new password, if this name or address is somebody's. Says nothing about whether it is."""
    wanted = login.strip()
    if not have_passwords():
        return
    user = db.session.scalar(
        select(User).where((User.username == wanted) | (User.email == wanted), User.active.is_(True)).limit(1)
    )
    if user is not None:
        audit.note(What.RESET_ASKED, user)
        publish(Announced.RESET_ASKED, StaffLink(user.id, _link(user, "staff_reset", RESET_LIVES)))


def _link(user: User, purpose: str, lifetime: dt.timedelta) -> str:
    secret = secrets.token_urlsafe(32)
    earlier = update(OneTimeToken).where(OneTimeToken.user_id == user.id, OneTimeToken.used_at.is_(None))
    db.session.execute(earlier.values(used_at=clock.now()))
    db.session.add(
        OneTimeToken(
            token_hash=_hash(secret),
            purpose=purpose,
            user_id=user.id,
            fingerprint=_fingerprint(user),
            expires_at=clock.now() + lifetime,
        )
    )
    db.session.flush()
    return f"{current_app.config['PUBLIC_URL']}/welcome/{secret}"


def look_at(secret: str) -> User:
    """Whose link this is, still unused, or LinkOver."""
    token = db.session.scalar(
        select(OneTimeToken).where(OneTimeToken.token_hash == _hash(secret), OneTimeToken.user_id.is_not(None))
    )
    user = db.session.get(User, token.user_id) if token else None
    over = (
        token is None or user is None or not user.active or token.used_at is not None or token.expires_at <= clock.now()
    )
    if over or token.fingerprint != _fingerprint(user):
        raise LinkOver
    return user


def choose_password(secret: str, password: str) -> User:
    """Spend the link and set the password it was for. All sessions of that person end."""
    user = look_at(secret)
    set_password(user, password)
    unspent = update(OneTimeToken).where(OneTimeToken.token_hash == _hash(secret), OneTimeToken.used_at.is_(None))
    if not db.session.execute(unspent.values(used_at=clock.now())).rowcount:
        raise LinkOver
    audit.note(What.PASSWORD_CHANGED, user, by=user)
    return user


def change_password(user: User, old: str, new: str) -> None:
    """Their own choice: the old one has to be right."""
    if not guessing.right(user.username, user.password, old):
        raise Invalid(_("The password was not changed."), {"old": _("This is not your present password.")})
    set_password(user, new)
    audit.note(What.PASSWORD_CHANGED, user)


def set_password(user: User, password: str) -> None:
    """All sessions and links of that person end with it (freshness.py, the fingerprint of a link)."""
    check_password(password, user.username, user.email, user.first_name, user.last_name)
    user.password = passwords.hashed(password)


def check_password(password: str, username: str, email: str, first_name: str, last_name: str) -> None:
    """Raise Invalid when the desk does not take this as a password of staff."""
    passwords.check(password, passwords.STAFF, (username, email), (first_name, last_name))


def confirm_self(user: User, password: str) -> None:
    """Before something that whoever found an open laptop must not do. Where the desk knows no password, a fresh sign-in counts."""
    if have_passwords():
        right = guessing.right(user.username, user.password, password)
    elif current_app.config["AUTH_TYPE"] == AUTH_LDAP:
        directory = current_app.appbuilder.sm  # type: ignore[attr-defined]
        right = bool(guessing.bounded(user.username, lambda: directory.auth_user_ldap(user.username, password)))
    elif sessions.began_lately(user.id, A_FRESH_SIGN_IN):
        right = True
    else:
        raise Invalid(_("For this please sign out and in again first."))
    if not right:
        raise Invalid(_("Nothing was changed."), {"old": _("This is not your present password.")})


def have_passwords() -> bool:
    """Whether staff sign in by passwords of the desk itself."""
    return bool(current_app.config["AUTH_TYPE"] == AUTH_DB)


def must_have_factor(person: Viewer) -> bool:
    """A role of theirs says so, and nobody else asks for it in the desk's stead."""
    return bool(current_app.config["SECOND_FACTOR_ALWAYS"]) and person.needs_factor


def may_reset_factor(editor: Viewer, person: User) -> bool:
    """There is one to reset, and it is theirs to reset."""
    return may_edit(editor, person) and secondfactor.in_force(person.id)


def reset_factor(editor: Viewer, person: User) -> None:
    """For somebody who lost phone and recovery codes. They are told by mail, in case it was not them who asked."""
    if not may_edit(editor, person):
        raise Forbidden(_("This person may do more than you may; only a Super Admin resets their second factor."))
    if not secondfactor.in_force(person.id):
        raise Invalid(_("%(name)s has no second factor.", name=person.get_full_name()))
    secondfactor.switch_off(person.id)
    sessions.end_staff(person.id)
    audit.note(What.SECOND_FACTOR_OFF, person)
    publish(Announced.FACTOR_RESET, FactorReset(person.id, by=editor.name))


def language(user_id: int) -> str | None:
    """What they chose, if anything."""
    return db.session.scalar(select(StaffProfile.language).where(StaffProfile.user_id == user_id))


def _fingerprint(user: User) -> str:
    return hashlib.sha256(f"{user.id}|{user.email}|{user.password}".encode()).hexdigest()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def colleagues(of: int) -> list[User]:
    """Everybody else who is active, by name."""
    wanted = (
        select(User).join(StaffProfile, StaffProfile.user_id == User.id).where(User.active.is_(True), User.id != of)
    )
    return sorted(db.session.scalars(wanted), key=lambda one: (one.get_full_name().casefold(), one.id))
