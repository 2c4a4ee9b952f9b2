"""How many mails a second one worker takes in and sends: the real worker, its queue, and a mail server that takes everything."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from typing import Any

from aiosmtpd.controller import Controller
from sqlalchemy import create_engine, text

from app.bench.desks import PYTHON, Desk, free_port, say
from app.bench.processes import cpu_ms

MAILS = 400
WAIT_SECONDS = 120
ARRIVED = "SELECT count(*) FROM raw_mail WHERE state <> 'new' AND id > :last"
SENT = "SELECT count(*) FROM delivery WHERE state = 'sent' AND id > :last"
LEFT = "SELECT count(*) FROM outbox WHERE done_at IS NULL AND failed_at IS NULL AND job IN ('mail.deliver', 'notifications.tell_department')"
"""A mail has come in when its team has heard of it, too."""


class Sink:
    """A mail server that takes everything."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        return "250 OK"


def told(desk: Desk) -> Iterator[str]:
    """A sentence for each way."""
    sink = Controller(Sink(), hostname="127.0.0.1", port=free_port())
    sink.start()
    try:
        for way, table, done in (("in", "raw_mail", ARRIVED), ("out", "delivery", SENT)):
            yield _told(desk, way, table, done, f"smtp://127.0.0.1:{sink.port}")
    finally:
        sink.stop()


def _told(desk: Desk, way: str, table: str, done: str, mail_url: str) -> str:
    say(f"mail {way} …")
    engine = create_engine(desk.url)
    with desk.running("queue", MAIL_URL=mail_url), engine.connect() as connection:
        last = connection.execute(text(f"SELECT coalesce(max(id), 0) FROM {table}")).scalar_one()
        connection.rollback()
        command = [*PYTHON, "-m", "app.bench.post", way, str(MAILS)]
        subprocess.run(command, env={**desk.environment, "MAIL_URL": mail_url}, check=True)
        with desk.running("worker", MAIL_URL=mail_url) as worker:
            began, first, cpu = 0.0, 0, 0.0
            give_up_at = time.monotonic() + WAIT_SECONDS
            while (count := connection.execute(text(done), {"last": last}).scalar_one()) < MAILS or (
                way == "in" and connection.execute(text(LEFT)).scalar_one()
            ):
                connection.rollback()
                if count and not began:
                    began, first, cpu = time.monotonic(), count, cpu_ms(worker)
                if time.monotonic() > give_up_at:
                    break
                time.sleep(0.05)
            seconds, mails = time.monotonic() - began, max(count - first, 1)
            used = (cpu_ms(worker) - cpu) / mails
    engine.dispose()
    return f"{desk.database}, {desk.tickets:,} tickets: mail {way} {mails / seconds:.0f}/s ({count} of {MAILS}), {used:.1f} ms CPU of the worker a mail"
