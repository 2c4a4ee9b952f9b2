"""Places for journeys: one whole desk with its demo, started as a person starts it, and a browser with windows for its people."""

import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.deeds import LATE, ask
from tests.journeys.windows import PASSWORD, Windows
from tests.run.desks import PROJECT, RunningDesk, a_desk, processes_of

READY_WITHIN_SECONDS = 120.0
WITHOUT_HASTE = "1000/1h"
"""Ada opens more tickets during the journeys than anybody may within an hour."""
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def desk(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    """Its own data folder and ports. After the last journey it is asked to stop, and nothing of it may be left."""
    data = tmp_path_factory.mktemp("journeys") / "data"
    with a_desk(PROJECT, data, DESKHAND_DEMO_PASSWORD=PASSWORD, DESKHAND_LIMIT_NEW_TICKET=WITHOUT_HASTE) as desk:
        desk.wait_for("Stop it with Ctrl-C", READY_WITHIN_SECONDS)
        yield desk
        assert desk.stop(signal.SIGTERM) == 0
        assert processes_of(data) == []
        assert "Traceback" not in desk.text, desk.text


@pytest.fixture(scope="session")
def all_windows(browser: Browser, desk: RunningDesk) -> Windows:
    windows = Windows(browser, desk.url)
    _send_at_once(windows.page("admin"))
    return windows


def _send_at_once(admin: Page) -> None:
    """Replies leave without the moment in which they can be taken back; the journeys about it give it to themselves."""
    admin.goto("/admin/settings/answering")
    admin.get_by_label("A reply can be taken back for").fill("0")
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_text("Saved").first).to_be_visible()
    admin.close()


@pytest.fixture
def windows(all_windows: Windows) -> Iterator[Windows]:
    """A script that fails, an error in the console, a break of the policy or a request elsewhere fails the test at its end."""
    all_windows.problems.clear()
    yield all_windows
    all_windows.close_pages()
    assert all_windows.problems == []


@pytest.fixture(scope="session")
def soon_late(all_windows: Windows) -> int:
    """The number of a ticket whose first answer is promised within a minute and never comes. Asked for by the first module, so that
    the last one need not wait for it, and sees whether later rounds of the ticker tell of it again."""
    admin = all_windows.page("admin")
    admin.goto("/admin/sla-policies/")
    admin.get_by_role("link", name="Always").click()
    admin.locator("#t-4-first_response").fill("1 min")
    admin.get_by_role("button", name="Save", exact=True).last.click()
    expect(admin.get_by_role("listitem").filter(has_text="Always")).to_contain_text("Critical 1 min")
    return ask(all_windows.page("ada"), LATE, department="Support", priority="Critical")
