"""What people do again and again on their journeys."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import TypedDict

from playwright.sync_api import Locator, Page, expect

ARRIVES_WITHIN_SECONDS = 30.0
"""A job in the background has this long; a worker starts it at once when the machine is free."""

LATE = "Nobody answers this in time"


class Upload(TypedDict):
    name: str
    mimeType: str
    buffer: bytes


LOG: Upload = {"name": "server.log", "mimeType": "text/plain", "buffer": b"refused at 09:14"}


def reload_until_there(
    page: Page, wanted: Callable[[], Locator], within_seconds: float = ARRIVES_WITHIN_SECONDS
) -> Locator:
    """For what a job brings: look again until it is there."""
    give_up_at = time.monotonic() + within_seconds
    while not wanted().count() and time.monotonic() < give_up_at:
        page.reload()
    expect(wanted().first).to_be_visible()
    return wanted().first


def ask(
    page: Page, subject: str, message: str = "It stopped this morning.", *, files: Sequence[Upload] = (), **choices: str
) -> int:
    """Open a ticket in the portal and return its number. `choices`: category, department, priority, by their words."""
    page.goto("/portal/tickets/new")
    if "category" in choices:
        page.get_by_label("What is it about?").select_option(label=choices["category"])
    if "department" in choices:
        page.get_by_label("Department").select_option(label=choices["department"])
    page.get_by_label("Subject").fill(subject)
    page.get_by_label("What happens?").fill(message)
    for file in files:  # one by one: together they would arrive in any order
        page.get_by_label("Files").set_input_files(file)
        expect(page.get_by_text(f"{file['name']}: sent")).to_be_attached()
    if "priority" in choices:
        page.get_by_role("radio", name=choices["priority"]).check()
    page.get_by_role("button", name="Send ticket").click()
    expect(page.get_by_text(re.compile(r"Your number is #\d+"))).to_be_visible()
    return int(page.url.rpartition("/")[2])


def send(page: Page, number: int, text: str, how: str | None = None) -> None:
    """Answer as staff; `how` is an entry of the send menu, None the button itself."""
    page.goto(f"/admin/tickets/{number}")
    page.get_by_label("Message", exact=True).fill(text)
    if how:
        page.get_by_role("button", name="More ways to send").click()
        page.locator("#send-menu").get_by_role("button", name=how).click()
    else:
        page.locator("[data-send]").click()
    expect(page.locator("#thread").get_by_text(text.splitlines()[0])).to_be_visible()


def mail(page: Page, address: str, subject: str | re.Pattern[str]) -> Locator:
    """Open the newest mail to this address in the mail lab, as text, and return what stands in it."""
    page.goto(f"/admin/mail-lab/?address={address}")
    mails = page.get_by_role("navigation", name="Mails")
    reload_until_there(page, lambda: mails.get_by_role("link", name=subject).filter(has_text=address)).click()
    expect(
        page.get_by_role("article", name="Message").or_(page.get_by_text("This mail is being written"))
    ).to_be_visible()
    reload_until_there(page, lambda: page.get_by_role("link", name="As text")).click()
    return page.get_by_role("region", name="Text of the message")


def link_in(text: Locator, path: str) -> str:
    """The address in a mail that leads below `path`."""
    found = re.search(rf"https?://\S+?({re.escape(path)}\S+)", text.inner_text())
    assert found, text.inner_text()
    return found[1]


def add(page: Page, table: str, **fields: str | bool) -> None:
    """Fill in a generated page and save it; `table` is its address. A list names what is chosen by its words."""
    page.goto(f"{table}list/")
    page.get_by_role("link", name="Add").first.click()
    fill(page, **fields)


def fill(page: Page, **fields: str | bool) -> None:
    """By how the labels begin, with _ for a blank and __ for a comma."""
    for name, value in fields.items():
        field = page.get_by_label(re.compile(rf"^{name.replace('__', ', ').replace('_', ' ')}\b"))
        if isinstance(value, bool):
            field.set_checked(value)
        else:
            field.fill(value)
    page.get_by_role("button", name="Save").click()
