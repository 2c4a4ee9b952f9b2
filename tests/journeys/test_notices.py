"""Notices as a person sets them, a ticket followed and read, and going away: with a browser, on both kinds of screens."""

import re

from playwright.sync_api import Page, expect

from tests.journeys.deeds import ask
from tests.journeys.test_faces import findings, sideways
from tests.journeys.windows import PHONE, Windows


def box(page: Page, name: str):
    return page.get_by_role("checkbox", name=name, exact=True)


def test_a_person_chooses_what_they_hear_and_goes_back_to_the_default(windows: Windows) -> None:
    page = windows.page("agent2")
    page.goto("/admin/notifications/preferences")
    usual = box(page, "A customer replied: use the default")
    expect(usual).to_be_checked()

    box(page, "A customer replied: in the joint mail").check()
    expect(usual).not_to_be_checked()
    expect(box(page, "A customer replied: by mail at once")).not_to_be_checked()
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(box(page, "A customer replied: in the joint mail")).to_be_checked()
    expect(usual).not_to_be_checked()

    usual.check()
    expect(box(page, "A customer replied: by mail at once")).to_be_checked()
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(usual).to_be_checked()
    assert findings(page) == []


def test_quiet_times_are_kept_and_fit_a_phone(windows: Windows) -> None:
    page = windows.page("agent2")
    page.set_viewport_size(PHONE)
    page.goto("/admin/notifications/preferences")
    page.get_by_role("group", name="Quiet from the evening of").get_by_label("Mon").check()
    page.get_by_label("From", exact=True).fill("19:00")
    page.locator("#plan").get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_role("group", name="Quiet from the evening of").get_by_label("Mon")).to_be_checked()
    assert sideways(page) == []
    assert findings(page) == []


def test_opening_a_ticket_reads_its_notices_and_its_bell_is_chosen_there(windows: Windows) -> None:
    agent = windows.page("supervisor")
    number = ask(windows.page("ada"), "Tell me of this one", department="Support")
    agent.goto(f"/admin/tickets/{number}")
    agent.get_by_role("button", name="Notices of this ticket").click()
    agent.get_by_role("button", name="Follow: as if it were mine").click()
    expect(agent.get_by_text("You follow this ticket")).to_be_visible()
    assert findings(agent) == []

    ada = windows.page("ada")
    ada.goto(f"/portal/tickets/{number}")
    ada.get_by_label("Your message").fill("Are you there?")
    ada.get_by_role("button", name="Send reply").click()
    expect(ada.get_by_text("Are you there?").first).to_be_visible()
    agent.goto("/admin/notifications/?only=unread")
    line = agent.get_by_role("button", name=re.compile("Tell me of this one"))
    expect(line).to_have_count(1)
    with agent.expect_response(lambda answer: answer.url.endswith("/admin/notifications/read")):
        agent.goto(f"/admin/tickets/{number}")
    agent.goto("/admin/notifications/?only=unread")
    expect(line).to_have_count(0)


def test_somebody_goes_away_for_an_hour_and_comes_back(windows: Windows) -> None:
    page = windows.page("agent2")
    page.goto("/admin/my-day/")
    page.get_by_role("button", name=re.compile("your account")).click()
    page.get_by_text("Away…").click()
    page.get_by_label("For", exact=True).select_option("1")
    page.get_by_label("Reason").fill("At the dentist")
    page.get_by_role("button", name="Go away").click()
    expect(page.get_by_text("You are away until")).to_be_visible()

    page.get_by_role("button", name=re.compile("your account")).click()
    expect(page.locator("#me summary")).to_contain_text("Away until")
    assert findings(page) == []
    page.get_by_role("button", name="Available").click()
    expect(page.get_by_text("You are now: Available.")).to_be_visible()
