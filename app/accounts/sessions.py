"""Who is signed in where: one row a sign-in, of staff and of customers. Without its row a cookie is worth nothing."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import re
import secrets
from collections.abc import Iterable
from typing import NamedTuple

from flask import after_this_request, has_request_context, request, session
from flask.wrappers import Response
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Engine, ForeignKey, delete, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.models import Customer, StaffProfile
from app.core import clock
from app.core.extensions import db
from app.core.model import Base, intpk
from app.settings import desk

log = logging.getLogger(__name__)

SEEN_EVERY = dt.timedelta(minutes=1)
"""A session notes no oftener that it was seen: reading a list shall not write."""
BACKGROUND = "X-Background"
"""Header of what a page asks by itself, such as the number on the bell: an open page is nobody at work."""
SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X|Macintosh", "Mac"), ("CrOS", "ChromeOS"), ("Linux", "Linux"))  # fmt: skip
BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox|FxiOS", "Firefox"), ("Chrome|CriOS|Chromium", "Chrome"), ("Safari", "Safari"))  # fmt: skip
"""In this order: most browsers name others as well."""


class SignedIn(Base):
    """One sign-in on one device. Deleted by signing out, so that a copied cookie opens nothing."""

    __tablename__ = "signed_in"

    id: Mapped[intpk]
    token_hash: Mapped[str] = mapped_column(unique=True)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"), index=True)
    generation: Mapped[int]
    """The person's when they signed in: raised, it ends this one with all others."""
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now, index=True)
    last_seen_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    agent: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")

    @property
    def device(self) -> str:
        """Such as "Firefox on Linux"."""
        return device(self.agent)


class Lifetime(NamedTuple):
    """How long a session lasts: unused, and at most."""

    idle: dt.timedelta
    absolute: dt.timedelta

    def over(self, created_at: dt.datetime, last_seen_at: dt.datetime) -> bool:
        """It still opens in the very last second."""
        now = clock.now()
        return now - last_seen_at > self.idle or now - created_at > self.absolute


def staff_lifetime() -> Lifetime:
    settings = desk.current()
    return Lifetime(dt.timedelta(hours=settings.staff_idle_hours), dt.timedelta(days=settings.staff_session_days))


def customer_lifetime() -> Lifetime:
    settings = desk.current()
    return Lifetime(dt.timedelta(days=settings.customer_idle_days), dt.timedelta(days=settings.customer_session_days))


def begin(generation: int, *, staff_id: int | None = None, customer_id: int | None = None) -> str:
    """A new sign-in of one of the two. Returns the secret that the cookie carries; the desk keeps its hash. Does not commit."""
    secret = secrets.token_urlsafe(24)
    row = SignedIn(token_hash=digest(secret), staff_id=staff_id, customer_id=customer_id, generation=generation)
    row.created_at = row.last_seen_at = clock.now()
    if has_request_context():
        row.agent, row.address = _line(request.user_agent.string), _line(request.remote_addr or "")
    db.session.add(row)
    return secret


def _line(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())[:255]


def digest(secret: str) -> str:
    """192 random bits need no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def note_seen(row_id: int, last_seen_at: dt.datetime) -> None:
    """After the answer, over a connection of its own: the request itself stays a reading one."""
    now, engine = clock.now(), db.engine
    if now - last_seen_at < SEEN_EVERY or request.headers.get(BACKGROUND):
        return

    @after_this_request
    def write_later(response: Response) -> Response:
        response.call_on_close(lambda: _write_seen(engine, row_id, now))
        return response


def _write_seen(engine: Engine, row_id: int, now: dt.datetime) -> None:
    try:
        with engine.begin() as connection:
            connection.execute(update(SignedIn).where(SignedIn.id == row_id).values(last_seen_at=now))
    except SQLAlchemyError:
        log.warning("could not note when session %s was last seen", row_id, exc_info=True)


def end(secret: str) -> None:
    """Sign out here. Does not commit."""
    db.session.execute(delete(SignedIn).where(SignedIn.token_hash == digest(secret)))


def end_one(row_id: int, *, staff_id: int | None = None, customer_id: int | None = None) -> bool:
    """One of this person's own; False when it is none of theirs. Does not commit."""
    ended = delete(SignedIn).where(SignedIn.id == row_id, _of(staff_id, customer_id))
    return bool(db.session.execute(ended).rowcount)


def end_others(secret: str, *, staff_id: int | None = None, customer_id: int | None = None) -> None:
    """All of this person's but the one with this secret. Does not commit."""
    others = delete(SignedIn).where(_of(staff_id, customer_id), SignedIn.token_hash != digest(secret))
    db.session.execute(others)


def end_staff(staff_id: int) -> None:
    """Everywhere, at their next request. By a statement: a profile read before may be stale. Does not commit."""
    raised = update(StaffProfile).where(StaffProfile.user_id == staff_id)
    db.session.execute(raised.values(generation=StaffProfile.generation + 1))
    db.session.execute(delete(SignedIn).where(SignedIn.staff_id == staff_id))


def end_customer(customer: Customer) -> None:
    """As `end_staff`."""
    customer.generation += 1
    db.session.execute(delete(SignedIn).where(SignedIn.customer_id == customer.id))


def _of(staff_id: int | None, customer_id: int | None) -> ColumnElement[bool]:
    assert (staff_id is None) != (customer_id is None)
    return SignedIn.staff_id == staff_id if customer_id is None else SignedIn.customer_id == customer_id


def of_staff(staff_id: int) -> list[SignedIn]:
    """Those that still open something, the one seen last first."""
    return _living(SignedIn.staff_id == staff_id, staff_lifetime())


def of_customer(customer_id: int) -> list[SignedIn]:
    return _living(SignedIn.customer_id == customer_id, customer_lifetime())


def _living(of_person: ColumnElement[bool], lifetime: Lifetime) -> list[SignedIn]:
    rows: Iterable[SignedIn] = db.session.scalars(
        select(SignedIn).where(of_person).order_by(SignedIn.last_seen_at.desc(), SignedIn.id.desc())
    )
    return [row for row in rows if not lifetime.over(row.created_at, row.last_seen_at)]


def began_lately(staff_id: int, within: dt.timedelta) -> bool:
    """Whether the session of this request began so lately."""
    kept = str(session.get("_user_id", "")).partition(":")[2]
    began = db.session.scalar(
        select(SignedIn.created_at).where(SignedIn.staff_id == staff_id, SignedIn.token_hash == digest(kept))
    )
    return began is not None and clock.now() - began <= within


def forget_over() -> None:
    """Daily: sessions that open nothing any more. Does not commit."""
    for person, lifetime in ((SignedIn.staff_id, staff_lifetime()), (SignedIn.customer_id, customer_lifetime())):
        now = clock.now()
        over = or_(SignedIn.last_seen_at < now - lifetime.idle, SignedIn.created_at < now - lifetime.absolute)
        db.session.execute(delete(SignedIn).where(person.is_not(None), over))


def device(agent: str) -> str:
    """A browser's long name of itself in a few words."""
    system = next((name for mark, name in SYSTEMS if re.search(mark, agent)), "")
    browser = next((name for mark, name in BROWSERS if re.search(mark, agent)), "")
    if browser and system:
        return _("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or system or _("Another program")
