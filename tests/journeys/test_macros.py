"""Macros and the palette as a person uses them, by keyboard alone: made, looked at, run, taken back; found by parts of words."""

import re

from playwright.sync_api import Page, expect

from tests.journeys.deeds import ask
from tests.journeys.test_faces import findings, sideways
from tests.journeys.windows import PHONE, Windows


def make(page: Page, name: str) -> None:
    """Two actions, by keyboard; the second one is moved before the first."""
    page.goto("/admin/macros/new")
    page.get_by_label("Name", exact=True).fill(name)
    page.locator("#do-0").select_option(label="Add tags")
    tags = page.get_by_label("Tags, with commas")
    expect(tags).to_be_visible()
    tags.fill("seen")
    page.get_by_role("button", name="Add an action").focus()
    page.keyboard.press("Enter")
    second = page.locator("#do-1")
    expect(second).to_be_focused()
    second.select_option(label="Priority")
    choice = page.locator("#choice-1")
    expect(choice).to_be_visible()
    choice.select_option(label="Critical")
    page.get_by_role("button", name="Move action 2 up").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#do-0").locator("option:checked")).to_have_text("Priority")
    expect(page.get_by_label("Tags, with commas")).to_have_value("seen")
    expect(page.get_by_label("Name", exact=True)).to_have_value(name)


def test_a_macro_is_made_run_by_a_key_and_taken_back(windows: Windows) -> None:
    number = ask(windows.page("ada"), "A macro for this", department="Support")
    agent = windows.page("supervisor")
    make(agent, "Look closely")
    assert findings(agent) == []
    agent.get_by_label("Name", exact=True).press("Enter")
    expect(agent.get_by_text("Look closely").first).to_be_visible()
    assert findings(agent) == []

    agent.goto(f"/admin/tickets/{number}")
    expect(agent.locator("#thread")).to_be_visible()
    agent.keyboard.press("m")
    dialog = agent.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Macros")).to_be_visible()
    agent.keyboard.type("closely")
    expect(dialog.get_by_role("button", name="Look closely")).to_be_visible()
    expect(dialog.get_by_role("button", name="Escalate")).to_be_hidden()
    agent.keyboard.press("Enter")
    expect(dialog).to_contain_text("What will happen")
    expect(dialog).to_contain_text("Critical")
    assert findings(agent) == []
    dialog.get_by_role("button", name="Run the macro").focus()
    agent.keyboard.press("Enter")
    expect(agent.get_by_text("The macro “Look closely” ran.")).to_be_visible()
    expect(agent.locator("#ws-signs")).to_contain_text("Critical")
    expect(agent.locator("#ws-timeline")).to_contain_text("by the macro “Look closely”")
    agent.locator(".macro-ran").get_by_role("button", name="Undo").focus()
    agent.keyboard.press("Enter")
    expect(agent.get_by_text("was taken back")).to_be_visible()
    expect(agent.locator("#ws-signs")).not_to_contain_text("Critical")


def test_the_palette_finds_by_parts_of_words_and_does_what_it_offers(windows: Windows) -> None:
    number = ask(windows.page("ada"), "A palette for this", department="Support")
    agent = windows.page("supervisor")
    agent.goto(f"/admin/tickets/{number}")
    expect(agent.locator("#thread")).to_be_visible()
    options = agent.locator("#palette-list").get_by_role("option")
    agent.keyboard.press("Control+k")
    agent.keyboard.type("prio crit")
    expect(options.first).to_have_text("Priority: Critical")
    assert findings(agent) == []
    agent.keyboard.press("Enter")
    expect(agent.locator("#ws-signs")).to_contain_text("Critical")

    agent.keyboard.press("Control+k")
    agent.keyboard.type("macro esca")
    expect(options.first).to_have_text("Macro: Escalate")
    agent.keyboard.press("Enter")
    expect(agent.get_by_role("dialog").get_by_role("heading", name="Macro: Escalate")).to_be_visible()
    agent.keyboard.press("Escape")

    agent.locator("#reply-body").fill("/macro take it")
    expect(agent.locator("#completion")).to_contain_text("Take it and look tomorrow")
    agent.keyboard.press("Enter")
    expect(agent.get_by_role("dialog").get_by_role("heading", name="Macro: Take it")).to_be_visible()
    expect(agent.locator("#reply-body")).to_have_value("")
    agent.keyboard.press("Escape")

    agent.keyboard.press("Control+k")
    agent.keyboard.type("ada")
    expect(options.filter(has_text="ada@northwind.example")).to_be_visible()
    agent.locator("#palette-q").fill("zzzz")
    expect(options).to_have_count(1)  # the search


def test_undo_beside_a_property_leaves_alone_what_a_colleague_chose(windows: Windows) -> None:
    number = ask(windows.page("ada"), "An undo for this", department="Support")
    agent, other = windows.page("supervisor"), windows.page("admin")
    agent.goto(f"/admin/tickets/{number}")
    agent.get_by_label("Priority", exact=True).select_option(label="Critical")
    saved = agent.locator("#p-priority ~ .saved")
    expect(saved).to_contain_text("Saved")
    other.goto(f"/admin/tickets/{number}")
    other.get_by_label("Priority", exact=True).select_option(label="Low")
    expect(other.locator("#p-priority ~ .saved")).to_contain_text("Saved")
    saved.get_by_role("button", name="Undo").click()
    expect(saved).to_contain_text("changed this since")

    with other.expect_response(re.compile("/properties")) as undone:
        other.locator("#p-priority ~ .saved").get_by_role("button", name="Undo").click()
    assert undone.value.ok
    other.reload()
    expect(other.get_by_label("Priority", exact=True).locator("option:checked")).to_have_text("Critical")


def test_macros_on_a_phone(windows: Windows) -> None:
    phone = windows.page("supervisor")
    phone.set_viewport_size(PHONE)
    make(phone, "On the phone")
    assert sideways(phone) == [] and findings(phone) == []


def test_many_tickets_get_a_macro_from_the_list(windows: Windows) -> None:
    ask(windows.page("ada"), "Macro in bulk one", department="Support")
    agent = windows.page("supervisor")
    agent.goto("/admin/tickets/?q=Macro+in+bulk")
    agent.get_by_label(re.compile("Select all tickets")).check()
    agent.get_by_role("button", name="Macro", exact=True).click()
    agent.get_by_label(re.compile("Escalate")).check()
    assert findings(agent) == []
    agent.get_by_role("button", name=re.compile("Run it on")).click()
    expect(agent.get_by_text(re.compile("ticket changed|tickets changed"))).to_be_visible()
