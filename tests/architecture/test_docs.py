"""A setting, role, right, event, job or variable of the environment without its line in docs/ fails, and so does a link that leads nowhere."""

import dataclasses as dc
import re
from enum import StrEnum
from pathlib import Path

import pytest

from app.accounts.announcements import Announced
from app.accounts.availability import Presence
from app.accounts.roles import ROLES
from app.mail.failed import Went
from app.satisfaction.asking import Asking
from app.schedule import JOBS, PERIODIC
from app.settings.desk import DeskSettings
from app.tickets.timeline import PUBLIC, Did

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
VARIABLE = re.compile(r"""environ(?:\.get\(|\[)\s*["']([A-Z][A-Z_]+)["']""")
NOT_TO_BE_SET = {"PYTHONPATH", "XDG_CACHE_HOME", "DESKHAND_SUPERVISOR"}
"""Read, but not ours to explain, or said by one of our processes to another."""
RHYTHMS = {30: "every 30 seconds", 60: "every minute", 300: "every 5 minutes", 3600: "every hour", 86400: "daily"}


def rows(page: str) -> dict[str, str]:
    """The lines of a page's tables, by the `name` they begin with."""
    found = re.findall(r"^\| (?:`|\*\*)([^`*]+)(?:`|\*\*) \|(.*)\|$", (DOCS / page).read_text(), re.M)
    return {name: rest.strip() for name, rest in found}


@pytest.mark.parametrize("name", [field.name for field in dc.fields(DeskSettings)])
def test_every_setting_has_its_line(name: str) -> None:
    assert name in rows("settings.md"), f"Say in docs/settings.md what {name} does."


def test_no_line_tells_of_a_setting_that_is_gone() -> None:
    known = {field.name for field in dc.fields(DeskSettings)} | variables() | {"FORWARDED_ALLOW_IPS"}

    assert {name for name in rows("settings.md") if name == name.lower() or name.isupper()} <= known


def variables() -> set[str]:
    sources = [ROOT / "config.py", ROOT / "run.py", *(ROOT / "app").rglob("*.py")]
    return {name for source in sources for name in VARIABLE.findall(source.read_text())} - NOT_TO_BE_SET | {
        "DESKHAND_RECEIVER_PORT"
    }


@pytest.mark.parametrize("name", sorted(variables()))
def test_every_variable_of_the_environment_has_its_line(name: str) -> None:
    assert name in rows("settings.md"), f"Say in docs/settings.md what {name} does."


@pytest.mark.parametrize("role", ROLES)
def test_every_role_has_its_scope_and_its_column(role: str) -> None:
    assert f"`{ROLES[role].scope.value}`" in rows("roles.md")[role]
    assert f" {role} |" in (DOCS / "roles.md").read_text()


@pytest.mark.parametrize("view", sorted({view for row in ROLES.values() for view in row.rights}))
def test_every_right_has_its_line(view: str) -> None:
    assert f"`{view}`" in (DOCS / "roles.md").read_text(), f"Say in docs/roles.md who may do what on {view}."


@pytest.mark.parametrize("verb", sorted({verb for row in ROLES.values() for verb in row.rights["Ticket"]}))
def test_the_roles_that_may_do_it_to_a_ticket_are_those_of_the_table(verb: str) -> None:
    lines = [
        re.split(r"\s*\|\s*", line.strip("| "))
        for line in (DOCS / "roles.md").read_text().splitlines()
        if line.startswith("| `Ticket`: ")
    ]
    cells = next(line[1:] for line in lines if verb in line[0].removeprefix("`Ticket`: ").split(", "))

    assert [cell == "yes" for cell in cells] == [
        verb in ROLES[role].rights["Ticket"] for role in ("Admin", "Supervisor", "Support Agent", "Developer")
    ]


@pytest.mark.parametrize("event", [*Did, *Presence, *Announced, *Asking, *Went], ids=str)
def test_every_event_has_its_sentence(event: StrEnum) -> None:
    assert event.value in rows("events.md"), f"Say in docs/events.md what {event.value} means."


@pytest.mark.parametrize("did", list(Did), ids=str)
def test_the_events_that_customers_read_are_marked(did: Did) -> None:
    assert rows("events.md")[did.value].endswith("System") is (did in PUBLIC)


@pytest.mark.parametrize("job", sorted(JOBS))
def test_every_job_has_its_line_and_its_rhythm(job: str) -> None:
    assert job in rows("jobs.md"), f"Say in docs/jobs.md what {job} achieves."
    if job in PERIODIC:
        assert RHYTHMS[PERIODIC[job][0]] in rows("jobs.md")[job]


def test_no_line_tells_of_a_job_or_event_that_is_gone() -> None:
    assert {name for name in rows("jobs.md") if name != "job"} == set(JOBS)
    assert set(rows("events.md")) == {event.value for event in (*Did, *Presence, *Announced, *Asking, *Went)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = [
        link for link in LINK.findall(page.read_text()) if "://" not in link and not link.startswith(("mailto:", "#"))
    ]

    assert [link for link in links if not (page.parent / link.partition("#")[0]).exists()] == []


def test_every_page_is_reached_from_the_readme_or_the_architecture() -> None:
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in (ROOT / "README.md", DOCS / "architecture.md")
        for link in LINK.findall(page.read_text())
    }

    assert [page.name for page in DOCS.glob("*.md") if page.resolve() not in linked] == []
