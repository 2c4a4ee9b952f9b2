"""What many mails tell of, read for all of them at once: one by one, each mail would ask a dozen questions of its own."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import Executable, Row, Select, bindparam, select
from sqlalchemy.orm import aliased, joinedload, selectinload, undefer

from app.accounts.models import StaffProfile
from app.core.extensions import db
from app.mail.letters import HISTORY
from app.mail.models import ALL, Delivery, EmailTemplate, RawMail
from app.tickets.models import Participant, Ticket
from app.tickets.thread import Message, MessageKind

TO_OTHERS = ("supplier_asked",)
"""Mails to people whose thread is another one."""


class Known(NamedTuple):
    """A mail that somebody sent or got in a ticket."""

    at: dt.datetime
    message_id: str


class Told:
    """The mails of one batch, with the rows they tell of. Those are held as long as this is: what nobody holds is read anew."""

    def __init__(self, ids: Sequence[int]) -> None:
        rows = db.session.scalars(_MAILS, {"ids": list(ids)}, execution_options={"populate_existing": True})
        self.mails = {mail.id: mail for mail in rows}
        self._held: list[object] = list(_entries(self.mails.values()))
        self._held += _people(self.mails.values())
        kinds = sorted({mail.kind for mail in self.mails.values()})
        self._own_words = {(one.kind, one.language): one for one in db.session.scalars(_TEMPLATES, {"kinds": kinds})}
        self._by_machine: set[int] = set(_machines(self.mails.values()))
        self._got, self._wrote = _got(self.mails.values()), _wrote(self.mails.values())
        self._before = _before(self.mails.values())

    def own_words(self, kind: str, language: str) -> str | None:
        """The admin's, where they are not the desk's: those for this language, else those for all."""
        own = self._own_words.get((kind, language)) or self._own_words.get((kind, ALL))
        return own.source if own is not None else None

    def by_machine(self, entry_id: int) -> bool:
        return entry_id in self._by_machine

    def before(self, mail: Delivery) -> Sequence[Any] | None:
        """The public thread before its entry, newest first, proven entries alone. None where it has to be asked for."""
        return self._before.get(mail.id)

    def thread(self, mail: Delivery) -> list[Known] | None:
        """The mails of its ticket that its recipient sent or got before it. None where they have to be asked for."""
        if not _simple(mail):
            return None
        got = [one for id_, address, one in self._got[mail.ticket_id or 0] if id_ < mail.id and address == mail.address]
        wrote = [
            Known(one.created_at, one.message_id) for one in self._wrote[mail.ticket_id or 0] if _theirs(one, mail)
        ]
        return got + wrote

    def leaves(self, mail: Delivery) -> None:
        """It was written: the next one to the same recipient names it."""
        if mail.ticket_id is not None and mail.rfc_message_id:
            known = (mail.id, mail.address, Known(mail.created_at, mail.rfc_message_id))
            self._got[mail.ticket_id or 0] = [
                *(one for one in self._got[mail.ticket_id or 0] if one[0] != mail.id),
                known,
            ]


def _simple(mail: Delivery) -> bool:
    """Its thread is what stands in its ticket: that is not merged (mergeable.py), and no supplier reads of it."""
    ticket = mail.ticket
    return ticket is not None and not ticket.merged and not ticket.merged_in and mail.kind not in TO_OTHERS


def _theirs(entry: Row[Any], mail: Delivery) -> bool:
    """Its recipient wrote it, and not after what the mail tells of."""
    same = entry.staff_id == mail.staff_id if mail.staff_id else entry.customer_id == mail.customer_id
    return same and (mail.message_id is None or entry.id <= mail.message_id)


_MAILS = (
    select(Delivery)
    .where(Delivery.id.in_(bindparam("ids", expanding=True)))
    .options(
        undefer(Delivery.raw),
        joinedload(Delivery.customer),
        joinedload(Delivery.ticket).options(
            joinedload(Ticket.requester), joinedload(Ticket.department), joinedload(Ticket.priority)
        ),
    )
)
_ENTRIES = (
    select(Message)
    .where(Message.id.in_(bindparam("ids", expanding=True)))
    .options(selectinload(Message.attachments), joinedload(Message.staff))
)
_TEMPLATES = select(EmailTemplate).where(EmailTemplate.kind.in_(bindparam("kinds", expanding=True)))
_PARTICIPANTS = select(Participant).where(Participant.id.in_(bindparam("ids", expanding=True)))
_USERS = (
    select(User, StaffProfile)
    .outerjoin(StaffProfile, StaffProfile.user_id == User.id)
    .where(User.id.in_(bindparam("ids", expanding=True)))
)
_MACHINES = select(RawMail.entry_id).where(
    RawMail.entry_id.in_(bindparam("ids", expanding=True)), RawMail.automatic.is_(True)
)
_GOT = select(
    Delivery.ticket_id, Delivery.id, Delivery.address, Delivery.created_at, Delivery.rfc_message_id
).where(Delivery.ticket_id.in_(bindparam("tickets", expanding=True)), Delivery.rfc_message_id.is_not(None), Delivery.kind.not_in(TO_OTHERS))  # fmt: skip
_WROTE = select(
    Message.ticket_id, Message.id, Message.staff_id, Message.customer_id, Message.created_at, Message.message_id
).where(
    Message.ticket_id.in_(bindparam("tickets", expanding=True)), Message.kind == MessageKind.REPLY, Message.message_id.is_not(None)
)  # fmt: skip


def _earlier(place: int) -> Any:
    """The public entry that stands so many before the one a mail tells of."""
    one = aliased(Message)
    public = select(one.id).where(one.ticket_id == Delivery.ticket_id, one.id < Delivery.message_id)
    public = public.where(one.kind == MessageKind.REPLY, one.trusted.is_(True))
    return public.order_by(one.id.desc()).offset(place).limit(1).correlate(Delivery).scalar_subquery()


_EARLIER: Select[Any] = select(Delivery.id, *(_earlier(place) for place in range(HISTORY))).where(
    Delivery.id.in_(bindparam("ids", expanding=True))
)
_QUOTED = select(Message.id, Message.author_name, Message.created_at, Message.text, Message.html).where(
    Message.id.in_(bindparam("ids", expanding=True))
)
"""Each built once, as composing it costs more than running it."""


def _entries(mails: Iterable[Delivery]) -> Sequence[Message]:
    ids = {mail.message_id for mail in mails if mail.message_id is not None}
    return db.session.scalars(_ENTRIES, {"ids": sorted(ids)}).all() if ids else ()


def _people(mails: Iterable[Delivery]) -> list[object]:
    """Colleagues and whoever gets a copy."""
    found: list[object] = []
    staff = sorted({mail.staff_id for mail in mails if mail.staff_id is not None})
    copied = sorted({mail.participant_id for mail in mails if mail.participant_id is not None})
    if staff:
        found += [person for row in db.session.execute(_USERS, {"ids": staff}) for person in row]
    if copied:
        found += db.session.scalars(_PARTICIPANTS, {"ids": copied})
    return found


def _machines(mails: Iterable[Delivery]) -> Iterable[int]:
    """Of the entries that a mail of the desk's own would answer, those that a machine wrote."""
    ids = {mail.message_id for mail in mails if mail.message_id is not None and mail.automatic}
    return db.session.scalars(_MACHINES, {"ids": sorted(ids)}) if ids else ()


def _got(mails: Iterable[Delivery]) -> dict[int, list[tuple[int, str, Known]]]:
    found: dict[int, list[tuple[int, str, Known]]] = defaultdict(list)
    for row in _of_tickets(_GOT, mails):
        found[row.ticket_id].append((row.id, row.address, Known(row.created_at, row.rfc_message_id)))
    return found


def _wrote(mails: Iterable[Delivery]) -> dict[int, list[Row[Any]]]:
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in _of_tickets(_WROTE, mails):
        found[row.ticket_id].append(row)
    return found


def _of_tickets(wanted: Executable, mails: Iterable[Delivery]) -> Iterable[Row[Any]]:
    tickets = sorted({mail.ticket_id for mail in mails if mail.ticket_id is not None and mail.raw is None})
    return db.session.execute(wanted, {"tickets": tickets}) if tickets else ()


def _before(mails: Iterable[Delivery]) -> dict[int, list[Row[Any]]]:
    """By mail, for those that repeat the thread and whose ticket is simply one."""
    ids = [mail.id for mail in mails if _quotes(mail)]
    if not ids:
        return {}
    earlier = {row[0]: row[1:] for row in db.session.execute(_EARLIER, {"ids": ids})}
    wanted = sorted({one for row in earlier.values() for one in row if one is not None})
    quoted = {row.id: row for row in db.session.execute(_QUOTED, {"ids": wanted})} if wanted else {}
    return {id_: [quoted[one] for one in row if one is not None] for id_, row in earlier.items()}


def _quotes(mail: Delivery) -> bool:
    return mail.kind == "staff_replied" and mail.message_id is not None and mail.raw is None and _simple(mail)
