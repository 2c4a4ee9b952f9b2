"""The lines of one run: one to each mail server that something is for, opened when it is needed."""

from __future__ import annotations

from types import TracebackType

from flask import current_app

from app.core.extensions import db
from app.mail import servers
from app.mail.boxes import Mailbox
from app.mail.line import Broken, Line


class Lines:
    def __init__(self) -> None:
        self._open: dict[int | None, Line | None] = {}

    def by(self, box_id: int | None) -> Line | None:
        """The line of this mailbox, else the desk's own. None: there is no server, the built-in mailbox keeps the mail.

        Raises Broken when its secret opens no more.
        """
        if box_id not in self._open:
            self._open[box_id] = _line(box_id)
        return self._open[box_id]

    def __enter__(self) -> Lines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        for line in self._open.values():
            if line is not None:
                line.__exit__(kind, problem, trace)


def _line(box_id: int | None) -> Line | None:
    box = db.session.get(Mailbox, box_id) if box_id is not None else None
    try:
        if box is not None and box.smtp_host:
            return Line(servers.smtp(box), servers.token_of(box))
    except servers.Unusable as problem:
        raise Broken(str(problem)) from problem
    finally:
        db.session.commit()  # no transaction is open while the server is asked
    return Line() if current_app.config["MAIL_URL"] else None
