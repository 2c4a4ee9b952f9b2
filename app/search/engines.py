"""The two databases' full-text indexes behind one small interface: newest rows that have the words, or which of some rows have them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    String,
    any_,
    bindparam,
    cast,
    column,
    func,
    literal,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from app.core.database import is_postgresql
from app.core.extensions import db
from app.search.index import KEYS, LARGE, SMALL, TABLES, blocks
from app.search.words import Asked

WRITTEN = TABLES[:2]
"""What people wrote of themselves: two tickets with the same choice in a field are not yet alike."""
Hits = dict[str, list[int]]
"""Table of the index -> ids, the newest first."""

FIRST_LOOK = 3
"""Small blocks."""
MOST_SMALL = 30
"""Small blocks that are asked for at once, one word each; beyond that, large ones."""
WIDEST_LOOK = 60
"""Large blocks."""
RARE = 20
"""Hits in MOST_SMALL blocks: a word with fewer is looked for everywhere."""
ON_POSTGRESQL = (
    "(WITH found AS MATERIALIZED (SELECT {key} AS id FROM {table} WHERE vector @@ CAST(:{table} AS tsquery)) "
    "SELECT '{table}' AS kind, string_agg(CAST(id AS text), ',') AS ids FROM (SELECT id FROM found ORDER BY id DESC LIMIT :at_most) AS newest)"
)
"""MATERIALIZED: else the planner may walk all rows from the newest on, which for a rare word means every one."""
ON_SQLITE = (
    "SELECT '{table}' AS kind, group_concat(id) AS ids "
    "FROM (SELECT rowid AS id FROM {table} WHERE {table} MATCH :{table} ORDER BY rowid DESC LIMIT :at_most)"
)
"""One row a table: to fetch a thousand takes longer than to find them."""


def newest(asked: Sequence[Asked], at_most: int) -> Hits:
    """The newest rows of each table that have all the words: as they stand, or, where those are fewer than `at_most`, their beginnings too."""
    found: Hits = {name: [] for name in TABLES}
    whole = [one.as_it_stands for one in asked]
    last = _last_ids() if is_postgresql() else None
    for words in (whole, asked) if whole != list(asked) else (whole,):
        for look in (_near, _everywhere):
            wanting = [name for name, ids in found.items() if len(ids) < at_most]
            if wanting:
                found |= look(wanting, words, at_most, last)
    return found


def _near(tables: Sequence[str], asked: Sequence[Asked], at_most: int, last: Mapping[str, int] | None) -> Hits:
    """Among the newest rows. SQLite needs no such help: it walks from the newest row and stops; PostgreSQL's index has no order,
    and would fetch every row of a common word. How common it is, the first look tells."""
    if last is None:
        return {}
    question = _tsquery(asked)
    found = _run({name: question + _within(last[name], 0, FIRST_LOOK) for name in tables}, at_most)
    wider = {name: _wide_enough(len(ids), at_most) for name, ids in found.items() if len(ids) < at_most}
    questions = {name: question + _within(last[name], *look) for name, look in wider.items() if look}
    return found | _run(questions, at_most) if questions else found


def _wide_enough(hits: int, at_most: int) -> tuple[int, int] | None:
    """Size and number of blocks that hold enough, if the rows before are like the newest; None: look everywhere, the words are that
    rare. Small ones as far as they go: of a common word each block too many costs thousands of rows."""
    if not hits:
        return None
    rows = 3 * at_most * FIRST_LOOK * SMALL // (2 * hits)
    if rows < MOST_SMALL * SMALL:
        return 0, rows // SMALL + 2
    return (1, rows // LARGE + 2) if rows // LARGE + 2 <= WIDEST_LOOK else None


def _everywhere(tables: Sequence[str], asked: Sequence[Asked], at_most: int, _last: object) -> Hits:
    return _run(dict.fromkeys(tables, _tsquery(asked) if is_postgresql() else _match(asked)), at_most)


def _run(questions: Mapping[str, str], at_most: int) -> Hits:
    arms = [(ON_POSTGRESQL if is_postgresql() else ON_SQLITE).format(table=name, key=KEYS[name]) for name in questions]
    found: Hits = {name: [] for name in questions}
    asking = text(" UNION ALL ".join(arms)).columns(column("kind"), column("ids"))
    for kind, ids in db.session.execute(asking, {**questions, "at_most": at_most}):
        found[kind] = sorted(map(int, ids.split(",")), reverse=True) if ids else []
    return found


def _match(asked: Sequence[Asked]) -> str:
    """Our words hold no quotes: there is nothing to escape, here and below."""
    return " AND ".join(f'"{one.word}"{" *" if one.prefix else ""}' for one in asked)


def _tsquery(asked: Sequence[Asked]) -> str:
    return " & ".join(f"'{one.word}'{':*' if one.prefix else ''}" for one in asked)


def _last_ids() -> dict[str, int]:
    newest = text("SELECT " + ", ".join(f"(SELECT max({KEYS[name]}) FROM {name}) AS {name}" for name in TABLES))
    row = db.session.execute(newest.columns(*map(column, TABLES))).one()
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


def any_of(key: Any, name: str) -> ColumnElement[bool]:
    """Whether `key` is one of the ids that the parameter `name` holds as `packed` packs them. PostgreSQL walks its index once for an
    array, and once for each row of a list it was made into."""
    if is_postgresql():
        return key == any_(_array(name))
    found: ColumnElement[bool] = key.in_(ids_in(name))
    return found


def ids_in(name: str) -> Select[Any]:
    """The ids that the parameter `name` holds, as rows."""
    if is_postgresql():
        return select(func.unnest(_array(name)).column_valued())
    return select(func.json_each(bindparam(name)).table_valued("value").c.value)


def _array(name: str) -> ColumnElement[Any]:
    """From one text: the driver takes longer over a thousand numbers than the database over the text."""
    return cast(bindparam(name, type_=String), ARRAY(BigInteger))


def packed(ids: Sequence[int]) -> str:
    listed = ",".join(map(str, ids))
    return f"{{{listed}}}" if is_postgresql() else f"[{listed}]"


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


def newest_of_each(words: Sequence[str], at_most: int) -> dict[str, Hits]:
    """Of each word by itself the newest rows that have it. PostgreSQL looks nearby first, and further back for those words alone that
    are rare there: a common one would be fetched whole."""
    asked = {f"w{place}": Asked(word) for place, word in enumerate(words)}
    last = _last_ids() if is_postgresql() else None
    near = {} if last is None else {name: _within(last[name], 0, MOST_SMALL) for name in WRITTEN}
    found = _each(asked, near, at_most)
    if near:
        rare = {key: one for key, one in asked.items() if max(map(len, found[key].values())) < RARE}
        found |= _each(rare, {}, at_most)
    return {asked[key].word: hits for key, hits in found.items()}


def _each(asked: Mapping[str, Asked], near: Mapping[str, str], at_most: int) -> dict[str, Hits]:
    arms, values = [], {}
    for key, one in asked.items():
        for name in WRITTEN:
            arm = (ON_POSTGRESQL if is_postgresql() else ON_SQLITE).format(table=name, key=KEYS[name])
            arms.append(
                arm.replace(f":{name}", f":{key}_{name}").replace(f"'{name}' AS kind", f"'{key} {name}' AS kind")
            )
            question = _tsquery((one,)) if is_postgresql() else _match((one,))
            values[f"{key}_{name}"] = question + near.get(name, "")
    found: dict[str, Hits] = {key: {name: [] for name in WRITTEN} for key in asked}
    if arms:
        for kind, ids in db.session.execute(text(" UNION ALL ".join(arms)), {**values, "at_most": at_most}):
            key, name = kind.split()
            found[key][name] = sorted(map(int, ids.split(",")), reverse=True) if ids else []
    return found
