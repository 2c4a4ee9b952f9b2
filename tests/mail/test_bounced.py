"""A mail that came back is noted where it belongs, and answers nobody."""

from app.core.extensions import db
from app.mail import addresses, incoming
from app.mail.models import Delivery, DeliveryState, RawMail
from app.mail.outgoing import put_notice
from tests.factories import a_ticket, run_jobs

BOUNCE = """\
From: MAILER-DAEMON@mx.customer.test
To: support@deskhand.example
Subject: Undelivered Mail Returned to Sender
Message-ID: <bounce-1@mx.customer.test>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

The user is unknown.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.customer.test

Final-Recipient: rfc822; {address}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--b
Content-Type: message/rfc822

From: support@deskhand.example
To: {address}
Subject: Re: Help
Message-ID: {message_id}

Hello
--b--
"""


def test_a_bounce_is_noted_at_its_mail_and_switches_off_an_address_that_is_gone(app):
    ticket = a_ticket()
    customer = ticket.requester
    delivery = put_notice("ticket_resolved", customer_id=customer.id, ticket_id=ticket.id)
    run_jobs()
    before = db.session.query(Delivery).count()

    raw = BOUNCE.format(address=customer.email, message_id=addresses.message_id_for(delivery.id))
    row = incoming.store(raw.encode(), "smtp")
    run_jobs()

    kept = db.session.get_one(Delivery, delivery.id, populate_existing=True)
    assert kept.state is DeliveryState.FAILED
    assert kept.bounced_at is not None
    assert not customer.address_works
    assert "came back" in ticket.messages[-1].text
    assert db.session.query(Delivery).count() == before
    assert db.session.get_one(RawMail, row.id).verdict
