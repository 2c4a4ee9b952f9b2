"""Time on the staff's pages: logged beside the conversation and with a reply, listed, reported, and never a customer's to see."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re

import openpyxl
import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.accounts.models import Organization
from app.core.extensions import db
from app.desk import asked, listing, lookups, timereport
from app.desk.customerexport import export
from app.desk.timereport import Asked
from app.mail.models import Delivery
from app.tickets import budgets, timers, timespent
from app.tickets.models import Ticket
from app.tickets.thread import Message, Words
from app.tickets.timeentries import ActivityType, Spent, TimeEntry
from tests.factories import (
    a_customer,
    a_department,
    a_supervisor,
    a_ticket,
    acting,
    an_admin,
    an_agent,
    an_organization,
    run_jobs,
    setting,
    sign_in,
    sign_in_customer,
    staff,
)


def log(
    ticket: Ticket, minutes: int, who, on: dt.date | None = None, kind: str | None = "Support", note: str = ""
) -> TimeEntry:
    activity = db.session.scalars(select(ActivityType).where(ActivityType.name == kind)).first() if kind else None
    entry = timespent.log(ticket, Spent(minutes, on or timespent.today(), activity, note), acting(who))
    db.session.commit()
    return entry


def body(answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)).split())


def fresh(ticket: Ticket) -> Ticket:
    db.session.expire_all()
    return db.session.get_one(Ticket, ticket.id)


def test_time_is_logged_beside_the_conversation_and_stands_in_the_history(app: Flask, client: FlaskClient) -> None:
    agent, ticket = an_agent(), a_ticket()
    sign_in(client, agent)

    part = client.post(f"/admin/tickets/{ticket.number}/time", data={"time": "1h 20m", "part": "1"}, headers={"HX-Request": "true"})  # fmt: skip

    assert "1 h 20 min spent" in body(part)
    assert "logged time: 1 h 20 min" in body(part), "the history comes along"
    assert fresh(ticket).time_spent_minutes == 80


def test_what_is_no_time_is_refused_and_stays_as_typed(app: Flask, client: FlaskClient) -> None:
    agent, ticket = an_agent(), a_ticket()
    sign_in(client, agent)

    part = client.post(f"/admin/tickets/{ticket.number}/time", data={"time": "soon", "part": "1"}, headers={"HX-Request": "true"})  # fmt: skip
    page = client.post(f"/admin/tickets/{ticket.number}/time", data={"time": "99h", "note": "kept <b>note</b>"})

    assert "Write it as 1h 20m" in body(part)
    assert 'value="soon"' in part.get_data(as_text=True)
    assert page.status_code == 422
    assert "Between 1 minute and 24 h" in body(page)
    assert "kept &lt;b&gt;note&lt;/b&gt;" in page.get_data(as_text=True)


def test_own_entries_are_changed_and_removed_and_others_only_with_the_right(app: Flask, client: FlaskClient) -> None:
    agent, boss, ticket = an_agent(), a_supervisor(), a_ticket()
    own, theirs = log(ticket, 20, agent, note="Mine"), log(ticket, 30, boss)
    at, own_id, theirs_id = f"/admin/tickets/{ticket.number}/time", own.id, theirs.id
    sign_in(client, agent)

    page = client.get(at).get_data(as_text=True)
    assert (f"{at}/{own_id}" in page, f"{at}/{theirs_id}" in page) == (True, False)
    assert client.post(f"{at}/{own_id}", data={"time": "45", "spent_on": timespent.today().isoformat()}).status_code == 303  # fmt: skip
    assert client.post(f"{at}/{theirs_id}", data={"time": "45"}).status_code == 403
    assert client.post(f"{at}/{theirs_id}/delete").status_code == 403
    assert fresh(ticket).time_spent_minutes == 75
    sign_in(client, boss)
    assert client.post(f"{at}/{own_id}/delete").status_code == 303

    assert fresh(ticket).time_spent_minutes == 30


def test_an_entry_of_another_ticket_is_not_there(app: Flask, client: FlaskClient) -> None:
    agent, one, other = an_agent(), a_ticket(), a_ticket()
    entry_id = log(other, 5, agent).id
    hidden = a_ticket(department=a_department(), assignee=None)
    outsider = an_agent(a_department())
    sign_in(client, agent)

    assert client.get(f"/admin/tickets/{one.number}/time/{entry_id}").status_code == 404
    assert client.post(f"/admin/tickets/{one.number}/time/{entry_id}/delete").status_code == 404
    sign_in(client, outsider)
    assert client.get(f"/admin/tickets/{hidden.number}/time").status_code == 404
    assert client.post(f"/admin/tickets/{hidden.number}/timer", data={"do": "start"}).status_code == 404


@pytest.mark.parametrize("seconds", [0, 10], ids=["at once", "to be undone"])
def test_time_goes_with_a_reply_and_its_kind_stands_in_the_thread(
    app: Flask, client: FlaskClient, seconds: int
) -> None:
    setting(undo_send_seconds=seconds)
    agent, ticket = an_agent(), a_ticket()
    kind = db.session.scalars(select(ActivityType).where(ActivityType.name == "Phone call")).one().id
    sign_in(client, agent)
    client.get(f"/admin/tickets/{ticket.number}")

    sent = {"kind": "reply", "body": "We called you.", "time": "0:25", "activity": str(kind), "mark": "a tab", "then": "keep"}  # fmt: skip
    for _twice in range(2):
        assert client.post(f"/admin/tickets/{ticket.number}/messages", data=sent).status_code == 303
    if seconds:
        with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)):
            run_jobs()

    assert fresh(ticket).time_spent_minutes == 25
    assert db.session.scalars(select(Message.activity_id).where(Message.staff_id.is_not(None))).all() == [kind]
    thread = client.get(f"/admin/tickets/{ticket.number}/thread").get_data(as_text=True)
    assert "Phone call" in thread.partition('id="ws-timeline"')[0]


def test_the_timer_goes_with_a_note_and_a_refused_one_writes_nothing_down(app: Flask, client: FlaskClient) -> None:
    agent, ticket = an_agent(), a_ticket()
    sign_in(client, agent)
    client.post(f"/admin/tickets/{ticket.number}/timer", data={"do": "start"})
    at = f"/admin/tickets/{ticket.number}/messages"

    refused = client.post(at, data={"kind": "note", "body": "", "log_timer": "1", "mark": "one"})
    assert (refused.status_code, fresh(ticket).time_spent_minutes) == (422, 0)
    wrong = client.post(at, data={"kind": "note", "body": "So", "time": "soon", "mark": "two"})
    assert (wrong.status_code, fresh(ticket).message_count) == (422, 1)
    assert 'id="composer-time"' in wrong.get_data(as_text=True)

    client.post(at, data={"kind": "note", "body": "Looked at it", "log_timer": "1", "mark": "three"})

    assert fresh(ticket).time_spent_minutes == 1
    assert timers.of(acting(agent)) == []


def test_a_budget_shows_what_is_left_and_only_who_may_sets_it(app: Flask, client: FlaskClient) -> None:
    agent, boss = an_agent(), a_supervisor()
    organization = an_organization("Northwind")
    organization.budget_minutes = 600
    ticket = a_ticket(requester=a_customer(organization=organization))
    at = f"/admin/tickets/{ticket.number}"
    sign_in(client, agent)
    assert client.post(f"{at}/budget", data={"budget": "2h"}).status_code == 403
    sign_in(client, boss)
    client.post(f"{at}/budget", data={"budget": "2h"}, headers={"HX-Request": "true"})

    log(ticket, 60, agent)
    page = client.get(at)
    assert "1 h of 2 h left" in body(page)
    assert "Northwind this month" in body(page)
    assert "9 h of 10 h left" in body(page)
    log(ticket, 45, agent)
    assert "Nearly used" in body(client.get(at))
    log(ticket, 45, agent)
    assert "30 min over 2 h" in body(client.get(at))
    assert client.post(f"{at}/budget", data={"budget": ""}).status_code == 303
    assert fresh(ticket).budget_minutes is None


def test_neither_portal_nor_mail_nor_export_says_a_minute_to_a_customer(
    app: Flask, client: FlaskClient, tmp_path
) -> None:
    agent, customer = an_agent(), a_customer("Ada")
    ticket = a_ticket(requester=customer, assignee=agent)
    kind = db.session.scalars(select(ActivityType).where(ActivityType.name == "On site")).one()
    ticket.reply(Words("An answer", activity_id=kind.id), by=acting(agent))
    log(ticket, 1237, agent, kind="On site", note="canarytime")
    budgets.set_budget(ticket, 1300, acting(a_supervisor()))
    run_jobs()
    sign_in_customer(client, customer)

    pages = [client.get(at).get_data(as_text=True) for at in ("/portal/tickets", f"/portal/tickets/{ticket.number}")]
    export(customer.email, tmp_path / "out")
    pages.append((tmp_path / "out" / "customer.json").read_text())
    pages += [(mail.raw or b"").decode() for mail in db.session.scalars(select(Delivery).where(Delivery.customer_id == customer.id))]  # fmt: skip

    assert len(pages) > 4
    for said in pages:
        assert [word for word in ("canarytime", "20 h 37", "1237", "1300", "On site", "logged time", "budget") if word in said] == []  # fmt: skip
    assert client.get(f"/admin/tickets/{ticket.number}/time").status_code in (302, 401, 403)


def test_the_list_sorts_shows_filters_and_exports_time(app: Flask, client: FlaskClient) -> None:
    boss = a_supervisor()
    tickets = [a_ticket(f"Number {n}") for n in range(3)]
    log(tickets[1], 30, boss)
    log(tickets[2], 150, boss)
    viewer = acting(boss)

    def found(words: str) -> list[str]:
        read = asked.understood(listing.Listing(q=words), lookups.of_list(viewer))
        assert read.errors == ()
        ids = db.session.scalars(read.listing.ids(viewer)).all()
        return sorted(db.session.get_one(Ticket, one).subject for one in ids)

    assert found("time:>2h") == ["Number 2"]
    assert found("time:<=30m") == ["Number 0", "Number 1"]
    assert found("time:any") == ["Number 1", "Number 2"]
    assert found("time:none") == ["Number 0"]
    assert "is no time" in asked.understood(listing.Listing(q="time:soon"), lookups.of_list(viewer)).errors[0]
    sign_in(client, boss)
    page = client.get("/admin/tickets/?q=time:>2h").get_data(as_text=True)
    assert 'value="time:&gt;2h"' in page
    rows = list(csv.reader(io.StringIO(client.get("/admin/tickets/export.csv?sort=-time").get_data(as_text=True).lstrip("\ufeff"))))  # fmt: skip
    place = rows[0].index("Minutes spent")
    assert [row[place] for row in rows[1:]] == ["150", "30", "0"]


def report(client: FlaskClient, query: str) -> list[tuple[str, str]]:
    page = client.get(f"/admin/reports/time/?{query}").get_data(as_text=True)
    return [(name, time) for name, time in re.findall(r'<bdi>([^<]*)</bdi>(?:</a>)?</td><td class="num"[^>]*>([^<]*)</td>', page)]  # fmt: skip


def test_the_report_sums_by_each_and_a_supervisor_reads_all(app: Flask, client: FlaskClient) -> None:
    boss, ann = a_supervisor(name="boss"), an_agent(name="ann")
    northwind = an_organization("Northwind")
    one = a_ticket("One", requester=a_customer("Ada", organization=northwind))
    two = a_ticket("Two", requester=a_customer("Bob"))
    log(one, 60, ann)
    log(two, 30, ann, kind="Internal")
    log(two, 15, boss, kind=None)
    sign_in(client, boss)

    assert report(client, "by=agent&span=year") == [("Ann Test", "1 h 30 min"), ("Boss Test", "15 min")]
    assert report(client, "by=customer") == [("Ada", "1 h"), ("Bob", "45 min")]
    assert report(client, "by=organization&span=year") == [("Northwind", "1 h"), ("No organization", "45 min")]
    assert report(client, "by=ticket") == [(f"{one.display} One", "1 h"), (f"{two.display} Two", "45 min")]
    assert report(client, "by=activity") == [("Support", "1 h"), ("Internal", "30 min"), ("No activity", "15 min")]
    assert report(client, "by=agent&billable=yes") == [("Ann Test", "1 h")]
    assert report(client, "by=ticket&billable=no&span=year") == [(f"{two.display} Two", "45 min")]
    assert report(client, f"by=ticket&agent={ann.id}") == [(f"{one.display} One", "1 h"), (f"{two.display} Two", "30 min")]  # fmt: skip
    today = timespent.today()
    for by in ("day", "week", "month"):
        assert [time for _name, time in report(client, f"by={by}&span=quarter")] == ["1 h 45 min"]
    span = f"span=days&first={today}&last={today}"
    assert report(client, f"by=customer&{span}") == [("Ada", "1 h"), ("Bob", "45 min")]
    assert report(client, f"by=agent&{span}") == [("Ann Test", "1 h 30 min"), ("Boss Test", "15 min")]
    assert report(client, "by=agent&span=days&first=2001-01-01&last=2001-02-01") == []


def test_agents_read_their_own_time_and_supervisors_that_of_their_departments(app: Flask, client: FlaskClient) -> None:
    sales = a_department("Sales")
    ann, boss = an_agent(name="ann"), a_supervisor(name="boss")
    of_sales = staff("Supervisor", (sales,), name="lead")
    here, there = a_ticket("Here"), a_ticket("There", department=sales)
    log(here, 60, ann)
    log(here, 25, boss)
    log(there, 10, boss)
    developer = staff("Developer", name="dev")

    sign_in(client, ann)
    assert report(client, "by=agent") == [("Ann Test", "1 h")]
    assert report(client, f"by=agent&agent={boss.id}") == [("Ann Test", "1 h")], "an address asks for nobody else"
    sign_in(client, of_sales)
    assert report(client, "by=ticket&span=year") == [(f"{there.display} There", "10 min")]
    assert report(client, f"by=ticket&agent={boss.id}") == [(f"{there.display} There", "10 min")]
    sign_in(client, developer)
    assert report(client, "by=agent") == []


def test_own_time_on_a_ticket_that_one_lost_names_it_not(app: Flask, client: FlaskClient) -> None:
    ann, ticket = an_agent(name="ann"), a_ticket("A secret")
    log(ticket, 60, ann)
    ticket.assign_to(an_agent(), by=acting(a_supervisor()))
    db.session.commit()
    sign_in(client, ann)

    assert report(client, "by=ticket") == [("A ticket that is not yours to see", "1 h")]


def test_the_report_leaves_as_csv_and_xlsx_with_its_sum(app: Flask, client: FlaskClient) -> None:
    boss = a_supervisor(name="boss")
    log(a_ticket("=cmd()", requester=a_customer("=Ada")), 60, boss)
    sign_in(client, boss)

    text = client.get("/admin/reports/time/export.csv?by=customer").get_data(as_text=True).lstrip("\ufeff")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0][:3] == ["Customer", "Minutes", "Billable minutes"]
    assert [row[:4] for row in rows[1:]] == [["'=Ada", "60", "60", "1"], ["Sum", "60", "60", "1"]]
    book = openpyxl.load_workbook(io.BytesIO(client.get("/admin/reports/time/export.xlsx?by=ticket").data))
    assert [cell.value for cell in book.active[3]][:3] == ["Sum", 60, 60]


def test_bent_addresses_show_a_report_and_no_error(app: Flask, client: FlaskClient) -> None:
    sign_in(client, a_supervisor())

    for query in ("by=x&span=y&page=-1&agent=z", "span=days&first=9999-99-99&last=0001-01-01", "span=days&first=1970-01-01&last=2200-01-01&by=day", "page=99999999999999999999", "agent=999999999"):  # fmt: skip
        assert client.get(f"/admin/reports/time/?{query}").status_code == 200, query


@pytest.mark.parametrize("today", [dt.date(2026, 1, 31), dt.date(2026, 11, 23), dt.date(2028, 2, 29), dt.date(2026, 12, 31)])  # fmt: skip
def test_spans_are_whole_months_and_years(app: Flask, monkeypatch, today: dt.date) -> None:
    with time_machine.travel(dt.datetime(today.year, today.month, today.day, 12, tzinfo=dt.UTC), tick=False):
        spans = {span: timereport._days(span, {}) for span in ("month", "last_month", "quarter", "year", "last_year")}
    assert all(first.day == 1 and (last + dt.timedelta(days=1)).day == 1 for first, last in spans.values())
    assert spans["month"][0] <= today <= spans["month"][1]
    assert spans["quarter"][0] <= today <= spans["quarter"][1]
    assert spans["last_month"][1] + dt.timedelta(days=1) == spans["month"][0]


def test_sums_of_any_span_are_those_of_the_entries(app: Flask) -> None:
    """Years, months, days and the entries themselves give the same sums."""
    boss, ann = a_supervisor(), an_agent()
    tickets = [a_ticket(requester=a_customer(organization=an_organization())) for _ in range(3)]
    now = timespent.today()
    for n in range(40):
        log(tickets[n % 3], n + 1, (boss, ann)[n % 2], on=now - dt.timedelta(days=n * 17), kind=("Support", "Internal", None)[n % 3])  # fmt: skip
    viewer = acting(boss)
    spans = [(dt.date(now.year - 1, 1, 1), dt.date(now.year - 1, 12, 31)), (dt.date(now.year - 1, 3, 1), dt.date(now.year - 1, 8, 31)), (now - dt.timedelta(days=200), now - dt.timedelta(days=3))]  # fmt: skip
    for first, last in spans:
        for billable in ("", "yes", "no"):
            for by in timereport.GROUPS:
                asked_for = Asked(by, "days", first, last, billable)
                kept = {row.key: row[1:] for row in timereport.find(asked_for, viewer, whole=True).rows}
                counted: dict = {}
                for person in (boss.id, ann.id):
                    for row in timereport.find(
                        Asked(by, "days", first, last, billable, person), viewer, whole=True
                    ).rows:
                        counted[row.key] = tuple(sum(pair) for pair in zip(counted.get(row.key, (0, 0, 0)), row[1:], strict=True))  # fmt: skip
                minutes = {key: row[:2] for key, row in kept.items()}
                assert minutes == {key: row[:2] for key, row in counted.items()}, (by, billable, first, last)


def test_the_pages_stay_within_their_statements(app: Flask, client: FlaskClient, at_most) -> None:
    boss, organization = a_supervisor(), an_organization()
    organization.budget_minutes = 600
    ticket = a_ticket(requester=a_customer(organization=organization), assignee=boss)
    plain = a_ticket(assignee=boss).number
    for _ in range(20):
        log(ticket, 5, boss)
    number = ticket.number
    sign_in(client, boss)
    client.post(f"/admin/tickets/{number}/timer", data={"do": "start"})
    for address, most in ((f"/admin/tickets/{number}", 14), (f"/admin/tickets/{plain}", 12), ("/admin/reports/time/?by=ticket&span=year", 10), ("/admin/reports/time/?by=customer", 10), (f"/admin/tickets/{number}/time", 12)):  # fmt: skip
        client.get(address)
        with at_most(most):
            assert client.get(address).status_code == 200


def test_an_admin_shapes_activity_types_and_one_in_use_stays(app: Flask, client: FlaskClient) -> None:
    admin, ticket = an_admin(), a_ticket()
    log(ticket, 5, admin)
    used = db.session.scalars(select(ActivityType).where(ActivityType.name == "Support")).one().id
    sign_in(client, admin)

    made = {"name": "Travel", "colour": "red", "billable": "y", "initial": "y", "active": "y", "position": "9"}
    assert client.post("/admin/activity-types/add", data=made).status_code == 302
    client.post(f"/admin/activity-types/delete/{used}")
    db.session.expire_all()
    rows = {row.name: row for row in db.session.scalars(select(ActivityType))}
    assert [row.name for row in rows.values() if row.initial] == ["Travel"]
    assert "Support" in rows
    page = client.get(f"/admin/tickets/{ticket.number}")
    assert "Travel" in body(page)


def test_an_organization_gets_its_month_on_its_page(app: Flask, client: FlaskClient) -> None:
    boss, organization = a_supervisor(), an_organization("Northwind")
    organization.budget_told = "2026-11:80"
    db.session.commit()
    organization_id = organization.id
    at = f"/admin/organizations/edit/{organization_id}"
    sign_in(client, boss)

    assert client.post(at, data={"name": "Northwind", "budget_minutes": "0"}).status_code != 302
    assert client.post(at, data={"name": "Northwind", "budget_minutes": "600"}).status_code == 302
    db.session.expire_all()
    kept = db.session.get_one(Organization, organization_id)
    assert (kept.budget_minutes, kept.budget_told) == (600, "")
    client.post(at, data={"name": "Northwind", "budget_minutes": ""})
    db.session.expire_all()
    assert db.session.get_one(Organization, organization_id).budget_minutes is None
