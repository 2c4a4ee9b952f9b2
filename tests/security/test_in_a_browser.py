"""Hostile words in a real browser: nothing runs, nothing is asked for elsewhere, nothing leaves its frame."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import select
from werkzeug.serving import make_server

from app.core.extensions import db
from app.kb.models import Article
from app.mail import incoming
from app.mail.models import Delivery
from app.tickets.models import Ticket
from app.tickets.thread import Channel, Words
from tests.core.test_html import ATTACKS
from tests.factories import a_super_admin, acting, customer_session, run_jobs, setting, staff_session

pytestmark = pytest.mark.parametrize("app", ["sqlite"], indirect=True)
REMOTE = "https://tracker.evil.test"
TRACKERS = f"""<img src="{REMOTE}/1.gif"><img srcset="{REMOTE}/2.gif 2x"><body background="{REMOTE}/3.gif"><table background="{REMOTE}/4.gif"><tr><td background="{REMOTE}/5.gif">x</td></tr></table>
<link rel="stylesheet" href="{REMOTE}/6.css"><link rel="prefetch" href="{REMOTE}/7"><style>body{{background:url({REMOTE}/8.gif)}}@import "{REMOTE}/9.css"</style><div style="background:url({REMOTE}/10.gif)">x</div>
<video src="{REMOTE}/11.mp4" poster="{REMOTE}/12.gif" autoplay></video><audio src="{REMOTE}/13.mp3" autoplay></audio><iframe src="{REMOTE}/14"></iframe><object data="{REMOTE}/15"></object><embed src="{REMOTE}/16">
<input type="image" src="{REMOTE}/17.gif"><svg><image href="{REMOTE}/18.gif"/></svg><meta http-equiv="refresh" content="0;url={REMOTE}/19"><base href="{REMOTE}/"><img src="//tracker.evil.test/20.gif"><img src="/\\tracker.evil.test/21.gif">"""  # fmt: skip
OVERLAY = '<div style="position:fixed;inset:0;z-index:99999;background:red" class="overlay" id="overlay">Sign in again</div><table width="99999"><tr><td width="99999">wide</td></tr></table><p style="margin-left:-9999px">out</p>'  # fmt: skip
MARK = "window.__xss=1"
POLLUTING = (
    "__proto__[polluted]=1&__proto__.polluted=1&constructor[prototype][polluted]=1&constructor.prototype.polluted=1", "q=<img src=x onerror=window.__xss=1>&view=<svg/onload=window.__xss=1>", "next=javascript:window.__xss=1//",
    "view=__proto__&sort=constructor&page=toString", "tab=__proto__&q=__proto__",
)  # fmt: skip


class Desk(NamedTuple):
    """The desk on a port of this machine, and how its people come in."""

    url: str
    app: Flask
    browser: Browser
    cookies: dict[str, str]


class Seen:
    """What a page did that no page of ours may do."""

    def __init__(self, page: Page) -> None:
        self.left: list[str] = []
        self.said: list[str] = []
        page.on("request", lambda request: self.left.append(request.url) if "evil.test" in request.url else None)
        page.on("dialog", lambda dialog: (self.said.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("console", lambda message: self.said.append(message.text) if "script" in message.text and "Refused" in message.text else None)  # fmt: skip


@pytest.fixture
def desk(app: Flask, browser: Browser) -> Iterator[Desk]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Desk(f"http://127.0.0.1:{server.port}", app, browser, {})
    server.shutdown()
    thread.join()
    server.server_close()


def signed_in(desk: Desk, session: dict[str, object]) -> BrowserContext:
    serializer = desk.app.session_interface.get_signing_serializer(desk.app)  # type: ignore[attr-defined]
    context = desk.browser.new_context(base_url=desk.url)
    context.set_default_timeout(30_000)
    context.add_cookies([{"name": desk.app.config["SESSION_COOKIE_NAME"], "value": serializer.dumps(session), "url": desk.url}])  # fmt: skip
    return context


def a_mail(html: str, n: int) -> bytes:
    """From Ada, as HTML alone."""
    head = f"From: Ada <ada@own.test>\r\nTo: support@deskhand.example\r\nSubject: Attack {n} <img src=x onerror={MARK}>\r\nMessage-ID: <attack{n}@own.test>\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"  # fmt: skip
    return (head + f"<p>Words {n}</p>" + html).encode("utf-8", "replace")


def armed(html: str) -> str:
    """The attack with our own mark in place of what it would show."""
    return html.replace("alert(1)", MARK).replace("alert`1`", MARK).replace("alert()", MARK)


def test_no_mail_runs_or_loads_anything_on_any_page_that_shows_it(desk: Desk) -> None:
    """Each known way past a cleaner, through the real intake, on the staff's page, in the frame of the original, in the portal, in
    the help center and in the notice that quotes it."""
    setting(guests_may_write=True)
    admin = a_super_admin(name="signe")
    bodies = [armed(html) for html in ATTACKS.values()] + [TRACKERS, OVERLAY]
    for n, html in enumerate(bodies):
        row = incoming.store(a_mail(html, n), "smtp", "ada@own.test", "support@deskhand.example")
        incoming.deliver(row.id)
    article = Article(
        title=f"Article <img src=x onerror={MARK}>", slug="attack", body="\n\n".join(bodies), published=True
    )
    article.settle()
    db.session.add(article)
    tickets = db.session.scalars(select(Ticket).order_by(Ticket.id)).all()
    for ticket in tickets[:3]:
        ticket.reply(Words("\n".join(bodies)[:5000], via=Channel.STAFF), by=acting(admin))
    run_jobs()
    ada, staff = customer_session(tickets[0].requester), staff_session(admin)
    originals = [f"/admin/tickets/{one.number}/messages/{one.messages[0].id}/html" for one in tickets if one.messages[0].html]  # fmt: skip
    mails = [f"/admin/mail-lab/{mail.id}/html" for mail in db.session.scalars(select(Delivery)) if mail.raw]
    numbers = [ticket.number for ticket in tickets]
    db.session.remove()

    assert len(originals) >= len(ATTACKS) // 2, "hardly any mail came as HTML: nothing is proved"
    assert walk(desk, staff, [*[f"/admin/tickets/{number}" for number in numbers], *originals, *mails[:6], "/admin/tickets/?view=everything", "/admin/dashboard"]) == []  # fmt: skip
    assert walk(desk, ada, [*[f"/portal/tickets/{number}" for number in numbers], "/portal/tickets", "/help/attack", "/help/?q=article"]) == []  # fmt: skip


def walk(desk: Desk, session: dict[str, object], paths: list[str]) -> list[str]:
    """What went wrong on these pages."""
    context, wrong = signed_in(desk, session), []
    page = context.new_page()
    seen = Seen(page)
    for path in paths:
        page.goto(path, wait_until="load")
        if page.evaluate("window.__xss !== undefined || Object.prototype.polluted !== undefined"):
            wrong.append(f"{path} ran what somebody wrote")
        if where(page.url) != where(desk.url + path):
            wrong.append(f"{path} led to {page.url}")
        wrong += [f"{path}: {word}" for word in (*seen.left, *seen.said)]
        seen.left.clear(), seen.said.clear()
    context.close()
    return wrong


def where(address: str) -> str:
    """Without its question and its fragment."""
    return address.partition("#")[0].partition("?")[0].rstrip("/")


def test_no_mail_covers_the_page_around_it(desk: Desk) -> None:
    admin = a_super_admin(name="signe")
    row = incoming.store(a_mail(OVERLAY, 1), "smtp", "ada@own.test", "support@deskhand.example")
    incoming.deliver(row.id)
    ticket = db.session.scalars(select(Ticket)).one()
    number, requester, session = ticket.number, customer_session(ticket.requester), staff_session(admin)
    db.session.remove()

    for path, who in ((f"/admin/tickets/{number}", session), (f"/portal/tickets/{number}", requester)):
        context = signed_in(desk, who)
        page = context.new_page()
        page.goto(path)
        assert page.locator("#overlay, .overlay").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"), path
        assert page.evaluate("getComputedStyle(document.elementFromPoint(5, 5)).backgroundColor") != "rgb(255, 0, 0)"
        context.close()


def test_ghsa_w5fc_8pp3_f755_nothing_in_an_address_reaches_a_script(desk: Desk) -> None:
    """There (in FreeScout) a question in the address became a property of every object, and then markup."""
    admin = a_super_admin(name="signe")
    setting(agents_see_departments=True)
    from tests.factories import a_customer, a_ticket

    customer = a_customer()
    number = a_ticket(requester=customer).number
    staff, portal = staff_session(admin), customer_session(customer)
    db.session.remove()
    pages = ("/admin/tickets/", f"/admin/tickets/{number}", "/admin/dashboard", "/admin/tickets/new", "/admin/settings/general", "/admin/customers/list/")  # fmt: skip
    faces = ("/portal/tickets", f"/portal/tickets/{number}", "/portal/tickets/new", "/help/")

    assert walk(desk, staff, [f"{path}?{question}" for path in pages for question in POLLUTING]) == []
    assert walk(desk, portal, [f"{path}?{question}" for path in faces for question in POLLUTING]) == []
    assert walk(desk, staff, [f"{path}#__proto__[polluted]=1&<img src=x onerror={MARK}>" for path in pages]) == []


def test_no_page_of_ours_breaks_its_own_policy_or_lets_another_frame_it(desk: Desk) -> None:
    """A frame of another site stays empty."""
    context = desk.browser.new_context()
    page = context.new_page()
    page.set_content(
        f'<iframe id="f" src="{desk.url}/login/"></iframe><iframe id="g" src="{desk.url}/portal/login"></iframe>'
    )
    page.wait_for_timeout(800)

    shown = [frame.url for frame in page.frames[1:]]
    assert len(shown) == 2
    assert [url for url in shown if url.startswith(desk.url)] == []
    context.close()
