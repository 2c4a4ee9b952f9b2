"""Places for what only a browser can tell of the portal: a desk that answers on a port, with data of its own, and a window."""

import threading
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from tests import setups


class LiveDesk(NamedTuple):
    url: str
    app: Flask


@pytest.fixture(scope="session")
def live_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveDesk]:
    """Set up as at a first start, without a queue: a test runs the outbox by `run_jobs()` inside `live_desk.app.app_context()`."""
    from app import create_app
    from app.core.extensions import db

    home = tmp_path_factory.mktemp("portal")
    app = create_app(
        SQLALCHEMY_DATABASE_URI=setups.ready("", home, "portal"),
        QUEUE_OFF=True,
        STORAGE_URL=f"file://{home / 'files'}",
    )
    server = make_server("127.0.0.1", 0, app, threaded=True)
    app.config["PUBLIC_URL"] = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield LiveDesk(app.config["PUBLIC_URL"], app)
    server.shutdown()
    thread.join()
    server.server_close()
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def page(browser: Browser, live_desk: LiveDesk) -> Iterator[Page]:
    """A window of its own. A script that fails or a break of the policy fails the test at its end."""
    context = browser.new_context(base_url=live_desk.url)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console",
        lambda message: (
            problems.append(message.text)
            if message.type == "error" and "Content Security Policy" in message.text
            else None
        ),
    )
    yield page
    context.close()
    assert problems == []
