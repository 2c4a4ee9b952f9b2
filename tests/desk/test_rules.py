"""The pages of rules: made from nothing, tried without effect, kept in versions, carried to another desk, and told of on tickets."""

import json

import pytest
from sqlalchemy import func, select

from app.automation import rules
from app.automation.models import Basis, Kind, On, Rule, RuleRun
from app.core.extensions import db
from app.core.outbox import Outbox
from app.tickets.choices import Priority
from app.tickets.models import Ticket
from tests.automation.making import TAG, a_rule
from tests.desk.test_list import as_
from tests.factories import a_department, a_ticket, an_admin, an_agent, run_jobs

HERE = "/admin/rules/"
FORM = {
    "name": "Fires first", "active": "y", "kind": "trigger", "listens": ["created", "customer_message"],
    "every-field-0": "subject", "every-op-0": "contains", "every-value-0": "fire",
    "some-field-0": "state", "some-op-0": "is", "some-value-0": ["new", "open"],
    "some-field-1": "late", "some-op-1": "yes",
    "do-0": "tag", "text-0": "burns", "do-1": "tell", "choice-1": "supervisors", "text-1": "Look: {{subject}}",
    "most_runs": "1", "pause_minutes": "0",
}  # fmt: skip


def the_rule():
    db.session.expire_all()
    return db.session.scalars(select(Rule)).one()


@pytest.fixture
def admin(app, client):
    as_(client, an_admin())
    return client


def test_a_rule_is_made_and_acts(admin):
    answer = admin.post(HERE + "new", data=FORM)
    rule = the_rule()
    assert answer.location == HERE and (rule.kind, rule.active, rule.most_runs) == (Kind.TRIGGER, True, 1)
    assert rule.condition == {"all": [
        {"field": "subject", "op": "contains", "value": ["fire"]},
        {"any": [{"field": "state", "op": "is", "value": ["new", "open"]}, {"field": "late", "op": "yes", "value": []}]},
    ]}  # fmt: skip
    ticket = a_ticket("Fire!")
    db.session.commit()
    run_jobs()
    db.session.refresh(ticket)
    assert [tag.name for tag in ticket.tags] == ["burns"]


def test_the_list_says_each_rule_in_words(admin):
    admin.post(HERE + "new", data=FORM)
    page = admin.get(HERE).text
    assert "When a ticket is opened or a customer writes" in page
    assert "Subject contains “fire” and (State is New or Open or A promise is overdue: yes)" in page
    assert "Add tags: “burns”; Tell somebody on the team: the supervisors, “Look: {{subject}}”" in page.replace(
        "&#39;", "'"
    )


def test_a_saved_rule_comes_back_into_its_form_as_it_was(admin):
    admin.post(HERE + "new", data=FORM)
    rule = the_rule()
    before = rules.written(rule)
    page = admin.get(f"{HERE}{rule.id}").text
    assert 'value="fire"' in page and 'value="burns"' in page
    admin.post(f"{HERE}{rule.id}", data=FORM)
    assert rules.written(the_rule()) == before and the_rule().version == 2


def test_a_timer_is_made_with_its_unit(admin):
    given = {name: value for name, value in FORM.items() if name != "listens"}
    admin.post(HERE + "new", data={**given, "kind": "timer", "many": "3", "unit": "1440", "basis": "customer", "hours": "business"})  # fmt: skip
    rule = the_rule()
    assert (rule.kind, rule.minutes, rule.basis, rule.hours.value, rule.listens) == (Kind.TIMER, 4320, Basis.CUSTOMER, "business", [])  # fmt: skip
    page = admin.get(f"{HERE}{rule.id}").text
    assert 'value="3"' in page and '<option value="1440" selected>' in page


@pytest.mark.parametrize(
    ("deed", "there", "gone"),
    [
        ("more:every", 'id="every-field-1"', None),
        ("less:every:0", 'id="some-field-0"', 'id="every-field-0"'),
        ("less:some:0", 'id="some-field-0"', 'id="some-field-1"'),
        ("add", 'id="do-2"', None),
        ("remove:0", 'id="do-0"', 'id="do-1"'),
        ("less:nonsense:99999999999999999999", 'id="every-field-0"', None),
        ("more:", 'id="every-field-1"', None),
    ],
)
def test_the_form_grows_and_shrinks_without_saving_or_losing_anything(admin, deed, there, gone):
    page = admin.post(HERE + "new", data={**FORM, "deed": deed}).text
    assert there in page and (gone is None or gone not in page)
    assert 'value="Fires first"' in page
    assert db.session.scalar(select(func.count(Rule.id))) == 0


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": " "}, "name"),
        ({"kind": "nonsense"}, "kind"),
        ({"listens": ["nonsense"]}, "listens"),
        ({"kind": "timer", "many": "soon"}, "minutes"),
        ({"every-value-0": ""}, "every-field-0"),
        ({"some-value-0": ["nonsense"]}, "some-field-0"),
        ({"some-value-0": []}, "some-field-0"),
        ({"text-0": ""}, "text-0"),
        ({"choice-1": "nonsense"}, "choice-1"),
        ({"do-1": "assign", "choice-1": "me"}, "choice-1"),
        ({"most_runs": "-3"}, "limits"),
    ],
)
def test_what_is_wrong_is_said_beside_it_and_nothing_is_lost(admin, changed, field):
    answer = admin.post(HERE + "new", data={**FORM, **changed})
    assert answer.status_code == 422 and f'id="{field}-error"' in answer.text
    assert "{{subject}}" in answer.text or "choice-1" in field
    assert db.session.scalar(select(func.count(Rule.id))) == 0


def test_trying_shows_and_changes_nothing(admin):
    urgent = db.session.scalars(select(Priority).order_by(Priority.rank.desc())).first()
    burning = a_ticket("Fire in the hall")
    a_ticket("Hello")
    db.session.commit()
    waiting = db.session.scalar(select(func.count(Outbox.id)))
    tried = {**FORM, "do-1": "priority", "choice-1": str(urgent.id), "deed": "try", "name": ""}
    page = admin.post(HERE + "new", data=tried).text
    assert "It would have acted on 1 ticket." in page and "Fire in the hall" in page and str(urgent) in page
    one = admin.post(HERE + "new", data={**tried, "number": burning.display}).text
    assert "it would act." in one
    missing = admin.post(HERE + "new", data={**tried, "number": "999999"}).text
    assert "There is no ticket with this number" in missing
    assert db.session.scalar(select(func.count(Rule.id))) == 0 == db.session.scalar(select(func.count(RuleRun.id)))
    assert db.session.scalar(select(func.count(Outbox.id))) == waiting


def test_an_earlier_version_is_taken_back_as_a_new_one(admin):
    rule = a_rule(TAG, name="First")
    admin.post(f"{HERE}{rule.id}", data=FORM)
    assert the_rule().name == "Fires first"
    admin.post(f"{HERE}{rule.id}/versions/1")
    assert (the_rule().name, the_rule().version, the_rule().actions) == ("First", 3, [TAG])
    assert admin.post(f"{HERE}{rule.id}/versions/77").status_code == 404


def test_rules_are_ordered_switched_copied_and_deleted(admin):
    first, second = a_rule(TAG, name="First"), a_rule(TAG, name="Second")
    admin.post(f"{HERE}{second.id}/move", data={"way": "up"})
    page = admin.get(HERE).text
    assert page.index("Second") < page.index("First")
    admin.post(f"{HERE}{first.id}/switch", data={"active": "0"})
    db.session.refresh(first)
    assert not first.active
    admin.post(f"{HERE}{first.id}/copy")
    copy = db.session.scalars(select(Rule).where(Rule.name == "Copy of First")).one()
    assert not copy.active and copy.actions == [TAG]
    admin.post(f"{HERE}{copy.id}/delete")
    assert db.session.scalar(select(func.count(Rule.id))) == 2


def test_rules_travel_to_a_desk_with_other_ids(admin):
    department = a_department("Accounts")
    a_rule({"do": "department", "choice": str(department.id)}, name="To accounts", condition={"any": [{"field": "department", "op": "is_not", "value": [str(department.id)]}, {"not": {"field": "late", "op": "yes", "value": []}}]})  # fmt: skip
    text = admin.get(HERE + "export").text
    assert '"=Accounts"' in text and str(department.id) not in json.loads(text)["rules"][0]["actions"][0]["choice"]
    db.session.delete(the_rule())
    department.name = "Old accounts"
    other = a_department("Accounts")
    db.session.commit()
    admin.post(HERE + "import", data={"text": text})
    rule = the_rule()
    assert not rule.active and rule.actions == [{"do": "department", "choice": str(other.id)}]
    assert rule.condition["any"][0]["value"] == [str(other.id)]
    page = admin.get(f"{HERE}{rule.id}").text
    assert "a shape this form does not show" in page


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 5000, '{"format": "deskhand rules 1", "rules": [3]}', '{"format": "deskhand rules 1", "rules": [{"name": "x", "kind": "trigger", "actions": [{"do": "department", "choice": "=Nowhere"}]}]}', '{"format": "deskhand rules 1", "rules": [{"name": "x", "kind": "trigger", "listens": ["created"], "actions": [{"do": "tag", "text": "a"}], "condition": {"field": "nonsense"}}]}'])  # fmt: skip
def test_what_is_no_text_of_rules_is_refused_and_kept_in_the_form(admin, text):
    answer = admin.post(HERE + "import", data={"text": text})
    assert answer.status_code == 422 and 'id="text-error"' in answer.text
    assert db.session.scalar(select(func.count(Rule.id))) == 0


def test_a_ticket_tells_which_rule_did_what_and_why(admin):
    a_rule(TAG, name="Tagger", condition={"field": "subject", "op": "contains", "value": "fire"})
    ticket = a_ticket("Fire")
    db.session.commit()
    run_jobs()
    number = db.session.scalars(select(Ticket.number)).one()
    for address in (f"/admin/tickets/{number}/rules", HERE + "runs"):
        page = admin.get(address).text
        assert "Tagger" in page and "Subject contains “fire”" in page and "<bdi>seen</bdi>" in page
    assert f"/admin/tickets/{number}/rules" in admin.get(f"/admin/tickets/{number}/timeline").text
    assert ticket is not None


def test_agents_have_no_page_of_rules_but_read_why_on_their_tickets(app, client):
    a_rule(TAG, on=On.CREATED)
    ticket = a_ticket()
    number = ticket.number
    hidden = a_ticket(department=a_department()).number
    db.session.commit()
    run_jobs()
    as_(client, an_agent())
    assert client.get(HERE).status_code in (302, 403)
    assert client.get(f"/admin/tickets/{number}/rules").status_code == 200
    as_(client, an_agent(a_department()))
    assert client.get(f"/admin/tickets/{hidden}/rules").status_code == 404
