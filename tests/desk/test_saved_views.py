"""Lists under names: saved, shared, ordered, opened first; and the columns each person chose."""

import re

import pytest
from sqlalchemy import select

from app.core.extensions import db
from app.desk import columns, lookups
from app.desk.columns import USUAL, Shown
from app.desk.listing import Listing
from app.desk.tabs import MOST, Tab, in_row, views
from app.tickets.lists import Audience, ListChoice, SavedView, views_of
from tests.desk.test_list import LIST, as_, numbers
from tests.factories import a_department, a_priority, a_supervisor, a_ticket, acting, an_agent, staff

VIEWS = "/admin/views/"


def a_view(owner, name="Late ones", query="due=overdue", **given):
    view = SavedView(name=name, owner_id=owner.id, query=query, columns=given.pop("columns", ""), **given)
    db.session.add(view)
    db.session.flush()
    return view


def tabs(page):
    return re.findall(r'data-view="(\d+)"[^>]*>(?:<span[^>]*>)?([^<]*)', page.text)


def test_a_list_is_kept_under_a_name_with_its_filters_and_order(app, client):
    urgent = a_ticket("hot", priority=a_priority(4), tags=("vip",))
    a_ticket("cold", tags=("vip",))
    as_(client, an_agent())

    answer = client.post(
        VIEWS + "add", data={"name": "  Hot <b>VIP</b> ", "back": "?priority=4&tag=vip&sort=subject&page=3"}
    )
    page = client.get(answer.location)

    view = db.session.scalars(select(SavedView)).one()
    assert (view.name, view.query) == ("Hot <b>VIP</b>", "priority=4&tag=vip&sort=subject")
    assert numbers(page) == [urgent.number]
    assert re.search(rf'aria-current="page" data-view="{view.id}"[^>]*><span[^>]*>Hot &lt;b&gt;VIP', page.text)


def test_typed_fields_are_kept_as_filters(app, client):
    as_(client, an_agent())

    client.post(VIEWS + "add", data={"name": "Mail", "back": "?q=via:mail+printer"})

    assert db.session.scalars(select(SavedView.query)).one() == "view=everything&q=printer&channel=mail"


def test_changes_of_a_list_are_kept_when_asked(app, client):
    agent = an_agent()
    view = a_view(agent, query="priority=4")
    as_(client, agent)

    narrowed = client.get(f"{LIST}?priority=4&tag=vip&saved={view.id}").text
    client.post(f"{VIEWS}{view.id}/list", data={"back": f"?priority=4&tag=vip&saved={view.id}"})
    db.session.expire_all()

    assert "Save changes to “Late ones”" in narrowed
    assert view.query == "priority=4&tag=vip"
    assert "Save changes to" not in client.get(f"{LIST}?priority=4&tag=vip&saved={view.id}").text


SHARED = {
    "nobody else": ({"audience": Audience.OWNER}, False), "everyone": ({"audience": Audience.EVERYONE}, True), "their role": ({"audience": Audience.ROLE}, True), "another role": ({"audience": Audience.ROLE}, False),
    "their department": ({"audience": Audience.DEPARTMENT}, True), "another department": ({"audience": Audience.DEPARTMENT}, False),
}  # fmt: skip


@pytest.mark.parametrize("who", SHARED)
def test_a_view_is_among_the_tabs_of_those_it_is_shared_with(app, client, who):
    given, seen = SHARED[who]
    own, away = a_department("Own"), a_department("Away")
    agent, boss = an_agent(own), a_supervisor()
    if given["audience"] is Audience.ROLE:
        given = {**given, "role_id": (boss if "another" in who else agent).roles[0].id}
    if given["audience"] is Audience.DEPARTMENT:
        given = {**given, "department_id": (away if "another" in who else own).id}
    view = a_view(boss, **given)
    as_(client, agent)

    assert (tabs(client.get(LIST)) == [(str(view.id), view.name)]) is seen
    assert client.get(f"{VIEWS}{view.id}").status_code == (403 if seen else 404)
    for deed in ("list", "delete", "move"):
        assert client.post(f"{VIEWS}{view.id}/{deed}").status_code == (403 if seen else 404)
    assert client.post(VIEWS + "first", data={"view": view.id}).status_code == (302 if seen else 404)


def test_the_tabs_and_the_rule_name_the_same_views(app):
    own = a_department("Own")
    people = [an_agent(own), an_agent(), a_supervisor(), staff("Developer", (own,))]
    for owner in people:
        for audience in Audience:
            a_view(owner, f"{owner.id} {audience}", audience=audience, role_id=owner.roles[0].id if audience is Audience.ROLE else None, department_id=own.id if audience is Audience.DEPARTMENT else None)  # fmt: skip
    db.session.commit()

    for person in people:
        viewer = acting(person)
        ruled = set(db.session.scalars(select(SavedView.id).where(views_of(viewer))))
        assert {view.id for view in views(lookups.of_list(viewer))} == ruled
        assert ruled


def test_a_shared_view_shows_each_reader_their_own_tickets_alone(app, client):
    own = a_department("Own")
    mine, foreign = a_ticket(department=own), a_ticket()
    view = a_view(a_supervisor(), query="view=everything", audience=Audience.EVERYONE)
    as_(client, an_agent(own))

    page = client.get(f"{LIST}?view=everything&saved={view.id}")

    assert numbers(page) == [mine.number] != [foreign.number]
    assert client.get(VIEWS).text.count('<span class="n">1</span>') == 1


@pytest.mark.parametrize(
    ("role", "may"), [("Support Agent", False), ("Developer", False), ("Supervisor", True), ("Admin", True)]
)
def test_sharing_needs_its_right(app, client, role, may):
    person = staff(role)
    view = a_view(person)
    as_(client, person)

    answer = client.post(f"{VIEWS}{view.id}", data={"name": "For all", "audience": "everyone"})
    db.session.expire_all()

    assert answer.status_code == (302 if may else 403)
    assert (view.audience is Audience.EVERYONE) is may
    assert client.get(VIEWS + "shared/").status_code == (200 if may else 403)


@pytest.mark.parametrize("audience", ["role:", "role:99999", "department:x", "department:99999999999", "everyone:1"])
def test_a_bent_audience_shares_with_nobody(app, client, audience):
    boss = a_supervisor()
    view = a_view(boss)
    as_(client, boss)

    client.post(f"{VIEWS}{view.id}", data={"name": "x", "audience": audience})
    db.session.expire_all()

    assert view.audience is (Audience.EVERYONE if audience.startswith("everyone") else Audience.OWNER)


def test_whoever_keeps_the_desks_views_changes_what_others_share_and_nothing_of_their_own(app, client):
    agent, boss = an_agent(), a_supervisor()
    private, shared = a_view(agent), a_view(agent, audience=Audience.EVERYONE)
    as_(client, boss)

    assert client.post(f"{VIEWS}{private.id}/delete").status_code == 404
    assert client.post(f"{VIEWS}{shared.id}/delete").status_code == 302
    assert db.session.scalars(select(SavedView.id)).all() == [private.id]


def test_views_stand_in_their_order(app, client):
    agent = an_agent()
    names = ["a", "b", "c"]
    made = [a_view(agent, name, position=place) for place, name in enumerate(names)]
    as_(client, agent)

    client.post(f"{VIEWS}{made[2].id}/move", data={"way": "up"})
    assert [name for _, name in tabs(client.get(LIST))] == ["a", "c", "b"]
    client.post(f"{VIEWS}{made[0].id}/move", data={"way": "down"})
    client.post(f"{VIEWS}{made[1].id}/move", data={"way": "down"})

    assert [name for _, name in tabs(client.get(LIST))] == ["c", "a", "b"]


def test_the_bare_address_opens_the_chosen_view_and_all_open_stays_one_click_away(app, client):
    urgent, other = a_ticket(priority=a_priority(4)), a_ticket()
    agent = an_agent()
    view = a_view(agent, query="priority=4")
    as_(client, agent)

    client.post(VIEWS + "first", data={"view": view.id})

    assert numbers(client.get(LIST)) == [urgent.number]
    assert 'href="/admin/tickets/?view=open"' in client.get(LIST).text
    assert sorted(numbers(client.get(LIST + "?view=open"))) == [urgent.number, other.number]
    client.post(f"{VIEWS}{view.id}/delete")
    assert len(numbers(client.get(LIST))) == 2


def test_numbers_of_views_are_one_statement_and_capped(app, client, at_most, monkeypatch):
    monkeypatch.setattr("app.desk.viewcounts.MOST", 3)
    for n in range(5):
        a_ticket(f"{n}", priority=a_priority(4 if n < 2 else 1))
    agent = an_agent()
    for name, query in (
        ("all", "view=everything"),
        ("hot", "priority=4"),
        ("none", "tag=x"),
        ("words", "q=printer&view=everything"),
    ):
        a_view(agent, name, query)
    as_(client, agent)

    from app.desk import viewcounts

    found = [(view.id, view.query) for view in db.session.scalars(select(SavedView).order_by(SavedView.id))]
    viewer = acting(agent)
    db.session.commit()
    with at_most(3):  # settings, SQLite's BEGIN, all the numbers
        said = viewcounts.of(found, viewer)

    assert list(said.values()) == ["3+", "2", "0"]


def test_too_many_views_and_no_name_are_refused_with_a_sentence(app, client, monkeypatch):
    monkeypatch.setattr("app.desk.savedviews.MOST_VIEWS", 1)
    as_(client, an_agent())

    assert client.post(VIEWS + "add", data={"name": " \n ", "back": ""}).status_code == 422
    assert client.post(VIEWS + "add", data={"name": "x" * 500, "back": ""}).status_code == 302
    assert client.post(VIEWS + "add", data={"name": "y", "back": ""}).status_code == 422
    assert len(db.session.scalars(select(SavedView.name)).one()) == 60


def test_what_does_not_fit_the_row_of_tabs_stands_in_a_menu_but_never_the_current_one():
    entries = [Tab(str(n), str(n), None, n == 14) for n in range(16)]

    row, more = in_row(entries)

    assert (len(row), row[-1].current) == (MOST - 1, True)
    assert {tab.words for tab in (*row, *more)} == {tab.words for tab in entries}
    assert in_row(entries[:MOST]) == (tuple(entries[:MOST]), ())


# ---------- columns ----------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("", USUAL), ("nonsense,,", USUAL), ("tags", (Shown("subject"), Shown("tags"))), ("status+,subject,status", (Shown("subject"), Shown("status", True))), ("password,number", (Shown("subject"), Shown("number")))],
)  # fmt: skip
def test_kept_columns_are_read_whatever_they_say(text, wanted):
    assert columns.read(text) == wanted
    assert columns.read(columns.written(wanted)) == wanted


def test_a_column_moves_one_place_and_the_subject_stays_first():
    names = ["subject", "status", "tags", "number"]

    assert columns.moved(names, "number", -1) == ["subject", "status", "number", "tags"]
    assert columns.moved(names, "status", -1) == names == columns.moved(names, "subject", 1)
    assert columns.moved(names, "nonsense", 1) == names


def heads(page):
    found = re.findall(r'<th class="c-(\w+)( wide)?" scope="col">(?:<a [^>]*>)?([^<]*)', page.text)
    return [(name, wide, words.strip()) for name, wide, words in found if name != "check"]


def test_somebody_chooses_columns_without_a_script_and_has_them_from_then_on(app, client):
    a_ticket("The printer", tags=("vip",))
    agent = an_agent()
    as_(client, agent)
    order = ["subject", "tags", "number", "status", "sla"]

    moved = client.post(VIEWS + "columns", data={"order": order, "show": ["tags", "number"], "deed": "up:number"}).text
    before = heads(client.get(LIST))
    saved = client.post(
        VIEWS + "columns", data={"order": order, "show": ["tags", "number"], "wide": ["tags"], "back": "?view=mine"}
    )

    assert moved.index('value="number"') < moved.index('value="tags"')
    assert before[0][2] == "Subject" and len(before) == len(USUAL)
    assert saved.location == "/admin/tickets/?view=mine"
    page = client.get(LIST)
    assert [(name, bool(wide)) for _, wide, name in heads(page)] == [
        ("Subject", False),
        ("Tags", True),
        ("Number", False),
    ]
    assert "c-prio" not in page.text and ">vip<" in page.text
    client.post(VIEWS + "columns", data={"deed": "usual"})
    assert len(heads(client.get(LIST))) == len(USUAL)
    assert db.session.get(ListChoice, agent.id).columns == ""


def test_a_view_may_have_columns_of_its_own(app, client):
    a_ticket()
    agent = an_agent()
    view = a_view(agent, query="view=everything")
    as_(client, agent)

    client.post(
        f"{VIEWS}{view.id}",
        data={"name": "x", "own-columns": "on", "order": ["subject", "organization"], "show": ["organization"]},
    )

    assert [name for *_, name in heads(client.get(f"{LIST}?view=everything&saved={view.id}"))] == [
        "Subject",
        "Organization",
    ]
    assert len(heads(client.get(LIST))) == len(USUAL)


@pytest.mark.parametrize("column", [name for name in columns.LABELS if name != "subject"])
def test_every_column_can_be_shown(app, client, column):
    a_ticket("x", tags=("vip",))
    agent = an_agent()
    db.session.add(ListChoice(staff_id=agent.id, columns=f"subject,{column}"))
    as_(client, agent)

    page = client.get(LIST)

    assert len(heads(page)) == 2
    assert page.text.count("<td ") == 3  # the box to tick among them


def test_the_page_of_a_list_with_views_and_columns_asks_no_more_of_the_database(app, client, at_most):
    agent = an_agent()
    for n in range(12):
        a_view(agent, f"view {n}")
    db.session.add(ListChoice(staff_id=agent.id, columns="subject,tags"))
    a_ticket(tags=("a",))
    as_(client, agent)
    client.get(LIST)

    with at_most(9):
        assert "More views" in client.get(LIST).text


def test_a_bent_address_of_a_view_is_a_list(app, client):
    as_(client, an_agent())

    for bent in ("saved=999", "saved=x", "saved=-1", "saved=99999999999999"):
        assert client.get(f"{LIST}?{bent}").status_code == 200
    assert Listing.posted({"back": "?saved=7&tag=x"}).saved == 7
