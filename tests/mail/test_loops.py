"""Two machines that answer each other stop soon, whatever they say or leave out."""

import datetime as dt
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP

import pytest
import time_machine
from sqlalchemy import func, select

from app.core import clock
from app.core.extensions import db
from app.mail import incoming, outgoing, parsing
from app.mail.models import Delivery, DeliveryState
from tests.factories import a_customer, a_ticket, an_agent, run_jobs, setting

ROBOT = "robot@elsewhere.test"


def a_mail(n: int, to: str = "support@deskhand.example", subject: str = "Hello", **headers: str) -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = ROBOT, to, subject, f"<{n}@elsewhere.test>"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(f"This is message {n}. I am away, and answer everything.")
    return mail.as_bytes()


def to_the_address_it_came_from(n: int, got: parsing.IncomingMail) -> bytes:
    assert got.reply_to is not None
    return a_mail(n, got.reply_to.address, f"Re: {got.subject}", In_Reply_To=f"<{got.message_id}>")


def without_any_reference(n: int, got: parsing.IncomingMail) -> bytes:
    return a_mail(n, subject=f"Re: {got.subject}")


def as_a_fresh_mail(n: int, got: parsing.IncomingMail) -> bytes:
    return a_mail(n, subject=f"Away ({n})")


def saying_what_it_is(n: int, got: parsing.IncomingMail) -> bytes:
    return a_mail(n, subject=f"Away ({n})", Auto_Submitted="auto-replied")


def sent() -> list[Delivery]:
    to_robot = (Delivery.address == ROBOT, Delivery.state == DeliveryState.CAPTURED)
    return list(db.session.scalars(select(Delivery).where(*to_robot).order_by(Delivery.id)))


def take(raw: bytes) -> None:
    incoming.store(raw, "smtp", ROBOT, "")
    run_jobs()


@pytest.mark.parametrize("known", [True, False], ids=["a proven address", "a stranger"])
@pytest.mark.parametrize(
    "answer", [to_the_address_it_came_from, without_any_reference, as_a_fresh_mail, saying_what_it_is]
)
def test_a_robot_that_answers_every_mail_gets_two_at_most(
    app, answer: Callable[[int, parsing.IncomingMail], bytes], known: bool
):
    an_agent()
    if known:
        a_customer("Robot", email=ROBOT)
    take(a_mail(0))
    for answered in range(20):
        mails = sent()
        if answered == len(mails):
            break
        take(answer(answered + 1, parsing.read(mails[answered].raw)))

    assert len(sent()) <= 2
    assert (
        db.session.scalar(select(func.count()).select_from(Delivery).where(Delivery.state == DeliveryState.QUEUED)) == 0
    )


ROUNDS = 100


@pytest.mark.parametrize("known", [True, False], ids=["a proven address", "a stranger"])
def test_two_desks_stop_after_two_mails_of_a_hundred_rounds(app, known: bool):
    """The other desk confirms each mail with a number of its own in the subject, from its own address, and says nothing of machines."""
    an_agent()
    if known:
        a_customer("Other desk", email=ROBOT)
    take(a_mail(0, subject="[Theirs #1] Your request"))
    answered = rounds = 0
    while answered < len(sent()) and rounds < ROUNDS:
        got = parsing.read(sent()[answered].raw)
        assert got.automatic
        take(a_mail(rounds + 1, subject=f"[Theirs #{rounds + 2}] Re: {got.subject}", Thread_Topic=got.subject))
        answered, rounds = answered + 1, rounds + 1

    assert rounds < ROUNDS and len(sent()) <= 2


@pytest.mark.parametrize("pause", [0, 11, 61], ids=["at once", "every 11 minutes", "every hour"])
def test_a_slow_robot_is_stopped_by_its_ticket(app, pause: int):
    """It answers the address that the mail asks for answers at: each answer is an entry of the same ticket, and entries are not confirmed."""
    an_agent()
    a_customer("Robot", email=ROBOT)
    take(a_mail(0))
    at = clock.now()
    for round_ in range(ROUNDS // 5):
        mails = sent()
        if round_ == len(mails):
            break
        at += dt.timedelta(minutes=pause)
        with time_machine.travel(at):
            take(to_the_address_it_came_from(round_ + 1, parsing.read(mails[round_].raw)))

    assert len(sent()) <= 2


def test_a_bouncing_address_gets_one_mail_and_its_bounces_none(app):
    an_agent()
    a_customer("Robot", email=ROBOT)
    take(a_mail(0))
    for round_ in range(5):
        mails = sent()
        if round_ >= len(mails):
            break
        got = parsing.read(mails[round_].raw)
        bounce = EmailMessage(policy=SMTP)
        bounce["From"], bounce["To"], bounce["Subject"] = (
            "MAILER-DAEMON@elsewhere.test",
            got.reply_to.address,
            "Undelivered",
        )
        bounce["Message-ID"], bounce["Auto-Submitted"] = f"<b{round_}@elsewhere.test>", "auto-replied"
        bounce["X-Failed-Recipients"], bounce["In-Reply-To"] = ROBOT, f"<{got.message_id}>"
        bounce.set_content(f"550 5.1.1 <{ROBOT}>: user unknown")
        incoming.store(bounce.as_bytes(), "smtp", "", "")
        run_jobs()

    to_robot = select(func.count()).select_from(Delivery).where(Delivery.address == ROBOT)
    assert db.session.scalar(to_robot.where(Delivery.raw.is_not(None))) == 1
    daemons = select(func.count()).select_from(Delivery).where(Delivery.address.like("mailer-daemon%"))
    assert db.session.scalar(daemons) == 0


def test_the_desk_never_writes_to_itself(app):
    """Forged, or a forward that comes round: From is our own address."""
    an_agent()
    ours = select(func.count()).select_from(Delivery).where(Delivery.address.like("support%@deskhand.example"))
    for n in range(5):
        mail = a_mail(n).replace(ROBOT.encode(), b"support@deskhand.example")
        incoming.store(mail, "smtp", "support@deskhand.example", "")
        run_jobs()

    assert db.session.scalar(ours.where(Delivery.state != DeliveryState.SUPPRESSED)) == 0


def test_the_customers_of_one_ticket_get_so_many_automatic_mails_in_an_hour(app):
    setting(mail_cap_a_ticket=2)
    customers = [a_customer() for _ in range(4)]
    ticket = a_ticket(requester=customers[0])
    for customer in customers[1:]:
        outgoing.put_notice("waiting_reminder", customer_id=customer.id, ticket_id=ticket.id)
    db.session.commit()
    mails = list(db.session.scalars(select(Delivery).where(Delivery.ticket_id == ticket.id, Delivery.staff_id.is_(None)).order_by(Delivery.id)))  # fmt: skip

    assert [mail.state.value for mail in mails] == ["queued", "queued", "suppressed", "suppressed"]
    assert "already got 2 automatic mails about it" in (mails[2].reason or "")
    with time_machine.travel(clock.now() + dt.timedelta(minutes=61)):
        later = outgoing.put_notice("waiting_reminder", customer_id=customers[1].id, ticket_id=ticket.id)
    assert later.state is DeliveryState.QUEUED
