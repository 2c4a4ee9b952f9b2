"""An admin shapes the desk: tables, settings, people, and looks after jobs and mail."""

import re

from playwright.sync_api import expect

from tests.journeys.deeds import add, fill, link_in, mail, reload_until_there
from tests.journeys.windows import Windows


def test_an_admin_shortens_a_promise(windows: Windows, soon_late: int) -> None:
    admin = windows.page("admin")
    admin.goto("/admin/sla-policies/")
    expect(admin.get_by_role("listitem").filter(has_text="Always")).to_contain_text("Critical 1 min")


def test_a_category_is_made_renamed_offered_to_customers_and_deleted(windows: Windows) -> None:
    admin, ada = windows.page("admin"), windows.page("ada")
    add(
        admin,
        "/admin/categories/",
        Name="Hardware",
        Description="What can be dropped",
        Customers_may_choose_it=True,
        Active=True,
    )
    ada.goto("/portal/tickets/new")
    expect(ada.get_by_label("What is it about?").get_by_role("option", name="Hardware")).to_be_attached()

    row = admin.get_by_role("row").filter(has_text="Hardware")
    row.get_by_role("link", name="Edit").click()
    fill(admin, Name="Devices")
    row = admin.get_by_role("row").filter(has_text="Devices")
    expect(row).to_contain_text("What can be dropped")

    row.get_by_role("button", name="Delete").click()
    expect(admin.get_by_text("Delete this for good?")).to_be_visible()
    admin.locator("#ask-yes").click()
    expect(row).to_have_count(0)
    ada.reload()
    expect(ada.get_by_label("What is it about?").get_by_role("option", name="Devices")).to_have_count(0)


def test_a_wrong_value_is_said_beside_its_field_and_what_was_typed_stays(windows: Windows) -> None:
    admin = windows.page("admin")
    add(admin, "/admin/priorities/", Name="Whenever", Rank="9", What_it_means="Not soon")
    expect(admin.get_by_role("alert").filter(has_text="between 1 and 4")).to_be_visible()
    expect(admin.get_by_label(re.compile("^Name"))).to_have_value("Whenever")
    expect(admin.get_by_label(re.compile("^Rank"))).to_be_focused()


def test_a_canned_response_is_at_hand_in_the_composer(windows: Windows) -> None:
    admin = windows.page("admin")
    add(
        admin,
        "/admin/canned/",
        Title="Turn it off and on",
        Typed_as="/reboot",
        Text="Dear {{customer_name}}, please turn it off and on.",
        Active=True,
    )
    agent = windows.page("agent")
    agent.goto("/admin/tickets/?view=everything")
    agent.locator("a.subject").first.click()
    expect(agent.locator("#thread")).to_be_visible()
    agent.wait_for_load_state()
    agent.get_by_label("Message", exact=True).press_sequentially("/reb")
    agent.get_by_role("option").filter(has_text="/reboot").click()
    expect(agent.get_by_label("Message", exact=True)).to_have_value(
        re.compile(r"^Dear (?!\{).+, please turn it off and on\.$")
    )
    agent.get_by_label("Message", exact=True).fill("")


def test_a_setting_changes_what_customers_read(windows: Windows) -> None:
    admin, page = windows.page("admin"), windows.stranger()
    for name in ("Fjord Helpdesk", "Fjord Support"):
        admin.goto("/admin/settings/general")
        admin.get_by_label("Name of the desk").fill(name)
        admin.get_by_role("button", name="Save").click()
        expect(admin.get_by_text("Saved.")).to_be_visible()
        page.goto("/portal/login")
        expect(page.get_by_role("contentinfo")).to_contain_text(name)

    admin.get_by_label("Largest file").fill("5000")
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_role("alert").first).to_be_visible()
    expect(admin.get_by_label("Largest file")).to_have_value("5000")
    expect(admin.get_by_text("Saved.")).to_have_count(0)


def test_a_vocabulary_is_chosen_only_while_the_desk_is_empty(windows: Windows) -> None:
    """On an empty desk: tests/desk/test_admin.py."""
    admin = windows.page("admin")
    admin.goto("/admin/settings/general")
    expect(admin.get_by_role("heading", name="Status vocabulary")).to_have_count(0)


def test_somebody_is_invited_chooses_a_password_and_sees_what_the_role_allows(windows: Windows) -> None:
    admin = windows.page("admin")
    admin.goto("/admin/staff/list/")
    admin.get_by_role("link", name="Add").first.click()
    admin.locator("#roles").select_option(label="Support Agent")
    fill(admin, User_name="nora", First_name="Nora", Last_name="Novice", Email="nora@deskhand.example")
    expect(admin.get_by_text("An invitation is on its way by mail.")).to_be_visible()

    page = windows.stranger()
    page.goto(link_in(mail(admin, "nora@deskhand.example", re.compile(".")), "/welcome/"))
    page.get_by_label("New password", exact=True).fill("short")
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    page.get_by_label("New password", exact=True).fill("seven quiet lanterns float")
    page.get_by_role("button", name="Set password").click()
    page.get_by_label("Username").fill("nora")
    page.get_by_label("Password").fill("seven quiet lanterns float")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("navigation", name="Queues")).to_be_visible()
    for entry in ("General", "Staff", "Background jobs"):
        expect(page.locator(".nav-list a").filter(has_text=entry)).to_have_count(0)
    answer = page.goto("/admin/settings/general")
    assert answer and answer.status == 403


def test_a_test_mail_leaves_a_trace_in_jobs_lab_and_log(windows: Windows) -> None:
    admin = windows.page("admin")
    admin.goto("/admin/settings/email")
    admin.get_by_role("button", name="Send a test mail").click()
    expect(admin.get_by_text("the test mail to admin@deskhand.example lies in the mail lab")).to_be_visible()

    mail(admin, "admin@deskhand.example", re.compile("test", re.I))
    admin.goto("/admin/mail-log/?address=admin@deskhand.example")
    reload_until_there(
        admin,
        lambda: (
            admin.get_by_role("row")
            .filter(has_text=re.compile("test", re.I))
            .filter(has_text="In the built-in mailbox")
        ),
    )

    admin.goto("/admin/jobs/")
    for part in ("Queue answers", "Ticker runs"):
        expect(admin.get_by_text(part)).to_be_visible()
    expect(admin.get_by_text(re.compile(r"\d+ workers?"))).to_be_visible()
    tabs = admin.get_by_role("navigation", name="Which jobs")
    expect(tabs.get_by_role("link", name="Failed")).to_contain_text("0")
    tabs.get_by_role("link", name="Done").click()
    expect(admin.get_by_role("cell", name=re.compile(r"^Tell .+ notifications\.")).first).to_be_visible()


def test_every_generated_page_opens(windows: Windows) -> None:
    """The super user's menu, entry by entry; each list offers its form, and the form opens."""
    page = windows.page("super")
    page.goto("/admin/tickets/")
    addresses = page.locator(".nav-list a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert len(addresses) > 15
    for address in addresses:
        answer = page.goto(address)
        assert answer and answer.status == 200, address
        expect(page.locator("h1").first).to_be_visible()
        form = page.locator("a[data-new]")
        if form.count():
            answer = page.goto(str(form.first.get_attribute("href")))
            assert answer and answer.status == 200, address
            expect(page.locator("h1").first).to_be_visible()
