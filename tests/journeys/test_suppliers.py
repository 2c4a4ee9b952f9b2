"""A supplier is asked from a ticket and answers by mail; the customer's page shows nothing of it. In a browser."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.journeys.deeds import add, ask, mail, reload_until_there
from tests.journeys.test_faces import findings, sideways
from tests.journeys.windows import PHONE, WIDE, Windows

QUESTION = "Do you have a fuser unit for a PW-300 on the shelf?"
ANSWER = "Two of them, and they leave today."


def test_a_supplier_is_asked_and_answers_where_no_customer_sees_it(windows: Windows) -> None:
    admin, customer = windows.page("admin"), windows.page("ada")
    number = ask(customer, "The printer needs a part", department="Support")
    add(admin, "/admin/suppliers/", Company="Printer Works", Contact_people="Jo Kim <jo@maker.example>")

    agent = windows.page("supervisor")
    agent.goto(f"/admin/tickets/{number}")
    expect(agent.locator("#thread").get_by_text("It stopped this morning.")).to_be_visible()
    agent.keyboard.press("s")
    expect(agent.get_by_text("Goes to a supplier. The customer does not see this.")).to_be_visible()
    agent.locator("#reply-contact").select_option(label="Printer Works – Jo Kim <jo@maker.example>")
    agent.get_by_label("Message", exact=True).fill(QUESTION)
    agent.get_by_label("Subject", exact=True).fill("A fuser unit")
    agent.get_by_text("Send earlier messages and files along").click()
    agent.get_by_role("checkbox", name=re.compile("It stopped this morning")).check()
    agent.get_by_role("button", name="Send to the supplier").click()
    expect(agent.locator("#thread").get_by_text(QUESTION)).to_be_visible()
    expect(agent.locator("#thread").get_by_text("To the supplier Printer Works")).to_be_visible()

    expect(mail(admin, "jo@maker.example", re.compile("A fuser unit"))).to_contain_text("It stopped this morning.")
    admin.get_by_label("Answer as jo@maker.example").fill(ANSWER)
    admin.get_by_role("button", name="Send the answer").click()
    agent.reload()
    reload_until_there(agent, lambda: agent.locator("#thread").get_by_text(ANSWER))
    expect(agent.locator("#thread .msg.supplier").get_by_text("Supplier: Printer Works")).to_be_visible()

    customer.goto(f"/portal/tickets/{number}")
    expect(customer.get_by_text("It stopped this morning.")).to_be_visible()
    for words in (QUESTION, ANSWER, "Printer Works"):
        expect(customer.get_by_text(words)).to_have_count(0)


def test_the_composer_for_a_supplier_is_whole_on_every_screen(windows: Windows) -> None:
    add(windows.page("admin"), "/admin/suppliers/", Company="Network Movers", Contact_people="desk@movers.example")
    number = ask(windows.page("ada"), "The network needs a hand", department="Support")

    for size in (WIDE, PHONE):
        page = windows.page("supervisor")
        page.set_viewport_size(size)
        page.goto(f"/admin/tickets/{number}")
        page.get_by_role("radio", name=re.compile("Ask supplier")).check(force=True)
        page.get_by_text("Send earlier messages and files along").click()
        expect(page.locator("#reply-contact")).to_be_visible()
        expect(page.get_by_label("To", exact=True).filter(visible=True)).to_have_count(1)

        assert sideways(page) + findings(page) == []


def test_a_question_for_later_is_taken_back_with_all_that_was_chosen_and_leaves_at_once_when_asked(
    windows: Windows,
) -> None:
    add(windows.page("admin"), "/admin/suppliers/", Company="Paper Mill", Contact_people="jo@mill.example")
    number = ask(windows.page("ada"), "No paper is left", department="Support")
    agent = windows.page("supervisor")
    agent.goto(f"/admin/tickets/{number}")
    expect(agent.locator("#thread").get_by_text("It stopped this morning.")).to_be_visible()
    agent.keyboard.press("s")
    agent.locator("#reply-contact").select_option(label="Paper Mill – jo@mill.example")
    agent.get_by_label("Subject", exact=True).fill("Ten boxes")
    agent.get_by_label("Message", exact=True).fill("Too early")
    put_off(agent)
    waits = agent.get_by_role("article", name=re.compile("Question to a supplier"))
    expect(waits).to_contain_text("Ten boxes")
    expect(waits).to_contain_text("Leaves on")
    assert findings(agent) == []
    waits.get_by_role("button", name="Undo").click()
    expect(agent.get_by_text("You took this question back")).to_be_visible()
    expect(agent.get_by_label("Message", exact=True)).to_have_value("Too early")
    expect(agent.get_by_label("Subject", exact=True)).to_have_value("Ten boxes")
    expect(agent.locator("#reply-contact").locator("option:checked")).to_have_text("Paper Mill – jo@mill.example")

    agent.get_by_label("Message", exact=True).fill("Ten boxes of A4, please.")
    put_off(agent)
    expect(waits).to_contain_text("Leaves on")
    waits.get_by_role("button", name="Send now").click()
    expect(agent.locator("#thread .msg.asked:not(.leaving)")).to_contain_text(
        "Ten boxes of A4, please.", timeout=40_000
    )
    expect(agent.locator("#thread .msg.asked").get_by_text("To the supplier Paper Mill")).to_be_visible()


def put_off(agent: Page) -> None:
    agent.get_by_role("button", name="Send later").click()
    agent.get_by_label("Send the question on").fill("2027-03-01T09:00")
    agent.locator("#ask-later").get_by_role("button", name="Send later").click()
