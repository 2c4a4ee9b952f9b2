"""Files of tickets, given to whoever may see their message and never run by a browser."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from flask import Response, abort, current_app, g, request
from flask_appbuilder import BaseView, expose, has_access
from flask_appbuilder.security.decorators import permission_name
from itsdangerous import BadSignature, URLSafeTimedSerializer
from markupsafe import escape
from sqlalchemy import select

from app.accounts.viewer import viewer
from app.core import storage
from app.core.extensions import db
from app.tickets.thread import Attachment, Message, printed
from app.tickets.visibility import attachments_visible_to

POLICY = "default-src 'none'; style-src 'none'; script-src 'none'; frame-ancestors 'none'; sandbox"
FRAME_POLICY = "default-src 'none'; img-src 'self' data:; style-src 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
PDF_POLICY = "default-src 'none'; frame-ancestors 'self'; sandbox"
"""Browsers show a PDF in a viewer of their own; `sandbox` gives it an origin that is nobody's."""
SEAL_SECONDS = 600
"""A sandboxed frame sends no cookie for its pictures: their addresses carry a seal instead, for as long as somebody reads."""
PDF_WITHIN = 1024
"""Bytes in which a PDF says that it is one."""
INLINE_IMAGE = re.compile(r'src="cid:([^"]{1,300})"')


class FilesView(BaseView):
    route_base = "/admin/files"
    class_permission_name = "Ticket"
    default_view = "give"

    @expose("/<int:file_id>")
    @has_access
    @permission_name("show")
    def give(self, file_id: int) -> Response:
        return answer(_seen(file_id), inline=request.args.get("inline") == "1")

    @expose("/<int:file_id>/pdf")
    @has_access
    @permission_name("show")
    def give_pdf(self, file_id: int) -> Response:
        """To be looked at in a frame of our own pages, which no script of it can touch. Nothing but a PDF is given here."""
        attachment = _seen(file_id)
        if not printed(attachment.type):
            abort(404)
        response = answer(attachment)
        if not response.get_data()[:PDF_WITHIN].count(b"%PDF-"):
            abort(404)
        response.mimetype = attachment.type
        response.headers["Content-Disposition"] = disposition("inline", attachment.name)
        response.headers["Content-Security-Policy"] = PDF_POLICY
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        return response

    @expose("/<int:file_id>/sealed/<seal>")
    def give_sealed(self, file_id: int, seal: str) -> Response:
        """A picture inside a mail's original, asked for by the sandboxed frame that shows it. The seal says who looks: what
        they may not see any more, they are not shown."""
        try:
            sealed_id, staff_id = _sealer().loads(seal, max_age=SEAL_SECONDS)
        except (BadSignature, TypeError, ValueError):
            abort(404)
        reader = viewer(staff_id) if sealed_id == file_id else None
        wanted = select(Attachment).where(Attachment.id == file_id)
        attachment = db.session.scalar(wanted.where(attachments_visible_to(reader))) if reader is not None else None
        if attachment is None or not attachment.image:
            abort(404)
        return answer(attachment, inline=True)


def _seen(file_id: int) -> Attachment:
    wanted = select(Attachment).where(Attachment.id == file_id, attachments_visible_to(g.user))
    return db.session.scalar(wanted) or abort(404)


def answer(attachment: Attachment, inline: bool = False) -> Response:
    """The bytes; shown only when they are one of four kinds of picture, else saved by the browser."""
    try:
        content = storage.load(attachment.storage_key)
    except FileNotFoundError:
        abort(404)
    shown = inline and attachment.image
    response = Response(content, mimetype=attachment.type if shown else "application/octet-stream")
    response.headers["Content-Disposition"] = disposition("inline" if shown else "attachment", attachment.name)
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-site"
    return response


def disposition(kind: str, name: str) -> str:
    """RFC 6266: a plain name for old programs, the whole one by RFC 5987."""
    plain = re.sub(r"[^\w .()\-]", "_", name.encode("ascii", "replace").decode()).strip() or "file"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def framed(message: Message) -> Response:
    """The cleaned HTML of a mail as a page of its own, for a frame without any right."""
    pictures = {
        attachment.content_id: attachment
        for attachment in message.attachments
        if attachment.content_id and attachment.image
    }

    def sealed(found: re.Match[str]) -> str:
        picture = pictures.get(found[1].strip("<>"))
        return f'src="{escape(address(picture))}"' if picture else 'src=""'

    page = f'<!doctype html><meta charset="utf-8"><title>–</title><body>{INLINE_IMAGE.sub(sealed, message.html or "")}'
    response = Response(page, mimetype="text/html")
    response.headers["Content-Security-Policy"] = FRAME_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


def address(picture: Attachment) -> str:
    return f"/admin/files/{picture.id}/sealed/{_sealer().dumps([picture.id, g.user.id])}"


def _sealer() -> Any:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="inline picture")
