"""The menu at the side: the settings stand in groups, each once, and open where one is."""

from __future__ import annotations

import re

from flask import Flask
from flask.testing import FlaskClient

from app.desk.menu import GROUPS
from tests.factories import a_supervisor, an_admin, sign_in


def test_every_group_names_entries_that_are_there_and_each_once(app: Flask) -> None:
    for top in app.appbuilder.menu.get_list():  # type: ignore[attr-defined]
        named = [name for _label, names in GROUPS.get(top.name, ()) for name in names]
        entries = {entry.name for entry in top.childs if entry is not None}
        assert len(named) == len(set(named)) and set(named) <= entries
        assert len(entries - set(named)) <= 8, f"what is new under {top.name} needs a group"


def test_the_group_of_the_page_is_open_and_no_other(client: FlaskClient) -> None:
    sign_in(client, an_admin())

    page = client.get("/admin/mail-filters/").text

    side = page[page.index('class="nav-list"') : page.index('aria-current="page"')]
    assert re.findall(r"<details open><summary>(?:<svg.*?</svg>)?(.*?)</summary>", side) == ["Settings", "Mail"]
    assert page.count("<details open>") == 2


def test_of_a_group_one_may_see_a_single_entry_of_that_stands_alone(client: FlaskClient) -> None:
    sign_in(client, a_supervisor())

    page = client.get("/admin/tickets/").text

    assert "<summary>Mail</summary>" not in page
    assert ">Banned senders</a>" in page
