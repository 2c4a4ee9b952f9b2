"""“I am affected too”: a ticket of the customer's own that belongs to a published incident."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import flash, redirect
from flask_babel import gettext as _

from app.accounts.models import Customer
from app.accounts.viewer import CustomerActor
from app.core import limits
from app.core.errors import Invalid, NotThere
from app.core.extensions import db
from app.core.limits import Limit
from app.portal.frame import me, myself, portal, signed_in, typed
from app.tickets import banners, incidents
from app.tickets.models import Ticket

LONGEST_ID = 18


@portal.post("/incidents/<int:banner_id>/affected")
@signed_in
def affected(banner_id: int) -> Any:
    """A second press leads to the ticket that is there."""
    incident = banners.published(banner_id)
    if incident is None:
        raise NotThere(_("This disturbance is over. Please write to us if something still does not work."))
    ticket = banners.own(incident, me())
    if ticket is not None:
        number = ticket.number
        db.session.rollback()
        flash(_("You told us already: this is your ticket for it."))
        return redirect(f"/portal/tickets/{number}", 303)
    limits.spend(Limit.NEW_TICKET, f"customer {myself().id}")
    try:
        ticket = banners.report(incident, myself(), me())
    except Invalid as refusal:  # the desk asks for more than a press can say
        db.session.rollback()
        flash(str(refusal), "warning")
        return redirect(f"/portal/tickets/new?subject={quote(_title(banner_id))}", 303)
    number, display = ticket.number, ticket.display  # a commit forgets what was read
    db.session.commit()
    flash(_("Thank you. We write to you in your ticket %(number)s as soon as we know more.", number=display))
    return redirect(f"/portal/tickets/{number}", 303)


def about(text: str) -> banners.Banner | None:
    """The banner that a guest came from."""
    wanted = text if text.isascii() and text.isdigit() and len(text) < LONGEST_ID else ""
    return next((one for one in banners.shown() if str(one.id) == wanted), None)


class Affected:
    """A guest who came from a banner; made before their words are kept, so that of two presses the second finds what the first made."""

    def __init__(self, customer: Customer) -> None:
        banner = about(typed("incident"))
        self._incident = banners.published(banner.id) if banner is not None else None
        self._guest = CustomerActor.of(customer)

    @property
    def ticket(self) -> Ticket | None:
        """Which their words go on in. One whose address was proved takes none from whoever merely types it."""
        return banners.unproven(self._incident, self._guest) if self._incident is not None else None

    def joins(self, ticket: Ticket) -> None:
        """It belongs to the incident, unless a ticket of theirs does already."""
        if self._incident is not None and banners.own(self._incident, self._guest) is None:
            incidents.join(ticket, self._incident, self._guest)


def _title(banner_id: int) -> str:
    return next((one.title for one in banners.shown() if one.id == banner_id), "")
