"""The language of the search box: what is typed becomes the filters of the list, and never an error."""

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from app.accounts.viewer import CustomerActor
from app.core import clock, web
from app.core.extensions import db
from app.desk import asked, lookups
from app.desk.asking import FIELDS, parts, words_of
from app.desk.listing import Due, Listing
from app.desk.queues import Queue
from app.tickets.choices import State
from app.tickets.models import TicketKind
from app.tickets.thread import Channel, Words
from tests.desk.test_list import LIST, as_, numbers
from tests.factories import (
    a_category,
    a_customer,
    a_department,
    a_priority,
    a_status,
    a_supervisor,
    a_ticket,
    acting,
    an_agent,
    an_environment,
    an_organization,
    run_jobs,
    staff,
)

TYPED = st.text(max_size=60) | st.lists(
    st.sampled_from([*FIELDS, "stat", "-", '"', ":", " ", "me", "2026-02-30", "..", "7d", "#1001", "open", "9999m", "\x00", "é"]), max_size=12
).map("".join)  # fmt: skip


@given(TYPED)
def test_any_text_is_cut_into_parts_and_means_the_same_again(text):
    found = list(parts(text))

    assert [part._replace(quoted=False) for part in parts(" ".join(part.text for part in found))] == [
        part._replace(quoted=False) for part in found
    ]


@given(TYPED)
def test_any_text_has_words(text):
    assert isinstance(words_of(text).wanted, str)


@given(text=TYPED)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_a_list_and_what_the_box_then_says_is_the_same_list(app, text):
    names = lookups.of_list()

    listing, _errors = asked.understood(Listing.read(MultiDict({"q": text})), names)
    again, errors = asked.understood(
        Listing.read(MultiDict({"q": asked.said(listing, names), "view": listing.view})), names
    )

    assert errors == ()
    assert (again.filters, words_of(again.q)) == (listing.filters, words_of(listing.q))


def read(text):
    return asked.understood(Listing.read(MultiDict({"q": text})), lookups.of_list())


def test_each_field_is_the_filter_of_the_form(app):
    status, category, department, person = (
        a_status("On Hold"),
        a_category("Billing things"),
        a_department("Depot"),
        staff(name="zoe"),
    )
    today = web.local(clock.now()).date()

    found = {text: read(text).listing.filters for text in CASES}

    assert found == {
        text: {key: {"STATUS": status.id, "CATEGORY": category.id, "DEPARTMENT": department.id, "PERSON": str(person.id), "TODAY": today, "WEEK": today - dt.timedelta(days=7)}.get(value, value) for key, value in wanted.items()}
        for text, wanted in CASES.items()
    }  # fmt: skip


CASES = {
    "customer:ada": {"who": "ada"}, "client:ada": {"who": "ada"}, "organization:northwind": {"organization": "northwind"}, "state:open": {"state": State.OPEN}, "STATE:Open": {"state": State.OPEN},
    'status:"On Hold"': {"status": "STATUS"}, "status:on": {"status": "STATUS"}, "assignee:me": {"assigned": "me"}, "assignee:nobody": {"assigned": "nobody"}, "assignee:zoe": {"assigned": "PERSON"},
    'assignee:"Zoe Test"': {"assigned": "PERSON"}, "department:depot": {"department": "DEPARTMENT"}, 'category:"billing things"': {"category": "CATEGORY"}, "category:none": {"category": 0},
    "priority:high": {"priority": 3}, "priority:urgent": {"priority": 4}, "priority:2": {"priority": 2}, "tag:VIP": {"tag": "vip"}, "kind:conversation": {"kind": TicketKind.CONVERSATION},
    "kind:document-request": {"kind": TicketKind.DOCUMENT_REQUEST}, "via:mail": {"channel": Channel.MAIL}, "via:email": {"channel": Channel.MAIL}, "sla:overdue": {"due": Due.OVERDUE}, "sla:none": {"due": Due.NONE},
    "before:2026-03-02": {"created_to": dt.date(2026, 3, 1)}, "after:2026-03-02": {"created_from": dt.date(2026, 3, 2)}, "created:2026-03-02": {"created_from": dt.date(2026, 3, 2), "created_to": dt.date(2026, 3, 2)},
    "updated:2026-03-01..2026-03-31": {"updated_from": dt.date(2026, 3, 1), "updated_to": dt.date(2026, 3, 31)}, "created:today": {"created_from": "TODAY", "created_to": "TODAY"}, "updated:7d": {"updated_from": "WEEK"},
    "is:unassigned": {"assigned": "nobody"}, "is:mine": {"assigned": "me"}, "is:overdue": {"due": Due.OVERDUE}, "is:closed": {"state": State.CLOSED},
    "http://x.test/a:b 10:30 re:invoice": {}, "tag:": {}, "state:gone": {}, "-tag:vip": {}, "stat:open": {}, "before:never": {},
}  # fmt: skip


def test_a_quick_filter_may_be_asked_for(app):
    assert (read("is:urgent").listing.view, read("is:needs-response printer").listing.view) == (
        Queue.URGENT,
        Queue.NEEDS,
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [("state:gone", "“gone” is none of: new, open, waiting"), ("stat:open", "Did you mean “state:”?"), ("-tag:vip", "only words can be left out"), ("tag:", "needs a value, for instance tag:vip"),
     ("before:never", "is no day"), ("status:xyz", "“xyz” is none of: Open, In Progress"), ("is:green", "is none of: mine"), ("<b>state</b>:x assignee:<i>", "“&lt;i&gt;” is none of")],
)  # fmt: skip
def test_what_makes_no_sense_is_said_beside_the_box_and_the_rest_still_narrows(app, client, text, said):
    vip, other = a_ticket(tags=("vip",)), a_ticket()
    as_(client, a_supervisor())

    page = client.get(LIST, query_string={"q": f"{text} tag:vip", "view": "everything"})

    assert page.status_code == 200
    assert said in page.text.split('id="ask-error" role="alert"')[1].split("</form>")[0]
    assert 'aria-invalid="true"' in page.text
    if "<" not in text:
        assert numbers(page) == [vip.number] != [other.number]


def test_the_box_shows_the_filters_of_the_form_and_the_address_is_the_filter(app, client):
    customer = a_customer("Ada Lovelace", organization_id=an_organization("Northwind Labs").id)
    ticket = a_ticket("The printer", requester=customer, tags=("vip",), priority=a_priority(4))
    a_ticket("The printer", tags=("vip",))
    run_jobs()
    as_(client, a_supervisor())

    by_form = client.get(f"{LIST}?view=everything&who=lovelace&organization=northwind&tag=vip&priority=4&q=printer")
    by_box = client.get(
        LIST, query_string={"q": "customer:lovelace organization:northwind tag:vip priority:critical printer"}
    )

    assert numbers(by_form) == numbers(by_box) == [ticket.number]
    box = 'value="customer:lovelace organization:northwind priority:Critical tag:vip printer"'
    assert box in by_form.text and box in by_box.text


def test_phrases_stand_as_they_are_and_words_can_be_left_out(app, client):
    exact = a_ticket("One", text="The toner cartridge leaks")
    mixed = a_ticket("Two", text="A cartridge of toner leaks")
    billing = a_ticket("Three", text="The toner cartridge was billed twice, billing again")
    run_jobs()
    as_(client, a_supervisor())

    def found(text):
        return sorted(numbers(client.get(LIST, query_string={"q": text})))

    assert found("toner cartridge") == [exact.number, mixed.number, billing.number]
    assert found('"toner cartridge"') == [exact.number, billing.number]
    assert found("toner -billing") == [exact.number, mixed.number]
    assert found('"toner cartridge" -billing') == [exact.number]
    assert found("-billing tag:none-such") == []


def test_a_narrowed_search_finds_behind_many_newer_hits(app, client, monkeypatch):
    monkeypatch.setattr("app.search.find.NEWEST_HITS", 5)
    wanted = a_ticket("Old", text="the zeppelin", tags=("airship",))
    for n in range(30):
        a_ticket(f"new {n}", text="the zeppelin", requester=wanted.requester)
    run_jobs()
    as_(client, a_supervisor())

    assert numbers(client.get(LIST, query_string={"q": "zeppelin tag:airship"})) == [wanted.number]


def test_sla_states_narrow(app, client):
    late, soon, free = a_ticket("late"), a_ticket("soon"), a_ticket("free")
    now = clock.now()
    late.next_due_at, soon.next_due_at, free.next_due_at = (
        now - dt.timedelta(hours=1),
        now + dt.timedelta(hours=1),
        None,
    )
    as_(client, a_supervisor())

    assert [numbers(client.get(f"{LIST}?due={due}")) for due in Due] == [[late.number], [soon.number], [free.number]]


def test_a_found_passage_is_shown_with_its_hit_marked_and_escaped(app, client):
    ticket = a_ticket("Smoke", text="<b>Since</b> this morning the zeppelin is <script>late</script> again")
    run_jobs()
    as_(client, a_supervisor())

    page = client.get(LIST, query_string={"q": "zeppelin"}).text

    assert "<mark>zeppelin</mark>" in page
    assert "&lt;script&gt;late" in page and "<script>late" not in page
    assert ticket.display in page


def test_a_subject_has_its_hits_marked_and_all_of_its_letters_escaped(app, client):
    a_ticket("The printer & <b>its</b> Prínter", text="Nothing else.")
    run_jobs()
    as_(client, a_supervisor())

    page = client.get(LIST, query_string={"q": "printer"}).text

    assert "<bdi>The <mark>printer</mark> &amp; &lt;b&gt;its&lt;/b&gt; <mark>Prínter</mark></bdi>" in page


def test_nobody_reads_a_passage_of_a_ticket_that_is_not_theirs(app, client):
    hidden = a_ticket("Other team", text="the zeppelin is secret")
    own = a_department("Own")
    shown = a_ticket("Own team", text="the zeppelin is ours", department=own)
    run_jobs()
    as_(client, an_agent(own))

    page = client.get(LIST, query_string={"q": "zeppelin"})

    assert numbers(page) == [shown.number]
    assert "secret" not in page.text and "1–1 of 1" in page.text
    assert hidden.display not in page.text


def test_the_newest_message_that_has_the_words_is_shown(app, client):
    ticket = a_ticket("Smoke", text="a zeppelin came")
    ticket.receive(Words("Now a second zeppelin"), by=CustomerActor.of(ticket.requester))
    run_jobs()
    as_(client, a_supervisor())

    assert "Now a second" in client.get(LIST, query_string={"q": "zeppelin"}).text


def test_the_box_is_told_what_it_may_offer(app, client):
    own = a_department("Own")
    a_ticket(tags=("open-secret",)), a_ticket(tags=("openly",), department=own)
    a_customer("Opal", email="opal@x.test")
    an_environment("Staging")
    as_(client, an_agent(own))

    fields = {one["name"]: one for one in client.get(LIST + "asking").json["fields"]}

    assert set(fields) == set(asked.READERS)
    assert fields["environment"]["values"] == ["none", "Staging"] and "waiting" in fields["supplier"]["values"]
    assert "On Hold" in fields["status"]["values"] and "me" in fields["assignee"]["values"]
    assert client.get(LIST + "asking?field=tag&q=open").json["values"] == ["openly"]
    assert client.get(LIST + "asking?field=customer&q=opal").json["values"] == ["opal@x.test"]
    assert client.get(LIST + "asking?field=password&q=a").json["values"] == []


def test_who_may_not_list_customers_is_offered_none(app, client, a_role):
    a_customer("Opal", email="opal@x.test")
    agent = an_agent()
    agent.roles = [a_role("list", "show")]
    as_(client, agent)

    assert client.get(LIST + "asking?field=customer&q=opal").json["values"] == []


def test_every_field_has_an_example_that_is_understood(app):
    an_environment("staging")
    db.session.commit()

    assert {field: read(example).errors for field, example in asked.EXAMPLES.items()} == dict.fromkeys(
        asked.READERS, ()
    )


def test_a_supervisors_words_are_the_same_for_the_export(app, client):
    wanted = a_ticket("vip", tags=("vip",))
    a_ticket("other")
    as_(client, a_supervisor())

    assert acting(a_supervisor()).can("export")
    assert str(wanted.number) in client.get(LIST + "export.csv", query_string={"q": "tag:vip"}).text
    assert "other" not in client.get(LIST + "export.csv", query_string={"q": "tag:vip"}).text
