"""Tables of expected answers, as text that a person reads: one line an address, one column a visitor."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

Key = tuple[str, str]
"""Address, and whose object it names."""
Answers = Mapping[Key, Mapping[str, str]]


UNKNOWN = "?"
"""What stands for those who have not tried a new address yet: a test may try for one person alone."""


def hold(file: Path, found: Answers, columns: Sequence[str]) -> None:
    """Fails with a sentence a difference. With ROUTES_WRITE=1 the file is written anew: read the diff before you keep it."""
    if os.environ.get("ROUTES_WRITE"):
        write(file, found, columns)
    expected = read(file, columns)
    unknown = [" ".join(key) for key in found if key not in expected]
    gone = [" ".join(key) for key in expected if key not in found]
    differing = [
        f"{' '.join(key)} for {column}: {expected[key][column]} is expected, {came} came"
        for key, answers in found.items()
        if key in expected
        for column, came in answers.items()
        if expected[key][column] != came
    ]
    assert not unknown, (
        f"Say in {file.name} who may do these (or run the test with ROUTES_WRITE=1 and read what it wrote): {unknown}"
    )
    assert not gone, f"These are no addresses any more; take their lines out of {file.name}: {gone}"
    assert not differing, "\n".join(differing)


def read(file: Path, columns: Sequence[str]) -> dict[Key, dict[str, str]]:
    lines = [words.split() for words in file.read_text().splitlines() if words.strip() and not words.startswith("#")]
    most = len(columns)
    return {
        (" ".join(words[: -most - 1]), words[-most - 1]): dict(zip(columns, words[-most:], strict=True))
        for words in lines
    }


def write(file: Path, found: Answers, columns: Sequence[str]) -> None:
    kept = [words for words in file.read_text().splitlines() if words.startswith("#")] if file.exists() else []
    words = [line for line in kept if not line.startswith("# address")]
    words.append(f"{'# address':<70}{'whose':<9}" + "".join(f"{column:<11}" for column in columns).rstrip())
    before = read(file, columns) if file.exists() else {}
    for key, answers in sorted(found.items()):
        address, whose = key
        known = {**dict.fromkeys(columns, UNKNOWN), **before.get(key, {}), **answers}
        words.append((f"{address:<70}{whose:<9}" + "".join(f"{known[column]:<11}" for column in columns)).rstrip())
    file.write_text("\n".join(words) + "\n")
