"""An admin words the mails anew, in a language that cannot do harm."""

import pytest

from app.core.errors import Invalid
from app.core.extensions import db
from app.mail import outgoing, wordable, wording
from app.mail.models import EmailTemplate
from app.tickets.thread import Channel, Words
from tests.effort import effort
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
    def refusal() -> str:
        with pytest.raises(Invalid) as refused:
            wording.checked("ticket_created", source)
        return refused.value.fields["source"]

    assert effort(refusal, enough=20) < 20
    assert refusal()


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
    assert wording.own_of("ticket_closed") is None
    assert client.post(page, data={"source": "{{ nobody }}"}).status_code == 422
    assert client.post(page, data={"source": "Bye {{ ticket.number }}"}).status_code == 303
    framed = client.get(f"{page}/html")
    assert "Bye #1042" in framed.text
    assert "sandbox" in framed.headers["Content-Security-Policy"]
    client.post(f"{page}/reset")
    assert wording.own_of("ticket_closed") is None
    assert client.get("/admin/mail-templates/no_such").status_code == 404


def test_an_agent_does_not_edit_the_desks_words(app, client):
    sign_in(client, an_agent())

    client.post("/admin/mail-templates/ticket_closed", data={"source": "Mine"})

    assert wording.own_of("ticket_closed") is None


def test_every_mail_of_the_desk_can_be_worded(app):
    assert set(wordable.WORDABLE) == set(outgoing.KINDS)
    assert {name for kind in wordable.WORDABLE for name in wordable.names_of(kind)} <= set(wordable.EXAMPLES)


def test_each_reader_gets_the_words_of_their_language(app):
    wording.keep("ticket_closed", "All: {{ ticket.number }}", "admin")
    wording.keep("ticket_closed", "Auf Deutsch: {{ ticket.number }}", "admin", "de")
    for language in ("de", "fr"):
        ticket = a_ticket(requester=a_customer(language.upper(), email=f"{language}@customer.test", language=language))
        ticket.close(by=acting(an_agent()))
    german, french = (bodies(the_mail("ticket_closed", address=f"{one}@customer.test"))[0] for one in ("de", "fr"))

    assert "Auf Deutsch: #" in german
    assert "All: #" in french


def test_own_words_that_cannot_be_filled_in_hold_no_mail_back(app):
    db.session.add(EmailTemplate(kind="ticket_closed", source="Bye {{ gone.away }} {% if %}"))
    a_ticket().close(by=acting(an_agent()))

    assert "is closed" in bodies(the_mail("ticket_closed"))[0]


def test_own_words_that_would_make_an_endless_mail_are_not_sent(app):
    wording.keep("staff_replied", "{{ entry.text }}" * 60, "admin")
    a_ticket().reply(Words("Word " * 9_000), by=acting(an_agent()))

    mail = the_mail("staff_replied")

    assert "answered your ticket" in bodies(mail)[0]


@pytest.mark.parametrize("kind", sorted(wordable.WORDABLE))
def test_a_name_of_another_mail_is_refused_with_the_one_that_is_meant(app, kind):
    with pytest.raises(Invalid) as refusal:
        wording.checked(kind, "{{ desk.nam }} {{ link.url }}")

    assert "Did you mean desk.name?" in refusal.value.fields["source"]


def test_a_preview_is_about_a_real_ticket_that_the_admin_may_see(app, client):
    admin = an_admin()
    ticket = a_ticket("Canary subject", requester=a_customer("Zoe Real"), text="canary words")
    ticket.note(Words("canary secret"), by=acting(an_agent()))
    sign_in(client, admin)
    page = "/admin/mail-templates/ticket_closed"
    source = "{{ to }}: {{ ticket.subject }}: {{ entry.text }}"

    shown = client.post(page, data={"source": source, "then": "preview", "ticket": f"#{ticket.number}"}).text
    framed = client.post(f"{page}/html", data={"source": source, "ticket": str(ticket.number)}).text
    missing = client.post(page, data={"source": source, "then": "preview", "ticket": "999999"})

    for seen in (shown, framed):
        assert "Zoe Real: Canary subject: canary words" in seen
        assert "canary secret" not in seen
    assert missing.status_code == 422
    assert "There is no ticket 999999 that you may see." in missing.text
    assert source.replace("{{ to }}", "") in missing.text


def test_an_admin_sends_the_words_to_themselves_before_anybody_gets_them(app, client):
    admin = an_admin()
    ticket = a_ticket("Canary subject")
    sign_in(client, admin)
    asked = {"source": "Bye {{ ticket.subject }}", "then": "test", "ticket": str(ticket.number), "language": "de"}

    answer = client.post("/admin/mail-templates/ticket_closed", data=asked)
    mail = the_mail("test_mail")

    assert "lies in the mail lab" in answer.text
    assert "Bye {{ ticket.subject }}" in answer.text
    assert mail["To"].addresses[0].addr_spec == admin.email
    assert "Bye Canary subject" in bodies(mail)[0] and "Bye Canary subject" in bodies(mail)[1]
    assert wording.own_of("ticket_closed") is None


def test_a_broken_template_is_kept_as_it_was_typed_with_its_fault_beside_it(app, client):
    sign_in(client, an_admin())

    answer = client.post("/admin/mail-templates/ticket_closed", data={"source": "Bye\n{{ ticket.nmber }}"})

    assert answer.status_code == 422
    assert "Line 2: there is no ticket.nmber in this mail. Did you mean ticket.number?" in answer.text
    assert "Bye\n{{ ticket.nmber }}</textarea>" in answer.text
