"""Browser windows for people of the demo, each signed in once; everything a page may not do is noted while they walk."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, WebError, expect

PASSWORD = "journeys walk on foot"
CUSTOMERS = {"ada": "ada@northwind.example", "bob": "bob@northwind.example", "eve": "eve@other.example"}
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
REFUSED_PAGE = "Failed to load resource"
"""What Chromium writes for a 404 or 422 that a test asks for on purpose. The answers themselves are held by the tests."""


class Windows:
    """`problems`: failed scripts, errors in the console, breaks of the policy and requests that leave the desk."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser = browser
        self.url = url
        self.problems: list[str] = []
        self.signed_in: dict[str, BrowserContext] = {}

    def page(self, who: str) -> Page:
        """A window of this person: a user name of the staff, or a customer's short name."""
        if who not in self.signed_in:
            self.signed_in[who] = context = self.context()
            sign_in(context.new_page(), who)
        return self.signed_in[who].new_page()

    def stranger(self, *, script: bool = True) -> Page:
        """A window that nobody is signed in to; the caller's own."""
        return self.context(script=script).new_page()

    def context(self, *, script: bool = True) -> BrowserContext:
        context = self.browser.new_context(base_url=self.url, viewport=WIDE, java_script_enabled=script, locale="en-GB")  # type: ignore[arg-type]
        context.set_default_timeout(30_000)
        context.on("console", self._hear)
        context.on("weberror", self._note_error)
        context.on("request", self._watch)
        return context

    def close_pages(self) -> None:
        """After a test: signed-in people stay, their windows do not."""
        for context in self.browser.contexts:
            if context in self.signed_in.values():
                for page in context.pages:
                    page.close()
            else:
                context.close()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(REFUSED_PAGE):
            self.problems.append(f"{message.page.url if message.page else ''}: {message.text}")

    def _note_error(self, error: WebError) -> None:
        self.problems.append(f"{error.page.url if error.page else ''}: {error.error}")

    def _watch(self, request: Request) -> None:
        asked = urlsplit(request.url)
        if (
            asked.scheme not in ("data", "blob", "about", "chrome", "chrome-extension")
            and f"{asked.scheme}://{asked.netloc}" != self.url
        ):
            self.problems.append(f"a request left the desk: {request.url}")


def sign_in(page: Page, who: str) -> None:
    if who in CUSTOMERS:
        page.goto("/portal/login")
        page.get_by_label("Email address").fill(CUSTOMERS[who])
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="My tickets")).to_be_visible()
    else:
        page.goto("/login/")
        page.get_by_label("Username").fill(who)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("navigation", name="Queues")).to_be_visible()
