"""The shape of the code as the style asks for it, read from its syntax."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APP = ROOT / "app"
MODULES = sorted(APP.rglob("*.py"))
TEMPLATES = sorted((APP / "templates").rglob("*.*"))
FABS = APP / "templates" / "appbuilder"
"""Flask-AppBuilder's own templates in our dress: its widgets come as finished HTML."""
SHORT, LONG = 30, 50
SHORT_SHARE, LONG_SHARE = 0.95, 0.01
CLOCK_READERS = {
    "core/clock.py": "it is the clock",
    "core/ticker.py": "its beat is compared with other processes' time, whatever a test says the time is",
    "core/queue.py": "the queue's own time",
    "desk/background.py": "it compares the ticker's beat",
    "desk/checks.py": "it compares the ticker's beat",
}
"""Beside app/run, which watches processes and knows no tickets."""
WALL = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "localtime"),
    ("time", "gmtime"),
}
QUERYING = re.compile(r"\bdb\b|\.query\(|\.scalars?\(|\.execute\(|\.filter_by\(")
BROAD = re.compile(r"^\s*except\s*(?:(?:Base)?Exception\b[^:]*)?:(.*)$")


def source(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def tree(path: Path) -> ast.Module:
    return ast.parse(source(path), filename=str(path))


def named(path: Path) -> str:
    return str(path.relative_to(APP))


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and lines of each function; its decorators and docstring do not count."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            told = len(ast.get_docstring(node, clean=False).splitlines()) if ast.get_docstring(node) else 0  # type: ignore[union-attr]
            yield f"{named(path)}:{node.lineno} {node.name}", (node.end_lineno or first.lineno) - node.lineno + 1 - told


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_every_module_begins_with_a_sentence(path: Path) -> None:
    said = ast.get_docstring(tree(path)) or ""

    assert said.strip(), f"{named(path)} does not say what it is for"


def test_no_table_names_a_key_twice() -> None:
    """The second would win in silence: a reaction written twice is a reaction lost."""
    twice = []
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Dict):
                keys = [ast.unparse(key) for key in node.keys if key is not None]
                twice += [f"{named(path)}:{node.lineno} {key}" for key in set(keys) if keys.count(key) > 1]

    assert twice == []


def test_functions_are_short() -> None:
    measured = [each for path in MODULES for each in functions(path)]
    short = sum(1 for _, lines in measured if lines < SHORT) / len(measured)
    long = [name for name, lines in measured if lines > LONG]

    assert short >= SHORT_SHARE, f"{short:.1%} are under {SHORT} lines"
    assert len(long) / len(measured) <= LONG_SHARE, long


def test_no_template_of_ours_trusts_a_text() -> None:
    """HTML that came from a person was cleaned when it was stored, and is marked as such where it is read."""
    assert [
        path.name
        for path in TEMPLATES
        if FABS not in path.parents and re.search(r"\|\s*safe\b|autoescape\s+false", source(path))
    ] == []


def test_no_template_asks_the_database() -> None:
    asked = [
        f"{path.name}: {piece}"
        for path in TEMPLATES
        for piece in re.findall(r"\{[{%].*?[%}]\}", source(path), re.S)
        if QUERYING.search(piece)
    ]

    assert asked == []


def test_whatever_catches_everything_says_why() -> None:
    """STYLE: only where a loop must outlive one bad row."""
    silent = []
    for path in MODULES:
        for place, line in enumerate(source(path).splitlines(), 1):
            found = BROAD.match(line)
            following = source(path).splitlines()[place : place + 1]
            if found and "#" not in found[1] and not any(each.lstrip().startswith("#") for each in following):
                silent.append(f"{named(path)}:{place}")

    assert silent == []


def test_the_wall_clock_is_read_in_one_place() -> None:
    """A rule that reads it elsewhere cannot be told another time by a test."""
    readers = {}
    for path in MODULES:
        if path.parent != APP / "run" and named(path) not in CLOCK_READERS:
            readers[named(path)] = [
                node.lineno for node in ast.walk(tree(path)) if isinstance(node, ast.Call) and reads_the_wall(node.func)
            ]

    assert {name: lines for name, lines in readers.items() if lines} == {}


def reads_the_wall(called: ast.expr) -> bool:
    if not isinstance(called, ast.Attribute):
        return False
    owner = called.value.attr if isinstance(called.value, ast.Attribute) else getattr(called.value, "id", "")
    return (owner, called.attr) in WALL


def test_nothing_searches_by_like_with_a_leading_wildcard() -> None:
    """It reads every row; the search index is there for words."""
    pattern = re.compile(
        r"\.(?:i?like|contains|icontains|endswith)\(\s*(?:f?[\"']%|f[\"'])|LIKE\s+'%|\.i?like\(f?[\"']%"
    )

    assert [
        f"{named(path)}:{place}"
        for path in MODULES
        for place, line in enumerate(source(path).splitlines(), 1)
        if pattern.search(line)
    ] == []
