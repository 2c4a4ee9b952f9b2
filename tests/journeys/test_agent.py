"""An agent's day: the list, the ticket's page, answers and notes, properties in place, the keys."""

import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.journeys.deeds import LOG, ask, mail, reload_until_there, send
from tests.journeys.test_faces import findings
from tests.journeys.windows import PHONE, WIDE, Windows

NAMES = {"Lena Fischer": "agent", "Marco Bianchi": "agent2"}


def shown(page: Page) -> list[str]:
    return page.locator(".tickets a.subject").all_inner_texts()


def total(page: Page) -> int:
    """Of the whole list, as its foot says: 1–25 of 37."""
    return (
        int(page.get_by_role("navigation", name="Pages", exact=True).inner_text().split(" of ")[1].split()[0])
        if shown(page)
        else 0
    )


def details(page: Page, name: str) -> Locator:
    return page.get_by_role("complementary", name="Ticket details").get_by_label(name, exact=True)


def chosen(page: Page, name: str) -> str:
    return str(details(page, name).evaluate("field => field.selectedOptions[0].textContent"))


def change(page: Page, name: str, value: str | re.Pattern[str]) -> None:
    """A property beside the ticket saves itself and says so."""
    option = details(page, name).locator("option").filter(has_text=value).first
    with page.expect_response(lambda answer: answer.url.partition("?")[0].endswith("/properties")) as saved:
        details(page, name).select_option(value=option.get_attribute("value"))
    assert saved.value.ok


def test_a_new_ticket_arrives_assigned_with_a_notice_in_the_desk_and_by_mail(windows: Windows) -> None:
    number = ask(windows.page("ada"), "Arrives with an owner", department="Support")

    supervisor = windows.page("supervisor")
    supervisor.goto(f"/admin/tickets/{number}")
    reload_until_there(supervisor, lambda: supervisor.get_by_text(re.compile("^Why (Lena Fischer|Marco Bianchi): ")))
    name = chosen(supervisor, "Assignee").split(" (")[0]

    agent = windows.page(NAMES[name])
    agent.goto("/admin/notifications/")
    notice = agent.get_by_role("listitem").filter(has_text="Arrives with an owner")
    expect(notice).to_have_count(1)
    expect(agent.get_by_role("link", name=re.compile(r"Notices, \d+ unread"))).to_be_visible()
    notice.get_by_role("button").click()
    expect(agent).to_have_url(re.compile(f"/admin/tickets/{number}"))
    agent.goto("/admin/tickets/?view=mine&q=Arrives+with")
    assert [text.splitlines()[-1] for text in shown(agent)][:1] == ["Arrives with an owner"]
    expect(
        mail(windows.page("admin"), f"{NAMES[name]}@deskhand.example", re.compile("Arrives with an owner"))
    ).to_contain_text("It stopped this morning.")


def test_every_tab_counts_what_it_lists(windows: Windows) -> None:
    agent = windows.page("agent")
    for name in ("My tickets", "Unassigned", "Urgent", "Needs response", "All open"):
        agent.goto("/admin/tickets/")
        tab = agent.get_by_role("navigation", name="Queues").get_by_role("link", name=name)
        tab.click()
        expect(tab).to_have_attribute("aria-current", "page")
        assert int(tab.locator(".n").inner_text()) == total(agent), name


def test_the_list_is_filtered_searched_and_sorted_by_its_address(windows: Windows) -> None:
    agent = windows.page("agent")
    agent.goto("/admin/tickets/?view=everything")
    whole = total(agent)
    agent.locator("summary").filter(has_text="Filter").click()
    agent.get_by_role("form", name="Filter tickets").get_by_label("Priority").select_option(label="High")
    agent.get_by_role("button", name="Apply").click()
    expect(agent.get_by_role("list", name="Filters in use")).to_contain_text("High")
    assert 0 < total(agent) < whole
    assert {text.strip() for text in agent.locator("td.c-prio").all_inner_texts()} == {"High"}
    agent.get_by_role("columnheader", name="Number").get_by_role("link", name="Number").click()
    numbers = [int(text.lstrip("#")) for text in agent.locator("td.c-subj .meta .num").all_inner_texts()]
    assert numbers == sorted(numbers, reverse=True)
    agent.reload()
    assert [int(text.lstrip("#")) for text in agent.locator("td.c-subj .meta .num").all_inner_texts()] == numbers

    for words in ("calendar sync", "dispatch team has missed"):
        agent.goto("/admin/tickets/?view=everything")
        agent.get_by_role("searchbox", name="Search tickets").fill(words)
        agent.keyboard.press("Enter")
        expect(agent.locator("a.subject").filter(has_text="Calendar sync")).to_be_visible()
    agent.get_by_role("searchbox", name="Search tickets").fill("#1001")
    agent.keyboard.press("Enter")
    expect(agent.get_by_role("heading", name="Calendar sync shows meetings one hour late")).to_be_visible()
    agent.goto("/admin/tickets/?q=xyzzyplugh")
    expect(agent.get_by_role("heading", name="No ticket fits")).to_be_visible()


def test_enter_takes_the_canned_response_of_the_whole_word_even_when_its_list_comes_late(windows: Windows) -> None:
    number = ask(windows.page("ada"), "The scanner sings", department="Support")
    agent = windows.page("agent")
    agent.goto(f"/admin/tickets/{number}")
    held: list[Route] = []
    agent.route("**/canned?q=hello", lambda route: held.append(route))
    body = agent.get_by_label("Message", exact=True)
    body.press_sequentially("/")
    expect(agent.locator("#completion").get_by_role("option").first).to_be_visible()
    expect(agent.locator("#completion").get_by_role("option").first).not_to_contain_text("/hello")
    body.press_sequentially("hello")
    body.press("Enter")
    agent.wait_for_timeout(200)
    assert held
    held[0].continue_()
    expect(body).to_have_value(re.compile("Hello Ada"))


def test_an_agent_answers_notes_and_decides_how_it_goes_on(windows: Windows) -> None:
    ada, agent = windows.page("ada"), windows.page("agent")
    number = ask(ada, "Printer speaks Latin", department="Support", category="Technical Support")
    agent.goto(f"/admin/tickets/{number}")
    expect(agent.get_by_role("complementary", name="Ticket details")).to_contain_text("Northwind Logistics")
    expect(agent.get_by_role("heading", name="Other tickets")).to_be_visible()

    body = agent.get_by_label("Message", exact=True)
    body.press_sequentially("/hel")
    expect(agent.locator("#completion").get_by_role("option").filter(has_text="/hello")).to_be_visible()
    agent.keyboard.press("Enter")
    expect(body).to_have_value(re.compile(r"Hello Ada Sørensen,[\s\S]*Lena Fischer"))
    agent.locator("#files").set_input_files(LOG)
    expect(agent.get_by_text("server.log")).to_be_visible()
    agent.get_by_role("button", name="More ways to send").click()
    agent.locator("#send-menu").get_by_role("button", name="wait").click()
    reply = agent.get_by_role("article", name="Reply from Lena Fischer")
    expect(reply).to_contain_text("thank you for your message")
    expect(reply.get_by_role("link", name="server.log")).to_be_visible()
    expect(agent.locator("#ws-signs")).to_contain_text("Waiting")

    agent.get_by_role("radio", name="Internal note").check()
    body = agent.get_by_label("Message", exact=True)
    body.fill("He prints hymns")
    agent.get_by_role("button", name="Add note").click()
    note = agent.get_by_role("article", name="Internal note by Lena Fischer")
    expect(note).to_contain_text("He prints hymns")
    expect(note).to_contain_text("Internal note")

    send(agent, number, "We gave it a dictionary.", "resolve")
    expect(agent.locator("#ws-signs")).to_contain_text("Resolved")
    ada.reload()
    expect(ada.get_by_role("heading", name="Is it solved?")).to_be_visible()
    expect(ada.get_by_text("We gave it a dictionary.")).to_be_visible()
    assert "hymns" not in ada.content()


def test_properties_are_changed_in_place_and_told_in_the_timeline(windows: Windows) -> None:
    supervisor = windows.page("supervisor")
    number = ask(windows.page("ada"), "Every property changes", department="Support")
    supervisor.goto(f"/admin/tickets/{number}")
    reload_until_there(supervisor, lambda: supervisor.get_by_text(re.compile("^Why (Lena Fischer|Marco Bianchi): ")))
    other = "Lena Fischer" if chosen(supervisor, "Assignee").startswith("Marco") else "Marco Bianchi"
    changes = {"Priority": "Critical", "Category": "Feature Request", "Status": "On Hold", "Assignee": other}
    for name, value in changes.items():
        change(supervisor, name, value)
        expect(supervisor.locator("#ws-timeline")).to_contain_text(value)
    supervisor.reload()
    assert [chosen(supervisor, name).split(" (")[0] for name in changes] == list(changes.values())

    change(supervisor, "Department", "Billing")
    expect(supervisor.locator("#ws-timeline")).to_contain_text("Billing")
    assert chosen(supervisor, "Department") == "Billing"
    change(supervisor, "Status", "Closed")
    expect(supervisor.locator("#ws-signs")).to_contain_text("Closed")
    supervisor.reload()
    change(supervisor, "Status", "Open")
    expect(supervisor.locator("#ws-signs")).to_contain_text("Open")


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_a_click_on_the_badges_of_a_ticket_leads_to_their_choices(windows: Windows, size: dict[str, int]) -> None:
    number = ask(windows.page("ada"), "Badges to press", department="Support")
    supervisor = windows.page("supervisor")
    supervisor.set_viewport_size(size)  # type: ignore[arg-type]
    supervisor.goto(f"/admin/tickets/{number}")
    assert findings(supervisor) == []

    supervisor.locator("#ws-signs").get_by_role("button", name="Change priority: Normal").click()
    choice = supervisor.get_by_label("Priority", exact=True)
    expect(choice).to_be_focused()
    expect(choice).to_be_in_viewport()
    choice.select_option(label="Critical")
    expect(supervisor.locator("#ws-signs").get_by_role("button", name="Change priority: Critical")).to_be_visible()
    supervisor.locator("#ws-signs").get_by_role("button", name="Change status: Open").press("Enter")
    expect(supervisor.get_by_label("Status", exact=True)).to_be_focused()


def test_a_ticket_is_opened_on_behalf_of_a_customer(windows: Windows) -> None:
    agent = windows.page("agent")
    agent.goto("/admin/tickets/")
    agent.keyboard.press("c")
    expect(agent.get_by_role("heading", name="New ticket")).to_be_visible()
    agent.get_by_label("Customer's address").press_sequentially("ada@")
    agent.get_by_label("Customer's address").fill("ada@northwind.example")
    agent.get_by_role("radio", name=re.compile("The customer wrote or called")).check()
    agent.get_by_label("Subject").fill("Ada called about her invoice")
    agent.get_by_role("textbox", name="Message").fill("She wants it on paper.")
    agent.get_by_role("button", name="Open ticket").click()
    expect(agent.get_by_role("article", name="Message from Ada Sørensen")).to_contain_text("She wants it on paper.")


def test_the_keys_move_open_answer_and_send(windows: Windows) -> None:
    ask(windows.page("ada"), "Reached by keys alone", department="Support")
    agent = windows.page("agent")
    agent.goto("/admin/tickets/")
    agent.keyboard.press("j")
    agent.keyboard.press("j")
    agent.keyboard.press("k")
    expect(agent.locator(".tickets tbody tr").first).to_have_class(re.compile("cursor"))
    agent.keyboard.press("x")
    expect(agent.get_by_role("region", name="Bulk actions")).to_contain_text("1")
    agent.keyboard.press("x")
    expect(agent.get_by_role("region", name="Bulk actions")).to_be_hidden()
    agent.keyboard.press("/")
    expect(agent.get_by_role("combobox", name="Words, a number")).to_be_focused()
    agent.keyboard.type("keys alone")
    agent.keyboard.press("Enter")
    expect(agent.locator("a.subject")).to_have_count(1)
    agent.keyboard.press("j")
    agent.keyboard.press("Enter")

    expect(agent.get_by_role("heading", name="Reached by keys alone")).to_be_visible()
    agent.wait_for_load_state()  # its keys are there
    agent.keyboard.press("n")
    expect(agent.get_by_role("radio", name="Internal note")).to_be_checked()
    agent.keyboard.type("Typed, not clicked")
    agent.keyboard.press("Control+Enter")
    expect(agent.get_by_role("article", name="Internal note by Lena Fischer")).to_contain_text("Typed, not clicked")
    agent.locator("#thread").focus()
    agent.keyboard.press("r")
    expect(agent.get_by_role("radio", name="Reply")).to_be_checked()
    agent.keyboard.type("Sent without a mouse")
    agent.keyboard.press("Control+Enter")
    expect(agent.get_by_role("article", name="Reply from Lena Fischer")).to_contain_text("Sent without a mouse")
    agent.locator("#thread").focus()
    agent.keyboard.press("u")
    expect(agent.get_by_role("navigation", name="Queues")).to_be_visible()
    agent.keyboard.press("Control+k")
    expect(agent.locator("#palette")).to_be_visible()
