"""The list as an agent works with it: asked in one box, kept as a view, changed as a whole and given back, told of news, taken away."""

import re

from playwright.sync_api import Page, expect

from tests.journeys.deeds import ask
from tests.journeys.test_faces import findings, sideways
from tests.journeys.windows import PHONE, Windows


def box(page: Page):  # type: ignore[no-untyped-def]  # a Locator
    return page.get_by_role("combobox", name="Words, a number")


def test_the_box_completes_fields_and_values_by_keys_and_says_what_it_does_not_know(windows: Windows) -> None:
    page = windows.page("supervisor")
    page.goto("/admin/tickets/?view=everything")
    page.keyboard.press("/")
    expect(box(page)).to_be_focused()
    page.keyboard.type("prio")
    offer = page.locator("#ask-list").get_by_role("option", name=re.compile("^priority:"))
    expect(offer).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(offer).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.locator("#ask-list").get_by_role("option", name="High", exact=True)).to_be_visible()
    page.keyboard.type("hi")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(box(page)).to_have_value("priority:High ")
    page.keyboard.press("Enter")

    expect(page.get_by_role("list", name="Filters in use")).to_contain_text("High")
    assert {text.strip() for text in page.locator("td.c-prio").all_inner_texts()} == {"High"}
    box(page).fill("priority:High stat:open")
    box(page).press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Did you mean “state:”?")
    expect(box(page)).to_have_value("priority:High stat:open")


def test_a_found_passage_has_its_hit_marked(windows: Windows) -> None:
    page = windows.page("supervisor")
    page.goto("/admin/tickets/?q=dispatch+team+has+missed")

    expect(page.locator(".passage mark").first).to_be_visible()


def test_a_list_is_kept_as_a_tab_with_columns_of_ones_own(windows: Windows) -> None:
    page = windows.page("supervisor")
    page.goto("/admin/tickets/?view=everything&priority=3")
    page.get_by_role("button", name="View", exact=True).click()
    page.get_by_label("Name of the new view").fill("High ones")
    page.keyboard.press("Enter")
    tab = page.get_by_role("navigation", name="Queues").get_by_role("link", name="High ones")
    expect(tab).to_have_attribute("aria-current", "page")
    expect(tab.locator(".n")).to_have_text(re.compile(r"^\d+$"))

    page.get_by_role("button", name="View", exact=True).click()
    page.get_by_role("link", name="Columns", exact=True).click()
    page.get_by_role("checkbox", name="Organization", exact=True).check()
    page.get_by_role("button", name="Move Organization up").click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("columnheader", name="Organization")).to_be_visible()

    page.goto("/admin/views/columns")
    page.get_by_role("button", name="Back to the usual ones").click()
    expect(page.get_by_role("columnheader", name="Subject")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Organization")).to_have_count(0)


def test_all_of_a_list_are_changed_and_given_back(windows: Windows) -> None:
    page = windows.page("supervisor")
    page.goto("/admin/tickets/?view=everything&q=state:closed")
    page.get_by_label("Select all tickets on this page").check()
    whole = page.locator("[data-bulk-all] input")
    if whole.count():
        whole.check()
    page.get_by_role("button", name="Tag", exact=True).click()
    page.get_by_label("Tag to add or remove").fill("swept")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text(re.compile("tickets? changed"))).to_be_visible()
    page.get_by_role("button", name="Undo this change").click()
    expect(page.get_by_text(re.compile("tickets? (is|are) as (it was|they were)"))).to_be_visible()
    expect(box(page)).to_have_value(re.compile("state:closed"))

    page.goto("/admin/tickets/?view=everything&tag=swept")
    expect(page.get_by_role("heading", name="No ticket fits")).to_be_visible()


def test_news_are_told_and_shown_when_asked(windows: Windows) -> None:
    page = windows.page("supervisor")
    page.goto("/admin/tickets/?view=open")
    rows = page.locator(".tickets tbody tr").all_inner_texts()
    ask(windows.page("ada"), "Arrives while somebody looks", department="Support")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator(".news")).to_contain_text("active since")
    assert page.locator(".tickets tbody tr").all_inner_texts()[: len(rows)] == rows, "nothing moved under the pointer"
    page.locator(".news").get_by_role("button", name="Show").click()
    expect(page.locator(".tickets a.subject").first).to_contain_text("Arrives while somebody looks")
    expect(page.locator(".news")).to_be_hidden()


def test_keys_are_shown_and_change_a_status(windows: Windows) -> None:
    page = windows.page("supervisor")
    page.goto("/admin/tickets/?view=open")
    page.locator("#main").focus()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys of the list")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("e")
    expect(page.get_by_role("dialog", name="Change status")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    expect(page.locator("[data-bulk-count]")).to_have_text("1")
    page.keyboard.press("b")
    expect(page.get_by_role("button", name="Take", exact=True)).to_be_focused()
    page.keyboard.press("a")
    expect(page.get_by_label("Select all tickets on this page")).to_be_checked()
    page.keyboard.press("a")
    expect(page.locator("[data-bulk]")).to_be_hidden()
    page.locator("#main").focus()
    page.keyboard.press("f")
    expect(page.get_by_role("form", name="Filter tickets").locator("[name=status]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("details.filterbox summary")).to_be_focused()
    expect(page.get_by_role("form", name="Filter tickets")).to_be_hidden()


def test_a_ticket_shows_its_keys(windows: Windows) -> None:
    page = windows.page("supervisor")
    page.goto("/admin/tickets/1003")
    page.locator("#thread").focus()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys of a ticket")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Keys of a ticket").click()
    expect(page.get_by_role("dialog", name="Keys of a ticket")).to_be_visible()


def test_on_a_phone_every_deed_on_ticked_tickets_says_what_it_is(windows: Windows) -> None:
    page = windows.page("supervisor")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto("/admin/tickets/?view=everything")
    page.locator(".action_check").first.check()
    for words in ("Take", "Assign", "Status", "Macro", "More"):
        assert page.locator("[data-bulk] > .btn .hide-m", has_text=words).first.evaluate("one => one.offsetHeight") > 10
    assert findings(page) == [] and sideways(page) == []


def test_the_list_is_taken_away_in_three_ways(windows: Windows) -> None:
    page = windows.page("supervisor")
    page.goto("/admin/tickets/?view=everything&priority=4")
    for words, ending in (("CSV", "csv"), ("XLSX", "xlsx"), ("ZIP", "zip")):
        page.get_by_role("button", name="Export").click()
        with page.expect_download() as download:
            page.locator("#export-menu").get_by_role("link", name=words).click()
        assert download.value.suggested_filename.endswith(f".{ending}")
        page.keyboard.press("Escape")


def test_what_is_ticked_goes_along_to_the_next_page_and_is_changed_with_it(windows: Windows) -> None:
    page = windows.page("supervisor")
    page.goto("/admin/tickets/?view=everything")
    first = page.locator("tbody .action_check").first
    ticked = [first.input_value()]
    first.check()
    page.get_by_role("navigation", name="Pages").get_by_role("link").last.click()
    expect(page).to_have_url(re.compile("page=2"))
    bar = page.get_by_role("region", name="Bulk actions")
    expect(bar).to_contain_text("1 selected")
    expect(bar).to_contain_text("1 of them on other pages")
    second = page.locator("tbody .action_check").nth(1)
    ticked.append(second.input_value())
    second.check()
    expect(bar).to_contain_text("2 selected")
    assert sideways(page) + findings(page) == []

    bar.get_by_role("button", name="Tag", exact=True).click()
    page.get_by_label("Tag to add or remove").fill("two-pages")
    page.keyboard.press("Enter")
    expect(page.get_by_text("2 tickets changed.")).to_be_visible()
    expect(bar).to_be_hidden()
    page.goto("/admin/tickets/?view=everything&tag=two-pages")
    boxes = page.locator("tbody .action_check")
    expect(boxes).to_have_count(2)
    assert {box.input_value() for box in boxes.all()} == set(ticked)


def test_ticks_of_another_list_and_cleared_ones_are_left_behind(windows: Windows) -> None:
    page = windows.page("supervisor")
    bar = page.get_by_role("region", name="Bulk actions")
    page.goto("/admin/tickets/?view=everything")
    page.locator("tbody .action_check").first.check()
    page.goto("/admin/tickets/?view=everything&page=2")
    expect(bar).to_contain_text("1 of them on other pages")
    bar.get_by_role("button", name="Clear selection").click()
    expect(bar).to_be_hidden()
    page.goto("/admin/tickets/?view=everything")
    expect(page.locator("tbody .action_check:checked")).to_have_count(0)
    page.locator("tbody .action_check").first.check()
    page.goto("/admin/tickets/?view=open")
    expect(page.locator(".tickets .subject").first).to_be_visible()
    expect(bar).to_be_hidden()


def test_on_a_phone_the_chosen_queue_and_what_is_pressing_are_seen(windows: Windows) -> None:
    page = windows.page("supervisor")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto("/admin/tickets/?view=everything&priority=4")

    expect(page.get_by_role("navigation", name="Queues").get_by_role("link", name="Everything")).to_be_in_viewport(
        ratio=1
    )
    expect(page.locator("tbody tr").first.get_by_text("Critical").locator("visible=true")).to_be_visible()
