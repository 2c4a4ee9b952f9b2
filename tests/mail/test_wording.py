"""An admin words the mails anew, in a language that cannot do harm."""

import time

import pytest

from app.core.errors import Invalid
from app.core.extensions import db
from app.mail import wording
from app.mail.models import EmailTemplate
from app.tickets.thread import Channel, Words
from tests.factories import a_customer, a_ticket, acting, an_admin, an_agent, sign_in
from tests.mail.test_outgoing import bodies, the_mail


def test_mails_say_what_the_admin_worded(app):
    wording.keep(
        "staff_replied", "Dear {{ to }},\n{{ entry.who }} says about {{ ticket.number }}:\n\n{{ entry.text }}", "admin"
    )
    ticket = a_ticket(requester=a_customer("Ada <Known>", email="ada@customer.test"), text="It burns.")
    ticket.reply(Words("Use <water> & sand."), by=acting(an_agent()))

    text, html = bodies(the_mail("staff_replied"))

    assert text.startswith("##- ")
    assert "Dear Ada <Known>,\n" in text and f"says about {ticket.display}:\n\nUse <water> & sand." in text
    assert "Dear Ada &lt;Known&gt;," in html and "Use &lt;water&gt; &amp; sand." in html
    assert "It burns." in text


def test_back_to_the_desks_own_words(app):
    wording.keep("ticket_created", "Mine", "admin")
    wording.reset("ticket_created")
    a_ticket()

    assert "thank you for writing" in bodies(the_mail("ticket_created"))[0]


def test_to_an_address_nobody_proved_only_the_desks_words_go(app):
    wording.keep("ticket_created", "About {{ ticket.subject }}: {{ entry.text }}", "admin")
    a_ticket("canary", text="canary", requester=a_customer(verified_at=None), via=Channel.MAIL)

    assert "canary" not in "".join(bodies(the_mail("ticket_created")))


@pytest.mark.parametrize("kind", sorted(wording.LABELS))
def test_the_words_to_begin_with_are_right(app, kind):
    source = wording.source_of(kind)

    assert wording.checked(kind, source) == source.strip()
    assert "{{" not in wording.preview(kind, source).text
    assert "{%" not in wording.preview(kind, source).html


@pytest.mark.parametrize(
    "source",
    [
        "{{ to.__class__ }}", "{{ ticket.__init__ }}", "{{ entry.text.format }}", "{{ entry.text.upper() }}", "{{ 'a' * 1000000000 }}", "{{ lipsum(n=100000) }}", "{{ config }}",
        "{% for a in entry.text %}{% for b in entry.text %}x{% endfor %}{% endfor %}", "{% include 'mail/test_mail.txt' %}", "{% import 'mail/_said.txt' as m %}", "{% extends 'layouts/mail.txt' %}",
        "{% set x = 1 %}", "{% macro m() %}{{ m() }}{% endmacro %}", "{{ ticket['subject'] }}", "{{ to|upper }}", "{{ self }}", "{{ cycler }}", "{{ to", "{% if %}", "", "x" * 10_001, "{{ to }}" * 400,
    ],
)  # fmt: skip
def test_what_could_do_harm_is_refused_with_a_sentence(app, source):
    began = time.monotonic()

    with pytest.raises(Invalid) as refusal:
        wording.checked("ticket_created", source)

    assert refusal.value.fields["source"]
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    ("kind", "source"), [("staff_replied", "You have an answer."), ("sign_in_link", "Hello {{ to }}")]
)
def test_a_mail_that_would_be_pointless_is_refused(app, kind, source):
    with pytest.raises(Invalid):
        wording.checked(kind, source)


def test_an_admin_edits_looks_and_goes_back(app, client):
    sign_in(client, an_admin())
    page = "/admin/mail-templates/ticket_closed"

    assert "The ticket is closed" in client.get("/admin/mail-templates/").text
    assert "Bye #1042" in client.post(page, data={"source": "Bye {{ ticket.number }}", "then": "preview"}).text
    assert db.session.get(EmailTemplate, "ticket_closed") is None
    assert client.post(page, data={"source": "{{ nobody }}"}).status_code == 422
    assert client.post(page, data={"source": "Bye {{ ticket.number }}"}).status_code == 303
    framed = client.get(f"{page}/html")
    assert "Bye #1042" in framed.text
    assert "sandbox" in framed.headers["Content-Security-Policy"]
    client.post(f"{page}/reset")
    assert db.session.get(EmailTemplate, "ticket_closed") is None
    assert client.get("/admin/mail-templates/no_such").status_code == 404


def test_an_agent_does_not_edit_the_desks_words(app, client):
    sign_in(client, an_agent())

    client.post("/admin/mail-templates/ticket_closed", data={"source": "Mine"})

    assert db.session.get(EmailTemplate, "ticket_closed") is None
