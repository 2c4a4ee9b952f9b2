"""A customer's whole way: in, a question with a file, an answer, the end, and again; colleagues, strangers and guests."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.deeds import LOG, add, ask, link_in, mail, send
from tests.journeys.windows import CUSTOMERS, Windows


def subjects(page: Page) -> list[str]:
    return page.locator(".tickets a.subject").all_inner_texts()


def test_a_customer_asks_gets_an_answer_closes_and_reopens(windows: Windows) -> None:
    ada = windows.page("ada")
    number = ask(
        ada,
        "Licence refused on the second server",
        "It says <b>no</b>.\nSince Monday.",
        category="License Issues",
        department="Support",
        priority="High",
        files=[LOG],
    )
    expect(ada.get_by_text("It says <b>no</b>.")).to_be_visible()
    expect(ada.get_by_text("High priority")).to_be_visible()
    with ada.expect_download() as download:
        ada.get_by_role("link", name="server.log").click()
    assert download.value.path().read_bytes() == LOG["buffer"]

    agent = windows.page("supervisor")
    agent.goto(f"/admin/tickets/{number}")
    agent.get_by_role("radio", name="Internal note").check()
    agent.get_by_label("Message", exact=True).fill("Only for us: bought twice")
    agent.get_by_role("button", name="Add note").click()
    expect(agent.get_by_role("article", name=re.compile("Internal note by"))).to_be_visible()
    send(agent, number, "Which server is it?", "wait")

    ada.goto("/portal/tickets")
    row = ada.get_by_role("row").filter(has_text="Licence refused on the second server")
    expect(row).to_contain_text(f"#{number}")
    expect(row).to_contain_text("Waiting for you")
    expect(row).to_contain_text("Support")
    row.get_by_role("link").click()
    expect(ada.get_by_role("heading", name="We wait for your answer")).to_be_visible()
    expect(ada.get_by_text("Which server is it?")).to_be_visible()
    expect(ada.get_by_text(re.compile("^System · ")).first).to_be_visible()
    assert "bought twice" not in ada.content()

    ada.get_by_label("Your message").fill("The second one, see the log")
    ada.get_by_label("Files").set_input_files([{**LOG, "name": "second.log"}])
    expect(ada.get_by_text("second.log: sent")).to_be_attached()
    ada.get_by_role("button", name="Send reply").click()
    expect(ada.get_by_role("link", name="second.log")).to_be_visible()

    ada.get_by_text("Close this ticket").click()
    ada.get_by_label("A last message").fill("A restart was enough")
    ada.get_by_role("button", name="Close ticket").click()
    expect(ada.get_by_role("heading", name="This ticket is closed")).to_be_visible()
    expect(ada.get_by_text("A restart was enough")).to_be_visible()

    ada.get_by_label("What is still happening?").fill("It is back")
    ada.get_by_role("button", name="Send reply").click()
    expect(ada.get_by_text("It is back")).to_be_visible()
    expect(ada.get_by_role("heading", name="This ticket is closed")).to_have_count(0)
    assert "bought twice" not in ada.content()


def test_colleagues_answer_each_other_and_strangers_find_nothing(windows: Windows) -> None:
    number = ask(windows.page("ada"), "Shifts of the night team are gone")

    bob = windows.page("bob")
    bob.goto("/portal/tickets")
    expect(bob.get_by_role("row").filter(has_text="Shifts of the night team")).to_contain_text("from Ada Sørensen")
    bob.get_by_role("link", name="Shifts of the night team are gone").click()
    bob.get_by_label("Your message").fill("I see it, too")
    bob.get_by_role("button", name="Send reply").click()
    expect(bob.get_by_role("article", name=re.compile("Bob Keller"))).to_contain_text("I see it, too")

    eve = windows.page("eve")
    answer = eve.goto(f"/portal/tickets/{number}")
    assert answer and answer.status == 404
    eve.goto("/portal/tickets?tab=all&q=night+team")
    assert subjects(eve) == []


def test_my_tickets_are_found_by_tab_words_number_and_order(windows: Windows) -> None:
    ada = windows.page("ada")
    number = ask(ada, "Zebra crossing in the floor plan", "The words elephant and giraffe stand only here.")

    ada.goto("/portal/tickets")
    tabs = ada.get_by_role("navigation", name="Which tickets")
    counts = {
        name: int(tabs.get_by_role("link", name=name).locator(".n").inner_text()) for name in ("Open", "Closed", "All")
    }
    assert counts["Open"] + counts["Closed"] == counts["All"]
    for name in ("Closed", "All", "Open"):
        tabs.get_by_role("link", name=name).click()
        expect(tabs.get_by_role("link", name=name)).to_have_attribute("aria-current", "page")
        assert len(subjects(ada)) == counts[name] or ada.get_by_role("navigation", name="Pages").is_visible()

    for words in (str(number), "zebra floor", "giraffe"):
        ada.get_by_label("Search your tickets").fill(words)
        ada.get_by_role("button", name="Search").click()
        expect(ada.get_by_role("link", name="Zebra crossing in the floor plan")).to_be_visible()

    ada.goto("/portal/tickets?tab=all")
    ada.get_by_role("columnheader", name="Number").get_by_role("link").click()
    expect(ada.get_by_role("columnheader", name="Number")).to_have_attribute("aria-sort", re.compile("ending"))
    numbers = [int(text.lstrip("#")) for text in ada.locator("td.c-n").all_inner_texts()]
    assert numbers in (sorted(numbers), sorted(numbers, reverse=True)) and len(numbers) > 3


def test_no_note_of_the_team_reaches_a_customer(windows: Windows) -> None:
    """Ada's first ticket of the demo has two notes."""
    ada = windows.page("ada")
    ada.goto("/portal/tickets?tab=all&q=calendar+sync")
    ada.get_by_role("link", name="Calendar sync shows meetings one hour late").click()
    expect(ada.get_by_text("the fix went live last night")).to_be_visible()
    for canary in ("Kallio", "connector keeps the zone", "4.12.1, goes out", "nternal note"):
        assert canary not in ada.content()
    ada.goto("/portal/tickets?tab=all&q=connector")
    assert subjects(ada) == []


def test_a_link_by_mail_signs_in_once(windows: Windows) -> None:
    page = windows.stranger()
    page.goto("/portal/")
    page.get_by_label("Email address").fill(CUSTOMERS["bob"])
    page.get_by_role("button", name="Send me a link").click()
    expect(page.get_by_role("heading", name="Check your mail")).to_be_visible()

    link = link_in(mail(windows.page("admin"), CUSTOMERS["bob"], re.compile("sign", re.I)), "/portal/link/")
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="My tickets")).to_be_visible()

    again = windows.stranger()
    answer = again.goto(link)
    assert answer and answer.status >= 400


def test_a_guest_writes_and_proves_the_address(windows: Windows) -> None:
    page = windows.stranger()
    page.goto("/portal/contact")
    page.get_by_label("Your name").fill("Gus Guest")
    page.get_by_label("Email address").fill("gus@journey.example")
    page.get_by_label("Subject").fill("Where is my invoice?")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("Please write what happens.")).to_be_visible()
    expect(page.get_by_label("Your name")).to_have_value("Gus Guest")
    page.get_by_label("What can we do for you?").fill("I cannot find it")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("heading", name="Thank you, one more step")).to_be_visible()

    page.goto(
        link_in(
            mail(windows.page("admin"), "gus@journey.example", re.compile("invoice|address|confirm", re.I)),
            "/portal/prove/",
        )
    )
    page.get_by_role("button", name="Yes, show my ticket").click()

    expect(page.get_by_text("I cannot find it")).to_be_visible()
    page.get_by_role("link", name="My tickets").first.click()
    expect(page.get_by_role("link", name="Where is my invoice?")).to_be_visible()


def test_the_help_center_is_searched_by_anybody_and_answers_while_a_subject_is_typed(windows: Windows) -> None:
    admin = windows.page("admin")
    add(
        admin,
        "/admin/articles/",
        Title="Move a licence to another server",
        Text="Free it on the **old** server first.",
        Published=True,
    )
    expect(admin.get_by_role("link", name="Move a licence to another server")).to_be_visible()

    page = windows.stranger()
    page.goto("/help/")
    page.get_by_label("Search the help center").fill("licence server")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="Move a licence to another server").click()
    expect(page.get_by_text("Free it on the old server first.")).to_be_visible()

    ada = windows.page("ada")
    ada.goto("/portal/tickets/new")
    ada.get_by_label("Subject").press_sequentially("How do I move a licence")
    expect(ada.get_by_role("link", name=re.compile("Move a licence"))).to_be_visible()


@pytest.mark.parametrize("size", ["empty", "too large"])
def test_what_is_missing_or_too_much_is_said_and_nothing_is_lost(windows: Windows, size: str) -> None:
    page = windows.page("eve")
    page.goto("/portal/tickets/new")
    page.get_by_label("Subject").fill("Kept subject\r\nBcc: x@y.example <b>é 漢 ع</b> 🎈")
    if size == "too large":
        page.get_by_label("What happens?").fill("Words that stay")
        page.get_by_label("Files").set_input_files(
            [{"name": "huge.bin", "mimeType": "application/octet-stream", "buffer": b"x" * (11 << 20)}]
        )
        expect(page.get_by_text("too large, at most 10 MB").first).to_be_visible()
        return
    page.get_by_role("button", name="Send ticket").click()
    expect(page.get_by_text("Please write what happens.")).to_be_visible()
    expect(page.get_by_label("Subject")).to_have_value(re.compile("Kept subject.*🎈"))


def test_the_main_path_works_without_script(windows: Windows) -> None:
    page = windows.stranger(script=False)
    page.goto("/portal/login")
    page.get_by_label("Email address").fill(CUSTOMERS["eve"])
    page.get_by_label("Password", exact=True).fill("journeys walk on foot")
    page.get_by_role("button", name="Sign in").click()
    page.goto("/portal/tickets/new")
    page.get_by_label("Subject").fill("Plain question")
    page.get_by_label("What happens?").fill("Nothing")
    page.get_by_label("Files").set_input_files({**LOG, "name": "plain.log"})
    page.get_by_role("button", name="Send ticket").click()
    expect(page.get_by_role("link", name="plain.log")).to_be_visible()
    page.get_by_label("Your message").fill("One more word")
    page.get_by_role("button", name="Send reply").click()
    expect(page.get_by_text("One more word")).to_be_visible()
    page.goto("/portal/tickets")
    expect(page.get_by_role("link", name="Plain question")).to_be_visible()
