"""What must not leave by mistake in a public reply: words of a note, another customer's address or ticket, a copy to strangers, a promised
file that is not there. It is said to the writer, who may send all the same; so it is to whoever runs a macro. A program's own replies, rules
and mail are never asked."""

from __future__ import annotations

import enum
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, func, or_, select

from app.accounts.models import Customer
from app.core.errors import Invalid
from app.core.extensions import db
from app.settings import desk
from app.tickets.models import Participant, Ticket
from app.tickets.thread import Message, MessageKind

RUN = 6
"""So many words of a note in a row are no chance."""
NOTES = 200
"""The newest of a ticket."""
MOST_WORDS = 20_000
MOST_NAMES = 50
ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
WORD = re.compile(r"[^\W_]+")
PROMISE = re.compile(
    r"\b(?:attached|attachment|attachments|attaching|enclosed|im anhang|anbei|angehängt|angehängte[nrs]?|beigefügt|beigefügte[nrs]?|als anlage)\b",
    re.I,
)
NOT_OURS = re.compile(
    r"\b(?:you|your|ihr|ihre|ihren|ihrem|sie|du|dein|deine|no|kein|keine|keinen)\b[^.!?\n]{0,40}$", re.I
)
"""Just before it: "the log you attached" promises nothing."""
QUOTED = re.compile(r"^[ \t]*>.*$", re.M)


class Kind(enum.StrEnum):
    NOTE = "note"
    SUPPLIER = "supplier"
    OTHERS = "others"
    DOMAIN = "domain"
    FILE = "file"
    TASKS = "tasks"


class Leak(NamedTuple):
    """A sentence for the writer. `what` tells it from others of its kind, so that only what was looked at is let through."""

    kind: Kind
    what: str
    sentence: str

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.what}"


class Doubtful(Invalid):
    """It may say more than it should: somebody looks at it again and says yes to exactly this. Programs are told the keys."""

    code = 409

    def __init__(self, doubts: Sequence[Leak]) -> None:
        super().__init__(" ".join(doubt.sentence for doubt in doubts), {doubt.key: doubt.sentence for doubt in doubts})
        self.doubts = list(doubts)


def demand_looked(found: Iterable[Leak], looked: Collection[str]) -> None:
    """`looked`: the keys of what was said yes to. Raises Doubtful with what is new."""
    doubts = [leak for leak in found if leak.key not in looked]
    if doubts:
        raise Doubtful(doubts)


def leaks(ticket: Ticket, text: str, recipients: Sequence[str], files: int) -> list[Leak]:
    """What a second look is for. `recipients`: the addresses of the copies; `files`: how many go along."""
    settings = desk.current()
    found: list[Leak] = []
    if settings.guard_notes:
        found += _of_inner(ticket, text, Message.kind != MessageKind.REPLY)
    if settings.guard_others:
        found += _of_others(ticket, text)
    if settings.guard_domains and recipients:
        found += _of_domains(ticket, recipients)
    if settings.guard_files and not files:
        found += _of_files(text)
    return found


def leaks_to_supplier(ticket: Ticket, supplier_id: int, text: str, files: int) -> list[Leak]:
    """The same for a mail to a supplier: words of a note, of another supplier, and what else a reply is looked at for."""
    settings = desk.current()
    found: list[Leak] = []
    if settings.guard_notes:
        another = and_(Message.kind == MessageKind.SUPPLIER, Message.supplier_id != supplier_id)
        found += _of_inner(ticket, text, or_(Message.kind == MessageKind.NOTE, another))
    if settings.guard_others:
        found += _of_others(ticket, text)
    if settings.guard_files and not files:
        found += _of_files(text)
    return found


def _of_inner(ticket: Ticket, text: str, inner: ColumnElement[bool]) -> Iterator[Leak]:
    """`inner`: which entries are none of the reader's business."""
    said = _words(text)
    if len(said) < RUN:
        return
    runs = {tuple(said[at : at + RUN]) for at in range(len(said) - RUN + 1)}
    notes = db.session.execute(
        select(Message.id, Message.text, Message.author_name, Message.kind)
        .where(Message.ticket_id == ticket.id, inner)
        .order_by(Message.id.desc())
        .limit(NOTES)
    ).all()
    public: set[tuple[str, ...]] | None = None
    for note in notes:
        words = _words(note.text)
        same = {run for run in zip(*(words[at:] for at in range(RUN)), strict=False) if run in runs}
        if same:
            public = _public_runs(ticket) if public is None else public
            same -= public
        if same:
            quote = " ".join(sorted(same)[0])
            if note.kind is MessageKind.SUPPLIER:
                yield Leak(Kind.SUPPLIER, str(note.id), _("It quotes what was exchanged with a supplier (%(name)s): “%(quote)s …”.", name=note.author_name, quote=quote))  # fmt: skip
            else:
                yield Leak(Kind.NOTE, str(note.id), _("It quotes the internal note of %(name)s: “%(quote)s …”.", name=note.author_name, quote=quote))  # fmt: skip


def _public_runs(ticket: Ticket) -> set[tuple[str, ...]]:
    """What the customer has read, or written, is no secret though a note says it too."""
    texts = db.session.scalars(
        select(Message.text)
        .where(Message.ticket_id == ticket.id, Message.kind == MessageKind.REPLY)
        .order_by(Message.id.desc())
        .limit(NOTES)
    )
    return {run for text in texts for run in _runs(text)}


def _runs(text: str) -> Iterable[tuple[str, ...]]:
    words = _words(text)
    return zip(*(words[at:] for at in range(RUN)), strict=False)


def _of_others(ticket: Ticket, text: str) -> Iterator[Leak]:
    """Theirs, of their organization, and of those who take part are no secret to them."""
    own = _own_text(text)
    addresses = {found.casefold().rstrip(".") for found in ADDRESS.findall(own)[:MOST_NAMES]}
    addresses -= _taking_part(ticket) if addresses else set()
    if addresses:
        rows = select(Customer.email).where(Customer.email_key.in_(addresses), _of_another(ticket))
        for email in db.session.scalars(rows.order_by(Customer.email)):
            yield Leak(Kind.OTHERS, email, _("It names the address of another customer: %(address)s.", address=email))
    written = re.escape(desk.current().number_pattern).replace(re.escape("{n}"), r"(\d{1,15})")
    numbers = {int(found) for found in re.findall(rf"(?<![\w&/]){written}(?!\w)", own)[:MOST_NAMES]} - {ticket.number}
    if numbers:
        others = select(Ticket.number).join(Customer, Customer.id == Ticket.requester_id)
        for number in db.session.scalars(others.where(Ticket.number.in_(numbers), _of_another(ticket))):
            yield Leak(Kind.OTHERS, str(number), _("It names the ticket of another customer: %(number)s.", number=desk.current().display(number)))  # fmt: skip


def _of_another(ticket: Ticket) -> ColumnElement[bool]:
    requester = ticket.requester
    another = Customer.id != requester.id
    if requester.organization_id is None:
        return another
    return another & or_(Customer.organization_id.is_(None), Customer.organization_id != requester.organization_id)


def _of_domains(ticket: Ticket, recipients: Sequence[str]) -> Iterator[Leak]:
    """One of the requester's, their organization's, the participants' or our own is no stranger's."""
    known = {_domain(address) for address in _taking_part(ticket)} | {_domain(desk.current().mail_from)}
    strange = sorted({_domain(address) for address in recipients} - known)
    if strange:
        staff = {_domain(email) for email in db.session.scalars(select(User.email).where(User.active.is_(True)))}
        colleagues = select(Customer.email_key).where(
            Customer.organization_id == ticket.requester.organization_id, Customer.organization_id.is_not(None)
        )
        staff |= {_domain(email) for email in db.session.scalars(colleagues)}
        for domain in strange:
            if domain not in staff:
                yield Leak(Kind.DOMAIN, domain, _("It goes to %(domain)s, where nobody takes part in this ticket yet.", domain=domain))  # fmt: skip


def _of_files(text: str) -> Iterator[Leak]:
    own = _own_text(text)
    for found in PROMISE.finditer(own):
        if not NOT_OURS.search(own[max(0, found.start() - 60) : found.start()]):
            yield Leak(Kind.FILE, "", _("It says “%(word)s”, and no file goes with it.", word=found[0]))
            return


def _taking_part(ticket: Ticket) -> set[str]:
    rows = db.session.scalars(
        select(func.lower(func.coalesce(Participant.email, Customer.email)))
        .outerjoin(Customer, Customer.id == Participant.customer_id)
        .where(Participant.ticket_id == ticket.id, Participant.approved.is_(True))
    )
    return {ticket.requester.email_key, *(address for address in rows if address)}


def _domain(address: str) -> str:
    return address.rpartition("@")[2].casefold()


def _own_text(text: str) -> str:
    """Without what is quoted from the customer's own mail."""
    return QUOTED.sub("", text[: MOST_WORDS * 10])


def _words(text: str) -> list[str]:
    return [word.casefold() for word in WORD.findall(text[: MOST_WORDS * 10])][:MOST_WORDS]
