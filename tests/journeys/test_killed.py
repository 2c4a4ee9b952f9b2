"""The desk's web dies while somebody writes and while they send: they lose no word, and their customer reads it once."""

from __future__ import annotations

import os
import re
import signal
import sys
import urllib.request
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.journeys.deeds import ask, mail
from tests.journeys.test_composing import at, body, typed
from tests.journeys.windows import Windows
from tests.run.desks import RunningDesk, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
BACK_WITHIN_SECONDS = 90.0


def kill_web(desk: RunningDesk) -> None:
    """All of it at once, as the machine's own killer would."""
    for pid in desk.pids("web"):
        os.kill(pid, signal.SIGKILL)


def wait_until_back(desk: RunningDesk, page: Page, killed: list[int]) -> None:
    """The supervisor starts it anew. Meanwhile the page goes on, and with it what kills the web."""

    def back() -> bool:
        page.evaluate("0")
        return not set(desk.pids("web")) & set(killed) and answers(desk)

    until(back, "the web to be back", BACK_WITHIN_SECONDS)


def answers(desk: RunningDesk) -> bool:
    try:
        with urllib.request.urlopen(f"{desk.url}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_a_draft_outlives_a_web_that_dies_while_it_is_typed(desk: RunningDesk, windows: Windows) -> None:
    number = ask(windows.page("ada"), "Killed while typing", department="Support")
    agent = at(windows, "supervisor", number)
    typed(agent, "The first half")
    killed = desk.pids("web")

    kill_web(desk)
    body(agent).press_sequentially(" and the second")
    wait_until_back(desk, agent, killed)
    body(agent).press_sequentially(" and the end")
    expect(agent.locator("[data-draft-sign]")).to_have_text("Draft saved")

    whole = "The first half and the second and the end"
    agent.reload()
    expect(body(agent)).to_have_value(whole)
    expect(body(at(windows, "supervisor", number))).to_have_value(whole)
    windows.problems.clear()


def die_before(desk: RunningDesk) -> Callable[[Route], None]:
    """Nothing of the form arrives."""

    def handle(route: Route) -> None:
        kill_web(desk)
        route.continue_()

    return handle


def die_after(desk: RunningDesk) -> Callable[[Route], None]:
    """It arrives and is kept; the answer never comes."""

    def handle(route: Route) -> None:
        route.fetch(max_redirects=0)
        kill_web(desk)
        route.abort()

    return handle


@pytest.mark.parametrize("moment", [die_before, die_after], ids=["before it arrives", "before the answer"])
def test_a_reply_during_which_the_web_dies_is_sent_once(
    desk: RunningDesk, windows: Windows, moment: Callable[[RunningDesk], Callable[[Route], None]]
) -> None:
    subject = f"Killed while sending, {moment.__name__}"
    number = ask(windows.page("ada"), subject, department="Support")
    agent = at(windows, "supervisor", number)
    typed(agent, "Please restart the printer.")
    killed = desk.pids("web")
    agent.route("**/messages", moment(desk), times=1)

    agent.locator("[data-send]").click()
    wait_until_back(desk, agent, killed)
    expect(body(agent)).to_have_value("Please restart the printer.")
    agent.locator("[data-send]").click()
    expect(said(agent)).to_have_count(1)
    agent.reload()
    expect(said(agent)).to_have_count(1)
    expect(body(agent)).to_have_value("")
    windows.problems.clear()

    admin = windows.page("admin")
    expect(mail(admin, "ada@northwind.example", re.compile(subject))).to_contain_text("Please restart the printer.")
    ada = windows.page("ada")
    ada.goto(f"/portal/tickets/{number}")
    expect(ada.get_by_text("Please restart the printer.")).to_have_count(1)


def said(page: Page) -> Locator:
    return page.locator("#thread article").filter(has_text="Please restart the printer.")
