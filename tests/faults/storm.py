"""A desk under load whose processes are killed at random moments."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from email import message_from_bytes
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP
from sqlalchemy import select

from app.accounts import keys
from app.core.extensions import db
from app.tickets.choices import Priority
from tests.factories import a_customer, a_supervisor, an_agent, setting
from tests.faults import counting
from tests.faults.load import Agent, Load, MailServer, PortalCustomer, Program
from tests.faults.real import RealDesk, cookie_of
from tests.mail.smtp import Sink

DECK = ("web worker", "web parent", "worker", "worker", "queue", "ticker", "receiver", "supervisor")
"""Whom a round may hit; each comes once before any comes again."""
SENDERS = ("worker", "supervisor")
"""Whoever dies with one of these may have handed a mail over without having noted it."""

MOST_WAITING = 60
CATCH_UP_SECONDS = 60
STANDSTILL_SECONDS = 60
"""Without one thing less to do, however slow the machine is."""


class ShakySink(Sink):
    """A mail server outside: sometimes slow, sometimes it holds its answer, refuses for now, or cuts the line."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self.chance, self.calm = chance, False
        self.cut: set[str] = set()

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        mood = 1.0 if self.calm else self.chance.random()
        if mood < 0.02:
            self._keep(envelope)
            self.cut.add(str(message_from_bytes(envelope.content)["Message-ID"]).strip("<> "))
            server.transport.abort()
            return "250 never said"
        if mood < 0.04:
            server.transport.abort()
            return "250 never said"
        if mood < 0.06:
            return "451 4.3.0 Not now"
        if mood < 0.10:
            await asyncio.sleep(self.chance.uniform(0.3, 1.5))
        self._keep(envelope)
        return "250 2.0.0 Kept"


class Storm:
    def __init__(self, home: Path, database_url: str, sink: ShakySink, sink_port: int, seed: int) -> None:
        self.sink, self.seed = sink, seed
        self.chance = random.Random(seed)
        self.desk = RealDesk(home, database_url, MAIL_URL=f"smtp://127.0.0.1:{sink_port}")
        self.load = Load(self.desk.address, self.desk.receiver_port)
        self.kills: Counter[str] = Counter()
        self.deck: list[str] = []
        self.slowest = 0.0

    def begin(self) -> None:
        people = self._people()
        self.desk.start()
        self.desk.wait_until_ready()
        self.load.start(*people)

    def _people(self) -> list[Any]:
        with self.desk.app.app_context():
            setting(auto_assignment=True, default_capacity=10_000, mail_cap_an_hour=1000)
            agents = [a_supervisor(name="first"), a_supervisor(name="second"), an_agent(name="third")]
            customers = [a_customer() for _ in range(4)]
            _key, secret = keys.make("storm", agents[0].id, ["*"])
            assert db.session.scalar(select(Priority.id).limit(1)), "the desk is set up"
            db.session.commit()
            app, load, number = self.desk.app, self.load, self.chance.randrange(10**6)
            people = [
                *(PortalCustomer(load, number + place, cookie_of(app, one)) for place, one in enumerate(customers[:2])),
                *(Program(load, number + 10 + place, secret, [one.email for one in customers]) for place in range(2)),
                MailServer(load, number + 20),
                Agent(load, number + 30, cookie_of(app, agents[1])),
            ]
            db.session.remove()
        return people

    def round(self) -> None:
        """Kill one or two at a random moment; then the desk is whole again, and everybody was served since."""
        self._let_it_catch_up()
        time.sleep(self.chance.uniform(0.2, 1.2))
        began = time.monotonic()
        killed: list[int] = []
        for _ in range(self.chance.choice((1, 1, 2))):
            killed += self._strike()
        self.desk.wait_until_whole(killed)
        before = self.load.counts()
        while any(deeds <= before[name] for name, deeds in self.load.counts().items()):
            assert not self.load.strange, self.load.strange
            assert time.monotonic() < began + 180, f"nobody serves some of {before}: {self.load.counts()}"
            time.sleep(0.05)
        self.slowest = max(self.slowest, time.monotonic() - began)

    def _let_it_catch_up(self) -> None:
        """People wait while too much lies before the worker: this looks for what is lost, not for how much a machine can do."""
        if self._waiting() > MOST_WAITING:
            with self.load.paused():
                give_up_at = time.monotonic() + CATCH_UP_SECONDS
                while self._waiting() > MOST_WAITING // 2 and time.monotonic() < give_up_at:
                    time.sleep(0.2)

    def _waiting(self) -> int:
        with self.desk.app.app_context():
            waiting = len(counting.unfinished())
            db.session.remove()
        return waiting

    def _strike(self) -> list[int]:
        if not self.deck:
            self.deck = self.chance.sample(DECK, len(DECK))
        name = self.deck.pop()
        self.kills[name] += 1
        if name == "supervisor":
            assert self.desk.process is not None
            killed = [self.desk.process.process.pid]
            self.desk.kill_supervisor()
            return killed
        return self.desk.kill(name)

    def come_to_rest(self, within_seconds: float = 900) -> None:
        """Nobody writes any more, the mail server is calm, and everything that was put off is due."""
        self.load.stop()
        assert not self.load.strange, self.load.strange
        self.sink.calm = True
        give_up_at = time.monotonic() + within_seconds
        most, more_at = -1, time.monotonic()
        with self.desk.app.app_context():
            while left := counting.unfinished():
                if (ended := counting.ended()) > most:
                    most, more_at = ended, time.monotonic()
                if time.monotonic() > min(give_up_at, more_at + STANDSTILL_SECONDS):
                    self.desk.show_what_runs("worker")
                    raise AssertionError(f"it does not come to rest: {Counter(left).most_common(12)}")
                counting.bring_forward()
                time.sleep(0.3)
            db.session.remove()

    def wrong(self) -> list[str]:
        """In a stopped desk."""
        may_double = sum(self.kills[name] for name in SENDERS)
        with self.desk.app.app_context():
            found = list(counting.wrong(self.load.done, self.sink.mails, may_double, self.sink.cut))
            db.session.remove()
        return found

    def figures(self) -> str:
        deeds = Counter(deed.kind for deed in self.load.done)
        return (
            f"seed {self.seed}; killed {sum(self.kills.values())}: {dict(self.kills)}; acknowledged {sum(deeds.values())}: {dict(deeds)}; "
            f"tried again {self.load.retries}; mails received {len(self.sink.mails)}, second copies {counting.doubled_copies(self.sink.mails, self.sink.cut)} "
            f"and {len(self.sink.cut)} after a line that was cut; slowest return {self.slowest:.1f} s"
        )
