"""A desk that never was, as CSV files for `desk load`: the same number of tickets always gives the same bytes.

Words to look for: `zyzzyva` stands in 3 tickets, `kerberos` in one message of 4,000, `refund` in three tickets of ten, and
every third ticket has an `ORD-` number of its own. A smaller desk is no part of a larger one: each is spread over the same two years.
"""

from __future__ import annotations

import csv
import datetime as dt
import random
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from faker import Faker

from app.bench import phrases

SEED = 20261101
BEGIN, END = dt.datetime(2024, 11, 1, tzinfo=dt.UTC), dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
SPAN_SECONDS = (END - BEGIN).total_seconds()
STAFF, CUSTOMERS, DEPARTMENTS = 20, 2000, 5
ALLOWED_HOURS = {"low": 120, "normal": 72, "high": 24, "urgent": 8}
STATUSES = ("open", "pending", "on_hold", "resolved", "closed")
LENGTHS = {1: 12, 2: 18, 3: 18, 4: 17, 5: 13, 6: 9, 7: 5, 8: 4, 9: 2, 10: 1, 12: 1}
"""Messages of a ticket -> how often; 3.96 on average."""
TICKETS_HEAD = (
    "id number customer_id department_id category_id assignee_id status priority channel subject created_at updated_at "
    "first_response_at resolved_at due_at message_count"
)
MESSAGES_HEAD = "id ticket_id seq author_type author_id is_public created_at message_id body"


class Person(NamedTuple):
    id: int
    first_name: str
    last_name: str


class Written(NamedTuple):
    """What the messages of a ticket leave behind for its own row."""

    last_at: dt.datetime
    first_response: str


class Invention:
    """Every draw comes from one stream, so the order in which they are drawn is part of the files."""

    def __init__(self, tickets: int, seed: int = SEED) -> None:
        self.tickets = tickets
        self.random = random.Random(seed)
        self.faker: Any = Faker("en_US")
        self.faker.seed_instance(seed)
        self.words = sorted({word.lower() for word in self.faker.words(nb=4000)})
        self.random.shuffle(self.words)
        self.problems = self._sentences(phrases.PROBLEMS, 2000)
        self.answers = self._sentences(phrases.ANSWERS, 1200)
        self.messages = 0

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder, "departments.csv", "id slug name email", phrases.departments())
        _write(folder, "categories.csv", "id department_id name", [(n, *row) for n, row in phrases.categories()])
        self.staff = self._write_staff(folder)
        self.customers = self._write_customers(folder)
        self.rare = set(self.random.sample(range(1, self.tickets + 1), min(3, self.tickets)))
        with ExitStack() as open_files:
            tickets, messages = (
                csv.writer(
                    open_files.enter_context((folder / name).open("w", newline="", encoding="utf-8")),
                    lineterminator="\n",
                )
                for name in ("tickets.csv", "messages.csv")
            )
            tickets.writerow(TICKETS_HEAD.split())
            messages.writerow(MESSAGES_HEAD.split())
            for number in range(1, self.tickets + 1):
                self._write_ticket(number, tickets, messages)

    def _sentences(self, patterns: Sequence[str], prose: int) -> list[str]:
        return [self._filled(self.random.choice(patterns)) for _ in range(6000)] + [self._prose() for _ in range(prose)]

    def _filled(self, pattern: str) -> str:
        draw = self.random
        return pattern.format(
            p=draw.choice(phrases.PRODUCTS),
            w=draw.choice(phrases.WHEN),
            n=draw.randint(1000, 99999),
            k=draw.randint(2, 60),
        )

    def _prose(self) -> str:
        """A few words come often and most of them rarely, as in a language."""
        rarest = len(self.words) - 1
        drawn = [
            self.words[min(int(self.random.paretovariate(0.6)) - 1, rarest)] for _ in range(self.random.randint(6, 16))
        ]
        return " ".join(drawn).capitalize() + "."

    def _write_staff(self, folder: Path) -> list[Person]:
        people = [Person(n, self.faker.first_name(), self.faker.last_name()) for n in range(1, STAFF + 1)]
        rows = [
            (one.id, f"agent{one.id:02d}", f"agent{one.id:02d}@helpdesk.test", one.first_name, one.last_name, _department(one), _role(one))
            for one in people
        ]  # fmt: skip
        _write(folder, "staff.csv", "id username email first_name last_name department_id role", rows)
        return people

    def _write_customers(self, folder: Path) -> list[Person]:
        people, rows = [], []
        for n in range(1, CUSTOMERS + 1):
            one = Person(n, self.faker.first_name(), self.faker.last_name())
            address = f"{one.first_name.lower()}.{one.last_name.lower().replace(' ', '')}{n}@customer.test"
            people.append(one)
            rows.append((n, address, one.first_name, one.last_name, self.faker.company(), _said(BEGIN)))
        _write(folder, "customers.csv", "id email first_name last_name company created_at", rows)
        return people

    def _write_ticket(self, number: int, tickets: Any, messages: Any) -> None:
        draw = self.random
        created = BEGIN + dt.timedelta(seconds=int(SPAN_SECONDS * (number - 1 + draw.random()) / self.tickets))
        category = draw.choices(range(1, 9), (14, 18, 14, 10, 12, 14, 6, 12))[0]
        department = phrases.CATEGORIES[category - 1][0]
        recent = (END - created).total_seconds() / SPAN_SECONDS < 0.10
        status = draw.choices(STATUSES, (40, 20, 8, 20, 12) if recent else (4, 3, 1, 10, 82))[0]
        priority = draw.choices(tuple(ALLOWED_HOURS), (20, 55, 18, 7))[0]
        nobodys = status == "open" and draw.random() < 0.4
        assignee = None if nobodys else self._somebody_of(department)
        customer = self.customers[min(int(draw.random() ** 2 * CUSTOMERS), CUSTOMERS - 1)]
        subject = self._filled(draw.choice(phrases.SUBJECTS[category]))
        count = draw.choices(tuple(LENGTHS), tuple(LENGTHS.values()))[0]
        written = self._write_messages(number, count, created, customer, assignee, department, messages)
        last = _said(written.last_at)
        channel = draw.choices(("email", "web", "phone"), (65, 30, 5))[0]
        due = _said(created + dt.timedelta(hours=ALLOWED_HOURS[priority]))
        tickets.writerow((
            number, f"T{number:07d}", customer.id, department, category, assignee.id if assignee else "", status, priority, channel, subject,
            _said(created), last, written.first_response, last if status in ("resolved", "closed") else "", due, count,
        ))  # fmt: skip

    def _somebody_of(self, department: int) -> Person:
        return self.random.choice([one for one in self.staff if _department(one) == department])

    def _write_messages(
        self, ticket: int, count: int, at: dt.datetime, customer: Person, assignee: Person | None, department: int, messages: Any
    ) -> Written:  # fmt: skip
        draw, first_response = self.random, ""
        for place in range(1, count + 1):
            self.messages += 1
            by_staff = place > 1 and (place % 2 == 0 or draw.random() < 0.2)
            public = not (by_staff and draw.random() < 0.15)
            if place > 1:
                at += dt.timedelta(minutes=int(10 + draw.random() ** 3 * 4000))
            if by_staff:
                author = assignee or self._somebody_of(department)
                body = self._answer(customer, author)
                if public and not first_response:
                    first_response = _said(at)
            else:
                author = customer
                body = self._question(ticket, place, customer)
            if draw.random() < 0.00025:
                body += "\nThe log mentions kerberos."
            if place == 1 and ticket in self.rare:
                body += "\nzyzzyva"
            name = f"<m{self.messages}.t{ticket}@mail.test>"
            messages.writerow((self.messages, ticket, place, "staff" if by_staff else "customer", author.id, int(public), _said(at), name, body))  # fmt: skip
        return Written(at, first_response)

    def _answer(self, customer: Person, author: Person) -> str:
        said = " ".join(self.random.choice(self.answers) for _ in range(self.random.randint(1, 4)))
        return f"Hello {customer.first_name},\n\n{said}\n\nKind regards\n{author.first_name}"

    def _question(self, ticket: int, place: int, customer: Person) -> str:
        said = " ".join(self.random.choice(self.problems) for _ in range(self.random.randint(2, 6)))
        body = f"{'Hello,' + chr(10) * 2 if place == 1 else ''}{said}\n\n{customer.first_name} {customer.last_name}"
        return f"{body}\nOrder ORD-{ticket:07d}" if place == 1 and self.random.random() < 0.334 else body


def _department(one: Person) -> int:
    return (one.id - 1) % DEPARTMENTS + 1


def _role(one: Person) -> str:
    return "admin" if one.id == 1 else "supervisor" if one.id <= 4 else "agent"


def _write(folder: Path, name: str, head: str, rows: Iterable[Iterable[object]]) -> None:
    with (folder / name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head.split())
        writer.writerows(rows)


def _said(at: dt.datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S+00")
