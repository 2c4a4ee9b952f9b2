"""A supplier is asked from a ticket and answers by mail; the customer's page shows nothing of it. In a browser."""

from __future__ import annotations

import re

from playwright.sync_api import expect

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
        expect(page.get_by_label("To", exact=True)).to_be_visible()

        assert sideways(page) + findings(page) == []
