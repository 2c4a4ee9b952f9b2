"""Two machines that answer each other stop soon, whatever they say or leave out."""

from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from sqlalchemy import func, select

from app.core.extensions import db
from app.mail import incoming, parsing
from app.mail.models import Delivery, DeliveryState
from tests.factories import a_customer, an_agent, run_jobs

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
