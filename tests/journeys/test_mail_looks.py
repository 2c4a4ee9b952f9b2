"""Every mail as a mail program shows it: on a phone and wide, light and dark, with the words of the desk and with an admin's."""

from __future__ import annotations

import pytest
from flask import Flask
from flask_babel import force_locale
from markupsafe import Markup
from playwright.sync_api import Browser

from app.mail import templates, wording
from app.mail.sampling import sample
from app.mail.wordable import WORDABLE
from tests.journeys.test_faces import findings, sideways

SIZES = (390, 700)
LONG = "https://desk.example/" + "a-very-long-way/" * 12


def words() -> dict[str, object]:
    """With everything that makes a mail long."""
    said = sample()
    said["entry"] |= {"html": Markup("<p>Have you tried <a href='{}'>{}</a>?</p><blockquote>It burns.</blockquote><pre>{}</pre>").format(LONG, LONG, "x" * 300), "text": LONG}  # fmt: skip
    quote = {"who": "Jonas Lind", "at": "Sunday", "text": f"It burns since this morning.\n{LONG}"}
    return {
        **said,
        "history": [quote],
        "asked": quote,
        "files": [{"name": "a.pdf", "size": "1 MB"}],
        "portal_url": LONG,
    }


def own(kind: str) -> str:
    return wording.written(kind, words(), wording.source_of(kind)).html


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("look", ["the desk's words", "own words"])
def test_a_mail_is_read_in_the_light_and_in_the_dark(app: Flask, browser: Browser, look: str, size: int) -> None:
    page = browser.new_context(viewport={"width": size, "height": 900}).new_page()
    wrong: dict[str, list[str]] = {}
    with force_locale("de"):
        for kind in WORDABLE:
            page.set_content(own(kind) if look == "own words" else templates.write(kind, words()).html)
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                wrong[f"{kind} {scheme}"] = sideways(page) + findings(page, runOnly=["color-contrast", "link-name", "image-alt", "list"])  # fmt: skip
    page.context.close()

    assert {name: found for name, found in wrong.items() if found} == {}


def test_the_dark_is_dark(app: Flask, browser: Browser) -> None:
    """No white card around light words: the background is what the dark scheme says."""
    page = browser.new_context(viewport={"width": 700, "height": 900}, color_scheme="dark").new_page()
    page.set_content(templates.write("staff_replied", words()).html)
    colours = page.evaluate("() => [...document.querySelectorAll('.bg, .card, .quote')].map(one => getComputedStyle(one).backgroundColor)")  # fmt: skip
    page.context.close()

    assert colours
    for colour in colours:
        red, green, blue = (int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))
        assert max(red, green, blue) < 60, colour
