"""The second factor of staff: codes of an authenticator app (TOTP), recovery codes, and a sign-in that waits for one."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import re
import secrets

import pyotp
from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from sqlalchemy import ForeignKey, UniqueConstraint, delete, func, select, update
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import StaffProfile
from app.core import clock, sealing
from app.core.database import one_at_a_time
from app.core.errors import Invalid
from app.core.extensions import db
from app.core.model import Base, BigId, intpk

STEP_SECONDS = 30
SKEW = (-1, 0, 1)
"""Steps that a phone's clock may be off."""
MOST_WRONG = 5
MOST_WRONG_TOGETHER = 20
"""Of one person within HALF_LIVES, however often the password is typed anew, in all browsers that they never signed in with."""
HALF_LIVES = dt.timedelta(minutes=10)
SET_UP_LIVES = dt.timedelta(minutes=30)
CODES = 10
DIGITS = 6
"""Of a code of the app; a recovery code is longer."""


class SecondFactor(Base):
    """The shared secret of a person's authenticator app. In force once a first code proved that the app has it."""

    __tablename__ = "second_factor"

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    secret: Mapped[str]
    """Encrypted by a key that is derived from SECRET_KEY."""
    last_step: Mapped[int] = mapped_column(BigId, default=0)
    """The half minute of the last code taken: a code works once."""
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    confirmed_at: Mapped[dt.datetime | None]

    @property
    def in_force(self) -> bool:
        return self.confirmed_at is not None


User.second_factor = relationship(SecondFactor, uselist=False, viewonly=True)
"""For pages that list people: one statement for all of them."""


class RecoveryCode(Base):
    """A way in without the phone. Deleted by use."""

    __tablename__ = "recovery_code"
    __table_args__ = (UniqueConstraint("user_id", "code_hash"),)

    id: Mapped[intpk]
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    code_hash: Mapped[str]


class HalfSignIn(Base):
    """Somebody whose password was right and whose code is awaited. No session: it opens nothing."""

    __tablename__ = "half_sign_in"

    id: Mapped[intpk]
    token_hash: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    generation: Mapped[int]
    wrong: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)


def in_force(user_id: int) -> bool:
    confirmed = select(SecondFactor.user_id).where(
        SecondFactor.user_id == user_id, SecondFactor.confirmed_at.is_not(None)
    )
    return db.session.scalar(confirmed) is not None


def prepare(user_id: int) -> None:
    """A new secret for the app, not in force yet. One that is in force is switched off first, never replaced."""
    one_at_a_time(SecondFactor)
    if in_force(user_id):
        raise Invalid(_("Your second factor is on already."))
    db.session.merge(
        SecondFactor(
            user_id=user_id, secret=_sealed(pyotp.random_base32()), last_step=0, created_at=clock.now(), confirmed_at=None
        )
    )  # fmt: skip


def prepared(user_id: int) -> str | None:
    """The secret that waits for its first code; nobody sees it again once it is in force."""
    factor = db.session.get(SecondFactor, user_id)
    if factor is None or factor.confirmed_at is not None or clock.now() - factor.created_at > SET_UP_LIVES:
        return None
    return _opened(factor.secret)


def address(user_name: str, secret: str, desk_name: str) -> str:
    """What the square picture says to the app."""
    return pyotp.TOTP(secret).provisioning_uri(name=user_name, issuer_name=desk_name)


def confirm(user_id: int, code: str) -> list[str]:
    """The first code puts it in force. Returns the recovery codes, which nobody can read again."""
    one_at_a_time(SecondFactor)
    if prepared(user_id) is None:
        raise Invalid(_("This took too long. Please begin again."))
    if not _takes(user_id, code):
        raise Invalid(_("The second factor is not on yet."), {"code": wrong_code()})
    db.session.execute(update(SecondFactor).where(SecondFactor.user_id == user_id).values(confirmed_at=clock.now()))
    return new_recovery_codes(user_id)


def wrong_code() -> str:
    return _("This code is not right, or it was used already. Wait for the next one.")


def switch_off(user_id: int) -> None:
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    db.session.execute(delete(HalfSignIn).where(HalfSignIn.user_id == user_id))
    db.session.execute(delete(SecondFactor).where(SecondFactor.user_id == user_id))


def new_recovery_codes(user_id: int) -> list[str]:
    """Earlier ones end."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    codes = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _each in range(CODES)]
    db.session.add_all(RecoveryCode(user_id=user_id, code_hash=_hash(code)) for code in codes)
    db.session.flush()
    return ["-".join(code[place : place + 4] for place in range(0, 16, 4)) for code in codes]


def codes_left(user_id: int) -> int:
    return int(
        db.session.scalar(select(func.count()).select_from(RecoveryCode).where(RecoveryCode.user_id == user_id)) or 0
    )


def proves(user_id: int, typed: str) -> bool:
    """A code of the app or a recovery code, each of which is spent by this. Does not commit."""
    plain = _plain(typed)
    if re.fullmatch(r"[0-9]{6}", plain):
        return in_force(user_id) and _takes(user_id, plain)
    spent = delete(RecoveryCode).where(RecoveryCode.user_id == user_id, RecoveryCode.code_hash == _hash(plain))
    return in_force(user_id) and bool(db.session.execute(spent).rowcount)


def _plain(typed: str) -> str:
    return re.sub(r"[\s-]", "", typed)[:32].lower()


def _takes(user_id: int, code: str) -> bool:
    """Of two that send the same code at once the row takes one."""
    factor = db.session.get(SecondFactor, user_id, populate_existing=True)
    secret = _opened(factor.secret) if factor is not None else None
    if secret is None:
        return False
    now = int(clock.now().timestamp()) // STEP_SECONDS
    code = re.sub(r"\s", "", code)
    for step in (now + skew for skew in SKEW):
        if hmac.compare_digest(pyotp.TOTP(secret).generate_otp(step).encode(), code.encode("utf-8", "replace")):
            fresh = update(SecondFactor).where(SecondFactor.user_id == user_id, SecondFactor.last_step < step)
            return bool(db.session.execute(fresh.values(last_step=step)).rowcount)
    return False


def wait_for_code(user_id: int, generation: int) -> str:
    """The password was right. Returns the secret of the half-done sign-in, which the cookie carries. Does not commit."""
    secret = secrets.token_urlsafe(24)
    over = delete(HalfSignIn).where(HalfSignIn.user_id == user_id, HalfSignIn.created_at < clock.now() - HALF_LIVES)
    db.session.execute(over)
    db.session.add(HalfSignIn(token_hash=_hash(secret), user_id=user_id, generation=generation, created_at=clock.now()))
    return secret


def awaited(secret: str) -> HalfSignIn | None:
    """The half-done sign-in, unless it took too long, too many codes were wrong, or the person's sessions were ended since."""
    return db.session.scalar(
        select(HalfSignIn)
        .join(StaffProfile, (StaffProfile.user_id == HalfSignIn.user_id) & (StaffProfile.generation == HalfSignIn.generation))
        .where(
            HalfSignIn.token_hash == _hash(secret),
            HalfSignIn.wrong < MOST_WRONG,
            HalfSignIn.created_at >= clock.now() - HALF_LIVES,
        )
    )  # fmt: skip


def finish(half: HalfSignIn, typed: str, known: bool = False) -> bool:
    """Whether the code was right; the half-done sign-in is spent by it. A wrong one is counted, five end it. Does not commit.

    Whoever has the password and no phone tries codes until the person's bound is reached. Its owner still comes in: in a browser
    of theirs (`known`, whose tries are counted elsewhere), and by a recovery code, which nobody finds by trying.
    """
    counted = update(HalfSignIn).where(HalfSignIn.id == half.id, HalfSignIn.wrong < MOST_WRONG)
    together = select(func.sum(HalfSignIn.wrong)).where(HalfSignIn.user_id == half.user_id)
    if not known and _plain(typed).isdigit() and (db.session.scalar(together) or 0) >= MOST_WRONG_TOGETHER:
        return False
    if not db.session.execute(counted.values(wrong=HalfSignIn.wrong + 1)).rowcount:
        return False
    if not proves(half.user_id, typed):
        return False
    return bool(db.session.execute(delete(HalfSignIn).where(HalfSignIn.id == half.id)).rowcount)


def forget_over() -> None:
    """Daily: sign-ins that nobody finished. Does not commit."""
    db.session.execute(delete(HalfSignIn).where(HalfSignIn.created_at < clock.now() - HALF_LIVES))


def _sealed(secret: str) -> str:
    return sealing.seal("second factor", secret)


def _opened(sealed: str) -> str | None:
    """None when SECRET_KEY is another one than when it was sealed: recovery codes still work, an admin can reset the rest."""
    return sealing.opened("second factor", sealed)


def _hash(secret: str) -> str:
    """80 random bits or more need no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
