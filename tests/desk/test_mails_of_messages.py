"""What became of the mails of a message, beside it: queued, sent, held back, failed, come back; and once more."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.extensions import db
from app.mail.models import Delivery, DeliveryState
from app.tickets.models import Ticket
from app.tickets.thread import Words
from tests.desk.test_list import as_
from tests.factories import a_department, a_supervisor, a_ticket, acting, an_agent


def an_answered_ticket(**changes: Any) -> tuple[Ticket, Delivery]:
    ticket = a_ticket()
    message = ticket.reply(Words("Please restart"), by=acting(a_supervisor()))
    db.session.commit()
    delivery = db.session.scalars(
        select(Delivery).where(Delivery.message_id == message.id, Delivery.kind == "staff_replied")
    ).one()
    for name, value in changes.items():
        setattr(delivery, name, value)
    db.session.commit()
    return ticket, delivery


@pytest.mark.parametrize(
    ("state", "came_back", "said", "again"),
    [
        (DeliveryState.QUEUED, False, "Waits to be sent", False),
        (DeliveryState.SENT, False, "Sent", False),
        (DeliveryState.CAPTURED, False, "Sent", False),
        (DeliveryState.FAILED, False, "Not sent", True),
        (DeliveryState.SUPPRESSED, False, "Held back", True),
        (DeliveryState.SENT, True, "Came back", True),
    ],
)
def test_each_state_is_said_with_its_recipient_and_its_reason(
    app: Any, client: Any, state: DeliveryState, came_back: bool, said: str, again: bool
) -> None:
    ticket, delivery = an_answered_ticket(
        state=state, reason="550 no such user", bounced_at=clock.now() if came_back else None
    )
    as_(client, a_supervisor())

    page = client.get(f"/admin/tickets/{ticket.number}").text
    mails = page[page.index('<ul class="mails">') :].partition("</ul>")[0]

    assert f"<span>{said}</span>" in mails and delivery.address in mails and "550 no such user" in mails
    assert ("Send again" in mails) is again


def test_a_mail_that_came_back_is_sent_once_more(app: Any, client: Any) -> None:
    ticket, delivery = an_answered_ticket(state=DeliveryState.FAILED, reason="451 later")
    as_(client, an_agent(ticket.department))

    answer = client.post(
        f"/admin/tickets/{ticket.number}/resend", data={"mail": str(delivery.id)}, follow_redirects=True
    )

    db.session.expire_all()
    assert "on its way again" in answer.text
    assert (delivery.state, delivery.reason) == (DeliveryState.QUEUED, None)


def test_what_was_sent_is_not_sent_twice(app: Any, client: Any) -> None:
    ticket, delivery = an_answered_ticket(state=DeliveryState.SENT)
    as_(client, a_supervisor())

    client.post(f"/admin/tickets/{ticket.number}/resend", data={"mail": str(delivery.id)})

    db.session.expire_all()
    assert delivery.state is DeliveryState.SENT


def test_no_foreign_mail_is_sent_by_way_of_ones_own_ticket(app: Any, client: Any) -> None:
    _ticket, delivery = an_answered_ticket(state=DeliveryState.FAILED)
    own = a_ticket(department=a_department())
    db.session.commit()
    as_(client, an_agent(own.department))

    for given in (str(delivery.id), "0", "x", ""):
        assert client.post(f"/admin/tickets/{own.number}/resend", data={"mail": given}).status_code == 404
    db.session.expire_all()
    assert delivery.state is DeliveryState.FAILED


def test_whoever_may_not_answer_is_offered_no_second_sending(app: Any, client: Any, a_role: Any) -> None:
    from tests.factories import staff

    ticket, delivery = an_answered_ticket(state=DeliveryState.FAILED)
    person = staff()
    person.roles = [a_role("list", "show")]
    db.session.commit()
    as_(client, person)

    assert "Send again" not in client.get(f"/admin/tickets/{ticket.number}").text
    client.post(f"/admin/tickets/{ticket.number}/resend", data={"mail": str(delivery.id)})
    db.session.expire_all()
    assert delivery.state is DeliveryState.FAILED
