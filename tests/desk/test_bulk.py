"""One deed on many tickets: across all pages, as a job when they are many, with refusals by name and a way back."""

import datetime as dt

import pytest
from sqlalchemy import select

from app.accounts.models import Availability, StaffProfile
from app.accounts.viewer import SYSTEM
from app.core import clock
from app.core.extensions import db
from app.core.outbox import Outbox
from app.desk import bulk
from app.desk.deeds import DEEDS
from app.tickets.bulk import BulkChange, BulkStep, Outcome
from app.tickets.choices import State
from app.tickets.drafts import Draft
from app.tickets.models import Ticket
from app.tickets.tally import recount
from app.tickets.thread import Message, MessageKind
from app.tickets.timeline import Did, TicketEvent
from tests.desk.test_actions import POST, do, said
from tests.desk.test_list import LIST, as_
from tests.factories import (  # fmt: skip
    a_category,
    a_customer,
    a_department,
    a_macro,
    a_priority,
    a_status,
    a_super_admin,
    a_supervisor,
    a_ticket,
    acting,
    an_agent,
    run_jobs,
    setting,
    staff,
)


@pytest.fixture
def few(monkeypatch):
    """Three tickets are many."""
    monkeypatch.setattr("app.desk.bulk.AT_ONCE", 3)
    monkeypatch.setattr("app.desk.bulk.A_TURN", 4)


def to_all(client, action, back="", **more):
    answer = client.post(POST, data={"action": action, "all": "1", "back": back, **more})
    db.session.expire_all()
    return answer


def the_change():
    return db.session.scalars(select(BulkChange).order_by(BulkChange.id.desc())).first()


def test_everything_the_list_matches_is_changed_also_on_pages_nobody_opened(app, client, few):
    wanted = [a_ticket(f"{n}", tags=("vip",)) for n in range(30)]
    other = a_ticket("other")
    as_(client, a_supervisor())

    assert 'data-bulk-all="30"' in client.get(LIST + "?tag=vip").text
    answer = to_all(client, f"set_priority:{a_priority(4).id}", "?q=tag:vip&page=2")
    waiting = client.get(answer.location).text
    run_jobs(20)
    db.session.expire_all()

    assert answer.location == f"/admin/bulk/{the_change().id}"
    assert "0 of 30 tickets are through" in waiting and 'http-equiv="refresh"' in waiting
    assert {ticket.priority_rank for ticket in wanted} == {4} and other.priority_rank != 4
    page = client.get(answer.location).text
    assert "Finished" in page and "refresh" not in page
    assert recount() == 0


def test_all_of_a_list_is_what_its_reader_sees_of_it(app, client, few):
    own = a_department("Own")
    mine, foreign = [a_ticket(department=own) for _ in range(5)], a_ticket()
    as_(client, an_agent(own))

    to_all(client, "close", "?view=everything")
    run_jobs(20)
    db.session.expire_all()

    assert {ticket.state for ticket in mine} == {State.CLOSED} and foreign.state is State.OPEN
    assert set(db.session.scalars(select(BulkStep.number))) == {ticket.number for ticket in mine}


def test_what_one_refuses_is_told_with_its_number_and_reason_on_the_page(app, client, few):
    own, away = a_department("Own"), a_department("<i>Away")
    agent = an_agent(own)
    fit, refuse = [a_ticket(department=own) for _ in range(4)], [a_ticket(department=away) for _ in range(2)]
    as_(client, a_supervisor())

    answer = to_all(client, f"assign:{agent.id}", "?view=open")
    run_jobs(20)
    db.session.expire_all()

    assert {ticket.assignee_id for ticket in fit} == {agent.id} and {ticket.assignee_id for ticket in refuse} == {None}
    page = client.get(answer.location).text
    for ticket in refuse:
        assert f'<a href="/admin/tickets/{ticket.number}">{ticket.display}</a>' in page
    assert page.count("no access") == 2


CASES = {
    "set_status": (lambda: a_status("On Hold").id, lambda t: t.status.name), "set_priority": (lambda: a_priority(4).id, lambda t: t.priority_rank), "assign": (lambda: staff("Supervisor").id, lambda t: t.assignee_id),
    "take": (lambda: "", lambda t: t.assignee_id), "set_department": (lambda: a_department("Away").id, lambda t: t.department_id), "set_category": (lambda: a_category("Things").id, lambda t: t.category_id),
    "add_tag": (lambda: "fresh", lambda t: sorted(tag.name for tag in t.tags)), "remove_tag": (lambda: "old", lambda t: sorted(tag.name for tag in t.tags)), "resolve": (lambda: "", lambda t: t.state), "close": (lambda: "", lambda t: t.state),
}  # fmt: skip


@pytest.mark.parametrize("deed", CASES)
def test_a_change_is_undone_where_nobody_changed_it_since(app, client, deed):
    value, told = CASES[deed]
    value = value()
    first, second, gone = (a_ticket(tags=("old",), category=a_category()) for _ in range(3))
    boss = a_supervisor()
    as_(client, boss)
    before = told(first)

    do(client, deed, first, second, gone, value=value)
    after = told(first)
    banner = client.get(LIST).text
    DEEDS[deed].give_back(
        second, DEEDS[deed].kept(first, {"name": str(value)}), {"name": str(value)}, acting(boss)
    )  # does nothing: it is so
    _change_again(deed, second, boss)
    with_own = told(second)
    db.session.delete(db.session.get(Ticket, gone.id))
    db.session.commit()
    client.post(f"/admin/bulk/{the_change().id}/undo")
    db.session.expire_all()

    assert after != before
    assert f'action="/admin/bulk/{the_change().id}/undo"' in banner and "/undo" not in client.get(LIST).text
    assert (told(first), told(second)) == (before, with_own)
    assert bulk.outcomes(the_change()) == {Outcome.UNDONE: 1, Outcome.KEPT: 2}
    assert client.post(f"/admin/bulk/{the_change().id}/undo").status_code == 409
    assert recount() == 0


def _change_again(deed, ticket, boss):
    by = acting(boss)
    if deed in ("set_status", "resolve", "close"):
        ticket.set_status(a_status("In Progress"), by)
    elif deed == "set_priority":
        ticket.set_priority(a_priority(1), by)
    elif deed in ("assign", "take"):
        ticket.assign_to(staff("Supervisor"), by)
    elif deed == "set_department":
        ticket.move_to(a_department("Third"), by)
    elif deed == "set_category":
        ticket.set_category(a_category("Third"), by)
    elif deed == "add_tag":
        ticket.untag("fresh", by)
    else:
        ticket.tag("old", by)


def test_undone_on_the_list_one_goes_on_with_the_list(app, client):
    first, second = (a_ticket() for _ in range(2))
    boss = a_supervisor()
    as_(client, boss)
    do(client, "set_priority", first, second, value=a_priority(4).id)
    _change_again("set_priority", second, boss)

    answer = client.post(f"/admin/bulk/{the_change().id}/undo", data={"back": "?view=everything&tag=x"})

    assert answer.location == "/admin/tickets/?view=everything&tag=x"
    page = client.get(answer.location).text
    assert "1 ticket is as it was." in page and "1 ticket stays: somebody changed it since." in page


def test_tickets_that_were_so_already_are_left_alone_by_the_undo(app, client):
    high, low = a_ticket(priority=a_priority(4)), a_ticket(priority=a_priority(1))
    as_(client, a_supervisor())

    do(client, "set_priority", high, low, value=a_priority(4).id)
    client.post(f"/admin/bulk/{the_change().id}/undo")
    db.session.expire_all()

    assert (high.priority_rank, low.priority_rank) == (4, 1)
    assert bulk.outcomes(the_change()) == {Outcome.SAME: 1, Outcome.UNDONE: 1}


def test_one_reply_goes_to_each_customer_in_their_own_thread(app, client):
    ada, eve = a_ticket("A", requester=a_customer("Ada")), a_ticket("E", requester=a_customer("Eve"))
    as_(client, a_supervisor())

    do(client, "reply_all", ada, eve, body="Dear {{customer_name}}, it is repaired.", then="resolve")

    for ticket, name in ((ada, "Ada"), (eve, "Eve")):
        last = db.session.scalars(
            select(Message).where(Message.ticket_id == ticket.id).order_by(Message.id.desc())
        ).first()
        assert (last.text, last.kind) == (f"Dear {name}, it is repaired.", MessageKind.REPLY)
        assert ticket.state is State.RESOLVED
    assert client.post(f"/admin/bulk/{the_change().id}/undo").status_code == 409
    assert "/undo" not in client.get(LIST).text


def test_an_empty_reply_is_refused_before_anything_is_written(app, client):
    ticket = a_ticket()
    as_(client, a_supervisor())

    assert do(client, "reply_all", ticket, body="  ").status_code == 422
    assert the_change() is None


def test_a_job_that_runs_twice_changes_each_ticket_once(app, client, few):
    tickets = [a_ticket(f"{n}") for n in range(6)]
    as_(client, a_supervisor())
    to_all(client, "reply_all", "?view=open", body="Once")
    row = db.session.scalars(select(Outbox).where(Outbox.job == "desk.change_many")).one()
    from app.desk.jobs import change_many

    change_many(**row.arguments)
    run_jobs(20)
    change_many(**row.arguments)

    replies = db.session.scalars(select(TicketEvent.ticket_id).where(TicketEvent.what == Did.REPLIED)).all()
    assert sorted(replies) == sorted(ticket.id for ticket in tickets)


def test_a_person_who_lost_the_right_meanwhile_changes_nothing_more(app, client, few):
    tickets = [a_ticket(f"{n}") for n in range(5)]
    boss = a_supervisor()
    as_(client, boss)
    to_all(client, "close", "?view=open")
    boss.active = False
    run_jobs(20)
    db.session.expire_all()

    assert {ticket.state for ticket in tickets} == {State.OPEN}
    assert bulk.outcomes(the_change()) == {Outcome.GONE: 5} and the_change().finished_at is not None


def test_nobody_sees_or_undoes_the_change_of_another(app, client):
    ticket = a_ticket()
    as_(client, a_supervisor())
    do(client, "close", ticket)
    change = the_change()
    as_(client, a_super_admin())

    assert client.get(f"/admin/bulk/{change.id}").status_code == 404
    assert client.post(f"/admin/bulk/{change.id}/undo").status_code == 404
    assert "Close" not in client.get("/admin/bulk/").text.split("page-head")[1]
    assert ticket.state is State.CLOSED


@pytest.mark.parametrize("role", ["Support Agent", "Developer"])
def test_all_of_a_list_needs_the_right_to_bulk_and_deleting_its_own(app, client, role, few):
    from app.tickets.choices import Category

    technical = db.session.scalars(select(Category).where(Category.name == "Technical Support")).one()
    for _ in range(2):
        a_ticket(category=technical)
    as_(client, staff(role))

    assert to_all(client, "delete", "?view=open").status_code == 403
    assert to_all(client, "close", "?view=open").status_code == (302 if role == "Support Agent" else 403)


def test_deleting_all_leaves_a_report_of_it(app, client, few):
    numbers = [a_ticket(f"{n}").number for n in range(5)]
    as_(client, a_super_admin())

    answer = to_all(client, "delete", "?view=open")
    run_jobs(20)

    assert db.session.scalars(select(Ticket.id)).all() == []
    assert sorted(db.session.scalars(select(BulkStep.number).where(BulkStep.outcome == Outcome.DONE))) == numbers
    assert "Finished" in client.get(answer.location).text
    assert recount() == 0


def test_an_empty_list_and_too_long_a_one_are_refused(app, client, monkeypatch):
    as_(client, a_supervisor())
    assert to_all(client, "close", "?tag=nothing").status_code == 422
    monkeypatch.setattr("app.desk.bulk.MOST", 1)
    a_ticket(), a_ticket()
    db.session.commit()

    assert to_all(client, "close", "?view=open").status_code == 422


def test_merging_several_leads_to_its_page_with_their_numbers(app, client):
    first, second = a_ticket(), a_ticket()
    as_(client, a_supervisor())

    answer = do(client, "merge", first, second)

    assert answer.location == f"/admin/tickets/merge?with={first.number}&with={second.number}"
    assert client.get(answer.location).status_code == 200


def test_what_failed_unforeseen_is_one_tickets_and_not_the_jobs(app, client, monkeypatch):
    good, bad = a_ticket("good"), a_ticket("bad")
    as_(client, a_supervisor())
    close = Ticket.close
    monkeypatch.setattr(Ticket, "close", lambda self, by: 1 / 0 if self.subject == "bad" else close(self, by))

    do(client, "close", bad, good)

    assert (good.state, bad.state) == (State.CLOSED, State.OPEN)
    assert "nobody foresaw" in said(client)


def test_a_reply_to_many_can_be_taken_back_until_it_leaves(app, client):
    setting(undo_send_seconds=10)
    ada, eve = a_ticket("A", requester=a_customer("Ada")), a_ticket("E", requester=a_customer("Eve"))
    as_(client, a_supervisor())
    do(client, "reply_all", ada, eve, body="Dear {{customer_name}}", then="resolve")
    waiting = db.session.scalars(select(Draft.text).where(Draft.leaves_at.is_not(None)).order_by(Draft.text)).all()
    change = the_change()
    client.post(f"/admin/bulk/{change.id}/undo")
    db.session.expire_all()

    assert waiting == ["Dear Ada", "Dear Eve"]
    assert bulk.outcomes(change) == {Outcome.UNDONE: 2}
    assert db.session.scalars(select(Draft)).all() == [] and {ada.state, eve.state} == {State.OPEN}


def test_a_macro_runs_on_each_of_many_and_names_those_that_refuse(app, client, few):
    high = a_priority(4)
    tickets = [a_ticket(f"{n}") for n in range(7)]
    closed = a_ticket("over", state=State.CLOSED)
    macro = a_macro({"do": "priority", "choice": high.id}, {"do": "snooze", "days": 1}, name="Later")
    as_(client, a_supervisor())
    chooser = to_all(client, "macro", "?view=everything").text
    answer = to_all(client, f"macro:{macro.id}", "?view=everything")
    run_jobs(20)
    db.session.expire_all()

    assert "Later" in chooser and "8 tickets" in chooser
    assert bulk.outcomes(the_change()) == {Outcome.DONE: 7, Outcome.REFUSED: 1}
    assert closed.display in client.get(answer.location).text and (closed.priority_rank, macro.uses) == (2, 7)
    tickets[0].set_priority(a_priority(1), by=SYSTEM)
    db.session.commit()
    client.post(f"/admin/bulk/{the_change().id}/undo")
    run_jobs(20)
    db.session.expire_all()
    assert bulk.outcomes(the_change()) == {Outcome.UNDONE: 6, Outcome.KEPT: 1, Outcome.REFUSED: 1}
    assert [one.priority_rank for one in tickets] == [1, 2, 2, 2, 2, 2, 2]


def test_a_macro_that_is_not_theirs_or_gone_runs_on_nothing(app, client):
    ticket, foreign = a_ticket(), a_macro({"do": "tag", "text": "x"}, owner=a_supervisor())
    as_(client, a_supervisor())

    assert do(client, f"macro:{foreign.id}", ticket).status_code == 422
    assert do(client, "macro:99999999999999999999", ticket).status_code == 422
    assert the_change() is None and ticket.tags == []


def test_whoever_gives_tickets_to_somebody_away_is_told_until_when_and_they_get_them(app, client, few):
    away = an_agent(name="jonas")
    profile = db.session.get(StaffProfile, away.id)
    profile.availability, profile.away_until, profile.away_reason = (
        Availability.AWAY,
        clock.now() + dt.timedelta(days=3),
        "Trade fair",
    )
    tickets = [a_ticket() for _ in range(5)]
    as_(client, a_supervisor())
    do(client, f"assign:{away.id}", *tickets[:2])
    told = said(client)
    answer = do(client, f"assign:{away.id}", *tickets)
    run_jobs()
    db.session.expire_all()

    assert "Jonas Test is away until" in told and "Trade fair" in told
    assert "Jonas Test is away until" in client.get(answer.location).text
    assert {ticket.assignee_id for ticket in tickets} == {away.id}


def test_of_somebody_who_is_there_nothing_is_said(app, client):
    here, ticket = an_agent(name="jonas"), a_ticket()
    as_(client, a_supervisor())
    do(client, f"assign:{here.id}", ticket)

    assert "away" not in said(client)
