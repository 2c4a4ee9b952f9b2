"""Tasks as a person keeps them: made by a key, ticked off, moved on the board by mouse and by keyboard, asked about at the end."""

import re

from playwright.sync_api import Page, expect

from tests.journeys.deeds import ask
from tests.journeys.test_faces import findings, sideways
from tests.journeys.windows import PHONE, Windows


def make(page: Page, number: int, title: str) -> None:
    page.goto(f"/admin/tickets/{number}")
    expect(page.locator("#thread")).to_be_visible()
    page.keyboard.press("t")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name=re.compile("New task"))).to_be_visible()
    dialog.get_by_label("What is to be done?").fill(title)
    dialog.get_by_role("button", name="Make the task").click()
    expect(page.locator("#d-tasks")).to_contain_text(title)


def test_a_task_is_made_by_a_key_ticked_off_and_asked_about_before_the_ticket_ends(windows: Windows) -> None:
    number = ask(windows.page("ada"), "Two things to do", department="Support")
    agent = windows.page("supervisor")
    make(agent, number, "Count the chairs")
    make(agent, number, "Count the tables")
    assert findings(agent) == []

    agent.get_by_role("button", name="“Count the chairs” is done").click()
    expect(agent.locator("#d-tasks")).to_contain_text("1 of 2 done")
    expect(agent.locator("#ws-timeline")).to_contain_text("finished the task “Count the chairs”")
    agent.get_by_label("Due date of “Count the tables”").fill("2030-01-31")
    agent.get_by_label("Due date of “Count the tables”").press("Enter")
    expect(agent.locator("#d-tasks .saved").filter(has_text="Saved")).to_be_visible()

    agent.get_by_label("Status", exact=True).select_option(label="Closed")
    question = agent.locator("#ask")
    expect(question).to_contain_text("1 task of this ticket is still open.")
    question.get_by_role("button", name="Cancel").click()
    expect(agent.locator("#p-status option:checked")).not_to_have_text("Closed")
    agent.get_by_label("Status", exact=True).select_option(label="Closed")
    question.get_by_role("button", name="End it").click()
    expect(agent.locator("#p-status ~ .saved")).to_contain_text("Saved")

    ada = windows.page("ada")
    ada.goto(f"/portal/tickets/{number}")
    expect(ada.get_by_text("Two things to do").first).to_be_visible()
    expect(ada.get_by_text("Count the")).to_have_count(0)


def test_a_card_is_moved_by_mouse_and_by_keyboard_and_the_list_says_the_same(windows: Windows) -> None:
    number = ask(windows.page("ada"), "Something on the board", department="Support")
    agent = windows.page("supervisor")
    make(agent, number, "Paint the fence")
    agent.goto("/admin/tasks/board?view=all&q=Paint+the+fence")
    card, column = agent.locator(".kard"), lambda name: agent.get_by_role("region", name=re.compile(name))

    card.drag_to(column("In progress"))
    expect(column("In progress")).to_contain_text("Paint the fence")
    agent.get_by_role("button", name=re.compile("Move “Paint the fence” to Done")).focus()
    agent.keyboard.press("Enter")
    expect(column("Done")).to_contain_text("Paint the fence")
    assert findings(agent) == []
    agent.get_by_role("link", name="List", exact=True).click()
    expect(agent.get_by_role("heading", name="No task fits")).to_be_visible()
    agent.get_by_role("link", name=re.compile("Done 1")).click()
    expect(agent.get_by_role("link", name="Paint the fence")).to_be_visible()


def test_every_page_of_tasks_fits_a_phone_and_both_themes(windows: Windows) -> None:
    number = ask(windows.page("ada"), "A phone for the road", department="Support")
    agent = windows.page("supervisor")
    make(
        agent,
        number,
        "Carry everything that has a long name and many words over the wide river before the evening comes",
    )
    agent.set_viewport_size(PHONE)
    for address in ("/admin/tasks/?view=all", "/admin/tasks/board?view=all", "/admin/tasks/1", "/admin/tasks/new", f"/admin/tickets/{number}"):  # fmt: skip
        agent.goto(address)
        expect(agent.locator("h1").first).to_be_visible()
        assert (sideways(agent), findings(agent)) == ([], []), address
