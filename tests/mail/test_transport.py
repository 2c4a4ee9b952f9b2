"""What happens to a mail between its row and the mail server's answer."""

import datetime as dt
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import time_machine
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import select, update

from app.core import clock
from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.mail import outgoing, transport
from app.mail.line import Line
from app.mail.models import Delivery, DeliveryState
from tests.factories import a_customer, a_ticket, run_jobs
from tests.mail.smtp import Sink, serving


@pytest.fixture
def sink(app) -> Iterator[Sink]:
    """A mail server that the desk sends by."""
    sink = Sink()
    with serving(sink) as port, mail_url(app, f"smtp://127.0.0.1:{port}"):
        yield sink


@contextmanager
def mail_url(app, url: str) -> Iterator[None]:
    before, app.config["MAIL_URL"] = app.config["MAIL_URL"], url
    try:
        yield
    finally:
        app.config["MAIL_URL"] = before


def a_mail(**given) -> Delivery:
    """A link somebody asked for, queued."""
    customer = given.pop("customer", None) or a_customer()
    return outgoing.put_notice(
        given.pop("kind", "waiting_reminder"),
        customer_id=customer.id,
        ticket_id=a_ticket(requester=customer).id,
        **given,
    )


def the_only(kind: str = "waiting_reminder") -> Delivery:
    return db.session.scalars(select(Delivery).where(Delivery.kind == kind)).one()


def send_all() -> None:
    db.session.commit()
    while transport.deliver_due():  # one run ends after a second, wherever it is
        pass
    db.session.expire_all()


def test_many_mails_leave_over_one_connection(sink, monkeypatch):
    monkeypatch.setattr(transport, "LONGEST_RUN_SECONDS", 60)  # however busy the machine is
    for _ in range(5):
        a_mail()
    run_jobs()

    assert len(sink.mails) >= 5
    assert sink.connections == 1
    assert {row.state for row in db.session.scalars(select(Delivery))} == {DeliveryState.SENT}
    assert the_reasons() == {"250 2.0.0 Ok: queued as 4711"}


def test_mails_that_leave_together_are_read_together(sink, at_most, monkeypatch):
    """A transaction each for what the server said, and a dozen questions for all of them."""
    for _ in range(20):
        customer = a_customer()
        ticket = a_ticket(requester=customer)
        message = ticket.messages[0]
        outgoing.put_notice("staff_replied", customer_id=customer.id, ticket_id=ticket.id, message_id=message.id)
    db.session.commit()
    send_all()
    again = update(Delivery).where(Delivery.kind == "staff_replied")
    db.session.execute(again.values(state=DeliveryState.QUEUED, raw=None, tries=0))
    db.session.commit()
    db.session.expunge_all()
    sent = len(sink.mails)
    monkeypatch.setattr(transport, "QUICK_SECONDS", 60)  # however busy the machine is
    monkeypatch.setattr(transport, "LONGEST_RUN_SECONDS", 60)

    with at_most(82):  # in batches of 5, 10 and 5
        transport.deliver_due()

    assert len(sink.mails) == sent + 20


def test_a_server_that_takes_commands_without_waiting_gets_them_so(sink):
    sink.pipelining = True
    gone = a_customer("Gone")
    sink.refuse[gone.email] = "550 5.7.1 We do not want this"
    mails = [a_mail(), a_mail(customer=gone), a_mail()]
    send_all()

    assert [mail.state.value for mail in mails] == ["sent", "failed", "sent"]
    assert mails[1].reason == "550 5.7.1 We do not want this"
    assert sink.connections == 1
    with Line() as line:
        assert line._opened().has_extn("pipelining")


def the_reasons() -> set[str | None]:
    return set(db.session.scalars(select(Delivery.reason)))


def test_a_job_that_runs_twice_sends_once(sink):
    a_mail()
    send_all()
    sent = len(sink.mails)

    send_all()

    assert len(sink.mails) == sent


def test_a_mail_in_anothers_hands_is_left_to_them_until_their_lease_ends(sink):
    mail = a_mail()
    db.session.commit()
    assert transport._lease(mail.id)

    assert not transport._lease(mail.id)
    with time_machine.travel(clock.now() + dt.timedelta(seconds=61)):
        assert transport._lease(mail.id)


def test_a_worker_that_dies_while_sending_sends_again_within_a_minute_under_the_same_message_id(sink):
    mail = a_mail()
    db.session.commit()
    held = transport._lease(mail.id)
    assert held and transport._parcel(held)
    message_id = mail.rfc_message_id

    send_all()
    assert mail.state is DeliveryState.QUEUED
    with time_machine.travel(clock.now() + dt.timedelta(seconds=61)):
        send_all()

    assert mail.state is DeliveryState.SENT
    assert message_id == mail.rfc_message_id
    assert f"<{message_id}>" in [parsed["Message-ID"] for parsed in sink.parsed()]


def test_the_bytes_of_old_mails_are_forgotten_and_their_story_stays(sink):
    mail = a_mail()
    send_all()
    mail.created_at -= dt.timedelta(days=91)
    db.session.flush()

    outgoing.forget_old()

    db.session.expire_all()
    assert mail.raw is None
    assert mail.state is DeliveryState.SENT and mail.subject


def test_a_refused_recipient_fails_in_the_servers_words_and_the_others_get_theirs(sink):
    gone, there = a_customer("Gone"), a_customer("There")
    sink.refuse[gone.email] = "550 5.7.1 We do not want this"
    refused, sent = a_mail(customer=gone), a_mail(customer=there)
    send_all()

    assert refused.state is DeliveryState.FAILED
    assert refused.reason == "550 5.7.1 We do not want this"
    assert sent.state is DeliveryState.SENT
    assert gone.address_works
    assert there.email in sink.recipients and gone.email not in sink.recipients


def test_a_mailbox_that_is_not_there_is_not_written_to_again(sink):
    gone = a_customer("Gone")
    sink.refuse[gone.email] = "550 5.1.1 User unknown"
    a_mail(customer=gone)
    send_all()

    again = a_mail(customer=gone)

    assert not gone.address_works
    assert again.state is DeliveryState.SUPPRESSED


def test_a_greylisted_mail_is_tried_again_with_growing_pauses(sink):
    customer = a_customer()
    sink.refuse[customer.email] = "451 4.7.1 Try again later"
    mail = a_mail(customer=customer)
    pauses, at = [], clock.now()
    for _ in range(4):
        with time_machine.travel(at, tick=False):
            send_all()
            pauses.append(mail.due_at - clock.now())
            at = mail.due_at

    assert [pause.total_seconds() / 60 for pause in pauses] == [1, 5, 15, 60]
    assert mail.state is DeliveryState.QUEUED
    assert mail.reason == "451 4.7.1 Try again later"


def test_after_three_days_of_later_a_mail_is_failed(sink):
    customer = a_customer()
    sink.refuse[customer.email] = "451 4.7.1 Try again later"
    mail = a_mail(customer=customer)
    began = at = clock.now()
    while mail.state is DeliveryState.QUEUED:
        with time_machine.travel(at, tick=False):
            send_all()
        at = mail.due_at

    assert mail.state is DeliveryState.FAILED
    assert dt.timedelta(days=3) <= at - began < dt.timedelta(days=3, hours=4)


def test_a_line_cut_after_the_last_byte_sends_again_under_the_same_message_id(sink):
    sink.after_data = "drop after keeping"
    mail = a_mail()
    send_all()
    assert mail.state is DeliveryState.QUEUED

    sink.after_data = "250 OK"
    with time_machine.travel(mail.due_at):
        send_all()

    assert mail.state is DeliveryState.SENT
    ids = [
        parsed["Message-ID"]
        for parsed in sink.parsed()
        if parsed["To"].addresses[0].addr_spec == mail.customer.email and "Shall we" in str(parsed)
    ]
    assert len(ids) == 2 and ids[0] == ids[1] == f"<{mail.rfc_message_id}>"


def test_a_server_that_is_away_is_asked_once_a_run_and_each_mail_waits(app):
    with mail_url(app, "smtp://127.0.0.1:9"):
        first, second = a_mail(), a_mail()
        send_all()

    assert first.state is second.state is DeliveryState.QUEUED
    assert "could not be reached" in first.reason
    assert first.tries == second.tries == 1


def test_without_a_mail_server_mail_lies_in_the_built_in_mailbox(app):
    mail = a_mail()
    send_all()

    assert mail.state is DeliveryState.CAPTURED
    assert b"Message-ID: <" in mail.raw


def test_a_failed_mail_is_sent_once_more_on_demand(sink):
    customer = a_customer()
    sink.refuse[customer.email] = "550 5.7.1 No"
    mail = a_mail(customer=customer)
    send_all()
    message_id = mail.rfc_message_id
    sink.refuse.clear()

    outgoing.resend(mail)
    send_all()

    assert mail.state is DeliveryState.SENT
    assert mail.rfc_message_id == message_id


def test_a_link_that_lets_its_reader_in_is_forgotten_once_sent(sink):
    mail = outgoing.put_notice(
        "sign_in_link", customer_id=a_customer().id, values={"link": "http://desk.test/portal/link/canary"}
    )
    send_all()

    assert "canary" in sink.mails[0].decode()
    assert mail.state is DeliveryState.SENT
    assert mail.raw is None and mail.values == {}
    with pytest.raises(HelpdeskError):
        outgoing.resend(mail)


def test_the_test_mail_says_what_the_server_said(sink):
    sink.refuse["somebody@elsewhere.test"] = "554 5.7.1 Relay access denied"

    refused = transport.send_now(outgoing.put_notice("test_mail", address="Somebody@elsewhere.test").id)

    assert refused.state is DeliveryState.FAILED
    assert refused.reason == "554 5.7.1 Relay access denied"


def test_one_mail_that_cannot_be_written_does_not_hold_up_the_others(sink):
    broken, fine = a_mail(customer=a_customer("Broken", email="no address at all@")), a_mail()
    send_all()

    assert broken.state in (DeliveryState.FAILED, DeliveryState.SUPPRESSED)
    assert fine.state is DeliveryState.SENT


@pytest.fixture(scope="session")
def certificate(tmp_path_factory) -> tuple[str, str]:
    """A certificate for 127.0.0.1 that nobody vouches for, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(dt.datetime(2020, 1, 1)).not_valid_after(dt.datetime(2090, 1, 1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False).sign(key, hashes.SHA256())
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(folder / "cert.pem"), str(folder / "key.pem")


def test_a_certificate_nobody_vouches_for_gets_nothing(app, certificate):
    sink = Sink()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    with serving(sink, tls_context=context) as port, mail_url(app, f"smtp://localhost:{port}?starttls=1"):
        mail = a_mail()
        send_all()

    assert sink.mails == []
    assert mail.state is DeliveryState.QUEUED
    assert "CERTIFICATE_VERIFY_FAILED" in mail.reason


def test_with_a_certificate_that_is_known_the_same_server_takes_it(app, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", certificate[0])
    sink = Sink()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    with (
        serving(sink, tls_context=context, require_starttls=True) as port,
        mail_url(app, f"smtp://localhost:{port}?starttls=1"),
    ):
        mail = a_mail()
        send_all()

    assert mail.state is DeliveryState.SENT


def test_a_server_without_starttls_gets_nothing_when_it_was_asked_for(app):
    sink = Sink()
    with serving(sink) as port, mail_url(app, f"smtp://127.0.0.1:{port}?starttls=1"):
        mail = a_mail()
        send_all()

    assert sink.mails == []
    assert "STARTTLS" in mail.reason
