"""Every page, read in a language made for the test: whatever is neither marked nor somebody's own words was forgotten by us."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask_babel import force_locale
from sqlalchemy import String, text
from werkzeug.test import TestResponse

from app.core import refusals
from app.core.extensions import db
from app.core.model import Base
from app.core.shipped import shipped
from app.mail import sampling, templates, wording
from app.tickets import fields
from tests.security import sweep
from tests.security import world as worlds
from tests.security.world import Who, World
from tests.words import marked

READERS = (Who.ANONYMOUS, Who.CUSTOMER, Who.AGENT, Who.SUPER)
FURTHER = (
    "/admin/tickets/?view=everything&status=1&priority=4&category=1&assigned=me", "/admin/tickets/?q=nothing-has-this", "/admin/mail-log/?state=captured", "/admin/jobs/?state=done",
    "/admin/customers/list/?_flt_0_name=e", "/portal/tickets?tab=all", "/portal/tickets?q=nothing-has-this", "/help/?q=nothing-has-this", "/portal/tickets/999999", "/admin/tickets/999999",
)  # fmt: skip
"""Pages that say other things when asked otherwise."""
NAMES = (
    "Deskhand", "English", "Deutsch", "Français", "kB", "MB", "UTC", "SLA", "CSV", "XLSX", "API", "HTML", "CC", "Markdown", "PDF", "ID", "Super Admin", "Support Agent", "Elena Marchetti", "Jonas Lind", "Marchetti & Figli", "Always", "min", "eml",
    "Ctrl", "Enter", "Esc", "Tab", "Google", "Microsoft 365",
)  # fmt: skip
"""The same in every language, or a name."""
WORD = r"[^\W\d_]{2,}"
INITIALS = re.compile(r"[A-Z]{2}")
MACHINES = re.compile(
    r"[\w.+-]+@[\w.-]+|https?://\S+|/[\w./-]+|#\d+|\b[a-z]+(?:[._:][a-z_]+)+\b|\{\{.*?\}\}|\{%.*?%\}|can_\w+"
)
"""Addresses, numbers, names of jobs and scopes, placeholders."""
RAW = {
    "/admin/priorities/": re.compile("Low|High"),
    "/admin/audit/": re.compile(r"Billing|Support|tickets|members: \+.*"),
}
"""Other names of priorities are kept for programs; the audit log keeps names and columns as they were."""
ASKING = {"Accept-Language": marked.MARKED, "Accept": "text/html"}
ENDS_SESSIONS = re.compile("logout|sign-out|sessions|password|language|preferences|delete|/roles/")
"""Afterwards the same cookie opens nothing or speaks otherwise, or what every test needs is gone."""
NOT_OURS = ("/swagger", "/static", "/api/")
FULL_OF_NAMES = re.compile(r"/admin/(roles|role-scopes)/")
"""Pages that list Flask-AppBuilder's names of rights."""
MAILS = re.compile(r"/admin/mail-lab/(\d+/returns|in/\d+/what-if)")
"""Answered with a whole mail: the words of whoever wrote it, and a machine's in the report of a bounce."""


@pytest.fixture(scope="module")
def speaking(app: Flask, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The same desk in the marked language."""
    from app import create_app

    folder = tmp_path_factory.mktemp("marked")
    marked.write(folder)
    same = ("SQLALCHEMY_DATABASE_URI", "TESTING", "QUEUE_OFF", "STORAGE_URL", "SERVER_NAME", "WTF_CSRF_ENABLED")
    desk = create_app(**{name: app.config[name] for name in same})
    desk.extensions["babel"].translation_directories[:] = [str(folder)]
    yield desk
    with desk.app_context():
        db.engine.dispose()


def test_no_page_says_a_word_that_has_no_translation(app: Flask, speaking: Flask) -> None:
    world = worlds.build(app)
    db.session.commit()
    known = own_words(world)
    db.session.remove()
    forgotten: dict[str, str] = {}
    pages = 0
    for who in READERS:
        for path in paths(speaking, world):
            answer = sweep.apart(lambda path=path, who=who: ask(speaking, world, who, path))
            if answer is None:
                continue
            pages += 1
            assert f'lang="{marked.MARKED}"' in answer or "<html" not in answer, path
            for said in marked.unmarked(answer):
                if not said_by_machines(path, said) and (left := without(said, known)):
                    forgotten.setdefault(left, f"{who} {path}: {said[:120]}")

    assert pages > 150
    assert not forgotten, "\n".join(f"{left!r} in {where}" for left, where in sorted(forgotten.items()))


def test_no_answer_to_an_empty_form_says_a_word_that_has_no_translation(app: Flask, speaking: Flask) -> None:
    """Refusals beside fields, flashes and the sentences of errors, for every form of the desk."""
    world = worlds.build(app)
    db.session.commit()
    known = own_words(world)
    db.session.remove()
    forgotten: dict[str, str] = {}
    answers = 0
    for rule in sweep.rules(speaking, "POST"):
        path = next(sweep.addresses(rule, world))[1]
        if path.startswith(NOT_OURS) or ENDS_SESSIONS.search(path) or MAILS.fullmatch(path):
            continue
        for who in (Who.ANONYMOUS, Who.CUSTOMER, Who.SUPER):
            answer = sweep.apart(lambda path=path, who=who: send(speaking, world, who, path))
            answers += answer is not None
            for said in marked.unmarked(answer or ""):
                if not said_by_machines(path, said) and (left := without(said, known)):
                    forgotten.setdefault(left, f"{who} {path}: {said[:120]}")

    assert answers > 60
    assert not forgotten, "\n".join(f"{left!r} in {where}" for left, where in sorted(forgotten.items()))


def send(app: Flask, world: World, who: Who, path: str) -> str | None:
    """The page that answers; where it leads on, the one it leads to, with its flash."""
    client = app.test_client()
    if who is not Who.ANONYMOUS:
        client.set_cookie(app.config["SESSION_COOKIE_NAME"], world.cookies[who])
    answer = client.post(path, data={}, headers=ASKING, follow_redirects=True)
    return page_of(answer)


def test_no_mail_says_a_word_that_has_no_translation(app: Flask, speaking: Flask) -> None:
    """Text and HTML of every kind, with a quote, a file and what was asked."""
    quote = {"who": "Jonas Lind", "at": "", "text": "#1042"}
    left: dict[str, list[str]] = {}
    with speaking.app_context(), force_locale(marked.MARKED):
        said = {**sampling.sample(), "history": [quote], "asked": quote, "files": [{"name": "a.pdf", "size": "1 MB"}]}
        for kind in wording.LABELS:
            text, page = templates.write(kind, said)
            whole = [text, *marked.texts(page)]
            left[kind] = [
                rest
                for one in whole
                if (rest := without(marked.stripped(one), [*NAMES, "Jonas Lind", "Elena Marchetti"]))
            ]

    assert not any(left.values()), left


@pytest.mark.parametrize("code", [400, 401, 403, 404, 405, 413, 429, 500, 503])
def test_every_error_page_speaks_the_language(app: Flask, speaking: Flask, code: int) -> None:
    with speaking.test_request_context("/portal/nowhere", headers=ASKING):
        page = refusals.answer(code, refusals.sentence(code)).get_data(as_text=True)

    assert f'lang="{marked.MARKED}"' in page
    assert [
        left for said in marked.unmarked(page) if (left := without(said, sorted(NAMES, key=len, reverse=True)))
    ] == []


def test_the_headings_of_the_export_are_translated_and_its_values_are_not(app: Flask, speaking: Flask) -> None:
    world = worlds.build(app)
    own = {field.name for field in fields.active()}
    db.session.remove()
    client = speaking.test_client()
    client.set_cookie(app.config["SESSION_COOKIE_NAME"], world.cookies[Who.SUPER])

    lines = list(
        csv.reader(
            client.get("/admin/tickets/export.csv?view=everything", headers=ASKING)
            .get_data(as_text=True)
            .lstrip("\ufeff")
            .splitlines()
        )
    )

    assert all(heading.startswith(marked.BEGIN) for heading in lines[0] if heading not in own)
    assert not any(marked.BEGIN in cell for line in lines[1:] for cell in line)


def paths(app: Flask, world: World) -> list[str]:
    bare = [
        path for rule in sweep.rules(app, "GET") for whose, path in sweep.addresses(rule, world) if whose != "foreign"
    ]
    return [path for path in (*bare, *FURTHER) if not path.startswith(NOT_OURS) and not FULL_OF_NAMES.match(path)]


def ask(app: Flask, world: World, who: Who, path: str) -> str | None:
    client = app.test_client()
    if who is not Who.ANONYMOUS:
        client.set_cookie(app.config["SESSION_COOKIE_NAME"], world.cookies[who])
    return None if path.endswith("/html") else page_of(client.get(path, headers=ASKING))


def page_of(answer: TestResponse) -> str | None:
    """What a person reads, if it is a page."""
    return (
        answer.get_data(as_text=True)
        if answer.mimetype == "text/html" and answer.status_code // 100 in (2, 4)
        else None
    )


def said_by_machines(path: str, said: str) -> bool:
    raw = RAW.get("/".join(path.split("/")[:3]) + "/")
    return bool(INITIALS.fullmatch(said) or (raw is not None and raw.fullmatch(said)))


def own_words(world: World) -> list[str]:
    """What people, not we, wrote: every short text of the database but the names we ship. Longest first."""
    found = {*marked.day_words(), *marked.words_of_wtforms(), *NAMES}
    for table in Base.metadata.sorted_tables:
        if table.name in ("ab_permission", "ab_view_menu"):
            continue
        for column in table.columns:
            if isinstance(column.type, String):
                found |= {
                    str(value)
                    for value in db.session.scalars(text(f'SELECT DISTINCT "{column.name}" FROM {table.name}'))
                    if value
                }
    pieces = {line.strip() for value in found for line in str(value).splitlines()}
    return sorted((piece for piece in pieces if len(piece) > 1 and piece not in shipped()), key=len, reverse=True)


def without(said: str, known: list[str]) -> str:
    """What is left of a text when machines' words and people's words are taken out, whichever is first."""
    left = _without_known(MACHINES.sub(" ", said), known)
    if re.search(WORD, left):
        left = MACHINES.sub(" ", _without_known(said, known))
    return " ".join(left.split()) if re.search(WORD, left) else ""


def _without_known(left: str, known: list[str]) -> str:
    for words in known:
        if words in left:
            left = re.sub(rf"(?<!\w){re.escape(words)}(?!\w)", " ", left)
    return left
