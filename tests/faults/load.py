"""People and programs who use a desk all at once, and who send again whatever was not acknowledged."""

from __future__ import annotations

import dataclasses as dc
import html
import random
import re
import smtplib
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

import requests

CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
FORM = re.compile(r'name="form" value="([^"]+)"')
LAST = re.compile(r'name="last_message_id" value="([^"]*)"')
PATIENCE_SECONDS = 120


@dc.dataclass(frozen=True)
class Deed:
    """Something that the desk said yes to. `mark` is a word that stands in its text and nowhere else."""

    kind: str
    mark: str
    number: int = 0
    message_id: str = ""


class Strange(Exception):
    """An answer that is neither yes nor "not now"."""


class NotNow(Exception):
    """No answer, or one that says: again later."""


class Load:
    """What all of them share: what was acknowledged, the tickets there are, and the sign to stop."""

    def __init__(self, address: str, receiver_port: int) -> None:
        self.address, self.receiver_port = address, receiver_port
        self.done: list[Deed] = []
        self.strange: list[str] = []
        self.retries = 0
        self.over, self.open = threading.Event(), threading.Event()
        self.open.set()
        self.lock = threading.Lock()
        self.threads: list[threading.Thread] = []

    def start(self, *people: Person) -> None:
        self.people = people
        self.threads = [threading.Thread(target=self._live, args=(one,), daemon=True) for one in people]
        for thread in self.threads:
            thread.start()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nobody begins anything."""
        self.open.clear()
        try:
            yield
        finally:
            self.open.set()

    def stop(self) -> None:
        """Each finishes what it has begun."""
        self.over.set()
        for thread in self.threads:
            thread.join(PATIENCE_SECONDS + 30)
            assert not thread.is_alive(), "somebody never got an answer"

    def counts(self) -> dict[str, int]:
        return {f"{one.name} {place}": one.deeds for place, one in enumerate(self.people)}

    def _live(self, person: Person) -> None:
        try:
            while self.open.wait() and not self.over.is_set():
                self.until_acknowledged(person.begin())
                person.deeds += 1
                time.sleep(person.pause * person.chance.uniform(0.5, 1.5))
        except Exception as problem:
            self.strange.append(f"{person.name}: {type(problem).__name__}: {problem}")

    def until_acknowledged(self, attempt: Callable[[], Deed]) -> None:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                deed = attempt()
                break
            except (NotNow, requests.RequestException, OSError, smtplib.SMTPException) as problem:
                if time.monotonic() > give_up_at:
                    raise Strange(f"no yes within {PATIENCE_SECONDS} s: {problem}") from problem
                with self.lock:
                    self.retries += 1
                time.sleep(0.1)
        with self.lock:
            self.done.append(deed)

    def numbers(self, *kinds: str) -> list[int]:
        with self.lock:
            return [deed.number for deed in self.done if deed.kind in kinds and deed.number]


class Person(ABC):
    """`begin` decides on a deed and returns how to try it: the same each time, so that a repetition can be known."""

    name = ""
    pause = 0.6
    """Seconds between two deeds, on average."""

    def __init__(self, load: Load, seed: int) -> None:
        self.load, self.chance, self.deeds = load, random.Random(seed), 0
        self.web = requests.Session()

    @abstractmethod
    def begin(self) -> Callable[[], Deed]: ...

    def get(self, path: str) -> str:
        return self.answered(self.web.get(self.load.address + path, timeout=30)).text

    def post(self, path: str, **given: Any) -> requests.Response:
        return self.answered(self.web.post(self.load.address + path, timeout=30, allow_redirects=False, **given))

    def answered(self, answer: requests.Response) -> requests.Response:
        if answer.status_code >= 500 or answer.status_code == 429:
            raise NotNow(f"{answer.status_code} from {answer.url}")
        return answer


def a_mark() -> str:
    return "mark" + uuid.uuid4().hex[:16]


class PortalCustomer(Person):
    """Opens tickets and writes in them by the portal's forms."""

    name = "portal"

    def __init__(self, load: Load, seed: int, cookie: str) -> None:
        super().__init__(load, seed)
        self.web.cookies.set("deskhand", cookie, domain="127.0.0.1", path="/")
        self.mine: list[int] = []

    def begin(self) -> Callable[[], Deed]:
        if self.mine and self.chance.random() < 0.5:
            number = self.chance.choice(self.mine)
            return self._sending("portal reply", f"/portal/tickets/{number}", f"/portal/tickets/{number}/reply")
        return self._sending("portal ticket", "/portal/tickets/new", "/portal/tickets/new")

    def _sending(self, kind: str, page: str, target: str) -> Callable[[], Deed]:
        mark = a_mark()
        form: dict[str, str] = {}

        def attempt() -> Deed:
            if not form:
                shown = self.get(page)
                form.update(csrf_token=CSRF.findall(shown)[-1], form=FORM.findall(shown)[0])
                form.update(subject=f"About {mark}", message=f"It stopped, {mark}.")
            answer = self.post(target, data=form)
            found = re.search(r"/portal/tickets/(\d+)", answer.headers.get("Location", ""))
            if answer.status_code != 303 or not found:
                raise Strange(f"{answer.status_code} for a {kind}: {answer.text[:500]}")
            number = int(found[1])
            if number not in self.mine:
                self.mine.append(number)
            return Deed(kind, mark, number)

        return attempt


class Program(Person):
    """Opens tickets and answers them by the API, each POST under a key of its own."""

    name = "api"

    def __init__(self, load: Load, seed: int, secret: str, addresses: list[str]) -> None:
        super().__init__(load, seed)
        self.web.headers["Authorization"] = f"Bearer {secret}"
        self.addresses = addresses

    def begin(self) -> Callable[[], Deed]:
        mark, numbers = a_mark(), self.load.numbers("api ticket", "portal ticket")
        if numbers and self.chance.random() < 0.5:
            number = self.chance.choice(numbers)
            return self._posting(
                "api reply", mark, f"/tickets/{number}/replies", {"body": f"Try this, {mark}."}, number
            )
        customer = {"email": self.chance.choice(self.addresses)}
        given = {"subject": f"About {mark}", "body": f"It stopped, {mark}.", "customer": customer}
        return self._posting("api ticket", mark, "/tickets", given)

    def _posting(self, kind: str, mark: str, path: str, given: object, number: int = 0) -> Callable[[], Deed]:
        def attempt() -> Deed:
            answer = self.post("/api/v1" + path, json=given, headers={"Idempotency-Key": mark})
            if answer.status_code == 409:  # crossed with somebody: the desk asks to try again
                raise NotNow(answer.text[:200])
            if answer.status_code != 201:
                raise Strange(f"{answer.status_code} for an {kind}: {answer.text[:500]}")
            return Deed(kind, mark, number or answer.json()["number"])

        return attempt


class MailServer(Person):
    """Brings mail to the receiver; what was not answered with 250 comes again, byte for byte."""

    name = "mail"
    pause = 1.5

    def begin(self) -> Callable[[], Deed]:
        mark = a_mark()
        mail = EmailMessage()
        mail["From"], mail["To"] = f"{mark}@writer.example", "support@deskhand.example"
        mail["Subject"], mail["Message-ID"] = f"About {mark}", f"<{mark}@writer.example>"
        mail.set_content(f"It stopped, {mark}.\n")
        mail.add_attachment(f"log of {mark}".encode(), maintype="text", subtype="plain", filename="log.txt")
        raw = mail.as_bytes()

        def attempt() -> Deed:
            with smtplib.SMTP("127.0.0.1", self.load.receiver_port, timeout=30) as line:
                line.sendmail(str(mail["From"]), [str(mail["To"])], raw)
            return Deed("mail", mark, message_id=f"{mark}@writer.example")

        return attempt


class Agent(Person):
    """Answers in the workspace. After a lost answer they look whether it stands there before they send again."""

    name = "staff"

    def __init__(self, load: Load, seed: int, cookie: str) -> None:
        super().__init__(load, seed)
        self.web.cookies.set("deskhand", cookie, domain="127.0.0.1", path="/")

    def begin(self) -> Callable[[], Deed]:
        mark, numbers = a_mark(), self.load.numbers("api ticket", "portal ticket")
        number = self.chance.choice(numbers) if numbers else 0

        def attempt() -> Deed:
            if not number:
                raise NotNow("there is no ticket yet")
            shown = self.get(f"/admin/tickets/{number}")
            if mark not in shown:
                self._send(number, mark, shown)
            return Deed("staff reply", mark, number)

        return attempt if number else self.begin_soon()

    def begin_soon(self) -> Callable[[], Deed]:
        time.sleep(0.1)
        return self.begin() if not self.load.over.is_set() else lambda: Deed("nothing", "")

    def _send(self, number: int, mark: str, shown: str) -> None:
        if 'id="composer"' not in shown:
            raise Strange(f"no composer in ticket {number}: {html.unescape(shown)[:300]}")
        form = {
            "csrf_token": CSRF.findall(shown)[-1],
            "last_message_id": LAST.findall(shown)[0],
            "kind": "reply",
            "then": "keep",
            "body": f"We look at it, {mark}.",
        }
        answer = self.post(f"/admin/tickets/{number}/messages", data=form)
        if answer.status_code == 409:  # the customer wrote meanwhile: look again, then send
            raise NotNow("unseen words")
        if answer.status_code != 303:
            raise Strange(f"{answer.status_code} for a staff reply: {answer.text[:500]}")
