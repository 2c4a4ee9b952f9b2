"""Writing at a ticket, in browsers: drafts that outlive everything, undo, two people at once, second looks, copies, names, files."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.deeds import LOG, ask, mail, reload_until_there
from tests.journeys.test_faces import findings, sideways
from tests.journeys.windows import PHONE, WIDE, Windows
from tests.run.desks import RunningDesk

LEAVES_WITHIN_MS = 30_000


def undo_seconds(windows: Windows, seconds: int) -> None:
    admin = windows.page("admin")
    admin.goto("/admin/settings/answering")
    admin.get_by_label("A reply can be taken back for").fill(str(seconds))
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_text("Saved").first).to_be_visible()
    admin.close()


@pytest.fixture
def with_undo(windows: Windows) -> Iterator[None]:
    undo_seconds(windows, 8)
    yield
    undo_seconds(windows, 0)


def at(windows: Windows, who: str, number: int) -> Page:
    page = windows.page(who)
    page.goto(f"/admin/tickets/{number}")
    return page


def body(page: Page) -> Locator:
    return page.get_by_label("Message", exact=True)


def typed(page: Page, text: str) -> None:
    body(page).click()
    body(page).press_sequentially(text)
    expect(page.locator("[data-draft-sign]")).to_have_text("Draft saved")


def test_a_draft_is_there_after_a_reload_in_another_tab_and_on_another_device(windows: Windows) -> None:
    number = ask(windows.page("ada"), "The draft stays", department="Support")
    agent = at(windows, "supervisor", number)
    typed(agent, "Hello Ada, half a thought")

    agent.reload()
    expect(body(agent)).to_have_value("Hello Ada, half a thought")
    expect(body(at(windows, "supervisor", number))).to_have_value("Hello Ada, half a thought")
    expect(body(at(windows, "admin", number))).to_have_value("")


def test_of_two_tabs_the_newer_text_is_shown_and_the_other_offered(windows: Windows) -> None:
    number = ask(windows.page("ada"), "Two tabs", department="Support")
    one, two = at(windows, "supervisor", number), at(windows, "supervisor", number)
    typed(one, "The older thought")
    typed(two, "The newer thought")

    two.reload()
    expect(body(two)).to_have_value("The newer thought")
    expect(two.get_by_text("Another draft of yours")).to_be_visible()
    two.get_by_role("link", name="Use it").click()
    expect(body(two)).to_have_value("The older thought")


def test_what_is_typed_while_the_desk_is_killed_is_there_when_it_is_back(desk: RunningDesk, windows: Windows) -> None:
    number = ask(windows.page("ada"), "The desk dies", department="Support")
    agent = at(windows, "supervisor", number)
    agent.route("**/draft", lambda route: route.abort())
    body(agent).press_sequentially("Nobody answers")
    expect(agent.locator("[data-draft-sign]")).to_contain_text("Kept in this browser only")
    windows.problems.clear()
    agent.unroute("**/draft")

    agent.reload()
    expect(body(agent)).to_have_value("Nobody answers")
    expect(agent.locator("[data-draft-sign]")).to_have_text("Draft saved")
    expect(body(at(windows, "supervisor", number))).to_have_value("Nobody answers")


def test_a_reply_can_be_taken_back_and_leaves_when_it_is_not(windows: Windows, with_undo: None) -> None:
    number = ask(windows.page("ada"), "Wait a moment", department="Support")
    agent = at(windows, "supervisor", number)
    body(agent).fill("Too quick")
    agent.locator("[data-send]").click()
    expect(agent.get_by_text(re.compile(r"Leaves in \d+ s"))).to_be_visible()
    ada = windows.page("ada")
    ada.goto(f"/portal/tickets/{number}")
    expect(ada.get_by_text("Too quick")).to_have_count(0)
    agent.get_by_role("button", name="Undo").click()
    expect(body(agent)).to_have_value("Too quick")
    expect(agent.get_by_text("You took this reply back")).to_be_visible()
    expect(body(agent)).to_be_focused()
    agent.keyboard.type(", sorry")
    expect(body(agent)).to_have_value("Too quick, sorry")

    body(agent).fill("Well thought")
    agent.locator("[data-send]").click()
    waits = agent.get_by_role("article", name=re.compile("not sent yet"))
    expect(waits).to_contain_text("Well thought")
    assert findings(agent) == []
    expect(agent.locator("#thread article").last).to_contain_text("Well thought", timeout=LEAVES_WITHIN_MS)
    expect(waits).to_have_count(0)
    ada.reload()
    expect(ada.get_by_text("Well thought").first).to_be_visible()
    expect(mail(windows.page("admin"), "ada@northwind.example", re.compile("Wait a moment"))).to_contain_text("Well thought")  # fmt: skip


def test_a_reply_written_for_later_is_seen_and_sent_at_once_when_asked(windows: Windows) -> None:
    number = ask(windows.page("ada"), "Tomorrow is soon enough", department="Support")
    agent = at(windows, "supervisor", number)
    body(agent).fill("Good morning")
    agent.get_by_role("button", name="Send later").click()
    agent.get_by_label("Send it on").fill("2027-03-01T09:00")
    agent.locator("#send-later").get_by_role("button", name="Send later").click()
    expect(agent.get_by_text(re.compile("Leaves on"))).to_be_visible()
    agent.get_by_role("button", name="Send now").click()
    expect(agent.locator("#thread article").last).to_contain_text("Good morning", timeout=LEAVES_WITHIN_MS)


def test_two_at_one_ticket_know_of_each_other_and_neither_answers_over_the_other(windows: Windows) -> None:
    number = ask(windows.page("ada"), "Two at once", department="Support")
    one, two = at(windows, "supervisor", number), at(windows, "admin", number)
    expect(one.locator("#ws-here")).to_contain_text("is here")
    body(two).press_sequentially("I take this")
    expect(one.locator("#ws-here")).to_contain_text("is writing")

    body(one).fill("Mine is ready")
    two.locator("[data-send]").click()
    expect(two.locator("#thread article").last).to_contain_text("I take this")
    one.locator("[data-send]").click()
    expect(one.get_by_role("alert")).to_contain_text("wrote again while you were writing")
    expect(one.get_by_role("alert")).to_contain_text("I take this")
    expect(body(one)).to_have_value("Mine is ready")
    assert findings(one) == []
    one.get_by_role("button", name="Send anyway").click()
    expect(one.locator("#thread article").last).to_contain_text("Mine is ready")


def test_a_doubtful_reply_is_looked_at_again(windows: Windows) -> None:
    number = ask(windows.page("ada"), "The second look", department="Support")
    agent = at(windows, "supervisor", number)
    body(agent).fill("It is attached, and eve@other.example has the same.")
    agent.locator("[data-send]").click()
    alert = agent.get_by_role("alert")
    expect(alert).to_contain_text("another customer: eve@other.example")
    expect(alert).to_contain_text("no file goes with it")
    assert findings(agent) == []
    agent.get_by_role("button", name="Send anyway").click()
    expect(agent.locator("#thread article").last).to_contain_text("has the same")


def test_copies_and_names_are_completed_while_typing(windows: Windows) -> None:
    number = ask(windows.page("ada"), "Copies and names", department="Support")
    agent = at(windows, "supervisor", number)
    agent.get_by_text("Add copies").click()
    agent.get_by_label("CC", exact=True).press_sequentially("bob")
    expect(agent.locator("#completion").get_by_role("option").first).to_contain_text("bob@northwind.example")
    agent.keyboard.press("Enter")
    expect(agent.get_by_label("CC", exact=True)).to_have_value("bob@northwind.example, ")
    agent.locator("#k-note").check(force=True)
    body(agent).press_sequentially("@marc")
    expect(agent.locator("#completion").get_by_role("option").first).to_contain_text("Marco Bianchi")
    agent.keyboard.press("Enter")
    expect(body(agent)).to_have_value("@agent2 ")
    agent.locator("#k-reply").check(force=True)
    body(agent).fill("Both of you should know.")
    agent.locator("[data-send]").click()
    expect(agent.locator("#thread article").last).to_contain_text("Both of you")
    expect(mail(windows.page("admin"), "bob@northwind.example", re.compile("Copies and names"))).to_contain_text("Both of you")  # fmt: skip


def test_a_file_shows_its_way_and_one_that_fails_loses_nothing(windows: Windows) -> None:
    number = ask(windows.page("ada"), "Files on their way", department="Support")
    agent = at(windows, "supervisor", number)
    body(agent).fill("The log is **attached**.")
    agent.route("**/files", lambda route: route.abort())
    agent.locator("#files").set_input_files([LOG])
    expect(agent.get_by_role("alert")).to_contain_text("could not be sent")
    windows.problems.clear()
    agent.unroute("**/files")
    agent.get_by_role("button", name="Try again").click()
    expect(agent.get_by_role("checkbox", name=re.compile("server.log"))).to_be_checked()
    expect(body(agent)).to_have_value("The log is **attached**.")
    expect(agent.locator("[data-draft-sign]")).to_have_text("Draft saved")
    agent.reload()
    expect(agent.get_by_role("checkbox", name=re.compile("server.log"))).to_be_checked()
    agent.get_by_role("button", name="Preview").click()
    expect(agent.get_by_role("region", name="Preview")).to_contain_text("The log is attached.")
    agent.locator("[data-send]").click()
    expect(agent.locator("#thread article").last.locator("strong")).to_have_text("attached")
    ada = windows.page("ada")
    ada.goto(f"/portal/tickets/{number}")
    expect(ada.locator("article strong").filter(has_text="attached")).to_be_visible()
    expect(agent.locator("#thread").get_by_role("link", name=re.compile("server.log"))).to_be_visible()


def test_nothing_leaves_while_a_file_stands_there_that_failed(windows: Windows) -> None:
    number = ask(windows.page("ada"), "One of two files", department="Support")
    agent = at(windows, "supervisor", number)
    body(agent).fill("Both logs for you.")
    agent.route("**/files", lambda route: route.abort())
    agent.locator("#files").set_input_files([LOG])
    expect(agent.get_by_role("alert")).to_contain_text("could not be sent")
    windows.problems.clear()
    agent.unroute("**/files")
    agent.locator("#files").set_input_files([{**LOG, "name": "second.log"}])
    expect(agent.get_by_role("checkbox", name=re.compile("second.log"))).to_be_checked()

    agent.locator("[data-send]").click()
    expect(agent.get_by_role("alert").last).to_have_text("Nothing was sent yet. Try this file again or remove it.")
    expect(agent.get_by_role("button", name="Try again")).to_be_focused()
    agent.keyboard.press("Enter")
    expect(agent.get_by_role("checkbox", name=re.compile("server.log"))).to_be_checked()
    agent.locator("[data-send]").click()
    entry = agent.locator("#thread article").last
    expect(entry.get_by_role("link", name=re.compile("server.log"))).to_be_visible()
    expect(entry.get_by_role("link", name=re.compile("second.log"))).to_be_visible()


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_the_composer_with_all_of_it_has_no_finding(windows: Windows, size: dict[str, int]) -> None:
    number = ask(windows.page("ada"), "All of it", department="Support")
    other = at(windows, "supervisor", number)
    typed(other, "Another text")
    agent = at(windows, "supervisor", number)
    agent.set_viewport_size(size)  # type: ignore[arg-type]
    body(agent).fill("Here it is, attached.")
    expect(agent.locator("[data-draft-sign]")).to_have_text("Draft saved")
    typed(other, " and more")
    agent.reload()
    agent.get_by_text("Add copies").click()
    for scheme in ("light", "dark"):
        agent.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        assert sideways(agent) + findings(agent) == []


def test_a_reply_goes_to_somebody_else_after_a_second_look_and_their_answer_comes_back(windows: Windows) -> None:
    number = ask(windows.page("ada"), "Ask the architect", department="Support")
    agent, admin = at(windows, "supervisor", number), windows.page("admin")
    to = agent.locator("#reply-to")
    expect(to).to_have_value("ada@northwind.example")
    to.fill("kim@architects.example")
    body(agent).fill("May this wall go?")
    agent.locator("[data-send]").click()
    expect(agent.get_by_role("alert")).to_contain_text("It goes to architects.example, where nobody takes part")
    expect(to).to_have_value("kim@architects.example")
    assert findings(agent) == []
    agent.get_by_role("button", name="Send anyway").click()
    entry = agent.locator("#thread article").last
    expect(entry).to_contain_text("May this wall go?")
    expect(entry.locator(".sent-to")).to_have_text("To kim@architects.example")
    expect(to).to_have_value("ada@northwind.example")

    expect(mail(admin, "kim@architects.example", re.compile("Ask the architect"))).to_contain_text("May this wall go?")
    admin.get_by_label("Answer as kim@architects.example").fill("It may.")
    admin.get_by_role("button", name="Send the answer").click()
    agent.reload()
    reload_until_there(agent, lambda: agent.locator("#thread").get_by_text("It may."))
    expect(agent.locator("#thread article").last).not_to_contain_text("Unverified")
