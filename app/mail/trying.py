"""An admin tries their words before anybody gets them: about a real ticket, and as a mail to themselves."""

from __future__ import annotations

from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select

from app.accounts.viewer import Viewer, viewer
from app.core.errors import Invalid
from app.core.extensions import db
from app.core.language import of_desk
from app.mail import letters, outgoing, wording
from app.mail.models import Delivery
from app.mail.sampling import sample
from app.mail.templates import Written
from app.mail.wordable import names_of
from app.settings import desk
from app.tickets.mergeable import entries_of
from app.tickets.models import Ticket
from app.tickets.thread import Message, MessageKind
from app.tickets.visibility import visible_to

LARGEST = 2**63 - 1


def has_ticket(kind: str) -> bool:
    """Whether such a mail is about a ticket."""
    return "ticket.number" in names_of(wording.known(kind))


def seen(kind: str, source: str, language: str, number: str, by: Viewer) -> Written:
    """How it would read to a reader of this language. Raises Invalid naming `source` or `ticket`."""
    checked = wording.checked(kind, source)
    with force_locale(wording.known_language(language) or of_desk()):
        return wording.preview(kind, checked, _words(kind, number, by))


def put_trial(kind: str, source: str, language: str, number: str, by: Viewer) -> Delivery:
    """The same as a mail to whoever asks; not sent yet."""
    seen(kind, source, language, number, by)
    values = {"of": kind, "source": wording.checked(kind, source), "language": language, "ticket": number.strip()}
    return outgoing.put_notice("test_mail", staff_id=by.id, values=values)


def written(delivery: Delivery) -> Written | None:
    """The trial that this test mail is; None for any other mail. What its reader may not see any more is invented."""
    if delivery.kind != "test_mail" or not delivery.values.get("of"):
        return None
    kind, source, language, number = (str(delivery.values[name]) for name in ("of", "source", "language", "ticket"))
    by = viewer(delivery.staff_id or 0)
    try:
        return seen(kind, source, language, number if by else "", by) if by else None
    except Invalid:
        return seen(kind, source, language, "", by) if by else None


def _words(kind: str, number: str, by: Viewer) -> dict[str, Any]:
    words = sample()
    if not number.strip() or not has_ticket(kind):
        return words
    ticket = _ticket(number, by)
    if kind in outgoing.TO_SUPPLIERS:
        return {**words, "ticket": None, "reference": ticket.display}
    real = letters.words_of(_mail_of(kind, ticket, by))
    kept = ("said", "documents", "entry") if real["entry"] is None else ("said", "documents")
    return {**words, **{name: value for name, value in real.items() if name not in kept}}


def _ticket(number: str, by: Viewer) -> Ticket:
    """By its number as people write it: 1042, #1042."""
    digits = "".join(letter for letter in number if letter in "0123456789")
    wanted = select(Ticket).where(Ticket.number == min(int(digits[:20] or 0), LARGEST), visible_to(by))
    ticket = db.session.scalar(wanted)
    if ticket is None:
        wrong = _("There is no ticket %(number)s that you may see.", number=number.strip()[:30])
        raise Invalid(wrong, {"ticket": wrong})
    return ticket


def _mail_of(kind: str, ticket: Ticket, by: Viewer) -> Delivery:
    """One that is never sent nor kept: about the newest message that the customer reads, too."""
    public = select(Message.id).where(entries_of(ticket), Message.kind == MessageKind.REPLY, Message.trusted.is_(True))
    newest = db.session.scalar(public.order_by(Message.id.desc()).limit(1))
    to_staff = "who" in names_of(kind)
    mail = Delivery(
        kind=kind, ticket_id=ticket.id, message_id=newest, values={}, automatic=outgoing.KINDS[kind].automatic, address=desk.current().mail_from,
        customer_id=None if to_staff else ticket.requester_id, staff_id=by.id if to_staff else None,
    )  # fmt: skip
    mail.ticket = ticket
    return mail
