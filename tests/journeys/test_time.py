"""Time as a person keeps it: a timer that is seen everywhere, time by hand and with an answer, a budget, a report, on a phone too."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.journeys.deeds import ask
from tests.journeys.test_faces import findings, sideways
from tests.journeys.windows import PHONE, Windows


def test_a_timer_runs_through_the_desk_and_its_time_goes_with_a_note(windows: Windows) -> None:
    number = ask(windows.page("ada"), "How long does this take?", department="Support")
    boss = windows.page("supervisor")
    boss.goto(f"/admin/tickets/{number}")
    boss.get_by_role("button", name="Start the timer").click()
    expect(boss.locator("#d-time").get_by_role("button", name="Stop and log")).to_be_visible()
    expect(boss.locator(".side [data-timing]")).to_contain_text(str(number))

    other = windows.page("supervisor")
    other.goto("/admin/dashboard/")
    chip = other.locator(".side [data-timing]")
    expect(chip.get_by_role("link")).to_have_attribute("href", f"/admin/tickets/{number}")
    chip.get_by_role("button", name="Pause the timer").click()
    expect(chip.get_by_role("button", name="Let the timer go on")).to_be_visible()
    assert findings(other) == []
    boss.reload()
    expect(boss.locator("#d-time").get_by_role("button", name="Go on")).to_be_visible()

    boss.get_by_text("Internal note").first.click()
    boss.locator("#reply-body").fill("I looked at it.")
    boss.locator(".spent summary").click()
    boss.get_by_label("Activity").first.select_option(label="Analysis")
    boss.get_by_label("Log the timer instead and stop it").check()
    boss.get_by_role("button", name="Add note").click()
    expect(boss.locator("#thread")).to_contain_text("I looked at it.")
    expect(boss.locator("#thread")).to_contain_text("Analysis")
    expect(boss.locator("#d-time")).to_contain_text("1 min spent")
    expect(boss.locator(".side [data-timing]")).to_be_hidden()


def test_time_by_hand_is_changed_counted_against_a_budget_and_reported(windows: Windows) -> None:
    number = ask(windows.page("ada"), "A long matter", department="Support")
    boss = windows.page("supervisor")
    boss.goto(f"/admin/tickets/{number}")
    part = boss.locator("#d-time")
    part.get_by_label("Time spent").fill("soon")
    part.get_by_role("button", name="Log time").click()
    expect(part.get_by_role("alert")).to_contain_text("Write it as 1h 20m")
    part.get_by_label("Time spent").fill("1h 20m")
    part.get_by_role("button", name="Log time").click()
    expect(part).to_contain_text("1 h 20 min spent")
    expect(boss.locator("#ws-timeline")).to_contain_text("logged time: 1 h 20 min")

    part.get_by_role("button", name="Set a budget").click()
    boss.get_by_label("Time budget").fill("1.5h")
    boss.locator("#set-budget").get_by_role("button", name="Save").click()
    expect(part).to_contain_text("10 min of 1 h 30 min left")
    expect(part).to_contain_text("Nearly used")
    assert findings(boss) == []

    part.get_by_role("link", name="Entries and sums").click()
    sheet = boss.get_by_role("dialog")
    expect(sheet).to_contain_text("By activity")
    sheet.get_by_role("link", name=re.compile("Change the entry of")).click()
    expect(sheet.get_by_role("heading", name="Change a time entry")).to_be_visible()
    sheet.get_by_label("Time spent").fill("2:00")
    sheet.get_by_role("button", name="Save").click()
    expect(boss.get_by_role("heading", name=re.compile(f"Time of .*{number}"))).to_be_visible()
    expect(boss.locator(".timelist")).to_contain_text("2 h")
    boss.goto(f"/admin/tickets/{number}")
    expect(part).to_contain_text("30 min over 1 h 30 min")

    boss.goto("/admin/reports/time/?by=ticket&span=year")
    expect(boss.get_by_role("link", name=re.compile("A long matter"))).to_be_visible()
    ada = windows.page("ada")
    ada.goto(f"/portal/tickets/{number}")
    expect(ada.get_by_text("A long matter").first).to_be_visible()
    expect(ada.get_by_text(re.compile("logged time|2 h"))).to_have_count(0)


def test_every_page_of_time_fits_a_phone_and_both_themes(windows: Windows) -> None:
    number = ask(windows.page("ada"), "Time on the road", department="Support")
    boss = windows.page("supervisor")
    boss.goto(f"/admin/tickets/{number}")
    boss.get_by_role("button", name="Start the timer").click()
    expect(boss.get_by_role("button", name="Stop and log")).to_be_visible()
    part = boss.locator("#d-time")
    part.get_by_label("Time spent").fill("3h")
    part.get_by_role("button", name="Log time").click()
    expect(part).to_contain_text("3 h spent")
    boss.set_viewport_size(PHONE)
    for scheme in ("light", "dark"):
        boss.emulate_media(color_scheme=scheme)
        for address in (f"/admin/tickets/{number}/time", "/admin/reports/time/?by=ticket&span=year", "/admin/reports/time/?by=day", f"/admin/tickets/{number}", "/admin/my-day/"):  # fmt: skip
            boss.goto(address)
            expect(boss.locator("h1").first).to_be_visible()
            assert (sideways(boss), findings(boss)) == ([], []), (scheme, address)
    expect(boss.locator(".topbar [data-timing]")).to_contain_text(str(number))
