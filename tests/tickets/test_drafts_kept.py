"""Any order of typing, saving, reloading, second tabs, sending, undoing and dying: no acknowledged word is lost, no reply leaves twice."""

from __future__ import annotations

import contextlib
import dataclasses as dc
import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.extensions import db
from app.mail.models import Delivery
from app.tickets import drafts
from app.tickets.drafts import Draft
from app.tickets.thread import Message
from tests.factories import a_ticket, acting, an_agent, run_jobs, setting, sign_in

UNDO_SECONDS = 8
JSON = {"Accept": "application/json"}


class Killed(BaseException):
    """The process ends here; nobody catches it."""


@contextlib.contextmanager
def dying(moment: str) -> Iterator[None]:
    """`before_commit`: nothing was written. `after_commit`: all of it was, and nothing was handed to the queue nor answered."""

    def die(*_: Any) -> None:
        raise Killed

    event.listen(Session, moment, die, insert=True)
    try:
        yield
    except Killed:
        pass
    finally:
        event.remove(Session, moment, die)
        db.session.remove()


@dc.dataclass
class Tab:
    """One copy of the composer in a browser, which does what answer.js does."""

    mark: str
    origin: str = ""
    text: str = ""
    turn: int = 0
    earlier: list[tuple[int, str]] = dc.field(default_factory=list)


class Writer:
    """An agent at one ticket with three tabs. Texts only grow, so what was kept once stays the beginning of something."""

    def __init__(self, client: FlaskClient, undo: bool) -> None:
        agent = an_agent()
        self.client, self.agent = client, acting(agent)
        setting(undo_send_seconds=UNDO_SECONDS if undo else 0)
        ticket = a_ticket(assignee=agent)
        sign_in(client, agent)
        self.ticket_id, self.number = ticket.id, ticket.number
        self.typed = 0
        self.owed: list[str] = []
        """Whatever the desk said it has."""
        self.sent: list[str] = []
        self.tabs = [self.opened() for _each in range(3)]

    def opened(self) -> Tab:
        """As a page is drawn: with the newest draft, under a new mark."""
        found = drafts.of(self.ticket_id, self.agent)
        origin, text = (f"{found[0].mark}:{found[0].turn}", found[0].text) if found else ("", "")
        return Tab(drafts.new_mark(), origin, text)

    def do(self, deed: str, which: int) -> None:
        getattr(self, deed)(which)
        db.session.remove()

    def type(self, which: int) -> None:
        self.typed += 1
        self.tabs[which].text += f" word{self.typed}x"

    def save(self, which: int) -> None:
        tab = self.tabs[which]
        tab.turn += 1
        tab.earlier.append((tab.turn, tab.text))
        if self._post("draft", tab, turn=tab.turn).get_json()["saved"] and tab.text.strip():
            self.owed.append(tab.text)

    def save_unheard(self, which: int) -> None:
        """The answer never comes, or the desk dies with it."""
        tab = self.tabs[which]
        tab.turn += 1
        with dying("after_commit" if self.typed % 2 else "before_commit"):
            self._post("draft", tab, turn=tab.turn)

    def late(self, which: int) -> None:
        """What was on its way for long arrives."""
        for turn, text in self.tabs[which].earlier:
            self._post("draft", dc.replace(self.tabs[which], text=text), turn=turn)

    def reload(self, which: int) -> None:
        """The page saves what it has when one leaves it."""
        self.save(which)
        self.tabs[which] = self.opened()

    def send(self, which: int) -> None:
        self._sent(which, self._post("messages", self.tabs[which], then="keep"))

    def send_twice(self, which: int) -> None:
        self._post("messages", self.tabs[which], then="keep")
        self.send(which)

    def die_before(self, which: int) -> None:
        """It was not sent: the text still stands in the browser, whose writer presses again some time."""
        with dying("before_commit"):
            self._post("messages", self.tabs[which], then="keep")

    def die_after(self, which: int) -> None:
        """It was sent, and nobody said so: the writer presses again."""
        with dying("after_commit"):
            self._post("messages", self.tabs[which], then="keep")
        self.send(which)

    def undo(self, which: int) -> None:
        for draft in self.waiting()[:1]:
            answer = self.client.post(f"/admin/tickets/{self.number}/departures/{draft.id}/undo")
            assert answer.status_code == 303
            self.sent.remove(draft.text.strip())
            self.tabs[which] = self.opened()

    def wait(self, which: int) -> None:
        """Nothing told a worker: what the desk itself finds due is done."""
        with time_machine.travel(clock.now() + dt.timedelta(seconds=UNDO_SECONDS + 1), tick=False):
            run_jobs()

    def _sent(self, which: int, answer: Any) -> None:
        tab, text = self.tabs[which], self.tabs[which].text
        if text.strip():
            assert answer.status_code == 303, answer.text
            self.sent.append(text.strip())
            self.owed.append(text)
            late = tab.earlier
            self._post("draft", tab, turn=tab.turn + 1)
            self.tabs[which] = dc.replace(self.opened(), earlier=[])
            for turn, words in late:
                self._post("draft", dc.replace(tab, text=words), turn=turn)
        else:
            assert answer.status_code == 422

    def _post(self, place: str, tab: Tab, **more: Any) -> Any:
        form = {"kind": "reply", "body": tab.text, "mark": tab.mark, "origin": tab.origin, **more}
        return self.client.post(f"/admin/tickets/{self.number}/{place}", data=form, headers=JSON if place == "draft" else {})  # fmt: skip

    def waiting(self) -> list[Draft]:
        own = select(Draft).where(Draft.ticket_id == self.ticket_id, Draft.leaves_at.is_not(None))
        return list(db.session.scalars(own.order_by(Draft.id)))

    def said(self) -> list[str]:
        own = select(Message.text).where(Message.ticket_id == self.ticket_id, Message.staff_id == self.agent.id)
        return [text.strip() for text in db.session.scalars(own)]

    def check(self) -> None:
        leaving = [*self.said(), *(draft.text.strip() for draft in self.waiting())]
        assert sorted(leaving) == sorted(self.sent)
        places = [*leaving, *(draft.text for draft in drafts.of(self.ticket_id, self.agent))]
        lost = [text for text in self.owed if not any(one.strip().startswith(text.strip()) for one in places)]
        assert lost == []


DEEDS = ["type", "type", "save", "save_unheard", "late", "reload", "send", "send_twice", "die_before", "die_after", "undo", "wait"]  # fmt: skip
STEPS = st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 2)), min_size=3, max_size=14)


@pytest.mark.parametrize("undo", [False, True], ids=["leaves at once", "can be taken back"])
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@example(steps=[("type", 0), ("save", 0), ("reload", 1), ("type", 1), ("save", 1), ("type", 0), ("save", 0), ("die_after", 1), ("undo", 2), ("type", 2), ("send", 2), ("wait", 0)])  # fmt: skip
@example(steps=[("type", 0), ("save", 0), ("send", 0), ("undo", 0), ("late", 0), ("type", 0), ("save_unheard", 0), ("die_before", 0), ("send_twice", 0)])  # fmt: skip
@given(steps=STEPS)
def test_no_acknowledged_word_is_lost_and_no_reply_leaves_twice(
    app: Flask, client: FlaskClient, undo: bool, steps: list[tuple[str, int]]
) -> None:
    writer = Writer(client, undo)
    for deed, which in steps:
        writer.do(deed, which)
        writer.check()

    writer.do("wait", 0)
    writer.check()
    assert sorted(writer.said()) == sorted(writer.sent)
    mails = select(func.count()).where(Delivery.ticket_id == writer.ticket_id, Delivery.kind == "staff_replied")
    assert db.session.scalar(mails) == len(writer.sent)
