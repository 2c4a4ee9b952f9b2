"""What staff are asked before it is done: a macro's words, tickets that end before their tasks, somebody who is away; and what followers hear."""

import re

from playwright.sync_api import Page, expect

from tests.journeys.deeds import ask
from tests.journeys.test_faces import findings
from tests.journeys.windows import Windows

SECRET = "They have not paid since summer, so be careful with them"


def note(page: Page, number: int, text: str) -> None:
    page.goto(f"/admin/tickets/{number}")
    page.locator("#k-note").check(force=True)
    page.get_by_label("Message", exact=True).fill(text)
    page.get_by_role("button", name="Add note").click()
    expect(page.locator("#thread").get_by_text(text)).to_be_visible()


def make(page: Page, name: str, text: str) -> None:
    page.goto("/admin/macros/new")
    page.get_by_label("Name", exact=True).fill(name)
    page.locator("#do-0").select_option(label="Add an internal note")
    expect(page.get_by_label("Text", exact=True)).to_be_visible()
    page.locator("#do-0").select_option(label="Reply to the customer")
    expect(page.locator("#choice-0")).to_be_visible()
    page.locator("#text-0").fill(text)
    page.get_by_label("Name", exact=True).press("Enter")
    expect(page.get_by_text(name).first).to_be_visible()


def test_a_macro_that_would_quote_a_note_asks_for_a_yes_first(windows: Windows) -> None:
    number = ask(windows.page("ada"), "A macro with a secret", department="Support")
    agent = windows.page("supervisor")
    note(agent, number, SECRET)
    make(agent, "Tell them too much", f"We know: {SECRET}")
    agent.goto(f"/admin/tickets/{number}")
    expect(agent.locator("#thread")).to_be_visible()
    agent.keyboard.press("m")
    dialog = agent.get_by_role("dialog")
    dialog.get_by_role("button", name="Tell them too much").click()
    expect(dialog).to_contain_text("Please look at this before it runs")
    assert findings(agent) == []
    dialog.get_by_role("button", name="Run the macro").click()
    expect(dialog).to_contain_text("What will happen")
    dialog.get_by_label("I looked at it. Run it all the same.").check()
    dialog.get_by_role("button", name="Run the macro").click()
    expect(agent.get_by_text("The macro “Tell them too much” ran.")).to_be_visible()


def test_tickets_that_end_before_their_tasks_are_named_and_end_with_a_tick(windows: Windows) -> None:
    number = ask(windows.page("ada"), "Ends before its tasks", department="Support")
    agent = windows.page("supervisor")
    agent.goto(f"/admin/tickets/{number}")
    expect(agent.locator("#thread")).to_be_visible()
    agent.keyboard.press("t")
    dialog = agent.get_by_role("dialog")
    dialog.get_by_label("What is to be done?").fill("Order a fuse")
    dialog.get_by_role("button", name="Make the task").click()
    expect(agent.locator("#d-tasks")).to_contain_text("Order a fuse")

    agent.goto("/admin/tickets/?view=everything&q=%22Ends+before+its+tasks%22")
    row = agent.get_by_role("row").filter(has_text="Ends before its tasks")
    row.get_by_role("checkbox").check()
    bar = agent.get_by_role("region", name="Bulk actions")
    bar.get_by_role("button", name="More").click()
    bar.get_by_role("button", name="Resolve", exact=True).click()
    expect(agent.get_by_text(re.compile("1 task of this ticket is still open. “Order a fuse”"))).to_be_visible()
    agent.get_by_role("row").filter(has_text="Ends before its tasks").get_by_role("checkbox").check()
    bar.get_by_role("button", name="More").click()
    bar.locator("#bulk-more").get_by_label("Finish open tasks too").check()
    assert findings(agent) == []
    bar.get_by_role("button", name="Resolve", exact=True).click()
    expect(agent.get_by_text("1 ticket changed.")).to_be_visible()
    agent.goto(f"/admin/tickets/{number}")
    expect(agent.locator("#d-tasks")).to_contain_text("1 of 1 done")


def test_whoever_follows_a_ticket_hears_of_a_colleagues_note_and_not_of_their_own(windows: Windows) -> None:
    number = ask(windows.page("ada"), "Followed by another", department="Support")
    follower, colleague = windows.page("supervisor"), windows.page("agent")
    follower.goto(f"/admin/tickets/{number}")
    follower.get_by_role("button", name="Notices of this ticket").click()
    follower.get_by_role("button", name="Follow: as if it were mine").click()
    expect(follower.get_by_text("You follow this ticket")).to_be_visible()
    note(follower, number, "I look at it from afar.")
    note(colleague, number, "The fuse is gone.")
    follower.goto("/admin/notifications/")
    lines = follower.get_by_role("listitem").filter(has_text="Followed by another")
    expect(lines.filter(has_text="wrote an internal note")).to_have_count(1)
    assert findings(follower) == []
