"""What is done beside the conversation leaves what is being written, the focus and the places one scrolled to; and a phone leads there."""

import re

from playwright.sync_api import Page, expect

from tests.journeys.deeds import add, ask
from tests.journeys.test_faces import findings, sideways
from tests.journeys.windows import PHONE, Windows

HALF = "Half a sentence, and"


def at(windows: Windows, number: int, size: dict[str, int] | None = None) -> Page:
    """A window that tells when its page was drawn anew."""
    page = windows.page("supervisor")
    if size:
        page.set_viewport_size(size)  # type: ignore[arg-type]
    page.goto(f"/admin/tickets/{number}")
    expect(page.locator("#thread article").first).to_be_visible()
    page.evaluate("window.same = true")
    return page


def stayed(page: Page) -> None:
    expect(page.locator("#reply-body")).to_have_value(HALF)
    assert page.evaluate("window.same") is True


def test_a_task_a_link_a_supplier_and_a_tag_are_added_while_a_reply_is_written(windows: Windows) -> None:
    add(windows.page("admin"), "/admin/suppliers/", Company="Beside Works", Contact_people="jo@beside.example")
    other = ask(windows.page("ada"), "The other one", department="Support")
    number = ask(windows.page("ada"), "Written meanwhile", department="Support")
    page = at(windows, number)
    page.locator("#reply-body").fill(HALF)
    aside = page.locator("aside.details")

    task = aside.get_by_role("link", name="New task")
    task.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("What is to be done?").fill("Carry the water")
    dialog.get_by_role("button", name="Make the task").click()
    expect(aside.locator("#d-tasks")).to_contain_text("Carry the water")
    expect(dialog).to_be_hidden()
    expect(aside.get_by_role("link", name="New task")).to_be_focused()
    stayed(page)

    aside.get_by_role("link", name="Link a ticket").click()
    dialog.get_by_label("Number of the other ticket").fill("no number")
    dialog.get_by_role("button", name="Link", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("no number")
    expect(dialog.get_by_label("Number of the other ticket")).to_have_value("no number")
    dialog.get_by_label("Number of the other ticket").fill(str(other))
    dialog.get_by_role("button", name="Link", exact=True).click()
    expect(
        aside.get_by_role("region", name="Linked tickets").get_by_role("link", name=re.compile("The other one"))
    ).to_be_visible()
    stayed(page)

    aside.get_by_label("Supplier to bring in").select_option(label="Beside Works")
    scrolled = aside.evaluate("one => one.scrollTop")
    aside.get_by_role("button", name="Add Supplier").click()
    expect(aside.locator(".suppliers")).to_contain_text("Beside Works")
    stayed(page)
    assert abs(aside.evaluate("one => one.scrollTop") - scrolled) < 120
    assert page.evaluate("document.querySelector('aside.details').contains(document.activeElement)")

    aside.get_by_label("Tag to add").fill("beside")
    aside.get_by_label("Tag to add").press("Enter")
    expect(aside.get_by_role("button", name="Remove the tag beside")).to_be_visible()
    expect(aside.get_by_label("Tag to add")).to_be_focused()
    expect(aside.get_by_label("Tag to add")).to_have_value("")
    stayed(page)
    assert findings(page) == []


def test_the_page_ends_where_the_window_does(windows: Windows) -> None:
    page = at(windows, ask(windows.page("ada"), "A page with an end", department="Support"))

    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")


def test_a_phone_leads_to_time_and_folds_what_is_seldom_looked_at(windows: Windows) -> None:
    page = at(windows, ask(windows.page("ada"), "Read on the way", department="Support"), PHONE)
    parts = page.get_by_role("navigation", name="Parts of this page")
    timeline = page.locator("#ws-timeline")
    expect(timeline).to_be_hidden()

    parts.get_by_role("link", name="Time", exact=True).click()
    expect(page.get_by_label("Time spent")).to_be_in_viewport()
    page.get_by_label("Time spent").fill("5m")
    page.get_by_role("button", name="Log time").click()
    expect(page.locator("#d-time")).to_contain_text("5 min spent")

    fold = page.get_by_role("button", name="Timeline", exact=True)
    expect(fold).to_have_attribute("aria-expanded", "false")
    parts.get_by_role("link", name="Timeline").click()
    expect(timeline).to_be_visible()
    expect(fold).to_have_attribute("aria-expanded", "true")
    fold.click()
    expect(timeline).to_be_hidden()
    assert findings(page) == []
    assert sideways(page) == []


def test_a_reply_leaves_tomorrow_by_one_press_and_enter_in_a_field_sends_nothing(windows: Windows) -> None:
    page = at(windows, ask(windows.page("ada"), "Not before tomorrow", department="Support"))
    page.locator("#reply-body").fill(HALF)
    with page.expect_response("**/here"):  # whatever Enter sent would have gone before
        page.locator("#reply-to").press("Enter")
    stayed(page)

    page.get_by_role("button", name="Send later").click()
    assert findings(page) == []
    page.locator("#send-later").get_by_role("button", name=re.compile("^Tomorrow")).click()
    expect(page.get_by_text(re.compile("Leaves on .*09:00"))).to_be_visible()
    expect(page.locator("#thread article")).to_have_count(1)


def test_a_reply_to_somebody_else_says_that_the_customer_still_waits_and_keeps_the_status(windows: Windows) -> None:
    page = at(windows, ask(windows.page("ada"), "Ask somebody who knows", department="Support"))
    button, to = page.locator("[data-send]"), page.locator("#reply-to")
    before = button.inner_text()
    own = to.input_value()

    to.fill("kim@partner.example")
    expect(page.get_by_text("The customer does not get this. It is no answer to them.")).to_be_visible()
    expect(button).to_have_text("Send & keep open")
    assert findings(page) == []
    to.fill(own)
    expect(page.locator("[data-elsewhere]")).to_have_text("")
    expect(button).to_have_text(before)

    to.fill("kim@partner.example")
    page.locator("#reply-body").fill("Do you know this?")
    button.click()
    page.get_by_role("button", name="Send anyway").click()
    expect(page.get_by_text("kim@partner.example").first).to_be_visible()
    expect(page.locator("#ws-signs")).to_contain_text("Open")


def test_what_is_typed_after_a_bulk_menu_opened_goes_into_its_field(windows: Windows) -> None:
    ask(windows.page("ada"), "One of many", department="Support")
    page = windows.page("supervisor")
    page.goto("/admin/tickets/?view=everything")
    page.get_by_role("checkbox", name=re.compile("Select ticket")).first.check()
    page.get_by_role("button", name="Tag", exact=True).press("Enter")

    field = page.get_by_placeholder("Tag to add or remove").or_(page.get_by_label("Tag to add or remove")).first
    expect(field).to_be_focused()
    page.keyboard.type("sorted by hand")
    page.keyboard.press("Enter")
    expect(page.get_by_text("sorted by hand").first).to_be_visible()
    box = page.get_by_role("checkbox", name=re.compile("Select ticket")).first
    box.check()
    box.press("Enter")
    expect(page.locator("[data-bulk-count]")).to_have_text("1")


def test_enter_behind_a_day_and_time_of_ones_own_chooses_that_one(windows: Windows) -> None:
    page = at(windows, ask(windows.page("ada"), "At a time of my own", department="Support"))
    page.keyboard.press("z")
    page.locator("#set-snooze-on").fill("2031-05-06T07:08")
    page.locator("#set-snooze-on").press("Enter")

    expect(page.get_by_text(re.compile("Snoozed until .*2031"))).to_be_visible()


def test_subjects_have_the_width_that_the_other_columns_leave(windows: Windows) -> None:
    subject = "A subject of more letters than any list has room for, which is why it stands whole in its title"
    ask(windows.page("ada"), subject, department="Support")
    page = windows.page("supervisor")
    page.goto("/admin/tickets/?view=everything")
    link = page.get_by_role("link", name=subject).first

    expect(link).to_have_attribute("title", subject)
    for width, least in ((1440, 310), (1280, 310), (1100, 160)):
        page.set_viewport_size({"width": width, "height": 900})
        assert link.evaluate("one => one.closest('td').clientWidth") >= least
        assert sideways(page) == []
