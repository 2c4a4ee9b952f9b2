"""A mail that answers one of ours to a supplier: an entry of what was exchanged with them, which no customer reads."""

from __future__ import annotations

import dataclasses as dc

from flask_babel import gettext as _

from app.accounts.viewer import SYSTEM
from app.core.extensions import db
from app.mail.entering import words_of
from app.mail.parsing import IncomingMail
from app.mail.threading import Match
from app.tickets import suppliers
from app.tickets.supplied import Supplier
from app.tickets.thread import Message

LONGEST_NAME = 200


def to_ticket(match: Match, mail: IncomingMail) -> tuple[Message, str]:
    """The entry and a sentence for the mail log. Whoever is not of the supplier's people, or writes for one that was taken off the
    ticket, is kept as unverified: nothing follows from it until somebody accepts it."""
    assert match.supplier_id is not None
    supplier = db.session.get_one(Supplier, match.supplier_id)
    person = supplier.contact(mail.sender.address) if supplier.active else None
    trusted = person is not None and suppliers.of(match.ticket, supplier.id) is not None
    words = dc.replace(words_of(mail, SYSTEM, trusted=trusted), trusted=trusted)
    name = (person.name if person is not None else "") or mail.sender.name or mail.sender.address
    author = name if trusted else f"{mail.sender.name} <{mail.sender.address}>".strip()
    message = suppliers.hear(match.ticket, supplier, words, author[:LONGEST_NAME], automatic=mail.automatic)
    number = match.ticket.place().display
    if not trusted:
        return message, _("Kept in %(number)s beside what %(supplier)s wrote, as unverified: %(how)s, but the sender is none of their people.", number=number, supplier=supplier.name, how=match.how)  # fmt: skip
    if mail.automatic:
        return message, _("A machine of %(supplier)s wrote it; kept in %(number)s.", supplier=supplier.name, number=number)  # fmt: skip
    return message, _("%(supplier)s answered in %(number)s: %(how)s.", supplier=supplier.name, number=number, how=match.how)  # fmt: skip
