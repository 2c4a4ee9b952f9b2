"""Who gets a reply: the requester or whom its writer names, CC who stay with the ticket, BCC who get one reply and stand in no mail of others."""

from __future__ import annotations

import re
from collections.abc import Sequence

from flask_babel import gettext as _
from sqlalchemy import func, select

from app.accounts.customers import checked_address, find
from app.accounts.models import Customer
from app.accounts.viewer import Actor
from app.core.errors import Invalid
from app.core.extensions import db
from app.tickets.models import Participant, ParticipantRole, Ticket
from app.tickets.thread import Addressed
from app.tickets.timeline import Did
from app.tickets.turns import demand

MOST = 50
"""Addresses in one field."""
SEPARATORS = re.compile(r"[,;\s]+")
NAMED = re.compile(r"[^<>,;]*<([^<>]*)>")


def read(text: str | None, field: str) -> list[str]:
    """Addresses as a person typed them, with commas, blanks or names around, each once. Raises Invalid beside `field`."""
    found: dict[str, str] = {}
    for word in SEPARATORS.split(NAMED.sub(r" \1 ", text or "")):
        if word:
            try:
                found.setdefault(word.casefold(), checked_address(word))
            except Invalid:
                raise Invalid(
                    _("Please look at the address again."), {field: _("“%(word)s” is no address.", word=word[:80])}
                )
    if len(found) > MOST:
        raise Invalid(_("Too many addresses."), {field: _("At most %(most)s addresses.", most=MOST)})
    return list(found.values())


def copy_to(ticket: Ticket, addresses: list[str], by: Actor) -> None:
    """From now on these and no others get the ticket's replies as CC. An address that a mail named is accepted by standing here."""
    demand(by, "reply", ticket)
    present, before = {}, []
    for part, email in _copied(ticket):
        present[email.casefold()] = part
        before += [email] if part.approved else []
    wanted = {address.casefold(): address for address in addresses if address.casefold() != ticket.requester.email_key}
    for key, part in present.items():
        if key in wanted:
            part.approved = True
        elif part.approved:
            db.session.delete(part)
    for key, address in wanted.items():
        if key not in present:
            _add(ticket, ParticipantRole.CC, address)
    if {email.casefold() for email in before} != set(wanted):
        ticket.record(Did.COPIED, by, was=", ".join(before), now=", ".join(wanted.values()))


def answer_wish(ticket: Ticket, participant_id: int, accepted: bool, by: Actor) -> None:
    """Somebody's mail wanted a copy to go there: from now on it does, or it never did. What was answered meanwhile stays."""
    demand(by, "reply", ticket)
    rows = _copied(ticket)
    wish = next(((part, email) for part, email in rows if part.id == participant_id and not part.approved), None)
    if wish is None:
        return
    part, email = wish
    before = [each for other, each in rows if other.approved]
    if accepted:
        part.approved = True
        ticket.record(Did.COPIED, by, was=", ".join(before), now=", ".join([*before, email]))
    else:
        db.session.delete(part)
        ticket.record(Did.COPY_REFUSED, by, now=email)


def once_to(ticket: Ticket, addresses: list[str], addressed: Addressed | None = None) -> tuple[int, ...]:
    """The participants who get the next reply only, unseen by others. Whoever gets it anyway is left out."""
    anyway = {email.casefold() for part, email in _copied(ticket) if part.approved}
    if addressed is None or addressed.requester:
        anyway.add(ticket.requester.email_key)
    if addressed is not None:
        anyway |= {address.casefold() for address in read(addressed.words, "to")}
    wanted = [address for address in addresses if address.casefold() not in anyway]
    return _parts(ticket, ParticipantRole.BCC, wanted)


def read_to(text: str | None, ticket: Ticket) -> list[str] | None:
    """Whom a reply is written to, as typed beside "To"; None: the requester alone, as ever. Raises Invalid."""
    if text is None:
        return None
    addresses = read(text, "to")
    if not addresses:
        raise Invalid(_("A reply goes to somebody."), {"to": _("Please say to whom it goes.")})
    return None if [each.casefold() for each in addresses] == [ticket.requester.email_key] else addresses


def write_to(ticket: Ticket, addresses: list[str] | None, copied: Sequence[str] = ()) -> Addressed | None:
    """This one reply goes to them. They may answer it: what they write belongs to the ticket from then on.
    The requester gets it, too, when they are among them or among the `copied`."""
    if addresses is None:
        return None
    others = [address for address in addresses if address.casefold() != ticket.requester.email_key]
    parts = _parts(ticket, ParticipantRole.TO, others)
    reached = {address.casefold() for address in (*addresses, *copied)}
    return Addressed(", ".join(addresses), parts, requester=ticket.requester.email_key in reached)


def _parts(ticket: Ticket, role: ParticipantRole, addresses: list[str]) -> tuple[int, ...]:
    """Each is a participant in this role, once."""
    known = {email.casefold(): part for part, email in _copied(ticket, role)} if addresses else {}
    return tuple((known.get(address.casefold()) or _add(ticket, role, address)).id for address in addresses)


def _copied(ticket: Ticket, role: ParticipantRole = ParticipantRole.CC) -> list[tuple[Participant, str]]:
    rows = db.session.execute(
        select(Participant, func.coalesce(Participant.email, Customer.email))
        .outerjoin(Customer, Customer.id == Participant.customer_id)
        .where(Participant.ticket_id == ticket.id, Participant.role == role)
        .order_by(Participant.id)
    )
    return [(part, email or "") for part, email in rows]


def _add(ticket: Ticket, role: ParticipantRole, address: str) -> Participant:
    customer = find(address)
    part = Participant(
        ticket_id=ticket.id,
        role=role,
        customer_id=customer.id if customer else None,
        email=None if customer else address,
        approved=True,
    )
    db.session.add(part)
    db.session.flush()
    return part
