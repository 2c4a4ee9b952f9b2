"""Links by which a customer hands in documents without an account: shown once in a mail, kept as a hash, ended by time, by staff or with the request."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets

from flask_babel import gettext as _
from sqlalchemy import ForeignKey, Index, select, update
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts import rights
from app.accounts.viewer import Actor
from app.core import clock, web
from app.core.errors import NotThere
from app.core.extensions import db
from app.core.model import Base, intpk
from app.settings import desk
from app.tickets.choices import State
from app.tickets.requests import DocumentRequest, RequestState
from app.tickets.timeline import Did

LONGEST_SECRET = 100


class LinkOver(NotThere):
    """Never made, ended, or of a request that takes nothing: one sentence for all, so that nobody learns which."""

    def __init__(self) -> None:
        super().__init__(_("This link does not work (any more). Use the one in our newest mail, or just reply to it."))


class UploadLink(Base):
    """One mail's link to the slots of one request."""

    __tablename__ = "upload_link"
    __table_args__ = (Index("ix_upload_link_request", "request_id"),)

    id: Mapped[intpk]
    request_id: Mapped[int] = mapped_column(ForeignKey("document_request.id", ondelete="CASCADE"))
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[dt.datetime]
    revoked_at: Mapped[dt.datetime | None]

    request: Mapped[DocumentRequest] = relationship(DocumentRequest)


def issue(request: DocumentRequest) -> str:
    """The secret part of a new link. It leaves the desk this once; earlier links go on working."""
    secret = secrets.token_urlsafe(32)
    now = clock.now()
    began = max(web.desk_day(now), request.due_on or dt.date.min)
    days = dt.timedelta(days=(began - web.desk_day(now)).days + desk.current().document_link_days)
    db.session.add(UploadLink(request_id=request.id, token_hash=_hash(secret), created_at=now, expires_at=now + days))
    return secret


def look_at(secret: str) -> DocumentRequest:
    """The request behind a link that works, or LinkOver. Changes nothing: mail scanners open every link."""
    known = select(UploadLink).where(UploadLink.token_hash == _hash(secret[: LONGEST_SECRET + 1]))
    link = db.session.scalar(known)
    if link is None or link.revoked_at is not None or link.expires_at <= clock.now() or not _useful(link.request):
        raise LinkOver
    return link.request


def _useful(request: DocumentRequest) -> bool:
    ticket, place = request.ticket, request.ticket.place()
    closed = place.state is State.CLOSED and request.open
    hidden = ticket.hidden_from_client or place.hidden_from_client
    return request.state is not RequestState.WITHDRAWN and not closed and not hidden and ticket.requester.active


def end_all(request: DocumentRequest) -> int:
    """Every link of this request stops working now; how many did."""
    ended = db.session.execute(
        update(UploadLink)
        .where(
            UploadLink.request_id == request.id, UploadLink.revoked_at.is_(None), UploadLink.expires_at > clock.now()
        )
        .values(revoked_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    return int(ended.rowcount)


def revoke(request: DocumentRequest, by: Actor) -> int:
    """Staff end the links: a mail went to the wrong person, say."""
    rights.demand(by, "documents", request.ticket.place_in_turn())
    ended = end_all(request)
    if ended:
        request.ticket.record(Did.LINKS_ENDED, by, count=ended)
    return ended


def send(request: DocumentRequest, by: Actor) -> None:
    """A mail with a new link, for a customer who lost the last one."""
    rights.demand(by, "documents", request.ticket.place_in_turn())
    request.ticket.record(Did.LINK_SENT, by, request_id=request.id)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
