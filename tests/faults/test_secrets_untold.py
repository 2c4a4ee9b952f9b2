"""A whole desk in production, and every secret that a person, a program or a setting brings to it: none stands in what the desk says or keeps of it."""

from __future__ import annotations

import json
import re
import smtplib
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
import requests
from sqlalchemy import select

from app.accounts import keys, secondfactor, tokens
from app.core.audit import Audit
from app.core.extensions import db
from app.core.outbox import Outbox
from app.mail.models import Delivery, RawMail
from tests.factories import PASSWORD, a_customer, a_ticket, an_admin
from tests.faults.real import SECRET, RealDesk, a_real_desk, cookie_of
from tests.run.desks import until

pytestmark = [pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc"), pytest.mark.timeout(300)]

MAIL_PASSWORD = "canary-of-the-mail-server"
WRONG = "canary typed as a password"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[RealDesk]:
    """Its mail server is not there, so that every mail meets an error."""
    more = {"DESKHAND_PROFILE": "production", "DESKHAND_LIMITS": "on", "PUBLIC_URL": "https://127.0.0.1"}
    mail = f"smtp://desk:{MAIL_PASSWORD}@127.0.0.1:9?starttls=1"
    with a_real_desk(tmp_path, MAIL_URL=mail, **more) as desk:
        yield desk


class Browser:
    """Keeps its cookies as if the desk were behind TLS, and sends the token of each form."""

    def __init__(self, desk: RealDesk, cookie: str = "") -> None:
        self.desk, self.cookie, self.cookies = desk, f"__Host-deskhand={cookie}" if cookie else "", set[str]()

    def get(self, address: str) -> requests.Response:
        return self._kept(requests.get(self.desk.address + address, headers=self._headers(), timeout=30))

    def post(self, address: str, form: str = "", **fields: str) -> requests.Response:
        page = self.get(form or address).text
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        data = {"csrf_token": unescape(token[1]) if token else "", **fields}
        headers = self._headers()
        url = self.desk.address + address
        return self._kept(requests.post(url, data=data, headers=headers, allow_redirects=False, timeout=30))

    def _headers(self) -> dict[str, str]:
        return {"Cookie": self.cookie} if self.cookie else {}

    def _kept(self, answer: requests.Response) -> requests.Response:
        given = answer.headers.get("Set-Cookie", "").partition(";")[0]
        if given.startswith("__Host-deskhand="):
            self.cookie = given
            self.cookies.add(given.partition("=")[2])
        return answer


def people(desk: RealDesk) -> dict[str, str]:
    """The secrets that are made for them, by what each is."""
    with desk.app.app_context():
        admin, ada = an_admin(name="kim"), a_customer("Ada", email="ada@customer.test")
        a_ticket(requester=ada)
        db.session.commit()
        secondfactor.prepare(admin.id)
        made = {
            "key": keys.make("Program", admin.id, ["*"])[1],
            "factor": secondfactor.prepared(admin.id) or "",
            "link": tokens.issue(tokens.Purpose.SIGN_IN, ada),
            "session": cookie_of(desk.app, admin),
        }
        db.session.commit()
        db.session.remove()
    return made


def test_no_secret_stands_in_the_log_the_audit_log_or_an_error(desk: RealDesk) -> None:
    made = people(desk)
    desk.start()
    desk.wait_until_ready()
    visitor, admin = Browser(desk), Browser(desk, made["session"])
    assert visitor.post("/login/", username="kim", password=WRONG).status_code < 400
    assert visitor.post("/login/", username="kim", password=PASSWORD).status_code == 302
    customer = Browser(desk)
    customer.post("/portal/login", email="ada@customer.test", password=WRONG)
    customer.post("/portal/login", email="ada@customer.test", link="1")
    customer.get(f"/portal/link/{made['link']}")
    assert admin.get("/admin/tickets/").status_code == 200
    admin.get("/admin/me/second-factor")
    for key in (made["key"], "dsk_canary-made-up"):
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "canary-once"}
        wrong = {"subject": 1, "password": WRONG}
        requests.post(f"{desk.address}/api/v1/tickets", json=wrong, headers=headers, timeout=30)
    with smtplib.SMTP("127.0.0.1", desk.receiver_port, timeout=30) as line:
        line.sendmail(
            "x@y.test", ["support@deskhand.example"], f"From: x@y.test\r\n\r\nMy password is {WRONG}".encode()
        )
    until(lambda: "could not be reached" in kept_of_mails(desk), "a mail to meet its error", 60)
    desk.stop()

    assert desk.process is not None
    said = desk.process.text
    assert '"route": "/login/"' in said and '"job": "mail.send_due"' in said, "the log is written"
    told = {"the log": said, "the audit log and errors": kept(desk)}
    secrets = {
        **made,
        "desk": SECRET,
        "mail server": MAIL_PASSWORD,
        "typed": WRONG,
        "password": PASSWORD,
        "made up": "dsk_canary-made-up",
    }
    secrets |= {f"cookie {n}": value for n, value in enumerate({*visitor.cookies, *customer.cookies})}
    assert [(place, name) for place, text in told.items() for name, secret in secrets.items() if secret in text] == []


def kept_of_mails(desk: RealDesk) -> str:
    with desk.app.app_context():
        found = [reason or "" for reason in db.session.scalars(select(Delivery.reason))]
        db.session.remove()
    return "\n".join(found)


def kept(desk: RealDesk) -> str:
    """What admins read of what happened, and of what went wrong."""
    with desk.app.app_context():
        lines = [
            json.dumps({c.name: str(getattr(row, c.name)) for c in Audit.__table__.columns})
            for row in db.session.scalars(select(Audit))
        ]
        for column in (Outbox.error, Outbox.arguments, Delivery.reason, RawMail.error, RawMail.verdict):
            lines += [str(value) for value in db.session.scalars(select(column))]
        db.session.remove()
    assert any("signed_in" in line for line in lines)
    return "\n".join(lines)
