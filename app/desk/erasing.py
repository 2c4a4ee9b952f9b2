"""Deletes a ticket for good: its rows by the database's own rules, its files from the storage once that is certain."""

from __future__ import annotations

import logging

from sqlalchemy import select

from app.accounts import rights
from app.accounts.viewer import Actor
from app.core import storage
from app.core.audit import What, note
from app.core.extensions import db
from app.tickets import banners, merging, timefigures
from app.tickets.models import Ticket
from app.tickets.thread import Attachment

log = logging.getLogger(__name__)


def delete_ticket(ticket: Ticket, by: Actor) -> None:
    """Commits. Its number is never given again. Tickets that are one with it are taken apart first, and stay."""
    rights.demand(by, "delete", ticket)
    merging.separate(ticket)
    keys = list(db.session.scalars(select(Attachment.storage_key).where(Attachment.ticket_id == ticket.id)))
    note(What.TICKET_DELETED, f"{ticket.number}", by=by, files=len(keys))
    timefigures.forget(ticket.id)
    published = any(one.ticket_id == ticket.id for one in banners.shown())
    db.session.delete(ticket)
    if published:
        banners.keep()
    db.session.commit()
    for key in keys:
        try:
            storage.remove(key)
        except FileNotFoundError:
            log.info("the file %s was gone before its ticket", key)
