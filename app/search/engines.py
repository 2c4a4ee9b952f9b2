"""The two databases' full-text indexes behind one small interface: newest rows that have the words, or which of some rows have them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Select, cast, column, func, literal, select, table, text
from sqlalchemy.dialects.postgresql import TSQUERY

from app.core.database import is_postgresql
from app.core.extensions import db
from app.search.index import KEYS, LARGE, SMALL, TABLES, blocks
from app.search.words import Asked

Hits = dict[str, list[int]]
"""Table of the index -> ids, the newest first."""

FIRST_LOOK = 3
"""Small blocks."""
WIDEST_LOOK = 60
"""Large blocks."""
ON_POSTGRESQL = (
    "(WITH found AS MATERIALIZED (SELECT {key} AS id FROM {table} WHERE vector @@ CAST(:{table} AS tsquery)) "
    "SELECT '{table}' AS kind, id FROM found ORDER BY id DESC LIMIT :at_most)"
)
"""MATERIALIZED: else the planner may walk all rows from the newest on, which for a rare word means every one."""
ON_SQLITE = "SELECT * FROM (SELECT '{table}' AS kind, rowid AS id FROM {table} WHERE {table} MATCH :{table} ORDER BY rowid DESC LIMIT :at_most)"


def newest(asked: Sequence[Asked], at_most: int) -> Hits:
    """The newest rows of each table that have all the words: as they stand, or, where those are fewer than `at_most`, their beginnings too."""
    found: Hits = {name: [] for name in TABLES}
    whole = [one.as_it_stands for one in asked]
    for words in (whole, asked) if whole != list(asked) else (whole,):
        for look in (_near, _everywhere):
            wanting = [name for name, ids in found.items() if len(ids) < at_most]
            if wanting:
                found |= look(wanting, words, at_most)
    return found


def _near(tables: Sequence[str], asked: Sequence[Asked], at_most: int) -> Hits:
    """Among the newest rows. SQLite needs no such help: it walks from the newest row and stops; PostgreSQL's index has no order,
    and would fetch every row of a common word. How common it is, the first look tells."""
    if not is_postgresql():
        return {}
    last = _last_ids()
    question = _tsquery(asked)
    found = _run({name: question + _within(last[name], 0, FIRST_LOOK) for name in tables}, at_most)
    wider = {name: _wide_enough(len(ids), at_most) for name, ids in found.items() if len(ids) < at_most}
    questions = {name: question + _within(last[name], 1, blocks) for name, blocks in wider.items() if blocks}
    return found | _run(questions, at_most) if questions else found


def _wide_enough(hits: int, at_most: int) -> int:
    """How many large blocks hold enough, if the rows before are like the newest; 0: look everywhere, the words are that rare."""
    if not hits:
        return 0
    blocks = 2 * at_most * FIRST_LOOK * SMALL // (hits * LARGE) + 2
    return blocks if blocks <= WIDEST_LOOK else 0


def _everywhere(tables: Sequence[str], asked: Sequence[Asked], at_most: int) -> Hits:
    return _run(dict.fromkeys(tables, _tsquery(asked) if is_postgresql() else _match(asked)), at_most)


def _run(questions: Mapping[str, str], at_most: int) -> Hits:
    arms = [(ON_POSTGRESQL if is_postgresql() else ON_SQLITE).format(table=name, key=KEYS[name]) for name in questions]
    found: Hits = {name: [] for name in questions}
    for kind, id in db.session.execute(text(" UNION ALL ".join(arms)), {**questions, "at_most": at_most}):
        found[kind].append(id)
    return found


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


def _within(last: int, size: int, count: int) -> str:
    """The newest `count` blocks, of the small size (0) or of the large one (1)."""
    step = (SMALL, LARGE)[size]
    newest = [blocks(id)[size] for id in range(last, max(last - count * step, -1), -step)]
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
