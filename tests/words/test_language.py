"""Whose language a page or a mail speaks."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import re
from typing import get_args, get_type_hints

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import force_locale, ngettext

from app.accounts import customers
from app.accounts.models import Customer, StaffProfile
from app.core import clock, web
from app.core.extensions import db
from app.mail import sampling, templates, wording
from app.mail.models import Delivery
from app.settings.desk import DeskSettings
from app.tickets.did import Did
from app.tickets.sentences import sentence_of
from app.tickets.thread import Channel, Words
from tests.factories import a_customer, a_ticket, acting, an_agent, run_jobs, setting, sign_in, sign_in_customer
from translations import collect

GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}
FRENCH = {"Accept-Language": "fr-CA,fr;q=0.9,en;q=0.5"}
MINE = {"de": "Meine Tickets", "fr": "Mes tickets"}
PASSWORD = {"en": ">Password<", "de": ">Passwort<", "fr": ">Mot de passe<"}


@pytest.mark.parametrize(
    ("headers", "desks", "expected"),
    [({}, "en", "en"), ({}, "de", "de"), ({}, "fr", "fr"), (GERMAN, "en", "de"), (FRENCH, "de", "fr"), ({"Accept-Language": "da"}, "de", "de"), ({"Accept-Language": "da, en;q=0.2"}, "de", "en"), ({"Accept-Language": "en-GB"}, "de", "en")],
    ids=["nothing asked, English desk", "nothing asked, German desk", "nothing asked, French desk", "German asked", "French asked of a German desk", "Danish asked of a German desk", "Danish, then English", "English asked of a German desk"],
)  # fmt: skip
def test_a_stranger_reads_what_the_browser_asks_for_else_the_desks(
    app: Flask, client: FlaskClient, headers: dict[str, str], desks: str, expected: str
) -> None:
    setting(language=desks)

    page = client.get("/portal/login", headers=headers).get_data(as_text=True)

    assert f'<html lang="{expected}"' in page
    assert [language for language, words in PASSWORD.items() if words in page] == [expected]


def test_a_language_nobody_chose_is_not_kept(client: FlaskClient) -> None:
    client.get("/portal/login", headers=GERMAN)

    with client.session_transaction() as session:
        assert "locale" not in session


def test_a_strangers_choice_wins_over_the_browser(client: FlaskClient) -> None:
    client.post("/portal/preferences", data={"locale": "en"})

    assert '<html lang="en"' in client.get("/portal/login", headers=GERMAN).get_data(as_text=True)


@pytest.mark.parametrize(("language", "mine"), MINE.items())
def test_a_customers_choice_is_kept_for_the_next_sign_in_and_for_mails(
    client: FlaskClient, language: str, mine: str
) -> None:
    ada = a_customer("Ada")
    sign_in_customer(client, ada)
    client.post("/portal/preferences", data={"locale": language})

    page = client.get("/portal/tickets").get_data(as_text=True)

    assert mine in page
    assert db.session.get_one(Customer, ada.id, populate_existing=True).language == language


@pytest.mark.parametrize(("language", "mine"), MINE.items())
def test_staff_choose_in_the_menu_and_keep_it(client: FlaskClient, language: str, mine: str) -> None:
    agent = an_agent()
    sign_in(client, agent)

    client.post(
        "/admin/me/language", data={"language": language}, headers={"Referer": "http://localhost/admin/tickets/"}
    )

    assert db.session.get_one(StaffProfile, agent.id, populate_existing=True).language == language
    assert mine in client.get("/admin/tickets/", headers={"Accept-Language": "en"}).get_data(as_text=True)


def test_the_desk_offers_the_same_languages_everywhere(app: Flask) -> None:
    """Its setting, its switches and its catalogues."""
    offered = app.config["LANGUAGES"]
    choices = next(field.metadata["choices"] for field in dc.fields(DeskSettings) if field.name == "language")

    assert choices == {code: spoken["name"] for code, spoken in offered.items()}
    assert get_args(get_type_hints(DeskSettings)["language"]) == tuple(offered)
    assert sorted(offered) == sorted(["en", *collect.languages()])


def test_the_switches_name_each_language_in_itself(client: FlaskClient) -> None:
    page = client.get("/portal/login", headers=FRENCH).get_data(as_text=True)

    assert re.findall(r'name="locale" value="(\w+)" lang="(\w+)"[^>]*>(\w+)<', page) == [
        ("en", "en", "English"),
        ("de", "de", "Deutsch"),
        ("fr", "fr", "Français"),
    ]


def test_a_language_the_desk_does_not_speak_changes_nothing(client: FlaskClient) -> None:
    agent = an_agent()
    sign_in(client, agent)

    answer = client.post("/admin/me/language", data={"language": "tlh"})

    assert answer.status_code == 303
    assert db.session.get_one(StaffProfile, agent.id, populate_existing=True).language is None


def test_a_guest_is_answered_in_the_language_they_wrote_in(client: FlaskClient) -> None:
    form = {"name": "Gerd Gast", "email": "gerd@gast.example", "subject": "Kein Ton", "message": "Es kommt kein Ton."}
    page = client.get("/portal/contact", headers=GERMAN).get_data(as_text=True)
    form |= {"form": page.split('name="form" value="')[1].split('"')[0]} if 'name="form" value="' in page else {}

    client.post("/portal/contact", data=form, headers=GERMAN)
    run_jobs()

    customer = customers.find("gerd@gast.example")
    assert customer is not None and customer.language == "de"
    assert "bestätigen Sie bitte" in written(customer) or "bestätigen Sie" in written(customer)


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ("de", "hat Ihr Ticket beantwortet"),
        ("fr", "a répondu à votre ticket"),
        ("en", "answered your ticket"),
        (None, "hat Ihr Ticket beantwortet"),
    ],
    ids=["German", "French", "English", "none: the desk's"],
)
def test_a_mail_goes_in_the_language_of_the_person_it_is_for(app: Flask, own: str | None, expected: str) -> None:
    setting(language="de")
    agent = an_agent()
    ticket = a_ticket(requester=a_customer("Ada", language=own), assignee=agent)
    ticket.reply(Words("Please try again.", via=Channel.STAFF), by=acting(agent))
    db.session.commit()
    with force_locale("en"):
        run_jobs()

    assert expected in written(ticket.requester)


def written(customer: Customer) -> str:
    """All mails to this person, as text."""
    import email
    from email.policy import default

    rows = db.session.query(Delivery).filter_by(customer_id=customer.id).all()
    mails = [email.message_from_bytes(row.raw, policy=default) for row in rows if row.raw]
    return "\n".join(mail.get_body(("plain",)).get_content() for mail in mails)


def test_a_mail_in_french_has_its_blanks_before_colons(app: Flask) -> None:
    """What templates put beside the words, too."""
    quote = {"who": "Jonas Lind", "at": "", "text": "#1042"}
    with force_locale("fr"):
        said = {**sampling.sample(), "history": [quote], "asked": quote, "files": [{"name": "a.pdf", "size": "1 Mo"}]}
        lines = [line for kind in wording.LABELS for line in templates.write(kind, said)[0].splitlines()]

    assert sum(line.endswith("\u00a0:") for line in lines) > 10
    assert [line for line in lines if re.search(r"[^\u00a0]:(\s|$)", line)] == []


def test_a_broken_promise_is_named_in_the_readers_language(app: Flask) -> None:
    """The worker that noted it wrote its name in another."""
    with force_locale("de"):
        said = sentence_of(Did.BREACHED, {"metric": "resolution", "metric_name": "resolution"})

    assert said == "hat eine gebrochene Zusage vermerkt: Lösung"


WRITTEN = {
    "en": ("Thu 3 Dec 2026, 14:05 UTC", "1.5 MB", "2 bytes", "5m"),
    "de": ("Do., 3. Dez. 2026, 14:05 UTC", "1,5 MB", "2 Byte", "5 Min."),
    "fr": ("jeu. 3 déc. 2026 à 14:05 UTC", "1,5 Mo", "2 octets", "5\u00a0min"),
}


@pytest.mark.parametrize(("language", "expected"), WRITTEN.items())
def test_times_and_sizes_follow_the_language(app: Flask, language: str, expected: tuple[str, ...]) -> None:
    at = dt.datetime(2026, 12, 3, 14, 5, tzinfo=dt.UTC)

    with force_locale(language):
        written = (
            web.absolute(at),
            web.filesize(1_572_864),
            web.filesize(2),
            web.ago(clock.now() - dt.timedelta(minutes=5)),
        )

    assert written == expected


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en", ["0 tickets", "1 ticket", "2 tickets"]), ("de", ["0 Tickets", "1 Ticket", "2 Tickets"]), ("fr", ["0 ticket", "1 ticket", "2 tickets"])],
)  # fmt: skip
def test_a_number_takes_the_form_its_language_gives_it(app: Flask, language: str, expected: list[str]) -> None:
    """In French nothing is one thing."""
    with force_locale(language):
        assert [ngettext("%(num)d ticket", "%(num)d tickets", count) for count in range(3)] == expected


@pytest.mark.parametrize(("language", "open_"), [("de", "Offen"), ("fr", "Ouvert")])
def test_a_shipped_name_is_translated_until_an_admin_renames_it(client: FlaskClient, language: str, open_: str) -> None:
    ticket = a_ticket(requester=a_customer("Ada", language=language))
    sign_in_customer(client, ticket.requester)
    client.post("/portal/preferences", data={"locale": language})

    first = client.get(f"/portal/tickets/{ticket.number}").get_data(as_text=True)
    ticket.status.name = "Being looked at"
    db.session.commit()
    then = client.get(f"/portal/tickets/{ticket.number}").get_data(as_text=True)

    assert f">{open_}<" in first.replace("\n", "")
    assert "Being looked at" in then
