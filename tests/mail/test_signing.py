"""Mails are signed so that whoever gets them can tell that they are ours."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dkim
import dns.message
import dns.resolver
import dns.rrset
import pytest

from app.core.extensions import db
from app.mail import signing
from app.mail.models import DeliveryState, SigningKey
from tests.factories import a_customer, an_admin, an_agent, setting, sign_in
from tests.mail.smtp import Sink
from tests.mail.test_transport import a_mail, send_all
from tests.mail.test_transport import sink as sink  # a fixture

DOMAIN = "deskhand.example"


def proves(raw: bytes, key: SigningKey) -> bool:
    """As a mail server of the recipient's asks: by the record that the page shows."""
    asked = f"{key}.".encode()
    found: bool = dkim.verify(raw, dnsfunc=lambda name, timeout=5: signing.record(key).encode() if name == asked else None)  # fmt: skip
    return found


def test_what_arrives_at_the_mail_server_is_signed_by_the_senders_domain(sink: Sink):
    key = signing.make(DOMAIN, "s1")
    setting(mail_sign=True)
    a_mail(customer=a_customer("Zoë Ünal, Größe & Söhne mit einem sehr langen Namen", email="zoe@customer.test"))
    send_all()

    assert len(sink.mails) == 2
    for raw in sink.mails:
        assert raw.startswith(b"DKIM-Signature:") and b" d=deskhand.example;" in raw
        assert proves(raw, key)


def test_a_letter_that_was_changed_on_the_way_breaks_the_signature(sink: Sink):
    key = signing.make(DOMAIN, "s1")
    setting(mail_sign=True)
    a_mail()
    send_all()

    for part in (b"Subject: ", b"To: ", b"text/plain"):
        assert not proves(sink.mails[0].replace(part, part + b"x", 1), key)


def test_a_new_key_signs_from_then_on_and_no_key_signs_for_a_foreign_domain(sink: Sink):
    signing.make(DOMAIN, "old")
    new = signing.make("Deskhand.Example.", "NEW")
    signing.make("elsewhere.example", "s1")
    setting(mail_sign=True)
    a_mail()
    send_all()
    setting(mail_from="support@help.deskhand.example")
    a_mail()
    send_all()
    setting(mail_from="support@otherhand.example")
    a_mail()
    send_all()

    assert proves(sink.mails[0], new) and proves(sink.mails[2], new)
    assert b"DKIM-Signature" not in sink.mails[-1]


@pytest.mark.parametrize("why", ["switched off", "no key", "another secret key"])
def test_a_mail_leaves_unsigned_rather_than_not_at_all(app, sink: Sink, why: str, monkeypatch):
    if why != "no key":
        signing.make(DOMAIN, "s1")
    setting(mail_sign=why != "switched off")
    mail = a_mail()
    db.session.commit()
    if why == "another secret key":
        monkeypatch.setitem(app.config, "SECRET_KEY", "x" * 40)
    send_all()

    assert mail.state is DeliveryState.SENT
    assert b"DKIM-Signature" not in sink.mails[0]


def test_the_private_half_is_sealed_and_never_shown(app, client):
    sign_in(client, an_admin())
    page = "/admin/mail-signing/"

    assert client.post(page, data={"domain": DOMAIN, "selector": "s1"}).status_code == 303
    key = db.session.query(SigningKey).one()
    shown = client.get(page).text

    assert "PRIVATE KEY" not in key.sealed
    assert key.public in shown and "s1._domainkey.deskhand.example" in shown
    assert key.sealed not in shown


def test_what_is_no_domain_or_a_name_that_was_used_is_said_beside_its_field(app, client):
    sign_in(client, an_admin())
    signing.make(DOMAIN, "s1")
    db.session.commit()
    page = "/admin/mail-signing/"

    wrong = client.post(page, data={"domain": "no domain", "selector": "über"})
    again = client.post(page, data={"domain": DOMAIN, "selector": "s1"})

    assert wrong.status_code == again.status_code == 422
    assert "Please write a domain" in wrong.text and "Please write letters and digits" in wrong.text
    assert 'value="no domain"' in wrong.text
    assert "There is a key of this name" in again.text


def test_an_agent_makes_no_key(app, client):
    sign_in(client, an_agent())

    client.post("/admin/mail-signing/", data={"domain": DOMAIN, "selector": "s1"})

    assert db.session.query(SigningKey).count() == 0


@contextmanager
def name_server(records: dict[str, str]) -> Iterator[dns.resolver.Resolver]:
    """A real one on loopback, which knows these TXT records alone."""

    class Answering(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            asked, line = self.request
            query = dns.message.from_wire(asked)
            name = query.question[0].name
            answer = dns.message.make_response(query)
            text = records.get(str(name).rstrip("."))
            if text is None:
                answer.set_rcode(3)  # there is no such name
            else:
                halves = f'"{text[:200]}" "{text[200:]}"'  # as long records come
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", halves))
            line.sendto(answer.to_wire(), self.client_address)

    with socketserver.UDPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], server.server_address[1]
        try:
            yield resolver
        finally:
            server.shutdown()
            thread.join()


def test_the_record_is_looked_up_in_the_dns(app, client, monkeypatch):
    sign_in(client, an_admin())
    there, other, missing = (signing.make(DOMAIN, name) for name in ("there", "other", "missing"))
    db.session.commit()
    records = {str(there): signing.record(there), str(other): "v=DKIM1; p=AAAA"}
    ids = there.id, other.id, missing.id
    with name_server(records) as resolver:
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
        pages = [client.post(f"/admin/mail-signing/{one}/look-up", follow_redirects=True).text for one in ids]

    assert "The record is there, and it is the right one." in pages[0]
    assert "another record there: v=DKIM1; p=AAAA" in pages[1]
    assert "no such record yet" in pages[2]
    db.session.expire_all()
    assert there.found_at is not None and other.found_at is None and missing.found_at is None


def test_the_switch_and_the_removal_of_a_key(app, client):
    sign_in(client, an_admin())
    key = signing.make(DOMAIN, "s1")
    db.session.commit()

    assert "No mail is signed." in client.get("/admin/mail-signing/").text
    on = client.post("/admin/mail-signing/switch", data={"on": "1"}, follow_redirects=True).text
    off = client.post("/admin/mail-signing/switch", follow_redirects=True).text
    client.post(f"/admin/mail-signing/{key.id}/remove")

    assert "Switch off" in on and "Switch on" in off
    assert db.session.query(SigningKey).count() == 0
    assert client.post(f"/admin/mail-signing/{2**63}/remove").status_code == 404
