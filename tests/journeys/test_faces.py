"""Every kind of page, wide and on a phone, light and dark: nothing for axe to find, nothing sideways, nothing refused by the policy."""

import json

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.journeys.windows import PHONE, WIDE, Windows

SIZES = {"wide": WIDE, "phone": PHONE}
PAGES = {
    "stranger": ["/portal/login", "/portal/contact", "/portal/password", "/help/", "/help/all", "/login/", "/forgotten/", "/nowhere"],
    "ada": ["/portal/tickets", "/portal/tickets?tab=all&q=nothing-has-this", "/portal/tickets/1001", "/portal/tickets/new", "/portal/account", "/portal/tickets/999999"],
    "agent": ["/admin/tickets/", "/admin/tickets/?view=everything&priority=4", "/admin/tickets/1001", "/admin/tickets/new", "/admin/notifications/", "/admin/notifications/preferences", "/admin/me/", "/admin/me/second-factor/", "/admin/tickets/999999"],
    "supervisor": ["/admin/dashboard/", "/admin/canned/list/", "/admin/customers/list/"],
    "admin": [
        "/admin/settings/general", "/admin/settings/email", "/admin/settings/sign-in", "/admin/jobs/?state=done", "/admin/mail-log/", "/admin/mail-log/incoming", "/admin/mail-lab/", "/admin/mail-lab/1",
        "/admin/categories/list/", "/admin/categories/add", "/admin/statuses/edit/1", "/admin/staff/list/", "/admin/customers/show/1", "/admin/sla-policies/show/1", "/admin/articles/add",
    ],
}  # fmt: skip


def findings(page: Page, **options: object) -> list[str]:
    """Without axe's own reading of imported style sheets, which the page's policy refuses; no rule of these needs it."""
    found = Axe().run(page, options={"preload": False, "resultTypes": ["violations"], **options}).response["violations"]
    return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]


def sideways(page: Page) -> list[str]:
    reach = page.evaluate("() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    return [f"{reach[0]} px wide"] if reach[0] > reach[1] else []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("who", PAGES)
def test_a_page_has_no_finding(windows: Windows, who: str, size: str) -> None:
    """In the dark only the contrast can differ."""
    page = windows.stranger() if who == "stranger" else windows.page(who)
    page.set_viewport_size(SIZES[size])  # type: ignore[arg-type]
    wrong: dict[str, list[str]] = {}
    for address in PAGES[who]:
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        page.goto(address)
        wrong[address] = sideways(page) + findings(page)
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        wrong[f"{address} in the dark"] = findings(page, runOnly=["color-contrast"])
    assert not any(wrong.values()), json.dumps(
        {address: found for address, found in wrong.items() if found}, indent=1, ensure_ascii=False
    )
