"""Words planted in everything that somebody must not read, looked for in every byte that person gets."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from app.core.extensions import db
from app.mail import parsing
from app.mail.models import Delivery
from tests.security import sweep
from tests.security import world as worlds
from tests.security.world import (
    ABOUT,
    DRAFT,
    FIELD,
    FOREIGN,
    HIDDEN,
    NOTE,
    NOTE_FILE,
    OWN,
    PERSONAL,
    STAFF,
    SUPPLIER,
    TASK,
    TEAM,
    TIME,
    UNPROVEN,
    UNSENT,
    UNTRUSTED,
    Who,
)

NOTES = (NOTE, NOTE_FILE)
FROM_CUSTOMERS = (
    *NOTES,
    HIDDEN,
    UNPROVEN,
    UNSENT,
    DRAFT,
    PERSONAL,
    ABOUT,
    UNTRUSTED,
    TASK,
    TIME,
    FIELD,
    TEAM,
    SUPPLIER,
)
KEPT_FROM = {
    Who.ANONYMOUS: (*FROM_CUSTOMERS, OWN, FOREIGN),
    Who.CUSTOMER: (*FROM_CUSTOMERS, FOREIGN),
    Who.COLLEAGUE: (*FROM_CUSTOMERS, FOREIGN),
    Who.STRANGER: (*FROM_CUSTOMERS, OWN),
    Who.AGENT: (FOREIGN, PERSONAL + Who.OUTSIDER, TEAM),
    Who.OUTSIDER: (OWN, HIDDEN, UNPROVEN, UNSENT, UNTRUSTED, PERSONAL + Who.AGENT),
    Who.DEVELOPER: (FOREIGN, UNSENT, PERSONAL),
    Who.SUPERVISOR: (UNSENT, PERSONAL),
    Who.ADMIN: (UNSENT, PERSONAL),
    Who.SUPER: (UNSENT, PERSONAL),
}
SEEN_BY = {
    OWN: (Who.CUSTOMER, Who.COLLEAGUE, Who.AGENT, Who.DEVELOPER, Who.SUPERVISOR, Who.ADMIN, Who.SUPER),
    FOREIGN: (Who.STRANGER, Who.OUTSIDER, Who.SUPERVISOR, Who.ADMIN, Who.SUPER),
    NOTE: STAFF,
    HIDDEN: (Who.AGENT, Who.DEVELOPER, Who.SUPERVISOR, Who.ADMIN, Who.SUPER),
    DRAFT: STAFF,
    ABOUT: STAFF,
    TASK: STAFF,
    TIME: STAFF,
    FIELD: STAFF,
    SUPPLIER: STAFF,
    TEAM: (Who.OUTSIDER, Who.DEVELOPER, Who.SUPERVISOR, Who.ADMIN, Who.SUPER),
}
"""Who does find the word: a test that looks where nothing ever stands proves nothing."""


@pytest.mark.parametrize("who", list(Who))
def test_nobody_reads_what_is_kept_from_them(app: Flask, who: Who) -> None:
    visits = [visit for visit in sweep.of(app).visits if visit.who is who]

    assert [
        f"{visit.path} says {word}" for visit in visits for word in KEPT_FROM[who] if word.encode() in said(visit)
    ] == []


def said(visit: sweep.Visit) -> bytes:
    """What came back, headers and all."""
    return visit.body + str(visit.headers).encode()


@pytest.mark.parametrize("word", SEEN_BY)
def test_whoever_may_read_it_finds_the_same_word(app: Flask, word: str) -> None:
    visits = sweep.of(app).visits

    assert [who for who in Who if any(visit.who is who and word.encode() in visit.body for visit in visits)] == list(
        SEEN_BY[word]
    )


def test_no_page_shows_a_secret_to_anybody(app: Flask) -> None:
    done = sweep.of(app)

    assert [
        f"{visit.who} {visit.path} says the {name}"
        for visit in done.visits
        for name, secret in done.world.secrets.items()
        if secret.encode() in said(visit)
    ] == []


def test_no_mail_to_a_customer_carries_a_note_or_anothers_words(app: Flask) -> None:
    world = worlds.build(app)
    mails = db.session.scalars(select(Delivery).where(Delivery.address.in_([*world.customers, "cc@own.test"]))).all()

    assert any(OWN in whole(mail) for mail in mails), "the mails of this desk say nothing at all"
    for mail in mails:
        strange = FOREIGN if mail.address != "eve@other.test" else OWN
        assert [word for word in (*FROM_CUSTOMERS, strange) if word in whole(mail)] == [], (
            f"{mail.kind} to {mail.address}"
        )


def whole(mail: Delivery) -> str:
    """Subject, text and HTML as the recipient's program reads them."""
    if mail.raw is None:
        return ""
    read = parsing.read(mail.raw)
    return "\n".join((read.subject, parsing.plain_text(read), read.html or "", mail.raw.decode("utf-8", "replace")))
