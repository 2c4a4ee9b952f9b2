"""An admin bounds what a role may change, by keyboard and on a phone; its people are offered that and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.test_faces import findings, sideways
from tests.journeys.windows import PHONE, WIDE, Windows

HERE = "/admin/statuses/steps/"


@pytest.fixture
def page(all_windows: Windows, windows: Windows) -> Iterator[Page]:
    """The table of Support Agent, bound to nothing again afterwards."""
    admin = windows.page("admin")
    admin.goto(HERE)
    admin.get_by_role("navigation", name="Roles").get_by_role("link", name="Support Agent").click()
    expect(admin.get_by_role("heading", name="Support Agent")).to_be_visible()
    yield admin
    admin.set_viewport_size(WIDE)  # type: ignore[arg-type]
    if admin.get_by_role("button", name="Allow all again").count():
        admin.get_by_role("button", name="Allow all again").click()
    expect(admin.get_by_text("Every change of status is allowed")).to_be_visible()


def test_a_role_is_bound_by_keyboard_and_its_people_are_offered_the_rest(page: Page, windows: Windows) -> None:
    for was in ("Open", "In Progress", "Waiting for Customer", "On Hold", "Resolved"):
        box = page.get_by_label(f"From {was} to Closed", exact=True)
        expect(box).to_be_checked()
        box.focus()
        page.keyboard.press("Space")
        expect(box).not_to_be_checked()
    page.get_by_role("button", name="Save").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("25 changes of status are allowed")).to_be_visible()
    expect(page.get_by_text("This role cannot bring a ticket to Closed.")).to_be_visible()

    agent = windows.page("agent")
    agent.goto("/admin/tickets/?view=everything&status=1")
    agent.goto("/admin/tickets/1001")
    expect(agent.locator("#thread")).to_be_visible()
    if agent.get_by_label("Status", exact=True).locator("option:checked").inner_text() != "Closed":
        expect(agent.get_by_label("Status", exact=True).get_by_role("option", name="Closed")).to_have_count(0)
    expect(agent.locator("#send-menu")).not_to_contain_text(re.compile("Send & close"))

    agent.goto("/admin/tickets/?view=open")
    row = agent.locator("tr", has=agent.locator("[data-row-status]")).first
    expect(row).to_be_visible()
    row.hover()
    row.get_by_role("button", name=re.compile("^Change the status")).click()
    dialog = agent.get_by_role("dialog", name="Change status")
    expect(dialog.get_by_label("Status")).to_be_visible()
    words = dialog.locator("option").all_inner_texts()
    assert "Closed" not in words
    assert "Resolved" in words


def test_of_a_row_only_what_its_status_can_become_is_offered(page: Page, windows: Windows) -> None:
    for box in page.get_by_role("checkbox").all():
        box.uncheck()
    page.get_by_label("From On Hold to Resolved", exact=True).check()
    page.get_by_label("From Open to In Progress", exact=True).check()
    page.get_by_label("From In Progress to Open", exact=True).check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("3 changes of status are allowed")).to_be_visible()

    agent = windows.page("agent")
    agent.goto("/admin/tickets/?view=everything&state=open")
    row = agent.locator("tr", has=agent.locator("[data-row-status]")).first
    row.hover()
    row.get_by_role("button", name=re.compile("^Change the status")).click()
    select = agent.get_by_role("dialog", name="Change status").get_by_label("Status")
    expect(select).to_be_visible()
    assert select.locator("option:not([disabled])").all_inner_texts() == ["Open", "In Progress"]


def test_the_page_of_a_bound_role_is_fit_for_everybody(page: Page) -> None:
    page.get_by_label("From Open to Closed", exact=True).uncheck()
    for was in ("Closed to Open", "Closed to In Progress", "Closed to Waiting for Customer", "Closed to On Hold", "Closed to Resolved"):  # fmt: skip
        page.get_by_label(f"From {was}", exact=True).uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("This role cannot take a ticket out of Closed.")).to_be_visible()
    found: list[str] = []
    for size in (WIDE, PHONE):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            found += [f"{size['width']} {theme}: {one}" for one in findings(page) + sideways(page)]
    page.emulate_media(color_scheme="light")
    assert found == []


def test_nothing_chosen_is_said_beside_the_table(page: Page) -> None:
    for box in page.get_by_role("checkbox").all():
        box.uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").filter(has_text="Please choose at least one.")).to_be_visible()
    page.goto(HERE)
    page.get_by_role("navigation", name="Roles").get_by_role("link", name="Support Agent").click()
