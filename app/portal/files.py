"""Files on their way in and out. Out they never act as a page of ours, whatever they are."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import Response, abort, jsonify, request
from flask_babel import gettext as _
from sqlalchemy import func, select
from werkzeug.datastructures import FileStorage

from app.accounts.viewer import CustomerActor
from app.core import limits, storage
from app.core.errors import HelpdeskError, Invalid, TooLarge
from app.core.extensions import db
from app.core.limits import Limit, TooMany
from app.portal.frame import me, portal, signed_in, signed_in_customer
from app.settings import desk
from app.tickets import files
from app.tickets.thread import Attachment
from app.tickets.visibility import attachments_visible_to

ALONE = "default-src 'none'; sandbox; frame-ancestors 'none'"
MOST_UNSENT = 200
"""Files a customer may have uploaded without sending them."""
LONGEST_ID = 19
"""Digits: no column holds a number of more."""


@portal.get("/files/<int:file_id>")
def send_file(file_id: int) -> Response:
    """404 for strangers, visitors and files of notes alike."""
    if signed_in_customer() is None:
        abort(404)
    attachment = db.session.scalar(select(Attachment).where(Attachment.id == file_id, attachments_visible_to(me())))
    if attachment is None:
        abort(404)
    try:
        content = storage.load(attachment.storage_key)
    except FileNotFoundError:
        abort(404)
    return delivered(attachment, content, inline=request.args.get("inline") == "1")


def delivered(attachment: Attachment, content: bytes, inline: bool) -> Response:
    """Pictures of four kinds may be shown in a page; everything else is bytes to be saved, under a name no header can be broken with."""
    response = Response(content, content_type=attachment.type if attachment.image else "application/octet-stream")
    plain = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "._- ") else "_" for letter in attachment.name
    )
    way = "inline" if inline and attachment.image else "attachment"
    response.headers["Content-Disposition"] = (
        f"{way}; filename=\"{plain}\"; filename*=UTF-8''{quote(attachment.name, safe='')}"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = ALONE
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


@portal.post("/files")
@signed_in
def upload() -> Any:
    """One file, sent by the script while the customer still writes. It is theirs alone until a message carries it."""
    actor = me()
    limits.spend(Limit.UPLOAD, f"customer {actor.customer_id}")
    waiting = (
        select(func.count())
        .select_from(Attachment)
        .where(Attachment.customer_id == actor.customer_id, Attachment.message_id.is_(None))
    )
    if (db.session.scalar(waiting) or 0) >= MOST_UNSENT:
        raise Invalid(_("Too many files are waiting to be sent."))
    given = request.files.get("file")
    if given is None or not given.filename:
        raise Invalid(_("No file came along."), {"file": _("Please choose a file.")})
    attachment = files.keep(given.filename, given.read(), actor)
    db.session.commit()
    return jsonify({"id": attachment.id, "name": attachment.name}), 201


class Received:
    """The files of a form: what came now, and what an earlier try or the script had sent. `problem` is a sentence about the first refused one.

    Who only says an address (not `proven`) gets at no file that its owner uploaded.
    """

    def __init__(self, by: CustomerActor, proven: bool = True) -> None:
        self.kept: list[Attachment] = []
        self.problem: HelpdeskError | None = None
        came = [given for given in request.files.getlist("files") if given.filename]
        ids = [
            int(text)
            for text in request.form.getlist("files_id")
            if proven and text.isascii() and text.isdigit() and len(text) < LONGEST_ID
        ]
        try:
            self.kept.extend(files.uploaded(ids, by))
            self._check_number(len(came) + len(ids))
        except HelpdeskError as refusal:
            self.problem = refusal
            return
        whose = f"customer {by.customer_id}" if proven else limits.network()
        for given in came:
            self._keep(given, by, whose)
        db.session.flush()

    def _check_number(self, number: int) -> None:
        most = desk.current().max_attachments
        if number > most:
            raise TooLarge(_("At most %(most)s files in one message.", most=most))

    def _keep(self, given: FileStorage, by: CustomerActor, whose: str) -> None:
        try:
            limits.spend(Limit.UPLOAD, whose)
            self.kept.append(files.keep(given.filename or "", given.read(), by))
        except HelpdeskError as refusal:
            self.problem = self.problem or refusal

    def secure(self) -> None:
        """Whatever becomes of the form: the files that were fine wait for the next try."""
        if self.kept:
            db.session.commit()

    @property
    def errors(self) -> dict[str, str]:
        return {"files": str(self.problem)} if self.problem else {}

    @property
    def code(self) -> int:
        """For the form when it is shown again, whatever refused it."""
        if limits.reached():
            return TooMany.code
        return self.problem.code if isinstance(self.problem, TooLarge) else 422
