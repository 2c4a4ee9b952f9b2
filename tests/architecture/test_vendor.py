"""What we ship but did not write is named with its version, licence and sum, and no page asks another host for anything."""

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "app/static"
MANIFEST = STATIC / "vendor/VENDOR.md"
ROW = re.compile(
    r"^\| ([\w./-]+\.\w+) \| (?P<package>[^|]+) \| (?P<version>[\w.]+) \| (?P<licence>[\w.-]+) \| (?P<sum>[0-9a-f]{64}) \|$",
    re.M,
)
ROWS = {row[1]: row for row in ROW.finditer(MANIFEST.read_text())}

OTHER_HOST = re.compile(
    r"""(?:src|href|action|poster|formaction)\s*=\s*["']?\s*(?:https?:)?//|url\(\s*["']?(?:https?:)?//|@import[^;]*//|(?:fetch|import)\(\s*["'`](?:https?:)?//""",
    re.I,
)
OURS = [path for path in STATIC.rglob("*") if path.suffix in (".css", ".js", ".svg") and "vendor" not in path.parts] + [
    path
    for path in (ROOT / "app/templates").rglob("*.html")
    if "mail" not in path.relative_to(ROOT / "app/templates").parts
]


@pytest.mark.parametrize("name", ROWS)
def test_a_vendored_file_is_the_one_the_manifest_names(name: str) -> None:
    assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == ROWS[name]["sum"], (
        f"{name} changed: write its new version and sum into VENDOR.md"
    )


def test_every_vendored_file_stands_in_the_manifest() -> None:
    files = [*(STATIC / "vendor").glob("*.*"), *(STATIC / "fonts").glob("*"), STATIC / "icons.svg"]

    unnamed = {str(path.relative_to(STATIC)) for path in files} - set(ROWS) - {"vendor/VENDOR.md"}

    assert not unnamed


def test_every_vendored_package_brings_its_licence() -> None:
    texts = " ".join(path.read_text().lower() for path in (STATIC / "vendor/licences").glob("*.txt"))

    assert {row["licence"] for row in ROWS.values()} == {"0BSD", "MIT", "OFL-1.1", "ISC"}
    for words in ("zero-clause bsd", "the mit license", "sil open font license", "isc license"):
        assert words in texts, f"no licence text says “{words}”"


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_of_ours_asks_another_host(path: Path) -> None:
    found = OTHER_HOST.findall(path.read_text())

    assert not found, found
