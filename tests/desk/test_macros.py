"""Macros as staff keep and run them: the form loses nothing, the preview is looked at first, one click takes it back."""

import re

import pytest
from sqlalchemy import select

from app.core.extensions import db
from app.tickets import actions
from app.tickets.choices import CannedResponse, State
from app.tickets.lifecycle import status_for
from app.tickets.lists import Audience
from app.tickets.macros import Macro, MacroRun
from app.tickets.thread import Words
from tests.desk.test_actions import do, said
from tests.desk.test_list import as_
from tests.factories import (
    a_department,
    a_macro,
    a_priority,
    a_supervisor,
    a_ticket,
    acting,
    an_admin,
    an_agent,
    setting,
)

HERE = "/admin/macros/"
FORM = {
    "name": "Escalate",
    "active": "1",
    "do-0": "tag",
    "text-0": "vip",
    "do-1": "reply",
    "text-1": "Dear {{customer_name}}",
    "how-1": "",
}


def at(ticket, macro):
    return f"/admin/tickets/{ticket.number}/macros/{macro.id}"


def the_macro():
    db.session.expire_all()
    return db.session.scalars(select(Macro).order_by(Macro.id.desc())).first()


def hidden(page, name):
    """Values of the hidden fields of that name."""
    import re

    return re.findall(rf'name="{name}" value="([^"]*)"', page)


def test_a_macro_is_made_with_its_actions_in_their_order(app, client):
    as_(client, an_agent())
    answer = client.post(HERE + "new", data=FORM)

    macro = the_macro()
    assert (answer.status_code, macro.name, macro.audience, macro.active) == (303, "Escalate", Audience.OWNER, True)
    assert macro.actions == [{"do": "tag", "text": "vip"}, {"do": "reply", "text": "Dear {{customer_name}}"}]
    assert "Escalate" in client.get(HERE).text


@pytest.mark.parametrize(
    ("deed", "order"),
    [("add", ["tag", "reply", ""]), ("up:1", ["reply", "tag"]), ("down:0", ["reply", "tag"]), ("remove:0", ["reply"]), ("up:0", ["tag", "reply"]), ("remove:99", ["reply"])],
)  # fmt: skip
def test_the_builder_moves_adds_and_removes_without_saving_or_losing_anything(app, client, deed, order):
    as_(client, an_agent())
    page = client.post(HERE + "new", data={**FORM, "deed": deed}).text

    chosen = [
        page.split(f'name="do-{n}"')[1].split(" selected")[0].rsplit('value="', 1)[1].rstrip('"')
        for n in range(len(order))
    ]
    assert chosen == order
    assert 'value="Escalate"' in page and "Dear {{customer_name}}" in page
    assert the_macro() is None


def test_nothing_is_chosen_that_nobody_chose(app, client):
    """A status and a canned response may have the same id."""
    admin = an_admin()
    as_(client, admin)
    canned = CannedResponse(id=status_for(State.OPEN).id, title="Greeting", body="Hello")
    db.session.add(canned)
    db.session.commit()

    page = client.get(HERE + "new").text
    assert re.search(r'name="do-0"[^>]*><option value="" selected>', page)
    page = client.post(HERE + "new", data={"name": "N", "do-0": "status", "was-0": "", "deed": "look"}).text
    assert re.search(r'name="choice-0"[^>]*>\s*<option value="" selected>', page)
    changed = {"name": "N", "do-0": "reply", "was-0": "status", "choice-0": str(canned.id), "deed": "look"}
    page = client.post(HERE + "new", data=changed).text
    assert re.search(r'name="choice-0"[^>]*>\s*<option value="" selected>A text of its own', page)
    answer = client.post(HERE + "new", data={"name": "N", "do-0": "status", "was-0": "status", "choice-0": ""})
    assert answer.status_code == 422 and 'id="choice-0-error"' in answer.text and "Please choose." in answer.text


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": ""}, "name"), ({"name": "x" * 81}, "name"), ({"text-0": " "}, "text-0"), ({"text-0": "y" * 41}, "text-0"), ({"do-0": "fly"}, "do-0"),
        ({"do-0": "status", "choice-0": "99999"}, "choice-0"), ({"do-0": "snooze", "days-0": "0"}, "days-0"), ({"do-0": "snooze", "days-0": "x"}, "days-0"),
        ({"if-department": "99999"}, "if-department"), ({"do-0": "reply", "choice-0": "99999"}, "choice-0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_is_wrong_is_said_beside_it_and_nothing_is_lost(app, client, changed, field):
    as_(client, an_agent())
    answer = client.post(HERE + "new", data={**FORM, **changed})

    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text and f'aria-describedby="{field}-error' in answer.text
    assert "Dear {{customer_name}}" in answer.text
    assert the_macro() is None


def test_to_share_takes_a_right_of_its_own(app, client):
    as_(client, an_agent())
    client.post(HERE + "new", data={**FORM, "audience": "everyone"})
    assert the_macro().audience is Audience.OWNER

    as_(client, a_supervisor())
    client.post(HERE + "new", data={**FORM, "audience": "everyone"})
    shared = the_macro()
    assert shared.audience is Audience.EVERYONE
    client.post(HERE + "new", data={**FORM, "audience": f"department:{a_department().id}"})
    assert the_macro().department_id is not None

    as_(client, an_agent())
    assert "Escalate" in client.get(HERE).text
    for answer in (
        client.get(f"{HERE}{shared.id}"),
        client.post(f"{HERE}{shared.id}", data=FORM),
        client.post(f"{HERE}{shared.id}/delete"),
        client.post(f"{HERE}{shared.id}/switch"),
    ):
        assert answer.status_code in (302, 403)
    client.post(f"{HERE}{shared.id}/copy")
    db.session.expire_all()
    assert (db.session.get(Macro, shared.id).active, the_macro().audience, the_macro().active) == (
        True,
        Audience.OWNER,
        False,
    )


def test_somebody_elses_own_macro_is_not_there(app, client):
    foreign = a_macro({"do": "tag", "text": "x"}, owner=an_agent())
    ticket = a_ticket()
    as_(client, a_supervisor())

    for answer in (
        client.get(f"{HERE}{foreign.id}"),
        client.post(f"{HERE}{foreign.id}/copy"),
        client.post(f"{HERE}{foreign.id}/delete"),
        client.get(f"{HERE}{10**30}"),
        client.post(at(ticket, foreign) + "/preview"),
        client.post(at(ticket, foreign)),
    ):
        assert answer.status_code == 404
    assert db.session.get(Macro, foreign.id) is not None


def test_macros_are_ordered_switched_off_and_deleted(app, client):
    boss = a_supervisor()
    first, second = (
        a_macro({"do": "tag", "text": "x"}, name="First", owner=boss),
        a_macro({"do": "tag", "text": "x"}, name="Second", owner=boss, position=1),
    )
    as_(client, boss)
    client.post(f"{HERE}{second.id}/move", data={"way": "up"})
    page = client.get(HERE).text
    client.post(f"{HERE}{first.id}/switch", data={"active": "0"})
    client.post(f"{HERE}{second.id}/delete")
    db.session.expire_all()

    assert page.index("Second") < page.index("First")
    assert [(one.name, one.active) for one in db.session.scalars(select(Macro))] == [("First", False)]


def test_a_preview_changes_nothing_and_the_run_does_what_it_said(app, client):
    setting(undo_send_seconds=10)
    ticket = a_ticket()
    macro = a_macro(
        {"do": "priority", "choice": a_priority(4).id},
        {"do": "reply", "text": "Dear {{customer_name}}"},
        {"do": "category", "choice": "99999"},
        name="Go",
    )
    as_(client, a_supervisor())
    before = actions.state_of(ticket)
    page = client.post(at(ticket, macro) + "/preview").text
    db.session.expire_all()

    assert actions.state_of(ticket) == before and db.session.scalars(select(MacroRun)).all() == []
    assert (
        "Normal" in page
        and "Critical" in page
        and f"Dear {ticket.requester.name}" in page
        and "does not exist (any more)" in page
    )
    answer = client.post(at(ticket, macro), data={"seen": hidden(page, "seen")[0], "skip": hidden(page, "skip")})
    after = client.get(answer.location).text
    db.session.expire_all()
    assert ticket.priority_rank == 4
    assert "The macro “Go” ran." in after and "/undo" in after
    assert "The macro “Go” ran." not in client.get(answer.location).text

    run = db.session.scalars(select(MacroRun)).one()
    client.post(f"/admin/tickets/{ticket.number}/macroruns/{run.id}/undo")
    db.session.expire_all()
    assert actions.state_of(ticket) == before


def test_a_ticket_that_changed_meanwhile_shows_the_preview_anew(app, client):
    ticket, macro = a_ticket(), a_macro({"do": "priority", "choice": a_priority(4).id})
    as_(client, a_supervisor())
    page = client.post(at(ticket, macro) + "/preview").text
    from app.accounts.viewer import SYSTEM

    ticket.set_priority(a_priority(3), by=SYSTEM)
    db.session.commit()
    answer = client.post(at(ticket, macro), data={"seen": hidden(page, "seen")[0]})
    db.session.expire_all()

    assert answer.status_code == 409 and "changed since you looked" in answer.text and "High" in answer.text
    assert ticket.priority_rank == 3


def test_who_may_not_see_the_ticket_or_the_run_learns_nothing(app, client):
    department = a_department()
    ticket, macro = a_ticket(department=department), a_macro({"do": "tag", "text": "x"})
    boss = acting(a_supervisor())
    from app.tickets import macroruns

    run = macroruns.run(macro, ticket, boss)
    db.session.commit()
    as_(client, an_agent(a_department("Far away")))
    here = f"/admin/tickets/{ticket.number}"
    assert {
        client.post(at(ticket, macro) + "/preview").status_code,
        client.post(at(ticket, macro)).status_code,
        client.get(here + "/macros").status_code,
    } == {404}
    assert client.post(f"{here}/macroruns/{run.id}/undo").status_code == 404
    as_(client, a_supervisor())
    assert client.post(f"{here}/macroruns/{run.id}/undo").status_code == 404


def test_the_ticket_offers_those_that_fit_it(app, client):
    ticket = a_ticket()
    a_macro({"do": "tag", "text": "x"}, name="Fits here")
    a_macro({"do": "tag", "text": "x"}, name="Never here", conditions={"state": State.CLOSED.value})
    as_(client, a_supervisor())
    page = client.get(f"/admin/tickets/{ticket.number}/macros").text

    assert "Fits here" in page and "Never here" not in page
    assert "Fits here" not in client.get(f"/admin/tickets/{ticket.number}/macros?q=other").text


def test_the_palette_offers_what_this_person_may_do_here(app, client):
    ticket = a_ticket()
    a_macro({"do": "tag", "text": "x"}, name="Fits")
    db.session.add(CannedResponse(title="Hello", body="Dear {{customer_name}}"))
    db.session.commit()
    as_(client, a_supervisor())
    items = client.get(f"/admin/palette/?number={ticket.number}").get_json()["items"]
    words = [one["words"] for one in items]

    assert (
        "Macro: Fits" in words
        and "Priority: Critical" in words
        and "Assign to nobody" not in words
        and "New ticket" in words
    )
    assert {"words": "Insert: Hello", "group": "Canned responses", "insert": f"Dear {ticket.requester.name}"} in items
    assert client.get("/admin/palette/?number=999999999").status_code == 404
    assert client.get("/admin/palette/?number=abc").status_code == 200
    assert client.get("/admin/palette/?q=" + ticket.requester.name[:5]).get_json()["items"][0]["group"] == "Customers"


def test_the_preview_asks_for_a_yes_to_what_it_found_and_nothing_happens_without(app, client):
    person = an_agent()
    ticket, secret = a_ticket(), "They have not paid since summer, be careful with them"
    ticket.note(Words(secret), by=acting(person))
    macro = a_macro({"do": "reply", "text": secret}, {"do": "tag", "text": "vip"})
    as_(client, person)
    page = client.post(at(ticket, macro) + "/preview").text
    given = {"seen": hidden(page, "seen")[0], "looked": hidden(page, "looked")}
    without = client.post(at(ticket, macro), data=given)
    blind = client.post(at(ticket, macro), data={"seen": given["seen"], "yes": "1"})
    db.session.expire_all()

    assert "I looked at it" in page and "note" in page
    assert (without.status_code, blind.status_code) == (409, 409) and "Nothing was done yet" in without.text
    assert ticket.tags == []
    assert client.post(at(ticket, macro), data={**given, "yes": "1"}).status_code == 303
    db.session.expire_all()
    assert [tag.name for tag in ticket.tags] == ["vip"]


def test_in_bulk_tickets_that_leak_are_named_and_left_out(app, client):
    person = a_supervisor()
    open_, leaking, secret = a_ticket(), a_ticket(), "They have not paid since summer, be careful with them"
    leaking.note(Words(secret), by=acting(person))
    macro = a_macro({"do": "reply", "text": secret}, {"do": "tag", "text": "vip"})
    as_(client, person)
    do(client, f"macro:{macro.id}", open_, leaking)

    told = said(client)
    assert [tag.name for tag in open_.tags] == ["vip"] and leaking.tags == []
    assert leaking.display in told and "note" in told and open_.display not in told
