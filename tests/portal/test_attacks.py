"""What somebody wrote never acts in a customer's browser, wherever it is shown."""

from urllib.parse import quote

from playwright.sync_api import Page, expect

from app.accounts import tokens
from app.accounts.viewer import CustomerActor
from app.core import html
from app.core.extensions import db
from app.kb.models import Article
from app.tickets.thread import Channel, Words
from tests.factories import a_customer, a_ticket
from tests.portal.conftest import LiveDesk

ATTACKS = (
    "<script>window.__xss=1</script>",
    "<img src=x onerror=window.__xss=1>",
    "<svg onload=window.__xss=1></svg>",
    '<a href="javascript:window.__xss=1">press</a>',
    '<a href="vbscript:x">press</a><iframe srcdoc="<script>parent.__xss=1</script>"></iframe>',
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=window.__xss=1&gt;'>",
    '<noscript><p title="</noscript><img src=x onerror=window.__xss=1>">',
    '<form action="/portal/logout" method="post"><button>press</button></form><base href="https://evil.test/">',
    '<style>*{display:none}</style><div style="position:fixed;inset:0">over</div>',
    "<details open ontoggle=window.__xss=1><summary>x</summary></details>",
)


def test_nothing_that_somebody_wrote_acts_in_the_page(page: Page, live_desk: LiveDesk) -> None:
    with live_desk.app.app_context():
        customer = a_customer(name="<img src=x onerror=window.__xss=1>", email="xss@journey.test")
        ticket = a_ticket(ATTACKS[1], requester=customer, text=ATTACKS[0])
        for attack in ATTACKS:
            ticket.receive(Words(attack, html=html.clean(attack), via=Channel.MAIL), by=CustomerActor.of(customer))
        article = Article(title=ATTACKS[1], body="\n\n".join(ATTACKS), published=True)
        article.settle()
        db.session.add(article)
        link = tokens.issue(tokens.Purpose.SIGN_IN, customer)
        db.session.commit()
        addresses = (
            "/portal/tickets",
            f"/portal/tickets/{ticket.number}",
            "/portal/account",
            article.address,
            "/help/all",
            f"/portal/tickets/new?subject={quote(ATTACKS[1])}&message={quote(ATTACKS[0])}",
        )
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"/portal/link/{link}")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="My tickets")).to_be_visible()

    for address in addresses:
        page.goto(address)
        for words in page.get_by_text("press", exact=True).all():
            words.click(timeout=500, no_wait_after=True)
        assert page.evaluate("window.__xss") is None, address
        assert page.url.startswith(live_desk.url + address.split("?")[0]), address

    assert [url for url in asked if not url.startswith((live_desk.url, "data:"))] == []
