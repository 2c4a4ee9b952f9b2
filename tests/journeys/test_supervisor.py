"""A supervisor looks at figures, takes a list along, and is told of a broken promise."""

import csv
import io
import re

from playwright.sync_api import Page, expect

from tests.journeys.deeds import mail, reload_until_there
from tests.journeys.windows import Windows

BREACH_WITHIN_SECONDS = 150.0


def numbers(page: Page) -> list[int]:
    """Of the whole list, page by page."""
    found: list[int] = []
    while True:
        found += [int(text.lstrip("#")) for text in page.locator("td.c-subj .meta .num").all_inner_texts()]
        older = page.get_by_role("navigation", name="Pages", exact=True).get_by_role("link", name="Next page")
        if not found or not older.get_attribute("href"):
            return found
        page.goto("/admin/tickets/" + str(older.get_attribute("href")).removeprefix("/admin/tickets/"))


def test_the_dashboard_says_its_figures_twice(windows: Windows) -> None:
    page = windows.page("supervisor")
    page.goto("/admin/dashboard/")
    for title in (
        "New and resolved tickets",
        "Open tickets by category",
        "First response time, minutes",
        "Workload per agent",
    ):
        chart = page.get_by_role("region", name=title)
        expect(chart.locator("canvas")).to_be_visible()
        chart.locator("summary").click()
        assert chart.locator("tbody tr").count() > 0, title
    workload = page.get_by_role("region", name="Workload per agent")
    expect(workload.get_by_role("row").filter(has_text="Lena Fischer")).to_contain_text(re.compile(r"\d"))

    for label, view in (("Open tickets", "open"), ("Unassigned", "unassigned")):
        page.goto("/admin/dashboard/")
        figure = page.locator("a.kpi").filter(has_text=label).first
        said = int(figure.locator(".v").inner_text())
        figure.click()
        expect(page).to_have_url(re.compile(f"view={view}"))
        assert len(numbers(page)) == said, label


def test_the_exported_list_is_the_list(windows: Windows) -> None:
    page = windows.page("supervisor")
    page.goto("/admin/tickets/?view=everything&priority=2&sort=number")
    page.get_by_role("button", name="Export", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV, for any spreadsheet").click()
    text = download.value.path().read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))

    assert [int(row["Number"]) for row in rows] == numbers(page)
    assert len(rows) >= 20
    assert {row["Priority"] for row in rows} == {"Normal"}


def test_many_tickets_are_changed_at_once(windows: Windows) -> None:
    page = windows.page("supervisor")
    page.goto("/admin/tickets/?view=everything&sort=number")
    boxes = page.locator(".action_check")
    for place in (0, 1):
        boxes.nth(place).check()
    page.get_by_role("region", name="Bulk actions").get_by_role("button", name="Tag").click()
    page.get_by_label("Tag to add").fill("looked at")
    page.get_by_role("button", name="Add", exact=True).click()
    page.goto("/admin/tickets/?view=everything&tag=looked+at")
    assert len(numbers(page)) == 2


def test_a_broken_promise_is_told_exactly_once(windows: Windows, soon_late: int) -> None:
    page = windows.page("supervisor")
    page.goto("/admin/notifications/")
    told = page.get_by_role("listitem").filter(has_text=f"#{soon_late} ")
    reload_until_there(page, lambda: told, BREACH_WITHIN_SECONDS)
    expect(told).to_have_count(1)
    page.goto(f"/admin/tickets/{soon_late}")
    expect(page.locator("#ws-timeline")).to_contain_text(re.compile("first response", re.I))

    admin = windows.page("admin")
    mail(admin, "supervisor@deskhand.example", re.compile(f"#{soon_late}\\b"))
    admin.goto("/admin/mail-log/?address=supervisor@deskhand.example")
    sent = admin.get_by_role("row").filter(has_text=f"#{soon_late}]")
    reload_until_there(admin, lambda: sent)
    expect(sent).to_have_count(1)
