"""Merging as a person does it: by key and by mouse, without a script, and taken apart again."""

import re

from playwright.sync_api import Page, expect

from tests.journeys.deeds import ask
from tests.journeys.test_faces import findings, sideways
from tests.journeys.windows import PASSWORD, PHONE, Windows


def opened(page: Page, number: int, key: str = "g") -> None:
    page.goto(f"/admin/tickets/{number}")
    expect(page.locator("#thread")).to_be_visible()
    page.keyboard.press(key)
    expect(page.get_by_role("dialog").get_by_role("heading", name="Merge tickets")).to_be_visible()


def entries(page: Page) -> list[str]:
    return page.locator("#thread article .txt").all_inner_texts()


def test_two_tickets_become_one_by_the_keyboard_and_are_taken_apart_again(windows: Windows) -> None:
    ada = windows.page("ada")
    first = ask(ada, "The roster is empty", department="Support")
    second = ask(ada, "The roster is still empty", department="Support")
    supervisor = windows.page("supervisor")

    opened(supervisor, second)
    dialog = supervisor.get_by_role("dialog")
    expect(dialog.get_by_label(re.compile("The roster is empty"))).to_be_visible()
    supervisor.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(supervisor.locator("[data-key=g]")).to_be_focused()

    supervisor.keyboard.press("Enter")
    # Not `check`: it looks again whether it holds, and by then the ticket may stand among the chosen ones.
    dialog.get_by_label(re.compile("The roster is empty")).click()
    expect(dialog.get_by_role("heading", name="What will happen")).to_be_visible()
    expect(dialog.get_by_text("Same customer", exact=True)).to_be_visible()
    assert findings(supervisor) == []
    merging = dialog.get_by_role("button", name=re.compile(f"Merge .*{second} into .*{first}"))
    merging.focus()
    supervisor.keyboard.press("Enter")

    expect(supervisor).to_have_url(re.compile(f"/admin/tickets/{first}$"))
    notice = supervisor.locator(".member")
    expect(notice).to_contain_text(f"#{second} was merged into this ticket")
    assert len(entries(supervisor)) == 2
    expect(supervisor.locator("#thread article header").filter(has_text=f"#{second}")).to_have_count(1)
    assert findings(supervisor) == []

    ada.goto(f"/portal/tickets/{second}")
    expect(ada).to_have_url(re.compile(f"/portal/tickets/{first}$"))

    supervisor.goto(f"/admin/tickets/{second}")
    expect(supervisor.get_by_role("heading", name=re.compile(f"goes on in #{first}"))).to_be_visible()
    assert findings(supervisor) == []
    supervisor.get_by_role("button", name="Take apart").click()
    expect(supervisor.locator("#thread article")).to_have_count(1)
    supervisor.goto(f"/admin/tickets/{first}")
    expect(supervisor.locator("#thread article")).to_have_count(1)


def test_who_chose_one_too_many_leaves_it_out_again(windows: Windows) -> None:
    ada = windows.page("ada")
    first, second, third = (ask(ada, f"The rota is gone, part {part}", department="Support") for part in "abc")
    supervisor = windows.page("supervisor")
    opened(supervisor, first)
    dialog = supervisor.get_by_role("dialog")
    dialog.get_by_label(re.compile("part b")).click()
    expect(dialog.get_by_role("button", name=f"Merge #{second} into #{first}")).to_be_visible()
    dialog.locator("details.more summary").click()
    dialog.get_by_label(re.compile("part c")).click()
    expect(dialog.get_by_role("button", name=f"Merge #{second}, #{third} into #{first}")).to_be_visible()
    expect(dialog.locator("details.more")).to_have_attribute("open", "")
    assert findings(supervisor) == []

    dialog.get_by_role("link", name=f"Leave #{second} out").click()
    expect(dialog.get_by_role("button", name=f"Merge #{third} into #{first}")).to_be_visible()
    supervisor.keyboard.press("Escape")
    expect(supervisor.locator("[data-key=g]")).to_be_focused()


def test_another_customers_ticket_is_merged_by_its_number_with_a_warning(windows: Windows) -> None:
    mine = ask(windows.page("ada"), "Export hangs", department="Support")
    theirs = ask(windows.page("eve"), "Export hangs too", department="Support")
    supervisor = windows.page("supervisor")
    opened(supervisor, mine)
    dialog = supervisor.get_by_role("dialog")

    dialog.get_by_label("Or by number").fill("999999")
    supervisor.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("There is no ticket “999999”")
    dialog.get_by_label("Or by number").fill(str(theirs))
    supervisor.keyboard.press("Enter")
    expect(dialog.get_by_text("Different customers:")).to_be_visible()
    dialog.get_by_role("button", name=re.compile("^Merge ")).click()
    expect(supervisor.locator(".member")).to_contain_text("Your answers reach")

    eve = windows.page("eve")
    eve.goto(f"/portal/tickets/{theirs}")
    expect(eve.get_by_role("heading", name="Export hangs too")).to_be_visible()
    assert "Export hangs too" in eve.content() and eve.locator("article, .entry").count() >= 1
    eve.goto(f"/portal/tickets/{mine}")
    expect(eve.get_by_role("heading", name="Export hangs")).to_have_count(0)


def test_it_works_without_a_script_and_on_a_phone(windows: Windows) -> None:
    first = ask(windows.page("ada"), "No script here", department="Support")
    second = ask(windows.page("ada"), "No script here either", department="Support")
    page = windows.stranger(script=False)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto("/login/")
    page.get_by_label("Username").fill("supervisor")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    page.goto(f"/admin/tickets/{first}")
    page.get_by_role("link", name="Merge").click()
    expect(page.get_by_role("heading", name="Merge tickets")).to_be_visible()
    page.get_by_label(re.compile("No script here either")).check()
    page.get_by_role("button", name="Look").click()
    page.get_by_role("button", name=re.compile("^Merge ")).click()

    expect(page.locator(".member")).to_contain_text(f"#{second} was merged into this ticket")
    page.get_by_role("button", name="Take apart").click()
    expect(page.locator("#thread article")).to_have_count(1)


def test_a_message_is_split_off_and_a_ticket_is_linked(windows: Windows) -> None:
    number = ask(windows.page("ada"), "Two things at once", department="Support")
    supervisor = windows.page("supervisor")
    supervisor.goto(f"/admin/tickets/{number}")
    supervisor.get_by_role("radio", name=re.compile("Internal note")).check(force=True)
    supervisor.locator("#reply-body").fill("The second thing")
    supervisor.get_by_role("button", name="Add note").click()
    expect(supervisor.locator("#thread article")).to_have_count(2)

    supervisor.locator("#thread article").last.get_by_role("link", name="Split off or move").click()
    dialog = supervisor.get_by_role("dialog")
    dialog.get_by_label("Subject of the new ticket").fill("The second thing alone")
    assert findings(supervisor) == []
    dialog.get_by_role("button", name="Move it").click()

    expect(supervisor.get_by_role("heading", name="The second thing alone")).to_be_visible()
    expect(supervisor.locator("#thread article")).to_have_count(1)
    expect(supervisor.locator("#thread")).to_contain_text(f"moved a message here from ticket #{number}")

    supervisor.get_by_role("link", name="Link a ticket").click()
    dialog = supervisor.get_by_role("dialog")
    dialog.get_by_label(re.compile("…$")).select_option(label="is caused by")
    dialog.get_by_label("Number of the other ticket").fill(f"#{number}")
    dialog.get_by_role("button", name="Link").click()
    linked = supervisor.get_by_role("region", name="Linked tickets")
    expect(linked).to_contain_text(f"is caused by #{number} Two things at once")
    supervisor.get_by_role("button", name=f"Remove the link with #{number}").click()
    expect(linked.get_by_text("Two things at once")).to_have_count(0)


def test_the_pages_have_no_finding_on_a_phone_in_light_and_dark(windows: Windows) -> None:
    supervisor = windows.page("supervisor")
    supervisor.set_viewport_size(PHONE)  # type: ignore[arg-type]
    supervisor.goto("/admin/tickets/1003")
    entry = supervisor.locator("#thread article").first.get_attribute("id")
    pages = ["1003/merge", "1003/merge?with=1005", f"1003/messages/{(entry or 'm0')[1:]}/move", "1003/links"]
    for address in pages:
        for scheme in ("light", "dark"):
            supervisor.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            supervisor.goto(f"/admin/tickets/{address}")
            assert findings(supervisor) == [] and sideways(supervisor) == [], (address, scheme)
