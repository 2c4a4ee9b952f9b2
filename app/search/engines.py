"""The two databases' full-text indexes behind one small interface: newest rows that have the words, or which of some rows have them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Select, cast, column, func, literal, select, table, text
from sqlalchemy.dialects.postgresql import TSQUERY

from app.core.database import is_postgresql
from app.core.extensions import db
from app.search import index as indexing
from app.search.index import KEYS, TABLES, block
from app.search.words import Asked

Hits = dict[str, list[int]]
"""Table of the index -> ids, the newest first."""

NEWEST_BLOCKS = (5, 50)
ON_POSTGRESQL = (
    "(WITH found AS MATERIALIZED (SELECT {key} AS id FROM {table} WHERE vector @@ CAST(:{table} AS tsquery)) "
    "SELECT '{table}' AS kind, id FROM found ORDER BY id DESC LIMIT :at_most)"
)
"""MATERIALIZED: else the planner may walk all rows from the newest on, which for a rare word means every one."""
ON_SQLITE = "SELECT * FROM (SELECT '{table}' AS kind, rowid AS id FROM {table} WHERE {table} MATCH :{table} ORDER BY rowid DESC LIMIT :at_most)"


def newest(asked: Sequence[Asked], at_most: int) -> Hits:
    """The newest rows of each table that have all the words: as they stand, or, where those are fewer than `at_most`, their beginnings too."""
    found: Hits = {name: [] for name in TABLES}
    for words, blocks in _passes(asked):
        wanting = [name for name, ids in found.items() if len(ids) < at_most]
        if wanting:
            found |= _run(wanting, words, blocks, at_most)
    return found


def _passes(asked: Sequence[Asked]) -> list[tuple[Sequence[Asked], int]]:
    """(words, how many of the newest blocks; 0: all). PostgreSQL's index has no order: it would fetch all rows of a common word to find
    the newest, and all rows of all words with a prefix. SQLite walks from the newest row and stops."""
    whole = [one.as_it_stands for one in asked]
    passes: list[tuple[Sequence[Asked], int]] = [(whole, blocks) for blocks in NEWEST_BLOCKS] if is_postgresql() else []
    passes.append((whole, 0))
    if whole != list(asked):
        passes.append((asked, 0))
    return passes


def _run(tables: Sequence[str], asked: Sequence[Asked], blocks: int, at_most: int) -> Hits:
    arms = [(ON_POSTGRESQL if is_postgresql() else ON_SQLITE).format(table=name, key=KEYS[name]) for name in tables]
    last = _last_ids() if blocks else {}
    given = {name: _tsquery(asked) + _within(last[name], blocks) if blocks else _question(asked) for name in tables}
    found: Hits = {name: [] for name in tables}
    for kind, id in db.session.execute(text(" UNION ALL ".join(arms)), {**given, "at_most": at_most}):
        found[kind].append(id)
    return found


def _question(asked: Sequence[Asked]) -> str:
    return _tsquery(asked) if is_postgresql() else _match(asked)


def _match(asked: Sequence[Asked]) -> str:
    """Our words hold no quotes: there is nothing to escape, here and below."""
    return " AND ".join(f'"{one.word}"{" *" if one.prefix else ""}' for one in asked)


def _tsquery(asked: Sequence[Asked]) -> str:
    return " & ".join(f"'{one.word}'{':*' if one.prefix else ''}" for one in asked)


def _last_ids() -> dict[str, int]:
    row = db.session.execute(
        text("SELECT " + ", ".join(f"(SELECT max({KEYS[name]}) FROM {name})" for name in TABLES))
    ).one()
    return {name: id or 0 for name, id in zip(TABLES, row, strict=True)}


def _within(last: int, blocks: int) -> str:
    newest = [block(id) for id in range(last, max(last - blocks * indexing.BLOCK, -1), -indexing.BLOCK)]
    return " & (" + " | ".join(f"'{word}'" for word in newest) + ")"


def rows_of(ids: Sequence[int]) -> Select[Any]:
    """The ids as one parameter: a thousand of them as a list in the statement would cost more than the search."""
    if is_postgresql():
        return select(func.unnest(literal(list(ids), ARRAY(BigInteger))).column_valued())
    return select(func.json_each(json.dumps(ids)).table_valued("value").c.value)


def those_of(name: str, ids: Select[Any], asked: Sequence[Asked]) -> list[int]:
    """Which of these rows have all the words. For a reader of few rows, whose newest hits may lie behind a million of others'."""
    key: Any = column(KEYS[name] if is_postgresql() else "rowid")
    words: Any = column("vector" if is_postgresql() else "words")
    index = table(name, key, words)
    if is_postgresql():
        return list(
            db.session.scalars(
                select(key).select_from(index).where(key.in_(ids), words.op("@@")(cast(_tsquery(asked), TSQUERY)))
            )
        )
    rows = db.session.execute(select(key, words).select_from(index).where(key.in_(ids)))
    wanted = [f" {one.word}" if one.prefix else f" {one.word} " for one in asked]
    return [id for id, kept in rows if all(word in f" {kept} " for word in wanted)]
