"""Mail in both directions: through the mail lab, and through the receiver's own port as a mail server would."""

import re
import smtplib
from email.message import EmailMessage

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.deeds import ask, mail, reload_until_there, send
from tests.journeys.windows import CUSTOMERS, Windows
from tests.run.desks import RunningDesk

DESK = "support@deskhand.example"


def post(desk: RunningDesk, sender: str, recipient: str, raw: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", int(desk.env["DESKHAND_RECEIVER_PORT"]), timeout=10) as line:
        line.sendmail(sender, [recipient], raw)


def letter(sender: str, recipient: str, subject: str, text: str, name: str, **headers: str) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, recipient, subject
    message["Message-ID"] = f"<{name}@journey.example>"
    for header, value in headers.items():
        message[header.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


def arrived(admin: Page, subject: str) -> Page:
    """The mail log once it says what was decided about this mail."""
    admin.goto("/admin/mail-log/incoming")
    row = reload_until_there(
        admin,
        lambda: (
            admin.get_by_role("row")
            .filter(has_text=subject)
            .filter(has_text=re.compile("Delivered|Quarantined|Ignored", re.I))
        ),
    )
    expect(row).to_contain_text(re.compile("delivered", re.I))
    return admin


def headers(admin: Page) -> dict[str, str]:
    """Of the mail that is open in the lab."""
    admin.get_by_role("link", name="Headers").click()
    expect(admin.locator("dl.headers")).to_be_visible()
    names = admin.locator("dl.headers dt").all_inner_texts()
    return dict(zip(names, admin.locator("dl.headers dd").all_inner_texts(), strict=True))


def entries(page: Page, text: str) -> int:
    return page.get_by_role("article").filter(has=page.get_by_text(text, exact=True)).count()


def test_an_answer_by_mail_is_one_entry_without_what_it_quotes(windows: Windows) -> None:
    number = ask(windows.page("ada"), "Mail journey: roster is empty")
    supervisor = windows.page("supervisor")
    send(supervisor, number, "Please press Sync now and tell us.", "wait")
    expect(supervisor.locator("#ws-signs")).to_contain_text("Waiting")

    admin = windows.page("admin")
    expect(mail(admin, CUSTOMERS["ada"], re.compile("Mail journey: roster is empty"))).to_contain_text(
        "Please press Sync now"
    )
    admin.get_by_label("Answer as ada@northwind.example").fill("I pressed it twice")
    admin.get_by_role("button", name="Send the answer").click()

    expect(admin).to_have_url(re.compile(f"/admin/tickets/{number}"))
    entry = admin.get_by_role("article", name="Message from Ada Sørensen").filter(has_text="I pressed it twice")
    expect(entry).to_have_count(1)
    expect(entry.get_by_text("by mail")).to_be_visible()
    expect(entry.get_by_text("Please press Sync now")).to_be_hidden()
    expect(admin.locator("#ws-signs")).not_to_contain_text("Waiting")

    admin.goto("/admin/tickets/?view=needs&q=Mail+journey")
    expect(admin.get_by_role("link", name=re.compile("Mail journey: roster is empty"))).to_be_visible()


def test_the_same_mail_twice_is_one_entry_and_reopens_the_ticket(windows: Windows, desk: RunningDesk) -> None:
    number = ask(windows.page("ada"), "Mail journey: badge reader is dead")
    supervisor = windows.page("supervisor")
    send(supervisor, number, "We sent you a new one.", "resolve")
    admin = windows.page("admin")
    mail(admin, CUSTOMERS["ada"], re.compile("Mail journey: badge reader is dead"))
    sent = headers(admin)
    recipient = re.search(r"[^<\s]+@[^>\s]+", sent["Reply-To"])[0]  # type: ignore[index]
    raw = letter(
        CUSTOMERS["ada"],
        recipient,
        f"Re: {sent['Subject']}",
        "It is dead, too",
        "twice",
        In_Reply_To=sent["Message-ID"],
    )

    post(desk, CUSTOMERS["ada"], recipient, raw)
    post(desk, CUSTOMERS["ada"], recipient, raw)
    post(
        desk,
        CUSTOMERS["ada"],
        recipient,
        letter(CUSTOMERS["ada"], recipient, "Re: and", "And now I smell smoke", "after"),
    )

    supervisor.goto(f"/admin/tickets/{number}")
    reload_until_there(supervisor, lambda: supervisor.get_by_text("And now I smell smoke", exact=True))
    assert entries(supervisor, "It is dead, too") == 1
    expect(supervisor.locator("#ws-signs")).not_to_contain_text("Resolved")


def test_a_fresh_mail_becomes_a_ticket_and_its_sender_is_told_the_number(windows: Windows, desk: RunningDesk) -> None:
    sender = "new.person@elsewhere.example"
    post(
        desk,
        sender,
        DESK,
        letter(f"Néw Pérson <{sender}>", DESK, "Our kiosk says <b>no</b>", "Grüße, 漢字, ع and 🎈", "fresh"),
    )

    supervisor = windows.page("supervisor")
    supervisor.goto("/admin/tickets/?view=everything&q=kiosk+says")
    reload_until_there(supervisor, lambda: supervisor.get_by_role("link", name="Our kiosk says <b>no</b>")).click()
    conversation = supervisor.get_by_role("region", name="Conversation")
    expect(conversation.get_by_text("Grüße, 漢字, ع and 🎈")).to_be_visible()
    number = re.search(r"/tickets/(\d+)", supervisor.url)[1]  # type: ignore[index]
    expect(mail(windows.page("admin"), sender, re.compile("#" + number))).to_contain_text("/portal/")


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("out of office", {"Auto_Submitted": "auto-replied"}),
        ("list", {"Precedence": "bulk", "List_Id": "<all.robots.example>"}),
        ("bounce", {"Return_Path": "<>"}),
    ],
    ids=["out of office", "list", "bounce"],
)
def test_a_machine_is_not_answered(windows: Windows, desk: RunningDesk, name: str, more: dict[str, str]) -> None:
    sender = f"{name.replace(' ', '-')}@robots.example"
    post(
        desk,
        "" if name == "bounce" else sender,
        DESK,
        letter(sender, DESK, f"Machine: {name}", "I am away", name.replace(" ", "-"), **more),
    )

    admin = arrived(windows.page("admin"), f"Machine: {name}")
    admin.goto(f"/admin/mail-log/?address={sender}")
    reload_until_there(admin, lambda: admin.get_by_role("row").filter(has_text=sender).filter(has_text="Held back"))
    expect(admin.get_by_role("row").filter(has_text=sender)).to_have_count(1)
    admin.goto(f"/admin/mail-lab/?address={sender}")
    expect(admin.get_by_text("Nothing was sent yet.")).to_be_visible()


def test_mail_for_somebody_else_is_refused_at_the_door(desk: RunningDesk) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        post(desk, "x@elsewhere.example", "ceo@elsewhere.example", b"Subject: hello\r\n\r\nhello")


def test_a_mail_without_sender_and_one_with_a_broken_tree_do_not_stop_the_next(
    windows: Windows, desk: RunningDesk
) -> None:
    post(desk, "", DESK, b"Subject: nobody\r\n\r\nno sender at all")
    broken = b"From: torn@elsewhere.example\r\nSubject: torn tree\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: multipart/alternative; boundary=x\r\n\r\n--y\r\n\xff\xfe"
    post(desk, "torn@elsewhere.example", DESK, broken)
    post(
        desk,
        "whole@elsewhere.example",
        DESK,
        letter("whole@elsewhere.example", DESK, "Whole after torn", "fine", "whole"),
    )

    admin = arrived(windows.page("admin"), "Whole after torn")
    expect(admin.get_by_role("row").filter(has_text="torn tree")).to_contain_text(
        re.compile("delivered|quarantined", re.I)
    )
