"""Mailboxes: the addresses the desk is written to, each with its department, its signature and its own servers in and out."""

from __future__ import annotations

import datetime as dt
import enum
import secrets
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from flask import g
from sqlalchemy import ForeignKey, event, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from app.accounts.models import Department
from app.core import clock
from app.core.extensions import db
from app.core.model import Base, BigId, intpk, longtext
from app.mail.models import Delivery
from app.settings import desk
from app.tickets.choices import Category, Priority

TRIED = "mailbox"
"""In the values of a test mail: the mailbox it tries."""


class Security(enum.StrEnum):
    TLS = "tls"
    """From the first byte."""
    STARTTLS = "starttls"
    """Asked for, and required."""
    PLAIN = "plain"


class SignIn(enum.StrEnum):
    PASSWORD = "password"
    OAUTH2 = "oauth2"


class After(enum.StrEnum):
    """What becomes of a mail on its server once the desk has it."""

    KEEP = "keep"
    """It stays and is marked as read."""
    MOVE = "move"
    DELETE = "delete"


TROUBLE_AFTER = 3
"""Failures in a row: a server that was restarted is no trouble yet."""
FORGOTTEN = dt.timedelta(minutes=10)
"""Due for longer, and nobody asked it: no receiver runs."""


class Health(enum.StrEnum):
    OFF = "off"
    PAUSED = "paused"
    RECEIVES = "receives"
    """Nothing is fetched: mail is brought to it."""
    WAITING = "waiting"
    """For the first round."""
    FINE = "fine"
    TROUBLE = "trouble"
    FORGOTTEN = "forgotten"


class Mailbox(Base):
    """One address of the desk. The main one has the desk's own, a setting. Secrets are sealed; an empty server means: none of its own."""

    __tablename__ = "mailbox"

    id: Mapped[intpk]
    name: Mapped[str] = mapped_column(unique=True)
    main: Mapped[bool] = mapped_column(default=False)
    address: Mapped[str | None] = mapped_column(unique=True)
    """Case-folded. Empty at the main one: the setting `mail_from`."""
    aliases: Mapped[longtext] = mapped_column(default="")
    """Further addresses, one a line, case-folded."""
    sender_name: Mapped[str] = mapped_column(default="")
    """In From; empty: the desk's name."""
    signature: Mapped[longtext] = mapped_column(default="")
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id", ondelete="SET NULL"))
    category_id: Mapped[int | None] = mapped_column(ForeignKey("category.id", ondelete="SET NULL"))
    priority_id: Mapped[int | None] = mapped_column(ForeignKey("priority.id", ondelete="SET NULL"))
    for_department: Mapped[bool] = mapped_column(default=False)
    """Tickets of the department that came by no mail are answered from here as well."""
    active: Mapped[bool] = mapped_column(default=True)

    sign_in: Mapped[SignIn] = mapped_column(default=SignIn.PASSWORD)
    user: Mapped[str] = mapped_column(default="")
    """At both servers."""
    secret: Mapped[longtext | None]
    """The password, sealed."""
    smtp_host: Mapped[str] = mapped_column(default="")
    smtp_port: Mapped[int | None]
    smtp_security: Mapped[Security] = mapped_column(default=Security.STARTTLS)
    imap_host: Mapped[str] = mapped_column(default="")
    imap_port: Mapped[int | None]
    imap_security: Mapped[Security] = mapped_column(default=Security.TLS)
    folder: Mapped[str] = mapped_column(default="INBOX")
    after: Mapped[After] = mapped_column(default=After.KEEP)
    after_folder: Mapped[str] = mapped_column(default="")
    idle: Mapped[bool] = mapped_column(default=True)
    """The server tells at once; without it, or where it cannot, it is asked every `poll_seconds`."""
    poll_seconds: Mapped[int] = mapped_column(default=60)

    provider: Mapped[str] = mapped_column(default="google")
    """A name of oauth.PROVIDERS."""
    client_id: Mapped[str] = mapped_column(default="")
    client_secret: Mapped[longtext | None]
    authorize_url: Mapped[str] = mapped_column(default="")
    token_url: Mapped[str] = mapped_column(default="")
    scope: Mapped[str] = mapped_column(default="")
    tokens: Mapped[longtext | None]
    """What the provider gave, sealed JSON."""
    hook_secret: Mapped[longtext | None]
    """For mails by HTTP, sealed."""

    paused: Mapped[bool] = mapped_column(default=False)
    """Nothing is fetched until somebody lets it go on."""
    validity: Mapped[int | None] = mapped_column(BigId)
    """UIDVALIDITY: when the server gives another, its numbers begin anew."""
    next_uid: Mapped[int] = mapped_column(BigId, default=1)
    """What lies below was looked at."""
    fresh_from: Mapped[int] = mapped_column(BigId, default=1)
    """What lay there before the desk came is taken when it is unread; from here on everything is."""
    failures: Mapped[int] = mapped_column(default=0)
    """In a row."""
    error: Mapped[longtext | None]
    """Of the last round, in the server's own words; empty when it went well."""
    error_at: Mapped[dt.datetime | None]
    reached_at: Mapped[dt.datetime | None]
    """When a round last went well."""
    due_at: Mapped[dt.datetime | None]
    """When the next round is."""
    lease_until: Mapped[dt.datetime | None]

    department: Mapped[Department | None] = relationship(Department)
    category: Mapped[Category | None] = relationship(Category)
    priority: Mapped[Priority | None] = relationship(Priority)

    def __str__(self) -> str:
        return self.name

    @property
    def at(self) -> str:
        """Its address, as people write to it."""
        return self.address or desk.current().mail_from

    @property
    def health(self) -> Health:
        now = clock.now()
        if not self.active and not self.main:
            return Health.OFF
        if not self.imap_host:
            return Health.RECEIVES
        if self.paused:
            return Health.PAUSED
        if self.failures >= TROUBLE_AFTER or (self.error and not self.failures):
            return Health.TROUBLE
        held = self.lease_until is not None and self.lease_until > now
        since = self.due_at or self.reached_at
        if not held and since is not None and now - since > FORGOTTEN:
            return Health.FORGOTTEN
        return Health.FINE if self.reached_at is not None else Health.WAITING

    @property
    def fetches(self) -> bool:
        return bool(self.imap_host) and (self.active or self.main) and not self.paused


class Box(NamedTuple):
    """What most of the desk has to know of a mailbox: plain values, kept between requests."""

    id: int | None
    name: str
    main: bool
    own_address: str
    aliases: frozenset[str]
    sender_name: str
    signature: str
    department_id: int | None
    category_id: int | None
    priority_id: int | None
    for_department: bool
    active: bool
    sends: bool
    """By a server of its own."""

    @property
    def address(self) -> str:
        return self.own_address or desk.current().mail_from

    def has(self, address: str) -> bool:
        """With or without a token or another word behind a plus."""
        plain = without_plus(address)
        return plain == without_plus(self.address) or plain in self.aliases


class Boxes(NamedTuple):
    """All of them, the main one first."""

    all: tuple[Box, ...]

    @property
    def main(self) -> Box:
        return self.all[0]

    def by_id(self, box_id: int | None) -> Box:
        """A mailbox that is gone or switched off is stood in for by the main one."""
        return next((box for box in self.all if box.id == box_id and box.active), self.main)

    def of(self, addresses: Iterable[str]) -> Box | None:
        """The mailbox whose address is the first of these that is ours and takes mail."""
        found = (box for address in addresses for box in self.all if box.active and box.has(address))
        return next(found, None)

    def owns(self, address: str) -> bool:
        """Also of one that is switched off: the desk never writes to itself."""
        return any(box.has(address) for box in self.all)

    def answering(self, mailbox_id: int | None, department_id: int | None) -> Box:
        """From which a ticket's mails go: where it came in, else its department's, else the main one."""
        if mailbox_id is not None:
            return self.by_id(mailbox_id)
        fits = (box for box in self.all if box.active and box.for_department)
        return next((box for box in fits if box.department_id == department_id), self.main)


def in_force() -> Boxes:
    """Without a question to the database, as long as nobody changed one."""
    return _kept(str(db.engine.url), desk.current().mailbox_version)


def of_mail(delivery: Delivery) -> Box:
    """From which it goes: its ticket's, or the one that is tried out."""
    tried = delivery.values.get(TRIED) if delivery.ticket_id is None else None
    ours = in_force()
    if tried:
        return ours.by_id(int(tried))
    ticket = delivery.ticket
    return ours.answering(ticket.mailbox_id, ticket.department_id) if ticket is not None else ours.main


def without_plus(address: str) -> str:
    local, _at, host = address.strip(" <>").casefold().rpartition("@")
    return f"{local.partition('+')[0]}@{host}"


def seed() -> None:
    """Every desk has its main mailbox."""
    if db.session.scalar(select(Mailbox.id).where(Mailbox.main.is_(True)).limit(1)) is None:
        db.session.add(Mailbox(name="Support", main=True))
        db.session.flush()


def forget_kept() -> None:
    """In every process; and whoever holds a line to a mail server begins anew."""
    desk.change({"mailbox_version": secrets.token_hex(8)})
    g.pop("desk_settings", None)


@lru_cache(64)
def _kept(database: str, version: str) -> Boxes:
    """Every change makes a new version, see below; the database is in the key because tests open several."""
    rows = db.session.scalars(select(Mailbox).order_by(Mailbox.main.desc(), Mailbox.id))
    boxes = tuple(_box(row) for row in rows)
    if boxes and boxes[0].main:
        return Boxes(boxes)
    return Boxes((_NO_ROW, *boxes))


def _box(row: Mailbox) -> Box:
    return Box(
        row.id, row.name, row.main, row.address or "", frozenset(row.aliases.split()), row.sender_name, row.signature, row.department_id, row.category_id,
        row.priority_id, row.for_department, row.active or row.main, bool(row.smtp_host),
    )  # fmt: skip


_NO_ROW = Box(None, "", True, "", frozenset(), "", "", None, None, None, False, True, False)


@event.listens_for(Session, "before_flush")
def _new_version(session: Session, *_: Any) -> None:
    """Whoever changes a mailbox, and however: what was kept of it is forgotten by every process."""
    changed = (row for row in (*session.new, *session.dirty, *session.deleted) if isinstance(row, Mailbox))
    if any(session.is_modified(row) or row not in session.dirty for row in changed):
        forget_kept()
