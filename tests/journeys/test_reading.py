"""Reading a long ticket: what is new, what lies far back, what was sent along, what is alike, what is known of the customer."""

from __future__ import annotations

import datetime as dt
import re
import sqlite3

from playwright.sync_api import Page, expect

from tests.journeys.deeds import Upload, ask, send
from tests.journeys.test_faces import findings, sideways
from tests.journeys.windows import PHONE, WIDE, Windows
from tests.run.desks import RunningDesk

PDF = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]>>endobj
trailer<</Root 1 0 R>>
%%EOF"""
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\x89\x99=\x1d\x00\x00\x00\x00IEND\xaeB`\x82"
BILL: Upload = {"name": "bill.pdf", "mimeType": "application/pdf", "buffer": PDF}
SHOT: Upload = {"name": "shot.png", "mimeType": "image/png", "buffer": PNG}


def lengthen(desk: RunningDesk, number: int, many: int) -> None:
    """As if the customer had written so often before; through the pages it would take minutes."""
    kept = sqlite3.connect(desk.data / "desk.sqlite3", timeout=30)
    with kept:
        ticket, customer = kept.execute("SELECT id, requester_id FROM ticket WHERE number = ?", (number,)).fetchone()
        start = dt.datetime(2026, 1, 1)
        for n in range(many):
            at, text = f"{start + dt.timedelta(minutes=n):%Y-%m-%d %H:%M:%S}.000000", f"chapter number{n} of it"
            values = (ticket, customer, text, at)
            row = kept.execute("INSERT INTO message (ticket_id, kind, author_name, customer_id, via, text, created_at, trusted) VALUES (?, 'reply', 'Ada', ?, 'portal', ?, ?, 1)", values)  # fmt: skip
            kept.execute("INSERT INTO search_entry (rowid, words) VALUES (?, ?)", (row.lastrowid, text))
        kept.execute("UPDATE ticket SET message_count = message_count + ? WHERE id = ?", (many, ticket))
    kept.close()


def test_a_long_ticket_is_walked_searched_and_filtered(windows: Windows, desk: RunningDesk) -> None:
    number = ask(windows.page("ada"), "A very long story")
    page = windows.page("supervisor")
    send(page, number, "The newest answer")
    lengthen(desk, number, 450)

    page.goto(f"/admin/tickets/{number}")
    thread = page.locator("#thread")
    expect(thread.get_by_text("The newest answer")).to_be_in_viewport()
    expect(thread.get_by_text("chapter number300 of it")).to_have_count(0)
    expect(thread.get_by_text("chapter number0 of it")).to_be_attached()
    gap = thread.locator(".gap")
    gap.get_by_role("link", name="Show 200 before this").click()
    expect(thread.get_by_text("chapter number300 of it")).to_be_attached()
    expect(gap).to_have_count(1)
    gap.get_by_role("button", name="Show 200 after that").click()
    expect(thread.get_by_text("chapter number150 of it")).to_be_attached()
    while gap.count():
        gap.get_by_role("link", name="Show 200 before this").first.click()
        expect(gap).to_have_count(0)
    expect(thread.locator("article.msg")).to_have_count(452)

    page.locator("body").press("/")
    field = page.get_by_role("searchbox", name="Search in this ticket")
    expect(field).to_be_focused()
    field.fill("number77")
    field.press("Enter")
    expect(page.locator("mark").filter(has_text="number77")).to_be_in_viewport()
    expect(page.get_by_text("1 of 1")).to_be_visible()
    page.get_by_role("link", name="End the search").click()
    page.get_by_role("navigation", name="What is shown").get_by_role("link", name="Notes").click()
    expect(page.get_by_text("No internal notes")).to_be_visible()
    expect(page).to_have_url(re.compile("only=notes"))


def test_what_is_new_and_a_named_entry_are_found(windows: Windows, desk: RunningDesk) -> None:
    ada, page = windows.page("ada"), windows.page("supervisor")
    number = ask(ada, "Tell me what is new")
    with page.expect_response(lambda answer: answer.url.endswith("/seen")):
        page.goto(f"/admin/tickets/{number}")
    expect(page.get_by_text("New since your last visit")).to_have_count(0)
    ada.goto(f"/portal/tickets/{number}")
    ada.get_by_label("Your message").fill("Another word of mine")
    ada.get_by_role("button", name="Send reply").click()
    expect(ada.get_by_text("Another word of mine")).to_be_visible()

    page.goto(f"/admin/tickets/{number}")
    expect(page.get_by_text("New since your last visit")).to_be_visible()
    expect(page.get_by_role("link", name="First unread")).to_be_visible()

    lengthen(desk, number, 200)
    page.goto(f"/admin/tickets/{number}")
    wanted = page.locator("#thread article.msg").first.get_attribute("id") or ""
    far = int(wanted.removeprefix("m")) + 60
    page.goto(f"/admin/tickets/{number}#entry-{far}")
    expect(page).to_have_url(re.compile(rf"entry={far}"))
    expect(page.locator(f"#m{far}")).to_be_in_viewport()


def test_files_are_looked_at_by_keys_in_a_dialog(windows: Windows) -> None:
    number = ask(windows.page("ada"), "See what I send", files=[BILL, SHOT])
    page = windows.page("supervisor")
    page.goto(f"/admin/tickets/{number}")
    page.locator('a[data-look="image"]').focus()
    page.keyboard.press("Enter")
    shot = page.get_by_role("dialog", name="shot.png")
    expect(shot.get_by_role("img", name="shot.png")).to_be_visible()
    assert findings(page) == []
    page.keyboard.press("ArrowLeft")
    bill = page.get_by_role("dialog", name="bill.pdf")
    expect(bill.locator("iframe")).to_have_attribute("src", re.compile(r"/admin/files/\d+/pdf$"))
    page.wait_for_timeout(1000)  # time for the PDF to take the keys, which it does at no moment one could wait for
    expect(bill.get_by_role("button")).to_be_focused()
    page.keyboard.press("Escape")
    expect(bill).to_have_count(0)
    expect(page.get_by_role("link", name="Preview bill.pdf")).to_be_focused()


def test_similar_tickets_are_seen_linked_and_offered_again(windows: Windows) -> None:
    ada = windows.page("ada")
    first = ask(ada, "Quokkaboard flickers upstairs", "The quokkaboard flickers")
    second = ask(ada, "Quokkaboard flickers again", "The quokkaboard flickers")
    page = windows.page("supervisor")
    page.goto(f"/admin/tickets/{second}")
    section = page.get_by_role("region", name="Similar tickets")
    expect(section.get_by_text("1 similar ticket came within 10 minutes")).to_be_visible()
    expect(section.get_by_role("link", name=re.compile(f"^#{first}"))).to_be_visible()
    section.get_by_role("button", name="duplicates").click()
    expect(
        page.get_by_role("region", name="Linked tickets").get_by_text("Quokkaboard flickers upstairs")
    ).to_be_visible()

    page.goto("/admin/tickets/new")
    page.get_by_label("Subject").fill("Quokkaboard once more")
    page.get_by_label("Subject").press("End")
    expect(page.get_by_role("heading", name="Is it one of these?")).to_be_visible()
    _looks_well(page)


def test_a_note_about_a_customer_is_written_once_and_read_beside_each_ticket(windows: Windows) -> None:
    ada = windows.page("ada")
    number, other = ask(ada, "First of two"), ask(ada, "Second of two")
    page = windows.page("supervisor")
    page.goto(f"/admin/tickets/{number}")
    page.get_by_text("Write a note about the customer").click()
    page.get_by_label("New note").fill("Calls before noon only")
    page.get_by_role("button", name="Add note").click()
    expect(page.get_by_text("The note is kept.")).to_be_visible()
    page.goto(f"/admin/tickets/{other}")
    expect(page.get_by_text("Calls before noon only")).to_be_visible()
    page.get_by_role("link", name=re.compile(r"\d+ notes?$")).click()
    page.get_by_role("button", name="Pin", exact=True).first.click()
    expect(page.get_by_role("button", name="Unpin").first).to_be_visible()
    _looks_well(page)
    ada.goto(f"/portal/tickets/{other}")
    expect(ada.get_by_text("Second of two").first).to_be_visible()
    expect(ada.get_by_text("Calls before noon only")).to_have_count(0)


def _looks_well(page: Page) -> None:
    for size in (WIDE, PHONE):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        assert findings(page) == [] and sideways(page) == []
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
