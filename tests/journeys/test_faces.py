"""Every kind of page, wide and on a phone, light and dark: nothing for axe to find, nothing sideways, nothing refused by the policy."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page, expect

from app import create_app
from config import LANGUAGES
from tests.journeys.pages import PAGES, forgotten, generated_lists
from tests.journeys.windows import PHONE, WIDE, Windows

SIZES = {"wide": WIDE, "phone": PHONE}
AT_A_TIME = 12
LOOKS = [
    pytest.param(who, pages[first : first + AT_A_TIME], id=f"{who} from {first}")
    for who, pages in PAGES.items()
    for first in range(0, len(pages), AT_A_TIME)
]
"""Some pages a test, so that each is done within a minute."""
BETWEEN = ({"width": 1100, "height": 800}, {"width": 900, "height": 1100})
"""Half a large screen with the menu beside the page, and a tablet without."""


def findings(page: Page, **options: object) -> list[str]:
    """Without axe's own reading of imported style sheets, which the page's policy refuses; no rule of these needs it."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(Axe().axe_script)
    asked = {"preload": False, "resultTypes": ["violations"], **options}
    found = page.evaluate("options => axe.run(options).then((said) => said.violations)", asked)
    return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]


def sideways(page: Page) -> list[str]:
    reach = page.evaluate("() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    return [f"{reach[0]} px wide"] if reach[0] > reach[1] else []


def resize(page: Page, size: dict[str, int]) -> None:
    """What the page's scripts do about its new width is done when two frames were drawn."""
    page.set_viewport_size(size)  # type: ignore[arg-type]
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def crowded(page: Page) -> list[str]:
    """What reaches over the side in the widths between the desk and the phone."""
    found = []
    for size in BETWEEN:
        resize(page, size)
        found += sideways(page) + page.evaluate(REACHING)
    return found


REACHING = """() => [...document.querySelectorAll("main, .ws-main")].filter((part) => part.scrollWidth > part.clientWidth + 1)
  .map((part) => `at ${innerWidth} px: ${part.className || part.tagName} holds ${part.scrollWidth} in ${part.clientWidth}`)"""


@pytest.fixture(scope="module")
def made(all_windows: Windows) -> dict[str, str]:
    """Pages of what the supervisor makes on the way, by the address that stands for them in PAGES."""
    page = all_windows.page("supervisor")
    page.goto("/admin/tickets/?view=everything")
    page.get_by_role("button", name="View", exact=True).click()
    page.get_by_label("Name of the new view").fill("A view to look at")
    page.get_by_label("Name of the new view").press("Enter")
    expect(page.get_by_role("link", name=re.compile("A view to look at"))).to_be_visible()
    page.locator(".action_check").first.check()
    page.get_by_role("region", name="Bulk actions").get_by_role("button", name="Tag").click()
    page.get_by_label("Tag to add").fill("seen")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("link", name="What was changed")).to_be_visible()
    found = {}
    for kind in ("views", "bulk"):
        page.goto(f"/admin/{kind}/")
        links = page.locator("main a").evaluate_all("links => links.map(link => link.getAttribute('href') ?? '')")
        found[f"/admin/{kind}/1"] = next(link for link in links if re.fullmatch(rf"/admin/{kind}/\d+", link))
    page.goto("/admin/tasks/new")
    page.get_by_label("What is to be done?").fill("A task to look at")
    page.get_by_role("button", name="Make the task").click()
    expect(page.get_by_role("heading", name="A task to look at")).to_be_visible()
    found["/admin/tasks/1"] = page.url
    page.goto("/admin/tickets/")
    page.locator("td a[href*='/admin/tickets/']").first.click()
    page.get_by_role("button", name="Declare an incident").click()
    expect(page.get_by_role("heading", name="Whom it concerns")).to_be_visible()
    for rest in ("", "/similar", "/update"):
        found[f"/admin/tickets/1001/incident{rest}"] = page.url + rest
    page.close()
    return found


@pytest.mark.parametrize(("who", "pages"), LOOKS)
def test_a_page_has_no_finding(windows: Windows, made: dict[str, str], who: str, pages: list[str]) -> None:
    """In the dark only the contrast can differ."""
    page = windows.stranger() if who == "stranger" else windows.page(who)
    wrong: dict[str, list[str]] = {}
    for address in pages:
        page.set_viewport_size(WIDE)  # type: ignore[arg-type]
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        page.goto(made.get(address, address))
        wrong[f"{address} in between"] = crowded(page)
        for name, size in SIZES.items():
            resize(page, size)
            page.emulate_media(color_scheme="light", reduced_motion="reduce")
            wrong[f"{address} {name}"] = sideways(page) + findings(page)
            page.emulate_media(color_scheme="dark", reduced_motion="reduce")
            wrong[f"{address} {name} in the dark"] = findings(page, runOnly=["color-contrast"])
    assert not any(wrong.values()), json.dumps(
        {address: found for address, found in wrong.items() if found}, indent=1, ensure_ascii=False
    )


@pytest.fixture(scope="module")
def routes() -> Flask:
    """For its addresses alone."""
    return create_app(SQLALCHEMY_DATABASE_URI="sqlite://", TESTING=True, QUEUE_OFF=True)


def test_no_page_is_left_out(routes: Flask) -> None:
    assert forgotten(routes) == [], "add them to PAGES of tests/journeys/pages.py, or say in NO_PAGES what they answer"


def test_a_generated_page_has_no_finding(windows: Windows, routes: Flask) -> None:
    """Each table's list and forms, on a phone; the wide ones are made of the same parts as those above."""
    page = windows.page("super")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    wrong: dict[str, list[str]] = {}
    for address in generated_lists(routes):
        page.goto(address)
        wrong[address] = sideways(page) + findings(page)
        for more in further(page, address.removesuffix("list/")):
            page.goto(more)
            wrong[more] = sideways(page) + findings(page)
    assert len(wrong) > 40
    assert not any(wrong.values()), json.dumps(
        {address: found for address, found in wrong.items() if found}, indent=1, ensure_ascii=False
    )


def further(page: Page, base: str) -> list[str]:
    """The form for a new row, and page and form of the first one."""
    links = page.locator("main a").evaluate_all("links => links.map(link => link.getAttribute('href') ?? '')")
    found = {}
    for kind in ("add", "show", "edit"):
        own = [link for link in links if re.match(rf"{base}{kind}(/\d+)?(\?|$)", link)]
        found[kind] = own[:1]
    return [link for own in found.values() for link in own]


CUT = """() => [...document.querySelectorAll("button, .btn, .badge, .tag, .tabs a, summary, label, td, th, h1, h2")].filter((part) => {
  const box = part.getBoundingClientRect();
  if (!box.width || part.closest(".sr") || part.querySelector("input, select, textarea, canvas")) return false;
  const cut = [part, ...part.querySelectorAll("*")].some((one) => getComputedStyle(one).textOverflow === "ellipsis");
  return !cut && part.scrollWidth > part.clientWidth + 1 && getComputedStyle(part).display !== "inline";
}).map((part) => `cut: ${part.className} ${part.textContent.trim().slice(0, 60)}`)"""
"""Words that stick out of their place or are cut off without a sign."""


OTHER_LANGUAGES = [code for code in LANGUAGES if code != "en"]


@contextmanager
def speaking(page: Page, who: str, language: str) -> Iterator[None]:
    """By the switches a person has, and back again."""
    _speak(page, who, language)
    yield
    _speak(page, who, "en")


def _speak(page: Page, who: str, language: str) -> None:
    page.goto("/admin/tickets/" if who not in ("stranger", "ada") else "/help/")
    if who not in ("stranger", "ada"):
        page.locator("[popovertarget=me]").click()
    page.get_by_role("button", name=LANGUAGES[language]["name"]).click()
    page.wait_for_load_state()
    assert page.locator("html").get_attribute("lang") == language


@pytest.mark.parametrize(("who", "pages"), LOOKS)
@pytest.mark.parametrize("language", OTHER_LANGUAGES)
def test_longer_words_fit(windows: Windows, made: dict[str, str], language: str, who: str, pages: list[str]) -> None:
    """In no language anything reaches over the side, and no word is cut off."""
    page = windows.stranger() if who == "stranger" else windows.page(who)
    wrong: dict[str, list[str]] = {}
    page.emulate_media(reduced_motion="reduce")
    with speaking(page, who, language):
        for address in pages:
            page.set_viewport_size(WIDE)  # type: ignore[arg-type]
            page.goto(made.get(address, address))
            assert page.locator("html").get_attribute("lang") == language, address
            wrong[f"{address} in between"] = crowded(page)
            for name, size in SIZES.items():
                resize(page, size)
                wrong[f"{address} {name}"] = sideways(page) + page.evaluate(CUT)
        page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    assert not any(wrong.values()), json.dumps(
        {address: found for address, found in wrong.items() if found}, indent=1, ensure_ascii=False
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_bar_of_bulk_work_stays_on_the_screen(windows: Windows, language: str) -> None:
    """It lies over the page, where nothing scrolls to what reaches over the side."""
    page = windows.page("supervisor")
    page.emulate_media(reduced_motion="reduce")
    with speaking(page, "supervisor", language):
        for size in SIZES.values():
            page.set_viewport_size(size)  # type: ignore[arg-type]
            page.goto("/admin/tickets/?view=everything")
            page.locator(".action_check").first.check()
            bar = page.locator("[data-bulk]")
            expect(bar).to_be_visible()
            inner = bar.evaluate("bar => [...bar.children].map(part => part.getBoundingClientRect()).map(box => box.width && [box.left, box.right]).filter(Boolean).flat()")  # fmt: skip
            assert min(inner) >= 0 and max(inner) <= size["width"], (language, size)
        page.set_viewport_size(WIDE)
