"""The demo's people: a support team of seven and the customers who write to it."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import select

from app.accounts.models import Customer, Department, Organization
from app.core import clock
from app.core.extensions import db
from app.desk.setup import make_staff
from app.kb.models import Article
from app.tickets.choices import CannedResponse, Category

SYLLABLES = [
    "ba",
    "be",
    "bi",
    "bo",
    "da",
    "de",
    "di",
    "do",
    "fa",
    "fe",
    "fi",
    "fo",
    "ga",
    "ge",
    "gi",
    "go",
    "ka",
    "ke",
    "ki",
    "ko",
    "la",
    "le",
    "li",
    "lo",
    "ma",
    "me",
    "mi",
    "mo",
    "na",
    "ne",
    "ni",
    "no",
    "pa",
    "pe",
    "pi",
    "po",
    "ra",
    "re",
    "ri",
    "ro",
    "sa",
    "se",
    "si",
    "so",
    "ta",
    "te",
    "ti",
    "to",
]

STAFF = (
    # user name, first name, last name, role, department
    ("super", "Signe", "Holm", "Super Admin", None),
    ("admin", "Arne", "Dahl", "Admin", None),
    ("supervisor", "Samira", "Haddad", "Supervisor", None),
    ("agent", "Lena", "Fischer", "Support Agent", "Support"),
    ("agent2", "Marco", "Bianchi", "Support Agent", "Support"),
    ("billing", "Priya", "Raman", "Support Agent", "Billing"),
    ("developer", "Daniel", "Okoye", "Developer", "Technical"),
)
CUSTOMERS = (
    # short name, name, address, organization
    ("ada", "Ada Sørensen", "ada@northwind.example", "Northwind Logistics"),
    ("bob", "Bob Keller", "bob@northwind.example", "Northwind Logistics"),
    ("eve", "Eve Byrne", "eve@other.example", "Other Ltd"),
    ("tuomas", "Tuomas Virtanen", "tuomas@kallio.example", "Kallio Print Oy"),
    ("hanna", "Hanna Virtanen", "hanna@kallio.example", "Kallio Print Oy"),
    ("grace", "Grace Adeyemi", "grace@lagosretail.example", "Lagos Retail"),
    ("tunde", "Tunde Bello", "tunde@lagosretail.example", "Lagos Retail"),
    ("marcus", "Marcus Webb", "marcus@webbandsons.example", "Webb & Sons"),
    ("aiko", "田中 愛子", "aiko@minato.example", "Minato Foods"),
    ("lucia", "Lucía Herrera", "lucia@sollogistica.example", "Sol Logística"),
    ("peter", "Petr Novák", "petr@novak-it.example", None),
    ("ravi", "Ravi Shah", "ravi@blueorchid.example", "Blue Orchid"),
    ("sofia", "Sofia Almeida", "sofia@almeida.example", None),
    ("elena", "Elena Marchetti", "elena@marchetti.example", "Marchetti S.p.A."),
)
ADDRESSES = {short: address for short, _, address, _ in CUSTOMERS}
SIGN_INS_OF_CUSTOMERS = ("ada", "bob", "eve")

ARTICLES = Path(__file__).with_name("articles.txt")
CANNED = (
    (
        "Greeting",
        "hello",
        "Hello {{customer_name}},\n\nthank you for your message. \n\nBest regards\n{{agent_name}}",
        None,
    ),
    (
        "Ask for a screenshot",
        "screenshot",
        "Could you send us a screenshot of the whole window? It helps us to see what you see.",
        None,
    ),
    (
        "Sign out and in again",
        "signout",
        "Please sign out, close the app, and sign in again. If it still happens after that, tell us which device you use.",
        "Technical Support",
    ),
    (
        "Where is my host ID?",
        "activation-help",
        "You find the host ID under Settings, Licence. Please send it to us and we release the old server.",
        "License Issues",
    ),
    (
        "Refund is on its way",
        "refund",
        "The refund is on its way and reaches your account within five working days.",
        "Billing",
    ),
    (
        "Thank you for the idea",
        "idea",
        "Thank you for the idea! I have added your vote to the list and will write here when there is news.",
        "Feature Request",
    ),
)


def make(password_hash: str) -> None:
    """Departments, staff, organizations, customers and canned responses. Does not commit."""
    departments = _departments()
    for username, first, last, role, department in STAFF:
        user = make_staff(username, first, last, f"{username}@deskhand.example", role, password_hash=password_hash)
        if department:
            departments[department].members.append(user)
            departments[department].lead = departments[department].lead or user
    organizations: dict[str, Organization] = {}
    known_since = clock.now() - dt.timedelta(days=60)
    for _short, name, address, organization in CUSTOMERS:
        if organization and organization not in organizations:
            organizations[organization] = Organization(
                name=organization, domain=address.partition("@")[2], created_at=known_since
            )
        db.session.add(
            Customer(
                name=name,
                email=address,
                organization=organizations.get(organization or ""),
                password_hash=password_hash,
                verified_at=known_since,
                created_at=known_since,
            )
        )
    categories = {category.name: category for category in db.session.scalars(select(Category))}
    for title, shortcut, body, category in CANNED:
        db.session.add(
            CannedResponse(title=title, shortcut=shortcut, body=body, category=categories.get(category or ""))
        )
    for place, (category_name, title, body) in enumerate(articles()):
        article = Article(
            title=title, body=body, category=categories[category_name], published=True, asked_often=True, position=place
        )
        article.settle()
        db.session.add(article)
    db.session.flush()


def articles() -> Iterator[tuple[str, str, str]]:
    """(category, title, text in Markdown) of the help center."""
    for part in ARTICLES.read_text(encoding="utf-8").split("\n= "):
        head, _, body = part.removeprefix("= ").partition("\n")
        category, _, title = head.partition(" | ")
        yield category, title, body.strip()


def _departments() -> dict[str, Department]:
    found = {department.name: department for department in db.session.scalars(select(Department))}
    for place, (name, text) in enumerate(
        (("Billing", "Invoices, payments and plans."), ("Technical", "What needs a developer.")), 1
    ):
        found.setdefault(name, Department(name=name, description=text, position=place))
        db.session.add(found[name])
    for category, department in (
        ("Billing", "Billing"),
        ("Technical Support", "Support"),
        ("License Issues", "Support"),
    ):
        db.session.scalars(select(Category).where(Category.name == category)).one().department = found[department]
    return found


def write_sign_ins(data: Path, password: str) -> None:
    """What run.py prints when the desk is ready; readable by this user alone, since the password stands in it."""
    staff = "\n".join(f"  {username:<26} {role}" for username, _, _, role, _ in STAFF)
    customers = "\n".join(f"  {ADDRESSES[short]:<26} customer" for short in SIGN_INS_OF_CUSTOMERS)
    text = f"Sign-ins of the demo, all with the password  {password}\n staff, at /login/\n{staff}\n customers, at /portal/login\n{customers}\n"
    with os.fdopen(os.open(data / "sign-ins.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
