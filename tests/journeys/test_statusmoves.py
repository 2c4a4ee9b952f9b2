"""An admin retires a status: its tickets go to another one after a look at what would happen, and then it is deleted."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.journeys.deeds import ask, reload_until_there
from tests.journeys.test_faces import findings, sideways
from tests.journeys.windows import PHONE, WIDE, Windows


def fit_for_everybody(page: Page) -> list[str]:
    found: list[str] = []
    for size in (PHONE, WIDE):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        for theme in ("dark", "light"):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
            found += [f"{size['width']} {theme}: {one}" for one in findings(page) + sideways(page)]
    return found


def test_a_status_gives_its_tickets_to_another_and_goes(windows: Windows) -> None:
    number = ask(windows.page("ada"), "A ticket that is parked")
    admin = windows.page("admin")
    admin.goto("/admin/statuses/add")
    admin.locator("#name").fill("Parked")
    admin.locator("#state").select_option("open")
    admin.locator("#position").fill("9")
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_text("Added.")).to_be_visible()
    admin.goto(f"/admin/tickets/{number}")
    admin.get_by_label("Status", exact=True).select_option(label="Parked")
    expect(admin.locator("#thread")).to_contain_text("Parked")

    admin.goto("/admin/statuses/list/")
    admin.get_by_role("row", name=re.compile("Parked")).get_by_role("link", name=re.compile("Edit|Show")).first.click()
    admin.get_by_role("link", name="Move its tickets or change its meaning").click()
    expect(admin.get_by_text("1 ticket has this status.")).to_be_visible()
    admin.get_by_label("To", exact=True).select_option(label="On Hold")
    admin.get_by_role("button", name="Look what would happen").first.click()
    expect(admin.get_by_role("heading", name="All tickets of “Parked” go to “On Hold”")).to_be_visible()
    expect(admin.get_by_text("Customers are not told.")).to_be_visible()
    assert fit_for_everybody(admin) == []

    admin.get_by_role("button", name="Move the tickets").click()
    reload_until_there(admin, lambda: admin.get_by_text("1 ticket is through.").and_(admin.get_by_role("status")))
    expect(admin.get_by_role("status")).to_contain_text("Finished.")
    assert fit_for_everybody(admin) == []
    admin.get_by_role("button", name="Delete the status").click()
    admin.goto("/admin/statuses/list/")
    expect(admin.get_by_role("row", name=re.compile("On Hold"))).to_be_visible()
    expect(admin.get_by_role("row", name=re.compile("Parked"))).to_have_count(0)

    admin.goto(f"/admin/tickets/{number}")
    expect(admin.get_by_label("Status", exact=True).locator("option:checked")).to_have_text("On Hold")
    expect(admin.locator("#thread")).to_contain_text("changed the status from Parked to On Hold, as of all tickets that had it")  # fmt: skip


def test_the_status_in_which_new_tickets_start_stays(windows: Windows) -> None:
    admin = windows.page("admin")
    admin.goto("/admin/statuses/1/move")
    admin.get_by_label("To", exact=True).select_option(label="In Progress")
    admin.get_by_role("button", name="Look what would happen").first.click()
    expect(admin.get_by_text("New tickets start in this status. Let new tickets start in another status first.")).to_be_visible()  # fmt: skip
    expect(admin.get_by_label("To", exact=True).locator("option:checked")).to_have_text("In Progress")
    assert fit_for_everybody(admin) == []
