"""The audit log: who changed what about the desk itself, written with the change and chained by hashes, never changed afterwards.

A door or a rule calls `audit.note(What.…, about=row)` in the transaction of the deed; rows of the tables given to `watch()`
are noted by themselves, whichever door changes them.
"""

from __future__ import annotations

import datetime as dt
import enum
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from flask import g, has_request_context, request
from flask_login import current_user
from sqlalchemy import Connection, Index, event, insert, inspect, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import clock
from app.core.database import is_postgresql, writing
from app.core.extensions import db
from app.core.model import Base, BigId, intpk

LOCK = 4_117_001
"""PostgreSQL's number of the lock under which the chain grows; SQLite has one writer anyway."""
FIRST = "0" * 64
"""What the first row's hash is chained to."""
LONGEST_VALUE = 200
working: ContextVar[str] = ContextVar("working", default="cli")
"""`job` inside a worker; a request is known by itself."""
_silent: ContextVar[bool] = ContextVar("silent", default=False)


class What(enum.StrEnum):
    """Each has its words in app/desk/auditlog.py."""

    ADDED = "added"
    CHANGED = "changed"
    DELETED = "deleted"
    SIGNED_IN = "signed_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGNED_OUT = "signed_out"
    PASSWORD_CHANGED = "password_changed"
    RESET_ASKED = "reset_asked"
    INVITED = "invited"
    SECOND_FACTOR_ON = "second_factor_on"
    SECOND_FACTOR_OFF = "second_factor_off"
    SECOND_FACTOR_REFUSED = "second_factor_refused"
    SESSIONS_ENDED = "sessions_ended"
    KEY_MADE = "key_made"
    KEY_REVOKED = "key_revoked"
    TICKET_DELETED = "ticket_deleted"
    TASK_DELETED = "task_deleted"
    EXPORTED = "exported"
    ERASED = "erased"
    RESENT = "resent"
    LAB_DELIVERED = "lab_delivered"
    LAB_SERVER = "lab_server"
    RETRIED = "retried"
    MAIL_READ_AGAIN = "mail_read_again"
    MAIL_MADE_TICKET = "mail_made_ticket"
    MAIL_DELETED = "mail_deleted"
    LINK_LOOKED_AT = "link_looked_at"
    SET_UP = "set_up"
    BACKED_UP = "backed_up"
    RESTORED = "restored"


class Audit(Base):
    """One line. No foreign keys: it outlives whatever it tells of. Triggers of the database refuse its change."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_what", "what", "id"), Index("ix_audit_object", "object_kind", "object_id"))

    id: Mapped[intpk]
    at: Mapped[dt.datetime] = mapped_column(index=True)
    actor_kind: Mapped[str]
    """staff, customer or system."""
    actor_id: Mapped[int | None] = mapped_column(BigId)
    actor_name: Mapped[str]
    """Of staff alone: a customer's name would outlive their erasure."""
    source: Mapped[str]
    """web, api, job or cli."""
    what: Mapped[str]
    object_kind: Mapped[str]
    object_id: Mapped[str]
    object_name: Mapped[str]
    changed: Mapped[dict[str, Any]]
    """Field -> [before, after], "changed" where the words are long, a person's or secret, or {"added", "removed"}."""
    request_id: Mapped[str]
    hash: Mapped[str]
    """SHA-256 over the hash of the row before and all fields of this one but its id."""

    @property
    def actor(self) -> str:
        return self.actor_name or f"{self.actor_kind} {self.actor_id}"

    @property
    def named(self) -> str:
        """As it was called then; a customer by the id alone."""
        return self.object_name or self.object_id

    def __str__(self) -> str:
        return f"{self.what} {self.object_kind} {self.named}".strip()


TOLD = ("at", "actor_kind", "actor_id", "actor_name", "source", "what", "object_kind", "object_id", "object_name", "changed", "request_id")  # fmt: skip


class Who(NamedTuple):
    kind: str
    id: int | None
    name: str


def note(what: What, about: object = None, *, by: object = None, **changed: Any) -> None:
    """Write one line into the present transaction; it is lost when that is rolled back, so a refusal commits it by itself.

    `about`: the row it concerns, or a word. `by`: an Actor or staff user when it is not the one of this request.
    `changed`: what else is to be known, never a secret and never a customer's words.
    """
    if _silent.get():
        return
    session = db.session()
    if not session.in_transaction():
        session.begin()  # or its rollback would not be told to `_forget`
    who = _who(by)
    kind, key, name = _described(about)
    session.info.setdefault("audit", []).append(
        {
            "at": clock.now(), "actor_kind": who.kind, "actor_id": who.id, "actor_name": who.name[:255], "source": source(), "what": what.value,
            "object_kind": kind, "object_id": key, "object_name": name[:255], "changed": changed, "request_id": str(g.get("request_id", "")) if has_request_context() else "",
        }
    )  # fmt: skip


def note_reading(what: What, about: object = None, **changed: Any) -> None:
    """For a deed that changes nothing but must be known: an export, a look at a secret. Ends the present transaction. Commits."""
    db.session.rollback()
    with writing():
        note(what, about, **changed)
        db.session.commit()


@contextmanager
def silent() -> Iterator[None]:
    """Inside, nothing is noted: the set-up step's own rows and the demo are nobody's deed."""
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)


def source() -> str:
    if has_request_context():
        return "api" if request.path.startswith("/api/") else "web"
    return working.get()


def _who(by: object) -> Who:
    person = by if by is not None else _present()
    staff_id = getattr(person, "staff_id", None) or (
        getattr(person, "id", None) if hasattr(person, "username") else None
    )
    if staff_id is not None:
        return Who("staff", int(staff_id), str(getattr(person, "username", "") or getattr(person, "name", "")))
    customer_id = getattr(person, "customer_id", None) or getattr(person, "id", None)
    return Who("customer", int(customer_id), "") if customer_id is not None else Who("system", None, "Deskhand")


def _present() -> object:
    """The caller of the API, the customer of the portal, or whoever is signed in."""
    if not has_request_context():
        return None
    person = g.get("api_caller") or g.get("portal_customer")
    if person is None and request.blueprint not in ("portal", "api"):
        person = current_user
    return None if getattr(person, "is_anonymous", False) else person


def _described(about: object) -> tuple[str, str, str]:
    if about is None or isinstance(about, str):
        return "", "", str(about or "")
    table, personal = (
        getattr(about, "__tablename__", type(about).__name__),
        _watched.get(type(about), Watched()).personal,
    )
    keys = (
        [getattr(about, column.key) for column in about.__mapper__.primary_key] if hasattr(about, "__mapper__") else []
    )
    return str(table), " ".join(map(str, keys)), "" if personal else _name_of(about)


def _name_of(row: object) -> str:
    """A new row may be called after another one that it does not know yet."""
    try:
        return str(row)
    except AttributeError:
        return ""


def hash_of(previous: str, values: Mapping[str, Any]) -> str:
    told = {name: values[name] for name in TOLD} | {
        "at": values["at"].astimezone(dt.UTC).isoformat(timespec="microseconds")
    }
    return hashlib.sha256(f"{previous}\n{json.dumps(told, sort_keys=True)}".encode()).hexdigest()


class Watched(NamedTuple):
    """How the changes of one table's rows are told."""

    secret: frozenset[str] = frozenset()
    """Fields of which only is told that they changed."""
    quiet: frozenset[str] = frozenset()
    """Fields that change by themselves, with each sign-in or count: not told."""
    personal: bool = False
    """A customer's: no value is told, nor a name, and only what staff or a program of theirs did."""
    owner: str = ""
    """A field: a row that has one is that person's own affair, and not told."""


_watched: dict[type, Watched] = {}


def watch(table: Mapping[type, Watched]) -> None:
    """Replace the list of the tables whose rows are noted by themselves; app/desk/audited.py holds it."""
    _watched.clear()
    _watched.update(table)


@event.listens_for(Session, "after_flush")
def _notice(session: Session, *_: object) -> None:
    """History still says what was before: the session forgets it when the flush is over."""
    if _silent.get():
        return
    for rows, what in ((session.new, What.ADDED), (session.dirty, What.CHANGED), (session.deleted, What.DELETED)):
        for row in rows:
            rule = _watched.get(type(row))
            if rule is None or (rule.personal and _who(None).kind == "customer"):
                continue
            if rule.owner and getattr(row, rule.owner) is not None:
                continue
            changed = _differences(row, rule) if what is What.CHANGED else {}
            if changed or what is not What.CHANGED:
                note(what, row, **changed)


def _differences(row: Any, rule: Watched) -> dict[str, Any]:
    """Field -> [before, after]; for members of a list what came and went."""
    told: dict[str, Any] = {}
    for attribute in inspect(row).attrs:
        history = attribute.history
        if attribute.key in rule.quiet or not history.has_changes():
            continue
        relation = row.__mapper__.relationships.get(attribute.key)
        if relation is not None and not relation.uselist:
            continue  # its key tells the same
        if rule.personal or attribute.key in rule.secret:
            told[attribute.key] = "changed"
        elif relation is not None:
            told[attribute.key] = {"added": _shown_all(history.added), "removed": _shown_all(history.deleted)}
        else:
            told[attribute.key] = _from_to(history.deleted, history.added)
    return told


def _shown_all(rows: Any) -> list[str]:
    return sorted(str(row) for row in rows or ())


def _from_to(before: Any, after: Any) -> Any:
    """SQLAlchemy knows the value before only when it was read; a long text is told as changed."""
    values = [next(iter(given or ()), None) for given in (before, after)]
    if any(isinstance(value, str | bytes) and len(value) > LONGEST_VALUE for value in values):
        return "changed"
    return [_plain(value) for value in values]


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    return value if isinstance(value, bool | int | float | str | None) else str(value)


@event.listens_for(Session, "before_commit")
def _write(session: Session) -> None:
    """The last thing of a transaction, so that others wait for the chain's end as short as can be."""
    if session.in_nested_transaction():
        return
    session.flush()
    rows = session.info.pop("audit", [])
    if not rows:
        return
    if is_postgresql():
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    previous = session.scalar(select(Audit.hash).order_by(Audit.id.desc()).limit(1)) or FIRST
    for row in rows:
        row["changed"] = json.loads(json.dumps(row["changed"], default=str))
        previous = row["hash"] = hash_of(previous, row)
        session.execute(insert(Audit).values(**row))


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    """What a savepoint undoes was never flushed, so never noted: the lines of the transaction around it stay."""
    if not session.in_nested_transaction():
        session.info.pop("audit", None)


@contextmanager
def unguarded(connection: Connection) -> Iterator[None]:
    """For restoring a whole desk alone: the database's own guard is off inside."""
    if is_postgresql(connection):
        connection.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))
        yield
        connection.execute(text("ALTER TABLE audit ENABLE TRIGGER USER"))
    else:
        guards = connection.execute(
            text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'")
        ).all()
        for name, _sql in guards:
            connection.execute(text(f"DROP TRIGGER {name}"))
        yield
        for _name, sql in guards:
            connection.execute(text(sql))


def first_broken() -> tuple[int, int | None]:
    """How many rows there are, and the id of the first that is not as it was written; None when the chain holds."""
    previous, count, last = FIRST, 0, 0
    while rows := db.session.execute(
        select(Audit.__table__).where(Audit.id > last).order_by(Audit.id).limit(1000)
    ).all():
        for row in rows:
            if hash_of(previous, row._mapping) != row.hash:
                return count, row.id
            previous, count, last = row.hash, count + 1, row.id
    return count, None
