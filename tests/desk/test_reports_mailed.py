"""The summary of a month leaves once, on the first of the next, in each reader's language and with what they see."""

import datetime as dt

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from app.core.errors import Invalid
from app.core.extensions import db
from app.desk import jobs
from app.mail import letters
from app.mail.models import Delivery
from app.settings import desk
from tests.factories import a_department, a_supervisor, a_ticket, an_agent, setting, staff


def at(*when: int) -> time_machine.travel:
    return time_machine.travel(dt.datetime(*when, tzinfo=dt.UTC), tick=False)


def mailed() -> list[Delivery]:
    db.session.commit()
    found = db.session.scalars(select(Delivery).where(Delivery.kind == "monthly_summary").order_by(Delivery.id))
    return list(found)


def chosen(*people: object) -> None:
    setting(summary_to=", ".join(person.email for person in people))  # type: ignore[attr-defined]
    db.session.commit()


def test_it_is_mailed_once_on_the_first_to_each_in_their_language(app: Flask) -> None:
    setting(time_zone="Europe/Berlin")
    one, other = a_supervisor(), a_supervisor(language="de")
    chosen(one, other)
    with at(2026, 2, 10, 12):
        for _ in range(3):
            a_ticket()
        db.session.commit()
    for when in ((2026, 2, 28, 12), (2026, 2, 28, 23, 30), (2026, 3, 1, 4)):
        with at(*when):
            jobs.mail_summaries()
            assert mailed() == []
    for when in ((2026, 3, 1, 6), (2026, 3, 1, 7), (2026, 3, 5, 7), (2026, 3, 20, 7)):
        with at(*when):
            jobs.mail_summaries()
            assert [row.staff_id for row in mailed()] == [one.id, other.id]
    first, second = mailed()
    assert first.values["month"] == "February 2026" and second.values["month"] == "Februar 2026"
    assert "New: 3" in first.values["lines"] and "Neu: 3" in second.values["lines"]
    assert first.values["link"].endswith("/admin/reports/month?month=2026-02")
    assert "February 2026" in letters.subject_of(first)
    with at(2026, 4, 3, 7):
        jobs.mail_summaries()
        assert len(mailed()) == 4


def test_it_goes_to_nobody_who_may_not_read_it(app: Flask) -> None:
    agent, gone = an_agent(), a_supervisor()
    gone.active = False
    setting(summary_to=f"{agent.email}, {gone.email}, somebody@elsewhere.example")
    db.session.commit()
    with at(2026, 3, 1, 12):
        jobs.mail_summaries()

    assert mailed() == []


def test_each_gets_the_figures_of_what_they_see(app: Flask) -> None:
    ours, theirs = a_department(), a_department()
    with at(2026, 2, 3, 12):
        for department, count in ((ours, 2), (theirs, 5)):
            for _ in range(count):
                a_ticket(department=department)
    some, every = staff("Supervisor", (ours,)), a_supervisor()
    chosen(some, every)
    with at(2026, 3, 2, 0):
        jobs.mail_summaries()

    assert ["New: 2" in row.values["lines"] for row in mailed()] == [True, False]
    assert ["New: 7" in row.values["lines"] for row in mailed()] == [False, True]


@pytest.mark.parametrize(("given", "right"), [("", True), ("a@b.example, c@d.example", True), ("nobody", False), ("a@b.example,,", False)])  # fmt: skip
def test_the_setting_takes_addresses_or_nothing(app: Flask, given: str, right: bool) -> None:
    if right:
        desk.change({"summary_to": given})
        assert desk.current().summary_to == given
    else:
        with pytest.raises(Invalid):
            desk.change({"summary_to": given})
