"""docs/security.md names tests that are there, and every test file of this folder."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/security.md"


def test_every_test_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE.read_text()))
    there = {name for file in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"^ *def (test_\w+)", file.read_text(), re.M)}  # fmt: skip

    assert named - there == set()
    assert len(named) > 80


def test_every_file_of_attacks_is_told_of_on_the_page() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE.read_text()))
    untold = [
        file.name
        for file in Path(__file__).parent.rglob("test_*.py")
        if file.name not in ("test_the_page.py", *SMALL)
        and not named & set(re.findall(r"^ *def (test_\w+)", file.read_text(), re.M))
    ]

    assert untold == []


SMALL = ("test_absurd_ids.py", "test_mail_wording_depth.py", "test_signing_out.py")
"""One attack seen closer, which the page tells in a row of another file."""
