"""Senders whose mail is ignored: addresses, or all of a domain."""

from __future__ import annotations

import datetime as dt

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.customers import checked_address
from app.accounts.models import Customer
from app.accounts.viewer import SYSTEM, Actor, Viewer
from app.core import clock
from app.core.errors import Forbidden, Invalid
from app.core.extensions import db
from app.core.model import Base, intpk
from app.mail import addresses


class BannedSender(Base):
    __tablename__ = "banned_sender"

    id: Mapped[intpk]
    sender: Mapped[str] = mapped_column(unique=True)
    """An address, or a domain after an @; case-folded."""
    reason: Mapped[str] = mapped_column(default="")
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    by_name: Mapped[str] = mapped_column(default="")

    def __str__(self) -> str:
        return self.sender


def checked(text: str) -> str:
    """As it is kept. Raises Invalid with a sentence for what nobody may ban."""
    text = text.strip().casefold()
    try:
        domain = checked_address(f"x{text}" if text.startswith("@") else text).rpartition("@")[2]
    except Invalid:
        raise _refusal(_("Please write an address, or a domain such as @example.com.")) from None
    own = addresses.sender_address().rpartition("@")[2].casefold()
    if addresses.ours(text) or (text.startswith("@") and domain == own):
        raise _refusal(_("This is the desk’s own address: its mail is never banned."))
    return text


def demand_right(sender: str, by: Viewer) -> None:
    """Whoever may add to the list bans single addresses; a whole domain takes the right to change the list."""
    if not by.can("edit" if sender.strip().startswith("@") else "add", "BannedSender"):
        raise Forbidden(_("You may not ban senders."))


def _refusal(sentence: str) -> Invalid:
    return Invalid(sentence, {"sender": sentence})


def ban(sender: str, reason: str = "", by: Actor = SYSTEM) -> BannedSender:
    """Banning twice does nothing. Raises Invalid."""
    sender = checked(sender)
    known = db.session.scalar(select(BannedSender).where(BannedSender.sender == sender))
    if known is not None:
        return known
    row = BannedSender(sender=sender, reason=reason[:200], by_name=by.name[:200])
    db.session.add(row)
    db.session.flush()
    return row


def which(address: str) -> str:
    """The entry that bans this address: itself, its domain or a domain above; empty when none does."""
    address = address.strip().casefold()
    labels = address.rpartition("@")[2].split(".")
    wanted = [address, *("@" + ".".join(labels[at:]) for at in range(min(len(labels), 20)))]
    found = select(BannedSender.sender).where(BannedSender.sender.in_(wanted))
    return db.session.scalar(found.order_by(BannedSender.id).limit(1)) or ""


def customers_of(domain: str) -> int:
    """How many customers write from there: what banning a whole domain would silence."""
    ending = Customer.email_key.endswith(domain.casefold(), autoescape=True)
    return db.session.scalar(select(func.count(Customer.id)).where(ending)) or 0
