"""The tickets of a list with everything that was written in them: a ZIP of readable pages, sent while it is made."""

from __future__ import annotations

import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, cast

from flask import current_app, render_template
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.accounts.viewer import Viewer
from app.core.extensions import db
from app.desk.listing import Listing
from app.desk.listpage import rows_of
from app.tickets.models import Ticket
from app.tickets.thread import Message
from app.tickets.visibility import messages_visible_to

BATCH = 50
STYLE = "thread-file.css"


class Sink:
    """What a ZIP is written to: nobody can go back in it, so it can be sent as it grows."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self.pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Everything is in `pieces` already."""

    def taken(self) -> bytes:
        found = b"".join(self.pieces)
        self.pieces.clear()
        return found


def pages(listing: Listing, viewer: Viewer) -> Iterator[bytes]:
    """One page a ticket, in the order of the list, with what this viewer may read of it; then a page that leads to them all."""
    sink = Sink()
    contents: list[tuple[str, str, str]] = []
    ids = list(db.session.scalars(listing.ids(viewer)))
    with zipfile.ZipFile(cast(IO[bytes], sink), "w", zipfile.ZIP_DEFLATED) as archive:  # it only writes
        archive.writestr("style.css", _style())
        for start in range(0, len(ids), BATCH):
            for ticket, messages in _threads(ids[start : start + BATCH], viewer):
                name = f"{ticket.number}.html"
                archive.writestr(name, render_template("desk/thread_file.html", ticket=ticket, messages=messages))
                contents.append((name, ticket.display, ticket.subject))
            db.session.expunge_all()
            yield sink.taken()
        archive.writestr("index.html", render_template("desk/thread_index.html", contents=contents))
    yield sink.taken()


def _threads(ids: Sequence[int], viewer: Viewer) -> Iterator[tuple[Ticket, list[Message]]]:
    found = _messages(ids, viewer)
    for ticket in rows_of(list(ids)):
        yield ticket, found[ticket.id]


def _messages(ids: Sequence[int], viewer: Viewer) -> Mapping[int, list[Message]]:
    wanted = select(Message).where(Message.ticket_id.in_(ids), messages_visible_to(viewer)).order_by(Message.id)
    found: defaultdict[int, list[Message]] = defaultdict(list)
    for message in db.session.scalars(wanted.options(selectinload(Message.attachments))):
        found[message.ticket_id].append(message)
    return found


def _style() -> bytes:
    return Path(current_app.static_folder or "", STYLE).read_bytes()
