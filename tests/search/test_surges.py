"""Many similar tickets within a short time are told once, to supervisors and leads who see them, whatever the language."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from app.core import clock
from app.core.extensions import db
from app.mail.models import Delivery, DeliveryState
from app.notifications.models import Notice, Notification
from app.search import jobs, surges
from app.tickets import incidents, merging
from app.tickets.models import Ticket
from app.tickets.timeline import Did
from tests.factories import a_department, a_supervisor, a_ticket, acting, an_agent, setting, staff

OUTAGE = (
    ("VPN down", "Since this morning the VPN tunnel to the office does not open any more."),
    ("No VPN tunnel", "Hello, my VPN tunnel breaks off after a second. Regards"),
    ("Cannot work from home", "The VPN says that the tunnel cannot be established."),
    ("vpn tunnel broken?", "Is anything wrong with it? Nobody here can connect."),
    ("Tunnel error in the VPN client", "Please help, I have a meeting at ten."),
)
DIFFERENT = (
    ("Invoice of March", "The invoice shows the wrong amount, please correct it."),
    ("New colleague", "Please make an account for our colleague who starts on Monday."),
    ("Printer on the second floor", "The printer in the hall is out of toner again."),
    ("How do I export contacts?", "I need our contacts as a table for the newsletter."),
    ("Cancel my subscription", "We would like to end the contract by the end of the year."),
)
HINDI = "वीपीएन सुरंग कार्यालय तक नहीं खुलती"
CHINESE = "虚拟专用网络无法连接到办公室"
GERMAN = "Der Tunnel zum Büro öffnet sich nicht mehr"


def a_past(days: int = 3) -> None:
    """Some hundred tickets of the days before, in which the words of every day stand."""
    with time_machine.travel(clock.now() - dt.timedelta(days=days), tick=False):
        for n in range(120):
            subject, text = DIFFERENT[n % len(DIFFERENT)]
            a_ticket(f"{subject} {'abcdefghij'[n % 10]}", text=f"Hello, {text} Please help. Regards")
    db.session.commit()


def tickets(*written: tuple[str, str], **given: object) -> list[Ticket]:
    made = [a_ticket(subject, text=text, **given) for subject, text in written]
    db.session.commit()
    return made


def told(person: object = None) -> list[Notification]:
    wanted = select(Notification).where(Notification.kind == Notice.SURGE).order_by(Notification.id)
    if person is not None:
        wanted = wanted.where(Notification.staff_id == person.id)  # type: ignore[attr-defined]
    return list(db.session.scalars(wanted))


def look() -> int:
    found = surges.notice()
    db.session.commit()
    return found


def test_five_tickets_about_one_outage_are_told_to_the_supervisor_in_the_desk_and_by_mail(app: Flask) -> None:
    a_past()
    boss, agent = a_supervisor(), an_agent()
    tickets(*DIFFERENT)
    surge = tickets(*OUTAGE)

    jobs.notice_surges()
    db.session.commit()

    (notice,) = told(boss)
    assert notice.sentence == "5 similar tickets came in within a short time"
    assert notice.place == f"/admin/tickets/incident?surge={surge[0].id}" and told(agent) == []
    assert surges.tickets_of(surge[0].id) == [one.id for one in surge]
    (mail,) = db.session.scalars(select(Delivery).where(Delivery.kind == "surge"))
    assert mail.staff_id == boss.id and mail.state is not DeliveryState.SUPPRESSED


@pytest.mark.parametrize("text", [HINDI, CHINESE, GERMAN], ids=["Hindi", "Chinese", "German"])
def test_it_knows_no_language(app: Flask, text: str) -> None:
    a_past()
    a_supervisor()
    tickets(*((text, text) for _n in range(5)))

    assert look() == 1


def test_tickets_of_every_day_are_no_surge(app: Flask) -> None:
    a_past()
    a_supervisor()
    tickets(*DIFFERENT, *DIFFERENT[:3])

    assert look() == 0


def test_a_new_desk_knows_nearly_the_same_text_and_takes_no_greeting_for_a_surge(app: Flask) -> None:
    a_supervisor()
    tickets(*((f"Question {subject}", f"Hello, please help: {subject}") for subject in ("fax", "door", "chair", "lamp", "key")))  # fmt: skip
    assert look() == 0
    tickets(*([("The heating is cold", "All radiators of the building are cold since last night.")] * 5))
    assert look() == 1


def test_one_that_grows_is_not_told_again_and_a_new_one_after_it_is(app: Flask) -> None:
    a_past()
    a_supervisor()
    start = clock.now()
    with time_machine.travel(start, tick=False) as time:
        surge = tickets(*OUTAGE)
        assert (look(), look()) == (1, 0)
        for _half_an_hour in range(4):
            time.shift(dt.timedelta(minutes=20))
            surge += tickets(*OUTAGE)
            assert look() == 0
        assert surges.tickets_of(surge[0].id) == [one.id for one in surge]
        time.shift(dt.timedelta(hours=2))
        again = tickets(*OUTAGE)
        assert look() == 1

    assert len(told()) == 2 and surges.tickets_of(again[0].id) == [one.id for one in again]
    marks = [event.what for one in (*surge, *again) for event in one.events]
    assert marks.count(Did.SURGED) == len(surge) + len(again)


def test_two_at_once_are_two(app: Flask) -> None:
    a_past()
    a_supervisor()
    heating = [("The heating is cold", "All radiators of the building are cold since last night.")] * 6
    tickets(*OUTAGE, *heating)

    assert look() == 2
    assert sorted(one.parts["now"] for one in told()) == ["5", "6"]


def test_what_staff_made_spam_merged_ended_and_joined_tickets_do_not_count(app: Flask) -> None:
    a_past()
    boss = acting(a_supervisor())
    made, junk, merged, into, ended, joined, parent = tickets(*[OUTAGE[0]] * 7)
    made.opened_by_staff = True
    junk.mark_spam(boss)
    merging.merge(merged, into=into, by=boss)
    ended.close(by=boss)
    incidents.declare(parent, boss)
    incidents.add(joined, parent, boss)
    tickets(*[OUTAGE[0]] * 3)

    assert look() == 0


def test_what_joins_a_running_incident_is_no_new_surge(app: Flask) -> None:
    a_past()
    boss = acting(a_supervisor())
    surge = tickets(*OUTAGE)
    look()
    incidents.declare(surge[0], boss)
    for one in surge[1:]:
        incidents.add(one, surge[0], boss)
    tickets(*OUTAGE)

    assert look() == 0


def test_nobody_hears_of_tickets_they_may_not_see(app: Flask) -> None:
    a_past()
    mine, theirs = a_department(), a_department()
    all_of_it, few = staff("Supervisor", departments=(mine, theirs)), staff("Supervisor", departments=(mine,))
    lead, other = an_agent(theirs), an_agent(theirs)
    theirs.lead_id = lead.id
    tickets(*OUTAGE, department=theirs)
    tickets(*OUTAGE[:2], department=mine)

    look()

    assert [one.parts["now"] for one in told(all_of_it)] == ["7"] and [one.parts["now"] for one in told(lead)] == ["5"]
    assert told(few) == told(other) == []


def test_it_can_be_switched_off_and_needs_as_many_as_the_desk_says(app: Flask) -> None:
    a_past()
    a_supervisor()
    tickets(*OUTAGE)

    for many, found in ((0, 0), (6, 0), (5, 1)):
        setting(surge_tickets=many)
        assert look() == found


def test_a_quiet_desk_and_a_flood_cost_a_bounded_number_of_statements(
    app: Flask, monkeypatch: pytest.MonkeyPatch, at_most: Any
) -> None:
    with at_most(3):  # of them one begins, one reads the settings
        surges.notice()
    monkeypatch.setattr(surges, "MOST", 20)
    tickets(*[OUTAGE[0]] * 40)

    with at_most(40) as asked:
        assert surges.notice() == 1
    assert len([one for one in asked if not one.startswith("INSERT INTO ticket_event")]) <= 18
