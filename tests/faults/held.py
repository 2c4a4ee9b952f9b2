"""A mail server that has a whole mail and says nothing: the moment in which a sender is killed, stopped or frozen."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from aiosmtpd.smtp import SMTP
from sqlalchemy import select

from app.core.extensions import db
from app.mail.models import Delivery
from tests.factories import a_customer, a_ticket
from tests.faults.real import RealDesk
from tests.mail.smtp import Sink


class HoldingSink(Sink):
    """Keeps its answer to a whole mail to itself while it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.hold, self.has_one = False, threading.Event()

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        self._keep(envelope)
        answer = f"250 2.0.0 Kept as {len(self.mails)}"
        self.has_one.set()
        while self.hold:
            await asyncio.sleep(0.05)
        return answer


def a_mail_is_being_sent(desk: RealDesk, sink: HoldingSink) -> int:
    """The id of its row; the server has the whole mail and says nothing."""
    sink.hold = True
    sink.has_one.clear()
    sink.mails.clear()
    with desk.app.app_context():
        ticket = a_ticket(requester=a_customer())
        db.session.commit()
        mail = select(Delivery.id).where(Delivery.ticket_id == ticket.id, Delivery.kind == "ticket_created")
        row = db.session.scalars(mail).one()
        db.session.remove()
    assert sink.has_one.wait(60)
    return row


def the_mail(desk: RealDesk, row: int) -> Delivery:
    """As it stands now."""
    with desk.app.app_context():
        mail = db.session.get_one(Delivery, row)
        db.session.expunge(mail)
        db.session.remove()
    return mail
