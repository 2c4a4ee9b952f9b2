"""A supervisor asks for figures, follows one to its tickets, takes a table along and prints a month; an agent finds their own."""

import csv
import io
import re

from playwright.sync_api import expect

from tests.journeys.windows import Windows


def test_figures_of_a_period_lead_to_their_tickets_and_can_be_taken_along(windows: Windows) -> None:
    page = windows.page("supervisor")
    page.goto("/admin/my-day/")
    page.get_by_role("link", name="Reports", exact=True).click()
    expect(page.get_by_role("heading", name="Reports", level=1)).to_be_visible()
    expect(page.get_by_label("Days", exact=True)).to_be_visible()
    expect(page.get_by_label("From", exact=True)).to_be_hidden()
    page.get_by_role("combobox", name="Period", exact=True).select_option("this_year")
    page.get_by_role("combobox", name="Steps", exact=True).select_option("month")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile("period=this_year"))
    expect(page.get_by_role("region", name="New and resolved tickets").locator("canvas")).to_be_visible()

    table = page.get_by_role("region", name="Volume", exact=True)
    with page.expect_download() as download:
        table.get_by_role("link", name="Volume as CSV").click()
    rows = list(csv.reader(io.StringIO(download.value.path().read_bytes().decode("utf-8-sig"))))
    months = table.locator("tbody tr").all_inner_texts()
    assert [line.split("\t")[:2] for line in months] == [row[:2] for row in rows[1:]]

    number = table.locator("tbody td a").last
    said = int(number.inner_text())
    number.click()
    expect(page).to_have_url(re.compile("created_from="))
    expect(page.locator("td.c-subj")).to_have_count(min(said, 25))


def test_sections_keep_the_period_and_a_month_is_made_to_be_printed(windows: Windows) -> None:
    page = windows.page("supervisor")
    page.goto("/admin/reports/volume?period=days&n=90")
    for name in ("Resolution", "First response", "Team", "Categories", "SLA"):
        page.get_by_role("navigation", name="Reports").get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_label("Days", exact=True)).to_have_value("90")
        expect(page.locator(".kpi").first).to_be_visible()
    page.goto("/admin/reports/month")
    page.emulate_media(media="print")
    expect(page.get_by_role("heading", level=1)).to_contain_text("The figures of")
    expect(page.get_by_role("navigation", name="Month")).to_be_hidden()
    expect(page.get_by_role("searchbox")).to_have_count(0)
    expect(page.get_by_role("link", name="Dashboard")).to_be_hidden()


def test_an_agent_finds_their_own_figures(windows: Windows) -> None:
    page = windows.page("agent")
    page.goto("/admin/reports/")
    expect(page.get_by_role("region", name="My figures", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Team", exact=True)).to_have_count(0)
