"""The link at the end of a digest that ends it: it works signed out, for this alone, and changes nothing until its button is pressed."""

from __future__ import annotations

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import update

from app.accounts.viewer import Viewer, viewer
from app.core.errors import NotThere
from app.core.extensions import db
from app.core.words import said as _
from app.notifications import inbox
from app.notifications.models import Notification

LONGEST = 200


def link(staff_id: int) -> str:
    return f"{current_app.config['PUBLIC_URL']}/notices/stop/{_signer().dumps(staff_id)}"


def whose(token: str) -> Viewer:
    """NotThere for what we never signed and for people who are gone: nobody learns which."""
    try:
        staff_id = _signer().loads(token[:LONGEST])
    except BadSignature:
        staff_id = 0
    person = viewer(staff_id) if isinstance(staff_id, int) else None
    if person is None:
        raise NotThere(_("There is nothing here, or nothing that you may see."))
    return person


def stop(person: Viewer) -> None:
    """What came in the digest comes by no mail any more; behind the bell it stands as before."""
    for kind, wanted in inbox.all_wanted(person).items():
        if wanted.digest:
            inbox.prefer(person.id, kind, wanted._replace(digest=False))
            waiting = update(Notification).where(Notification.staff_id == person.id, Notification.kind == kind)
            db.session.execute(waiting.where(Notification.mail_due_at.is_not(None)).values(mail_due_at=None))


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="end of a digest")
