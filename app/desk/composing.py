"""What stands in the composer of a ticket's page: a draft, or what was typed before a refusal; and how it is read from a form."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
from collections.abc import Sequence
from contextlib import closing
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flask import g, request
from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import Row, bindparam, or_, select
from sqlalchemy.orm import load_only
from werkzeug.datastructures import FileStorage

from app.accounts import tokens
from app.accounts.viewer import Viewer
from app.core import limits, web
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.core.limits import Limit
from app.core.model import BigId
from app.desk import moments
from app.desk.facts import Facts
from app.desk.listing import is_id
from app.settings import desk
from app.tickets import files as incoming
from app.tickets.departures import CONTACT, CUSTOMER_WROTE, SUPPLIER_WROTE, UNDONE
from app.tickets.drafts import Draft, Written
from app.tickets.leaks import Leak
from app.tickets.thread import Attachment, Channel, MessageKind, readable
from app.tickets.unseen import Newer, Seen
from app.tickets.visibility import attachments_visible_to

LONGEST_ABOUT = 500


@dc.dataclass(frozen=True)
class Composer:
    """As the page shows it. `body` and the like are what was typed; the rest is what the desk says about it."""

    kind: str = "reply"
    """reply, note, or supplier: then `then` is `contact:` and the id of whom it goes to."""
    body: str = ""
    then: str = ""
    priority: str = ""
    to: str | None = None
    """To whom a reply goes, as typed; None: to the requester."""
    cc: str | None = None
    bcc: str = ""
    leaves_at: str = ""
    about: str = ""
    """The subject of a mail to a supplier."""
    along: tuple[int, ...] = ()
    """Earlier messages that go along to a supplier, and files of theirs."""
    along_files: tuple[int, ...] = ()
    pending: tuple[Attachment, ...] = ()
    """Files that are here already and go with the next try."""
    errors: dict[str, str] = dc.field(default_factory=dict)
    unseen: tuple[Newer, ...] = ()
    """What others wrote while this was typed."""
    seen: Seen | None = None
    """What its writer has looked at, when that is more than the page showed."""
    doubts: tuple[Leak, ...] = ()
    """Why it should be looked at again."""
    looked: tuple[str, ...] = ()
    mark: str = dc.field(default_factory=tokens.new_form)
    """Tells this copy of the composer from another, so that what is sent twice arrives once."""
    origin: str = ""
    """`mark:turn` of the draft it goes on with."""
    saved_at: dt.datetime | None = None
    returned: str = ""
    time: str = ""
    """Spent on it, as typed."""
    activity: str = ""
    log_timer: bool = False
    """In place of `time`: what the writer's timer says."""
    others: tuple[Draft, ...] = ()
    """Different drafts of this person, of other tabs and devices."""

    @property
    def written(self) -> Written:
        files = tuple(file.id for file in self.pending)
        activity = int(self.activity) if is_id(self.activity) else None
        return Written(
            self.body, MessageKind(self.kind), self.then, self.priority, self.cc, self.bcc or None, files, activity,
            self.to, self.about, self.along, self.along_files,
        )  # fmt: skip

    @property
    def contact(self) -> int:
        """Whom of a supplier it goes to; 0 for nobody chosen."""
        word = self.then.removeprefix(CONTACT)
        return int(word) if self.then.startswith(CONTACT) and is_id(word) else 0

    @property
    def zone(self) -> str:
        """Of the times its writer chooses."""
        return web.zone()

    @property
    def later(self) -> list[moments.Choice]:
        """Ready moments for it to leave."""
        return moments.departures()

    @property
    def held(self) -> bool:
        return bool(self.unseen or self.doubts)


class Leaving(NamedTuple):
    """A reply or a question that waits to leave, with its writer's name."""

    draft: Draft
    author: str

    @property
    def shown(self) -> Markup:
        return readable(self.draft.text, Channel.STAFF)


class Waiting(NamedTuple):
    """What is not in the thread yet: one's own drafts, the newest first, and everybody's replies on their way out."""

    drafts: tuple[Draft, ...]
    leaving: tuple[Leaving, ...]

    @property
    def newest_departure(self) -> int:
        return max((each.draft.id for each in self.leaving), default=0)

    def mark(self, ticket: Facts) -> str:
        """Changes with whatever a page shows of the conversation."""
        leaving = "-".join(str(each.draft.id) for each in self.leaving)
        return f"{ticket.message_count}.{ticket.last_activity_at.timestamp()}.{ticket.status_id}.{ticket.priority_id}.{leaving}"


_WAITING = (
    select(Draft, User)
    .join(User, User.id == Draft.staff_id)
    .options(load_only(User.first_name, User.last_name))
    .where(
        Draft.ticket_id == bindparam("ticket", type_=BigId),
        Draft.spent_at.is_(None),
        or_(Draft.leaves_at.is_not(None), Draft.staff_id == bindparam("staff")),
    )
    .order_by(Draft.saved_at.desc(), Draft.id.desc())
)
"""The rules of drafts_visible_to and departures_visible_to in one statement, built once."""


def waiting(ticket: Facts, viewer: Viewer) -> Waiting:
    """To be asked of a ticket they may see."""
    if not ticket.drafted:
        return Waiting((), ())
    rows: Sequence[Row[Draft, User]] = db.session.execute(_WAITING, {"ticket": ticket.id, "staff": viewer.id}).all()
    leaving = [Leaving(draft, user.get_full_name()) for draft, user in rows if draft.leaves_at is not None]
    return Waiting(
        tuple(draft for draft, _user in rows if draft.leaves_at is None),
        tuple(sorted(leaving, key=lambda each: (each.draft.leaves_at, each.draft.id))),
    )


def opened(drafts: Sequence[Draft], chosen: str = "") -> Composer:
    """With the newest draft, or the chosen one; what differs from it is offered."""
    shown = next((one for one in drafts if str(one.id) == chosen), drafts[0] if drafts else None)
    if shown is None:
        return Composer()
    others = tuple(one for one in drafts if one is not shown and one.text.strip() != shown.text.strip())
    return Composer(
        shown.kind.value, shown.text, shown.then, shown.priority, shown.sent_to, shown.cc, shown.bcc or "", about=shown.about,
        along=tuple(ids(shown.along.split())), along_files=tuple(ids(shown.along_files.split())), pending=_pending(shown.file_ids),
        activity=str(shown.activity_id or ""), origin=f"{shown.mark}:{shown.turn}", saved_at=shown.saved_at, returned=_why(shown), others=others,
    )  # fmt: skip


def _why(draft: Draft) -> str:
    """A draft that was sent and came back says why."""
    if draft.returned is None:
        return ""
    asked = draft.kind is MessageKind.SUPPLIER
    words = {
        UNDONE: _("You took this question back. It did not leave.") if asked else _("You took this reply back. It did not leave."),
        CUSTOMER_WROTE: _("This reply did not leave: the customer wrote again before its time."),
        SUPPLIER_WROTE: _("This question did not leave: the supplier wrote before its time."),
    }  # fmt: skip
    other = _("This question did not leave: %(reason)s", reason=draft.returned) if asked else _("This reply did not leave: %(reason)s", reason=draft.returned)  # fmt: skip
    return words.get(draft.returned, other)


def read() -> Composer:
    """The posted composer. Its files are kept at once, before any rule can refuse the rest: nobody attaches twice."""
    form = request.form
    kept = ids(form.getlist("attachment_ids"))
    kind = form.get("kind", "reply")
    known = kind in (
        "reply",
        "note",
        "supplier",
    )  # an unknown kind is shown as a note: a guess must not reach the customer
    errors = {} if known else {"body": _("Please choose between a reply and an internal note.")}
    then = CONTACT + form.get("contact", "") if kind == "supplier" else form.get("then") or form.get("then_later", "")
    leaves_at = _leaves_at(kind)
    if "later" in form and not leaves_at:  # else it would leave at once
        errors |= {"leaves_at": _("Please choose a day and a time.")}
    for file in request.files.getlist("files"):
        errors |= _keep(file, kept)
    if request.files:
        db.session.commit()
    return Composer(
        kind if known else "note", form.get("body", "").replace("\x00", "").replace("\r\n", "\n"), then, form.get("priority", ""),
        form.get("to"), form.get("cc"), form.get("bcc", ""), leaves_at, form.get("supplier_subject", "")[:LONGEST_ABOUT].replace("\x00", ""),
        tuple(ids(form.getlist("along"))), tuple(ids(form.getlist("along_files"))), _pending(kept), errors,
        time=form.get("time", ""), activity=form.get("activity", ""), log_timer="log_timer" in form, mark=form.get("mark", "")[:40], origin=form.get("origin", "")[:60], looked=tuple(form.getlist("looked")), seen=_seen(),
    )  # fmt: skip


def _leaves_at(kind: str) -> str:
    """A ready moment, or what stands in the field of this kind."""
    later = request.form.get("later", "")
    own = request.form.get("asks_at" if kind == "supplier" else "leaves_at", "")
    return own if later == "1" else later[: moments.LONGEST]


def for_ticket(composer: Composer, email: str) -> Composer:
    """The requester beside "To" is nobody's choice: they are written to wherever they are reached when it leaves."""
    plain = composer.to is not None and composer.to.strip().casefold() == email.casefold()
    return dc.replace(composer, to=None) if plain else composer


def ids(given: Sequence[str]) -> list[int]:
    return [int(text) for text in given if text.isascii() and text.isdigit() and len(text) < 18]


def _seen() -> Seen | None:
    """None from a program, which looked at no page."""
    message, departure = request.form.get("last_message_id", ""), request.form.get("last_departure_id", "")
    return Seen(int(message), int(departure) if is_id(departure) else 0) if is_id(message) else None


def _keep(file: FileStorage, kept: list[int]) -> dict[str, str]:
    """Store one file; what is wrong with it."""
    if not file.filename:
        return {}
    try:
        kept.append(keep(file, len(kept)).id)
    except HelpdeskError as refusal:
        return {"files": str(refusal)}
    return {}


def keep(file: FileStorage, already: int) -> Attachment:
    """One file of this person's, sent with nothing yet. Raises a sentence."""
    most = desk.current().max_attachments
    if already >= most:
        raise Invalid(_("At most %(most)s files a message.", most=most))
    with closing(file):
        content = file.read()
    limits.spend(Limit.UPLOAD, f"staff {g.user.id}")
    attachment = incoming.keep(file.filename or "file", content, g.user)
    db.session.flush()
    return attachment


def _pending(kept: Sequence[int]) -> tuple[Attachment, ...]:
    """The files of this form that nobody sent yet, and that are this person's."""
    wanted = select(Attachment).where(
        Attachment.id.in_(kept), Attachment.message_id.is_(None), attachments_visible_to(g.user)
    )
    return tuple(db.session.scalars(wanted.order_by(Attachment.id))) if kept else ()


def chosen_time(text: str) -> dt.datetime:
    """As a browser's field for day and time says it, in the desk's zone."""
    try:
        return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(web.zone())).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise Invalid(_("This is no time to send it."), {"leaves_at": _("Please choose a day and a time.")})
