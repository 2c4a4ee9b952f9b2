"""A developer switches on a second factor, signs in with it, ends a session elsewhere, and switches it off again."""

from __future__ import annotations

import datetime as dt

import pyotp
from playwright.sync_api import Page, expect

from tests.journeys.test_faces import findings, sideways
from tests.journeys.windows import PASSWORD, PHONE, WIDE, Windows

ACCOUNT, FACTOR = "/admin/me/", "/admin/me/second-factor/"


def looked_at(page: Page) -> None:
    """Nothing for axe to find, wide and on a phone, light and dark."""
    for size in (PHONE, WIDE):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            assert sideways(page) + findings(page) == []


def password_typed(page: Page) -> None:
    page.goto("/login/")
    page.get_by_label("Username").fill("developer")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_a_second_factor_from_the_first_code_to_the_last(windows: Windows) -> None:
    page = windows.stranger()
    password_typed(page)
    page.goto(FACTOR)
    looked_at(page)
    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_role("button", name="Set it up").click()
    square = page.get_by_role("img", name="Square code")
    expect(square).to_be_visible()
    assert square.evaluate("picture => picture.naturalWidth") > 100
    app = pyotp.TOTP(page.locator("code.key").inner_text())
    looked_at(page)
    before = app.at(dt.datetime.now(dt.UTC) - dt.timedelta(seconds=30))
    page.get_by_label("Code of the app").fill(before)
    page.get_by_role("button", name="Switch it on").click()
    codes = page.locator("ol.codes code").all_inner_texts()
    assert len(codes) == 10
    looked_at(page)

    phone = windows.stranger()
    password_typed(phone)
    expect(phone.get_by_role("heading", name="Your code, please")).to_be_visible()
    phone.get_by_label("Code", exact=True).fill(before)
    phone.get_by_role("button", name="Sign in").click()
    expect(phone.get_by_role("alert")).to_contain_text("used already")
    looked_at(phone)
    phone.get_by_label("Code", exact=True).fill(codes[0])
    phone.get_by_role("button", name="Sign in").click()
    expect(phone.get_by_text("You have 9 recovery codes left.")).to_be_visible()

    page.goto(ACCOUNT)
    looked_at(page)
    page.get_by_role("list", name="Sessions").get_by_role("button", name="Sign out").first.click()
    expect(page.get_by_text("That session is signed out.")).to_be_visible()
    phone.goto(ACCOUNT)
    expect(phone).to_have_url(f"{windows.url}/login/?next={windows.url}{ACCOUNT}")

    page.goto(FACTOR)
    looked_at(page)
    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_label("Code of the app").fill(codes[1])
    page.get_by_role("button", name="Switch it off").click()
    expect(page.get_by_text("The second factor is off.")).to_be_visible()


def test_a_customer_ends_a_session_elsewhere(windows: Windows) -> None:
    here, there = windows.stranger(), windows.stranger()
    for page in (there, here):
        page.goto("/portal/login")
        page.get_by_label("Email address").fill("eve@other.example")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="My tickets")).to_be_visible()

    here.goto("/portal/account")
    looked_at(here)
    here.get_by_role("button", name="Sign out everywhere else").click()

    expect(here.get_by_text("Everywhere else you are signed out now.")).to_be_visible()
    there.reload()
    expect(there.get_by_role("heading", name="Welcome back")).to_be_visible()


def test_a_session_ended_elsewhere_leads_an_open_page_to_the_sign_in(windows: Windows) -> None:
    """By the question of the bell, which every page of staff asks each 30 seconds."""
    page, elsewhere = windows.stranger(), windows.stranger()
    password_typed(page)
    expect(page.get_by_role("navigation", name="Queues")).to_be_visible()
    password_typed(elsewhere)
    elsewhere.goto(ACCOUNT)
    elsewhere.get_by_role("button", name="Sign out everywhere else").click()
    expect(elsewhere.get_by_text("All other sessions are signed out.")).to_be_visible()

    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
