"""The main job without a mouse: every step by keys, every stop visible, every menu and dialog left by Escape with the focus where it was."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.deeds import LOG, ask
from tests.journeys.keys import Keys
from tests.journeys.windows import CUSTOMERS, PASSWORD, Windows


@pytest.fixture
def seen() -> Iterator[list[Keys]]:
    """Whoever walks here is asked at the end whether they always saw where they were."""
    walkers: list[Keys] = []
    yield walkers
    assert [trouble for keys in walkers for trouble in keys.unseen] == []


def walker(page: Page, seen: list[Keys]) -> Keys:
    seen.append(Keys(page))
    return seen[-1]


def test_a_customer_signs_in_asks_reads_answers_and_closes(windows: Windows, seen: list[Keys]) -> None:
    page = windows.stranger()
    keys = walker(page, seen)
    keys.open("/portal/login")
    keys.type(page.get_by_label("Email address"), CUSTOMERS["eve"])
    keys.type(page.get_by_label("Password", exact=True), PASSWORD)
    keys.press("Enter")
    expect(page.get_by_role("heading", name="My tickets")).to_be_visible()

    keys.enter(page.get_by_role("link", name="Skip to content"))
    keys.expect_here(page.locator("#main"))
    keys.to(page.get_by_role("navigation", name="Main").get_by_role("link", name="New ticket"), "Shift+Tab")
    keys.press("Enter")
    keys.choose(page.get_by_label("What is it about?"), "Billing")
    keys.type(page.get_by_label("Subject"), "Asked without a mouse")
    keys.type(page.get_by_label("What happens?"), "The pointer is gone.")
    keys.to(page.get_by_label("Files"))
    with page.expect_file_chooser() as chooser:
        keys.press("Space")
    chooser.value.set_files([LOG])
    expect(page.get_by_text("server.log: sent")).to_be_attached()
    keys.to(page.get_by_role("radio", checked=True))
    keys.press("ArrowRight")
    keys.enter(page.get_by_role("button", name="Send ticket"))
    expect(page.get_by_text(re.compile(r"Your number is #\d+"))).to_be_visible()

    expect(page.get_by_text("The pointer is gone.")).to_be_visible()
    keys.type(page.get_by_label("Your message"), "It is under the desk.")
    keys.enter(page.get_by_role("button", name="Send reply"))
    expect(page.get_by_text("It is under the desk.")).to_be_visible()
    keys.enter(page.locator("summary").filter(has_text="Close this ticket"))
    keys.enter(page.get_by_role("button", name="Close ticket"))
    expect(page.get_by_text(re.compile("Closed")).first).to_be_visible()
    keys.enter(page.locator("details.account summary"))
    keys.enter(page.get_by_role("button", name="Sign out"))
    expect(page.get_by_role("heading", name=re.compile("Sign in|Welcome"))).to_be_visible()


def test_an_agent_finds_a_ticket_answers_notes_assigns_and_sets_the_status(windows: Windows, seen: list[Keys]) -> None:
    number = ask(windows.page("ada"), "Answered without a mouse", department="Support")
    page = windows.page("supervisor")
    keys = walker(page, seen)
    keys.open("/admin/tickets/?view=everything")
    keys.enter(page.get_by_role("link", name="Skip to content"))
    keys.expect_here(page.locator("#main"))
    keys.type(page.get_by_role("combobox", name="Words, a number"), "Answered without")
    keys.press("Enter")
    expect(page.get_by_role("link", name=re.compile("Answered without a mouse"))).to_be_visible()
    keys.press("j")
    keys.expect_here(page.locator(".tickets a.subject").first)
    keys.press("Enter")
    expect(page).to_have_url(re.compile(f"/admin/tickets/{number}"))
    page.wait_for_load_state()

    keys.press("r")
    message = page.get_by_label("Message", exact=True)
    keys.expect_here(message)
    page.keyboard.type("Please look under the desk.")
    menu = page.get_by_role("button", name="More ways to send")
    keys.enter(menu)
    expect(page.locator("#send-menu")).to_be_visible()
    keys.press("Escape")
    expect(page.locator("#send-menu")).to_be_hidden()
    keys.expect_here(menu)
    keys.press("Enter")
    keys.enter(page.locator("#send-menu").get_by_role("button", name="wait for customer"))
    expect(page.locator("#thread").get_by_text("Please look under the desk.")).to_be_visible()
    expect(page.locator("#ws-signs")).to_contain_text("Waiting for Customer")

    page.locator("#thread").focus()
    keys.press("n")
    keys.expect_here(message)
    page.keyboard.type("They crawl already.")
    keys.press("Control+Enter")
    expect(page.locator("#thread").get_by_text("They crawl already.")).to_be_visible()

    details = page.get_by_role("complementary", name="Ticket details")
    for label, choice in (("Assignee", "Marco Bianchi"), ("Status", "In Progress")):
        field = details.get_by_label(label, exact=True)
        value = field.locator("option", has_text=choice).get_attribute("value")
        last = f"={value}&"  # each letter on the way may choose somebody else
        keys.to(field)
        with page.expect_response(lambda answer, last=last: last in (answer.request.post_data or "")) as saved:
            keys.choose(field, choice)
            keys.press("Tab")
        assert saved.value.ok
    page.reload()
    expect(details.get_by_label("Assignee", exact=True).locator("option:checked")).to_contain_text("Marco Bianchi")
    expect(page.locator("#ws-signs")).to_contain_text("In Progress")


def test_the_palette_opens_goes_and_gives_the_focus_back(windows: Windows, seen: list[Keys]) -> None:
    page = windows.page("supervisor")
    keys = walker(page, seen)
    keys.open("/admin/tickets/")
    search = page.locator("[data-search]")
    keys.press("/")
    keys.expect_here(search)
    keys.press("Control+k")
    keys.expect_here(page.locator("#palette-q"))
    keys.press("Escape")
    keys.expect_here(search)
    keys.press("Control+k")
    page.keyboard.type("Dashb")
    expect(page.locator("#palette-list").get_by_role("option").first).to_contain_text("Dashboard")
    keys.press("Enter")
    expect(page).to_have_url(re.compile("/admin/dashboard"))


def test_an_admin_adds_renames_and_deletes_a_category(windows: Windows, seen: list[Keys]) -> None:
    page = windows.page("admin")
    keys = walker(page, seen)
    keys.open("/admin/categories/list/")
    keys.enter(page.get_by_role("link", name="Add").first)
    keys.type(page.get_by_label(re.compile("^Name")), "Keyboards")
    keys.press("Enter")
    row = page.get_by_role("row").filter(has_text="Keyboards")
    expect(row).to_be_visible()

    keys.enter(row.get_by_role("link", name="Edit"))
    keys.type(page.get_by_label(re.compile("^Description")), "Without a mouse")
    keys.enter(page.get_by_role("button", name="Save"))
    expect(row).to_contain_text("Without a mouse")

    delete = row.get_by_role("button", name="Delete")
    keys.enter(delete)
    expect(page.locator("#ask")).to_be_visible()
    keys.press("Escape")
    expect(page.locator("#ask")).to_be_hidden()
    keys.expect_here(delete)
    keys.press("Enter")
    expect(page.locator("#ask")).to_be_visible()
    keys.enter(page.locator("#ask-yes"))
    expect(row).to_have_count(0)


def test_the_menu_of_a_phone_closes_by_escape(windows: Windows, seen: list[Keys]) -> None:
    page = windows.page("agent")
    page.set_viewport_size({"width": 390, "height": 844})
    keys = walker(page, seen)
    keys.open("/admin/tickets/")
    menu = page.locator('.topbar [data-do="nav"]')
    keys.enter(menu)
    expect(menu).to_have_attribute("aria-expanded", "true")
    keys.press("Escape")
    expect(menu).to_have_attribute("aria-expanded", "false")
    keys.expect_here(menu)
