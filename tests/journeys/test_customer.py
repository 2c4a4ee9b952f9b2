"""A customer's whole way in a browser: in by a mailed link, a question with a file, an answer, and the end."""

import re

from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from app.accounts.models import Customer
from app.core.extensions import db
from app.kb.models import Article
from app.mail.models import Delivery
from app.tickets.conversation import Then
from app.tickets.models import Ticket
from app.tickets.thread import Channel, Words
from tests.factories import a_customer, a_supervisor, acting, run_jobs
from tests.journeys.conftest import LiveDesk


def mailed_link(desk: LiveDesk, kind: str, address: str) -> str:
    """The link of the newest mail of this kind, as the address would receive it."""
    with desk.app.app_context():
        run_jobs(1)
        mails = select(Delivery).join(Customer, Customer.id == Delivery.customer_id).where(Delivery.kind == kind, Customer.email_key == address)
        return str(db.session.scalars(mails.order_by(Delivery.id.desc())).first().values["link"])  # type: ignore[union-attr]


def answer(desk: LiveDesk, subject: str, text: str, then: Then) -> None:
    with desk.app.app_context():
        ticket = db.session.scalars(select(Ticket).where(Ticket.subject == subject)).one()
        ticket.reply(Words(text, via=Channel.STAFF), by=acting(a_supervisor()), then=then)
        db.session.commit()


def test_a_customer_asks_gets_an_answer_and_closes(page: Page, live_desk: LiveDesk) -> None:
    with live_desk.app.app_context():
        email = a_customer(name="Journey Ada", email="ada@journey.test").email
        article = Article(title="Move a license to another server", body="Free it first.", published=True)
        article.settle()
        db.session.add(article)
        db.session.commit()

    page.goto("/portal/")
    page.get_by_label("Email address").fill(email)
    page.get_by_role("button", name="Send me a link").click()
    expect(page.get_by_role("heading", name="Check your mail")).to_be_visible()
    page.goto(mailed_link(live_desk, "sign_in_link", email))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Ask your first question").click()

    page.get_by_label("Subject").press_sequentially("License rejected on another server")
    expect(page.get_by_role("link", name=re.compile("Move a license"))).to_be_visible()
    page.get_by_label("What happens?").fill("It says no.\n<b>Really</b>")
    page.get_by_label("Files").set_input_files({"name": "server.log", "mimeType": "text/plain", "buffer": b"refused"})
    expect(page.get_by_text("server.log · 1 KB")).to_be_visible()
    page.get_by_role("button", name="Send ticket").click()

    expect(page.get_by_text(re.compile(r"Your number is #\d+"))).to_be_visible()
    expect(page.get_by_text("<b>Really</b>")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="server.log").click()
    assert download.value.suggested_filename == "server.log"

    answer(live_desk, "License rejected on another server", "Which server is it?", Then.WAIT)
    page.get_by_role("link", name="My tickets").first.click()
    expect(page.get_by_text("1 waits for you")).to_be_attached()
    page.get_by_role("link", name="License rejected on another server").click()
    expect(page.get_by_text("Which server is it?")).to_be_visible()
    expect(page.get_by_role("heading", name="We wait for your answer")).to_be_visible()
    page.get_by_label("Your message").fill("The second one")
    page.get_by_role("button", name="Send reply").click()
    expect(page.get_by_text("The second one")).to_be_visible()

    answer(live_desk, "License rejected on another server", "It is free now.", Then.RESOLVE)
    page.reload()
    page.get_by_role("button", name="Yes, it is solved").click()
    expect(page.get_by_text("Closed. Thank you for telling us.")).to_be_visible()
    expect(page.get_by_text(re.compile("Journey Ada closed the ticket"))).to_be_visible()


def test_a_guest_writes_and_proves_the_address(page: Page, live_desk: LiveDesk) -> None:
    page.goto("/portal/contact")
    page.get_by_label("Your name").fill("Gus Guest")
    page.get_by_label("Email address").fill("gus@journey.test")
    page.get_by_label("Subject").fill("Where is my invoice?")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("Please write what happens.")).to_be_visible()
    expect(page.get_by_label("Your name")).to_have_value("Gus Guest")
    page.get_by_label("What can we do for you?").fill("I cannot find it")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("heading", name="Thank you, one more step")).to_be_visible()

    with live_desk.app.app_context():
        link = db.session.scalars(select(Delivery.values).where(Delivery.kind == "guest_proof").order_by(Delivery.id.desc())).first()["link"]  # type: ignore[index]
    page.goto(link)
    page.get_by_role("button", name="Yes, show my ticket").click()

    expect(page.get_by_text("I cannot find it")).to_be_visible()
    page.get_by_role("link", name="My tickets").first.click()
    expect(page.get_by_role("link", name="Where is my invoice?")).to_be_visible()


def test_the_pages_work_without_script(browser: Browser, live_desk: LiveDesk) -> None:
    with live_desk.app.app_context():
        email = a_customer(name="Plain Pia", email="pia@journey.test").email
        db.session.commit()
    context = browser.new_context(base_url=live_desk.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/portal/login")
    page.get_by_label("Email address").fill(email)
    page.get_by_role("button", name="Send me a link").click()
    page.goto(mailed_link(live_desk, "sign_in_link", email))
    page.get_by_role("button", name="Sign in").click()
    page.goto("/portal/tickets/new")
    page.get_by_label("Subject").fill("Plain question")
    page.get_by_label("What happens?").fill("Nothing")
    page.get_by_label("Files").set_input_files({"name": "plain.log", "mimeType": "text/plain", "buffer": b"x"})
    page.get_by_role("button", name="Send ticket").click()

    expect(page.get_by_role("link", name="plain.log")).to_be_visible()
    context.close()
