"""The door of a deed on one ticket: taken under its lock, changed and kept, or refused with a sentence and left as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, g, jsonify, redirect, request
from flask_babel import gettext as _

from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.core.web import wants_json
from app.desk.listing import Listing
from app.desk.workspace import find
from app.tickets.models import Ticket

Deed = Callable[[Ticket], str | None]
"""What it returns is said beside "Saved"."""


def do(number: int, deed: Deed, back: str | None = None) -> Any:
    """The answer to whoever asked: JSON for a script, else the page they came from, which is the ticket's without `back`."""
    ticket = find(number, g.user, lock=True)
    try:
        said = deed(ticket)
        db.session.commit()
    except HelpdeskError as refusal:
        db.session.rollback()
        return _refused(refusal, back or page(number))
    if wants_json():
        return jsonify(saved=True, **({"said": said} if said else {}))
    if said:
        flash(said, "warning")
    if back is None and not ticket.seen_by(g.user):
        flash(_("Saved. The ticket is out of your sight now."), "success")
        return redirect("/admin/tickets/", code=303)
    return redirect(back or page(number), code=303)


def page(number: int) -> str:
    """The ticket's, with the list it was opened from."""
    return f"/admin/tickets/{number}{Listing.posted(request.form).address()}"


def _refused(refusal: HelpdeskError, back: str) -> Any:
    if wants_json():
        fields = refusal.fields if isinstance(refusal, Invalid) else {}
        return jsonify(error=str(refusal), fields=fields), refusal.code
    flash(str(refusal), "danger")
    return redirect(back, code=303)
