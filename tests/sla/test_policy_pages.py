"""Admins shape what is promised."""

import datetime as dt

import pytest
from sqlalchemy import select

from app.accounts.viewer import CustomerActor
from app.core.extensions import db
from app.sla import jobs
from app.sla.models import SlaPolicy, SlaRebuild, SlaTarget
from app.tickets.choices import Priority
from app.tickets.thread import Words
from tests.factories import (
    a_calendar,
    a_category,
    a_department,
    a_priority,
    a_supervisor,
    a_ticket,
    an_admin,
    an_organization,
    run_jobs,
    sign_in,
)

HERE = "/admin/sla-policies/"
TARGET = {"t-2-first_response": "2 h"}


def kept(name: str = "Always") -> SlaPolicy:
    db.session.expire_all()
    return db.session.scalars(select(SlaPolicy).where(SlaPolicy.name == name)).one()


def critical() -> SlaTarget:
    return next(target for target in kept().targets if target.priority_rank == 4)


def a_form(name: str, **fields: object) -> dict[str, object]:
    return {"name": name, "hours": "always", "active": "y", **fields}


def test_an_admin_reads_and_changes_a_target_and_running_clocks_follow(app, client):
    ticket = a_ticket(priority=a_priority(4))
    sign_in(client, an_admin())

    page = client.get(HERE).text
    assert "Critical 1 h, High 4 h, Normal 24 h, Low 5 business days" in page
    assert "the assignee and the supervisors" in page
    answer = client.post(f"{HERE}{kept().id}", data=a_form("Always", **{"t-4-first_response": "30 min"}))
    assert answer.status_code == 303, answer.text
    run_jobs()

    assert critical().first_response_minutes == 30
    assert (ticket.first_response_due_at - ticket.created_at).total_seconds() == 1800
    assert "Last counted anew" in client.get(HERE).text
    assert db.session.scalars(select(SlaRebuild)).one().moved == 1


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("0", "Nobody can answer in no time"),
        ("soon", "This is no time"),
        ("3 days", "Days may be of 24 hours or of work"),
        ("4000 business days", "at most 366 days"),
    ],
    ids=["nothing", "a word", "days of which kind", "for ever"],
)
def test_a_target_that_says_no_time_is_refused_beside_its_field_and_nothing_is_lost(app, client, written, told):
    sign_in(client, an_admin())

    answer = client.post(f"{HERE}{kept().id}", data=a_form("Renamed", **{"t-4-first_response": written}))

    assert answer.status_code == 422
    assert told in answer.text and f'value="{written}"' in answer.text and 'value="Renamed"' in answer.text
    assert critical().first_response_minutes == 60


def test_a_supervisor_changes_no_promise(app, client):
    sign_in(client, a_supervisor())

    assert client.get(HERE).status_code in (302, 403)
    client.post(f"{HERE}{kept().id}/delete")
    assert critical().first_response_minutes == 60


def test_a_policy_with_a_condition_goes_before_the_one_for_every_ticket_and_holds_first(app, client):
    sign_in(client, an_admin())
    sales = a_department("Sales")

    answer = client.post(f"{HERE}new", data=a_form("Sales", department=str(sales.id), **TARGET))

    assert answer.status_code == 303, answer.text
    assert kept("Sales").position < kept().position
    theirs, other = a_ticket(department=sales), a_ticket(department=a_department("Second line"))
    assert theirs.first_response_due_at - theirs.created_at == dt.timedelta(hours=2)
    assert other.first_response_due_at - other.created_at == dt.timedelta(hours=24)


def test_a_policy_that_promises_nothing_is_legal(app, client):
    sign_in(client, an_admin())
    sales = a_department("Sales")

    client.post(f"{HERE}new", data=a_form("Nothing promised", department=str(sales.id)))

    assert a_ticket(department=sales).next_due_at is None
    assert "promises nothing" in client.get(HERE).text


def test_a_second_policy_for_every_ticket_is_refused_with_a_sentence(app, client):
    sign_in(client, an_admin())

    answer = client.post(f"{HERE}new", data=a_form("Another", **TARGET))

    assert answer.status_code == 409
    assert "“Always” has no condition and holds for every ticket" in answer.text
    assert len(db.session.scalars(select(SlaPolicy)).all()) == 1


def test_the_one_for_every_ticket_cannot_be_moved_up(app, client):
    sign_in(client, an_admin())
    client.post(f"{HERE}new", data=a_form("Sales", department=str(a_department("Sales").id), **TARGET))

    client.post(f"{HERE}{kept().id}/move", data={"way": "up"})

    assert "has to be the last" in client.get(HERE).text
    assert kept("Sales").position < kept().position


def test_a_policy_that_never_holds_is_told(app, client):
    sign_in(client, an_admin())
    sales, gone = a_department("Sales"), a_category("Gone")
    client.post(f"{HERE}new", data=a_form("Wide", department=str(sales.id), **TARGET))
    client.post(f"{HERE}new", data=a_form("Narrow", department=str(sales.id), category=str(gone.id), **TARGET))
    client.post(f"{HERE}new", data=a_form("Of the past", category=str(gone.id), **TARGET))
    db.session.delete(gone)
    db.session.commit()

    page = client.get(HERE).text

    assert "“Wide” above takes all of its tickets" in page
    assert "what it asks of Category is not there any more" in page
    assert client.get(f"{HERE}{kept('Of the past').id}").status_code == 200


def test_promises_for_a_priority_that_is_gone_are_told_and_stay(app, client):
    sign_in(client, an_admin())
    db.session.scalars(select(Priority).where(Priority.rank == 1)).one().active = False
    db.session.commit()

    assert "priorities of rank 1, which are not there any more" in client.get(HERE).text
    assert 'type="hidden" name="t-1-first_response"' in client.get(f"{HERE}{kept().id}").text


def test_hours_that_never_hold_a_target_are_told_and_keep_no_customer_from_writing(app, client):
    sign_in(client, an_admin())
    sales = a_department("Sales", calendar=a_calendar("A moment", week="10:00-10:01"))
    db.session.commit()
    target = {"t-2-first_response": "8000 h", "t-2-resolution": "8 h"}
    client.post(f"{HERE}{kept().id}", data=a_form("Always", **target) | {"hours": "business"})

    ticket = a_ticket(department=sales)
    ticket.receive(Words("Is anybody there?"), by=CustomerActor.of(ticket.requester))

    assert ticket.first_response_due_at is None and ticket.resolution_due_at is not None
    assert "Normal: for “First response” its hours are too few within ten years" in client.get(HERE).text
    assert "“Resolution” its hours" not in client.get(HERE).text


def test_a_first_response_promised_later_than_the_resolution_is_told(app, client):
    sign_in(client, an_admin())

    client.post(f"{HERE}{kept().id}", data=a_form("Always", **{"t-4-first_response": "5h", "t-4-resolution": "4h"}))

    assert "Critical: “First response” is promised later than the resolution" in client.get(HERE).text


@pytest.mark.parametrize(
    ("level", "told"),
    [
        ({"level-at-0": "80"}, "tells nobody and does nothing"),
        ({"level-at-0": "120", "level-tell-0": "assignee"}, "1 to 100 per cent"),
        ({"level-at-0": "x", "level-tell-0": "assignee"}, "1 to 100 per cent"),
        (
            {"level-at-0": "80", "level-tell-0": "assignee", "level-at-1": "80", "level-tell-1": "lead"},
            "Two levels stand at the same point",
        ),
    ],
    ids=["of nobody", "over a hundred", "no number", "twice the same"],
)
def test_a_level_that_means_nothing_is_refused(app, client, level, told):
    sign_in(client, an_admin())

    answer = client.post(f"{HERE}{kept().id}", data=a_form("Always", **level))

    assert answer.status_code == 422
    assert told in answer.text


def test_what_the_form_shows_it_saves_unchanged(app, client):
    """As a browser sends it back."""
    from tests.sla.forms import filled

    sign_in(client, an_admin())
    client.post(
        f"{HERE}new",
        data=a_form(
            "All",
            channel=["mail", "portal"],
            kind="ticket",
            **{
                "t-3-next_response": "2 business days",
                "t-2-periodic_update": "90",
                "level-at-0": "10",
                "level-unit-0": "minutes",
                "level-tell-0": ["lead", "assignee"],
                "level-act-0": "raise",
            },
        ),
    )
    one = kept("All")
    before = (one.conditions, one.levels, [(row.priority_rank, row.next_response_business_days, row.periodic_update_minutes) for row in one.targets])  # fmt: skip
    assert before == (
        {"kind": ["ticket"], "channel": ["mail", "portal"]},
        [{"code": 110, "tell": ["assignee", "lead"], "act": "raise"}],
        [(3, 2, None), (2, None, 90)],
    )

    answer = client.post(f"{HERE}{one.id}", data=filled(client.get(f"{HERE}{one.id}").text))

    assert answer.status_code == 303, answer.text
    one = kept("All")
    assert before == (one.conditions, one.levels, [(row.priority_rank, row.next_response_business_days, row.periodic_update_minutes) for row in one.targets])  # fmt: skip


def test_the_beginning_of_a_name_is_answered_with_the_whole(app, client):
    an_organization("Northwind Logistics")
    sign_in(client, an_admin())

    answer = client.post(f"{HERE}new", data=a_form("Important", organization="northw%, northwind", **TARGET))
    again = client.post(f"{HERE}new", data=a_form("Important", organization="Northw", **TARGET))

    assert "There is no such name: northw%, northwind." in answer.text and "Did you mean" not in answer.text
    assert "There is no such name: Northw. Did you mean “Northwind Logistics”?" in again.text


def test_why_a_ticket_has_its_policy_is_told_on_its_page_and_by_its_number(app, client):
    admin = an_admin()
    sign_in(client, admin)
    client.post(f"{HERE}new", data=a_form("Sales", department=str(a_department("Sales").id), **TARGET))
    ticket = a_ticket(department=a_department("Second line"))
    jobs.enforce()
    db.session.commit()

    for page in (f"/admin/tickets/{ticket.number}/promises", f"{HERE}?number={ticket.number}"):
        told = client.get(page).text
        assert "does not fit: Department is Second line" in told
        assert "fits, and holds" in told and "24 h" in told
    assert "no ticket with this number" in client.get(f"{HERE}?number=99999").text
    assert f"/admin/tickets/{ticket.number}/promises" in client.get(f"/admin/tickets/{ticket.number}").text


def test_a_calendar_that_a_policy_counts_by_stays(app, client):
    sign_in(client, an_admin())
    calendar = a_calendar("Night shift")
    client.post(
        f"{HERE}new",
        data=a_form("By night", **TARGET, department=str(a_department("Night").id))
        | {"hours": f"calendar:{calendar.id}"},
    )

    told = client.post(f"/admin/calendars/{calendar.id}/delete", follow_redirects=True).text

    assert "“Night shift” is still followed by: By night." in told
    assert "Hours of the calendar “Night shift”" in client.get(HERE).text


def test_more_policies_cost_no_more_statements(app, client, at_most):
    sign_in(client, an_admin())

    def add(name: str) -> None:
        department, category, calendar = a_department(name), a_category(name), a_calendar(name)
        asked = {"department": str(department.id), "category": str(category.id), "hours": f"calendar:{calendar.id}"}
        told = {"level-at-0": "50", "level-unit-0": "percent", "level-department-0": str(department.id)}
        assert client.post(f"{HERE}new", data=a_form(name, **TARGET) | asked | told).status_code == 303

    add("First")
    client.get(HERE)
    with at_most(40) as with_one:
        client.get(HERE)
    for name in ("Second", "Third", "Fourth"):
        add(name)
    client.get(HERE)
    with at_most(len(with_one)):
        page = client.get(HERE).text

    assert "everybody of Fourth" in page and "Hours of the calendar “Third”" in page and "Category is Second" in page
