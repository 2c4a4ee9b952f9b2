"""Letters without their case, the same in Python and on both databases: what one finds, the other finds too."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

LAST = 0x0587
"""Up to here lie the alphabets with two cases that mails are written in: Latin, Greek, Cyrillic, Armenian."""
PAIRS = [(letter, letter.lower()) for letter in map(chr, range(LAST)) if letter.lower() != letter and len(letter.lower()) == 1]  # fmt: skip
UPPER = "".join(upper for upper, _lower in PAIRS)
LOWER = "".join(lower for _upper, lower in PAIRS)
TABLE = str.maketrans(UPPER, LOWER)


def fold(text: str) -> str:
    return text.translate(TABLE)


class folded(GenericFunction[str]):
    """The same of a column; nothing where it is NULL."""

    type = String()
    inherit_cache = True


@compiles(folded, "postgresql")
def _on_postgresql(element: folded, compiler: SQLCompiler, **more: Any) -> str:
    return f"translate({compiler.process(element.clauses, **more)}, '{UPPER}', '{LOWER}')"


def teach(connection: sqlite3.Connection) -> None:
    """SQLite knows the capitals of English only."""
    connection.create_function("folded", 1, lambda text: text if text is None else fold(str(text)), deterministic=True)
