"""A worker that takes many mails at once dies in the middle: each comes through once, but for the one in the server's hands."""

from __future__ import annotations

import datetime as dt
import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
import time_machine
from aiosmtpd.smtp import SMTP
from flask import Flask
from sqlalchemy import select, update

from app.core import clock
from app.core.extensions import db
from app.mail import incoming, transport
from app.mail.lines import Lines
from app.mail.models import Delivery, DeliveryState, RawMail, RawState
from app.mail.outgoing import put_notice
from app.tickets.models import Ticket
from tests.factories import a_customer, a_ticket, setting
from tests.mail.smtp import Sink, serving
from tests.run.desks import PROJECT, surroundings

WORKER = (sys.executable, "-P", str(Path(__file__).with_name("until_killed.py")))
MAILS = 23


class Deadly(Sink):
    """Takes so many mails whole; then whoever brings the next dies, before or after it was kept."""

    victim: subprocess.Popen[bytes] | None = None
    deadly_after, keeps_last = MAILS, True

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        if self.victim is not None and len(self.mails) == self.deadly_after:
            if self.keeps_last:
                self._keep(envelope)
            self.victim.send_signal(signal.SIGKILL)
            self.victim.wait()
            self.victim = None
            return "250 never heard"
        return await super().handle_DATA(server, session, envelope)


@pytest.fixture
def sink(app: Flask) -> Iterator[Deadly]:
    sink = Deadly()
    with serving(sink) as port:
        before, app.config["MAIL_URL"] = app.config["MAIL_URL"], f"smtp://127.0.0.1:{port}"
        yield sink
        app.config["MAIL_URL"] = before


def some_mails() -> list[int]:
    setting(mail_acknowledge=False, mail_cap_an_hour=1000)
    mails = []
    for _ in range(MAILS):
        customer = a_customer()
        mails.append(
            put_notice("waiting_reminder", customer_id=customer.id, ticket_id=a_ticket(requester=customer).id).id
        )
    db.session.commit()
    return mails


def a_worker(app: Flask, home: Path, deed: str, later: int = 0) -> subprocess.Popen[bytes]:
    """Ready to begin, on this desk, so many seconds from now."""
    given = {name: app.config[name] for name in ("SECRET_KEY", "MAIL_URL", "PUBLIC_URL", "OUTBOX_LEASE_SECONDS")}
    given["SQLALCHEMY_DATABASE_URI"] = db.engine.url.render_as_string(hide_password=False)
    db.session.remove()
    worker = subprocess.Popen(
        [*WORKER, deed, json.dumps(given), str(later)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=PROJECT,
        env=surroundings(PROJECT, home),
    )
    assert worker.stdout is not None and worker.stdout.readline() == b"ready\n"
    return worker


def copies(sink: Sink) -> Counter[str]:
    return Counter(str(message_from_bytes(raw)["Message-ID"]).strip("<> ") for raw in sink.mails)


def states() -> Counter[DeliveryState]:
    db.session.rollback()
    return Counter(db.session.scalars(select(Delivery.state).where(Delivery.state != DeliveryState.SUPPRESSED)))


@pytest.mark.parametrize("keeps_last", [True, False], ids=["the last was taken", "the last was not taken"])
@pytest.mark.parametrize("sent", [0, 7, 20], ids=["at the first mail", "in the second batch", "near the end"])
def test_a_sender_that_is_killed_costs_the_mail_in_flight_and_no_other(
    app: Flask, sink: Deadly, tmp_path: Path, sent: int, keeps_last: bool
) -> None:
    some_mails()
    sink.deadly_after, sink.keeps_last = sent, keeps_last
    with a_worker(app, tmp_path, "send") as worker:
        sink.victim = worker  # it begins when its standard input ends
    assert worker.returncode == -signal.SIGKILL
    assert len(sink.mails) == sent + keeps_last
    assert states() == Counter([DeliveryState.SENT] * sent + [DeliveryState.QUEUED] * (MAILS - sent))
    with time_machine.travel(clock.now() + dt.timedelta(seconds=61)):
        while transport.deliver_due():
            pass

    assert states() == Counter({DeliveryState.SENT: MAILS})
    assert sorted(copies(sink).values()) == [1] * (MAILS - keeps_last) + [2] * keeps_last


def test_what_died_in_somebodys_hands_goes_alone_and_takes_no_other_along(app: Flask, sink: Deadly) -> None:
    mails = some_mails()
    died = transport.take(3)
    assert [one.id for one in died] == mails[:3]

    with time_machine.travel(clock.now() + dt.timedelta(seconds=61)):
        again = [[one.id for one in transport.take(10)] for _ in range(4)]

    assert again == [[mails[0]], [mails[1]], [mails[2]], mails[3:13]]


def test_what_a_slow_server_leaves_no_time_for_is_given_back_untried(app: Flask, sink: Deadly) -> None:
    mails = some_mails()
    with Lines() as lines:
        assert transport._send(transport.take(5), lines, until=0.0) == 1

    tries = db.session.scalars(select(Delivery.tries).where(Delivery.id.in_(mails)).order_by(Delivery.id)).all()
    assert tries == [1] + [0] * (MAILS - 1)
    assert len(transport.due(100)) == MAILS - 1


def test_one_mail_that_cannot_be_written_does_not_keep_its_batch(app: Flask, sink: Deadly) -> None:
    mails = some_mails()
    db.session.execute(update(Delivery).where(Delivery.id == mails[2]).values(kind="no such kind"))
    db.session.commit()

    while transport.deliver_due():
        pass

    assert states() == Counter({DeliveryState.SENT: MAILS - 1, DeliveryState.QUEUED: 1})
    left = db.session.scalars(select(Delivery).where(Delivery.state == DeliveryState.QUEUED)).one()
    assert left.id == mails[2] and left.reason and left.due_at > clock.now()


def test_two_mails_to_one_person_in_one_batch_make_one_thread(app: Flask, sink: Deadly) -> None:
    setting(mail_acknowledge=False)
    ticket = a_ticket(requester=a_customer())
    for kind in ("ticket_resolved", "ticket_closed"):
        put_notice(kind, customer_id=ticket.requester_id, ticket_id=ticket.id)
    db.session.commit()

    transport.deliver_due()

    first, second = sink.parsed()
    assert second["In-Reply-To"] == first["Message-ID"] and second["References"].split()[-1] == first["Message-ID"]


def test_a_message_that_kills_its_readers_holds_up_the_others_once_and_never_doubles_one(
    app: Flask, tmp_path: Path
) -> None:
    for number in range(14):
        subject = "deadly" if number == 4 else f"Mail {number}"
        mail = f"From: one@customer.test\r\nSubject: {subject}\r\nMessage-ID: <{number}@customer.test>\r\n\r\nIt burns.\r\n"
        incoming.store(mail.encode(), "smtp")
    remaining = []
    for later in (0, 0, 61, 61):  # seconds: a lease is 60
        with a_worker(app, tmp_path, "read", later):
            pass
        remaining.append(len(left()))

    assert remaining == [9, 5, 5, 0], "six were in the hands that died, one of them the deadly one"
    opened = sorted(db.session.scalars(select(Ticket.subject)))
    assert opened == sorted(f"Mail {number}" for number in range(14) if number != 4)
    deadly = db.session.scalars(select(RawMail).where(RawMail.subject == "deadly")).one()
    assert deadly.state is RawState.NEW


def left() -> list[str]:
    """Harmless messages that wait."""
    db.session.rollback()
    waiting = select(RawMail.subject).where(RawMail.state == RawState.NEW, RawMail.subject != "deadly")
    return list(db.session.scalars(waiting))
