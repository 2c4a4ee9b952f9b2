"""Parts of pages that are kept: each reader gets theirs, in their language, with the names of today."""

import pytest
from flask_babel import force_locale

from app.accounts.viewer import SYSTEM, CustomerActor
from app.core import parts
from app.core.extensions import db
from app.desk.entries import LONGEST_KEPT, Said
from app.tickets.thread import Message, Words
from tests.desk.test_list import as_
from tests.factories import a_customer, a_supervisor, a_ticket, acting, an_organization, setting

AT = ("2026-01-01T10:00:00+00:00", "Thu 1 Jan 2026, 10:00 UTC", "1d")


def said(**more):
    given = {"id": 1, "ticket": 7, "kind": "customer", "author": "Ann", "via": "mail", "trusted": True, "written": "Hello", "quoted": None}  # fmt: skip
    return Said(**{**given, "original": False, "files": (), "at": AT, **more})


def drawn(**more):
    return parts.part("desk/_message.html", said=said(**more))


@pytest.fixture
def asked(app):
    with app.test_request_context():
        yield


@pytest.mark.parametrize(
    "change",
    [{"kind": "note"}, {"author": "Bo"}, {"trusted": False}, {"written": "Bye"}, {"at": (*AT[:2], "2d")}, {"ticket": 8, "original": True}],
    ids=["a note", "another author", "unproven", "other words", "a day later", "of another ticket"],
)  # fmt: skip
def test_what_says_something_else_is_drawn_anew(asked, change):
    assert drawn(**change) != drawn()
    assert drawn() == drawn()


def test_the_same_words_are_kept_once_for_each_language(asked):
    english = drawn()
    with force_locale("de"):
        german = drawn()

    assert "by mail" in english and "per E-Mail" in german
    assert drawn() == english


def test_words_that_look_like_finished_html_stay_words(asked):
    assert "<b>x</b>" not in drawn(author="<b>x</b>", written="<b>x</b>")


def test_a_long_message_is_shown_and_not_kept(app, client):
    ticket = a_ticket()
    ticket.receive(Words("x" * LONGEST_KEPT + " the end"), by=CustomerActor.of(ticket.requester))
    db.session.commit()
    as_(client, a_supervisor())
    client.get(f"/admin/tickets/{ticket.number}")
    before = parts._drawn.cache_info().misses

    page = client.get(f"/admin/tickets/{ticket.number}").text

    assert "the end" in page
    assert parts._drawn.cache_info().misses == before, "everything else was kept"


def test_a_ticket_seen_before_shows_what_changed_since(app, client):
    customer = a_customer("Ann Old", organization_id=an_organization("Northwind").id)
    ticket, other = a_ticket(requester=customer), a_ticket("The other one", requester=customer)
    boss = a_supervisor()
    as_(client, boss)
    address = f"/admin/tickets/{ticket.number}"
    assert "Ann Old" in client.get(address).text

    customer.name, customer.phone = "Ann New", "030 123"
    customer.organization.name = "Southwind"
    ticket.priority.name, ticket.status.name = "Rather urgent", "Looked at"
    other.rename("The renamed one", by=acting(boss))
    db.session.commit()
    page = client.get(address).text

    for words in ("Ann New", "030 123", "Southwind", "Rather urgent", "Looked at", "The renamed one"):
        assert words in page, words
    details = page[page.index('id="d-props"') : page.index('id="d-tl"')]
    assert not [words for words in ("Northwind", "The other one", "Ann Old") if words in details]


def test_an_erased_message_is_gone_from_a_page_seen_before(app, client):
    ticket = a_ticket(text="a secret")
    as_(client, a_supervisor())
    address = f"/admin/tickets/{ticket.number}"
    assert "a secret" in client.get(address).text

    message = db.session.query(Message).filter_by(ticket_id=ticket.id).one()
    message.text, message.author_name = "(erased)", "Somebody"
    db.session.commit()
    page = client.get(address).text

    assert "a secret" not in page and "(erased)" in page


def test_times_follow_the_zone_of_the_desk(app, client):
    ticket = a_ticket()
    as_(client, a_supervisor())
    address = f"/admin/tickets/{ticket.number}"
    assert "UTC" in client.get(address).text

    setting(time_zone="Asia/Tokyo")
    page = client.get(address).text

    assert "JST" in page and " UTC" not in page


def test_two_readers_of_one_ticket_get_each_their_own_page(app, client):
    ticket = a_ticket()
    first, second = a_supervisor(name="maya"), a_supervisor(name="noor")
    ticket.receive(Words("Hello?"), by=SYSTEM)
    db.session.commit()
    as_(client, first)
    assert "Me (0 open)" in client.get(f"/admin/tickets/{ticket.number}").text

    ticket.assign_to(first, by=SYSTEM)
    db.session.commit()
    as_(client, second)
    page = client.get(f"/admin/tickets/{ticket.number}").text

    assert "Me (0 open)" in page and "Maya Test (1 open)" in page
