"""An outage from its first tickets to its end: noticed, made an incident, told to customers, joined by one more, answered once for all."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.journeys.deeds import ask, reload_until_there
from tests.journeys.windows import Windows

NOTICED_WITHIN_SECONDS = 150.0
OUTAGE = (
    ("Telephony is dead", "No dial tone on any handset, the telephony gateway blinks red."),
    ("No dial tone", "Our handset stays silent, telephony gateway unreachable."),
    ("Handset silent", "The telephony gateway gives no dial tone."),
    ("Telephony gateway blinks", "Every handset is silent, no dial tone."),
    ("Dial tone gone", "Handset and telephony gateway were fine yesterday."),
)
TITLE, SENTENCE = "Telephony does not work", "We expect it back at noon."
UPDATE = "Dear {{customer_name}}, the gateway runs again."


def test_an_outage_is_noticed_told_joined_and_ended_with_one_message(windows: Windows) -> None:
    ada, bob, boss, eve = (windows.page(who) for who in ("ada", "bob", "supervisor", "eve"))
    numbers = [ask((ada, bob)[place % 2], *words) for place, words in enumerate(OUTAGE)]

    follow_the_notice(boss, numbers)
    boss.get_by_role("button", name="Make an incident of these").click()
    expect(boss.get_by_role("heading", name=re.compile("^Incident .*Telephony is dead"))).to_be_visible()
    publish(boss)
    incident = boss.url

    eves = join(eve)
    boss.goto(incident)
    expect(boss.get_by_role("region", name="Its tickets")).to_contain_text(f"#{eves}")
    resolve_all(boss)

    for page, number in ((eve, eves), (bob, numbers[1]), (ada, numbers[0])):
        page.goto(f"/portal/tickets/{number}")
        reload_until_there(page, lambda page=page: page.get_by_text("the gateway runs again"))
        expect(page.get_by_text("Resolved", exact=True).first).to_be_visible()
    eve.goto("/portal/tickets")
    expect(eve.get_by_role("heading", name="My tickets")).to_be_visible()
    expect(eve.get_by_text(SENTENCE)).to_have_count(0)


def follow_the_notice(boss: Page, numbers: list[int]) -> None:
    """To the tickets, each ticked, of which the first stands for it."""
    boss.goto("/admin/notifications/")
    notice = re.compile("similar tickets came in within a short time.*Telephony is dead", re.S)
    reload_until_there(boss, lambda: boss.get_by_role("button", name=notice), NOTICED_WITHIN_SECONDS).click()
    for number in numbers:
        expect(boss.locator(f'input[name="with"][value="{number}"]')).to_be_checked()
    expect(boss.locator(f'input[name="primary"][value="{numbers[0]}"]')).to_be_checked()


def publish(boss: Page) -> None:
    boss.get_by_label("Title").fill(TITLE)
    boss.get_by_label("Sentence").fill(SENTENCE)
    boss.get_by_role("button", name="Publish").click()
    expect(boss.get_by_role("button", name="Withdraw it")).to_be_visible()


def join(eve: Page) -> int:
    """By one press under the banner; the number of the ticket she has then. A second press leads to the same."""
    for said in ("as soon as we know more", "You told us already"):
        eve.goto("/portal/tickets")
        banner = eve.get_by_role("region", name="A disturbance we know of").filter(has_text=TITLE)
        expect(banner).to_contain_text(SENTENCE)
        banner.get_by_role("button", name="I am affected too").click()
        expect(eve.get_by_text(said)).to_be_visible()
    return int(eve.url.rpartition("/")[2])


def resolve_all(boss: Page) -> None:
    boss.get_by_role("link", name="Update to all").click()
    boss.get_by_label("Message").fill(UPDATE)
    boss.get_by_label("And then").select_option(label="Resolve")
    boss.get_by_role("button", name="Look at it first").click()
    expect(boss.get_by_text("It reaches 3 customers")).to_be_visible()
    boss.get_by_role("button", name="Send it to 6 tickets").click()
    reload_until_there(boss, lambda: boss.get_by_text("Finished.", exact=True))
