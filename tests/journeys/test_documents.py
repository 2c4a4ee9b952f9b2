"""A whole job: staff ask a customer for documents, who sends them by the mail's link without an account, and staff judge them."""

from playwright.sync_api import expect

from tests.journeys.deeds import link_in, mail
from tests.journeys.windows import Windows

PDF = b"%PDF-1.7\n" + b"a page\n" * 20
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 60


def test_staff_ask_and_a_customer_without_an_account_sends(windows: Windows) -> None:
    agent = windows.page("supervisor")
    agent.goto("/admin/tickets/")
    agent.get_by_role("link", name="Message client").click()
    agent.get_by_label("To", exact=True).fill("papers@stranger.example")
    agent.get_by_label("Document request").check()
    agent.get_by_label("Subject").fill("Your papers, please")
    agent.get_by_label("Message", exact=True).fill("Hello {{customer_name}}, we need these.")
    first = agent.get_by_role("group", name="Document 1")
    first.get_by_label("Document", exact=True).fill("Passport")
    first.get_by_label("Type").select_option("pdf")
    agent.get_by_role("button", name="Send", exact=True).click()
    expect(agent.get_by_text("Sent to 1 customer.")).to_be_visible()
    expect(agent.get_by_text("0 of 1", exact=True)).to_be_visible()
    ticket = agent.url

    link = link_in(mail(windows.page("admin"), "papers@stranger.example", "Your papers, please"), "/portal/upload/")
    customer = windows.stranger()
    customer.goto(link)
    expect(customer.get_by_role("heading", name="Passport")).to_be_visible()
    customer.get_by_label("File for “Passport”").set_input_files(
        {"name": "me.pdf", "mimeType": "application/pdf", "buffer": PNG}
    )
    customer.get_by_role("button", name="Send the documents").click()
    expect(customer.get_by_text("“me.pdf” is not of the kind we asked for: PDF.")).to_be_visible()
    customer.get_by_label("File for “Passport”").set_input_files(
        {"name": "passport.pdf", "mimeType": "application/pdf", "buffer": PDF}
    )
    customer.get_by_role("button", name="Send the documents").click()
    expect(customer.get_by_text("Everything is here, thank you")).to_be_visible()

    agent.goto(ticket)
    agent.get_by_role("link", name="Look at 1 document").click()
    agent.get_by_label("Accept", exact=True).check()
    agent.get_by_role("button", name="Tell the customer").click()
    expect(agent.get_by_text("The customer was told by mail.")).to_be_visible()
    customer.reload()
    expect(customer.get_by_text("That is all, thank you")).to_be_visible()
