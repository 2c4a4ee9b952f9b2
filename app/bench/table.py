"""Figures as a table, as JSON, and two files of them side by side."""

from __future__ import annotations

import dataclasses as dc
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from app.bench.measuring import Figures

HEAD = f"{'page':<30} {'cl':>2} {'p50 ms':>8} {'p95 ms':>8} {'× F':>6} {'aim':>5} {'req/s':>7} {'SQL':>5} {'web':>6} {'db':>6} {'CPU × F':>7}"
WORSE, BETTER = 1.1, 0.9


def written(figures: Sequence[Figures]) -> Iterator[str]:
    """One block a desk."""
    shown = None
    for one in figures:
        if (one.database, one.tickets) != shown:
            shown = one.database, one.tickets
            yield f"\n{one.database}, {one.tickets:,} tickets (times ms; web and db: CPU ms a request)\n{HEAD}"
        yield _row(one)


def _row(one: Figures) -> str:
    statements = f"{one.statements}{'!' if one.most_statements and one.statements > one.most_statements else ''}"
    sign = "" if one.floors <= one.aim or one.clients > 1 else "!"
    cpu = (one.web_cpu + one.database_cpu) / one.floor_cpu if one.floor_cpu else 0
    refused = f"  {one.refused} REFUSED" if one.refused else ""
    return (
        f"{one.page:<30} {one.clients:>2} {one.p50:>8.1f} {one.p95:>8.1f} {one.floors:>5.1f}{sign:1} {one.aim:>5.0f} {one.per_second:>7.0f} "
        f"{statements:>5} {one.web_cpu:>6.1f} {one.database_cpu:>6.1f} {cpu:>7.1f}{refused}"
    )


def save(figures: Sequence[Figures], file: Path) -> None:
    file.write_text(json.dumps([dc.asdict(one) for one in figures], indent=1) + "\n")


def read(file: Path) -> list[Figures]:
    return [Figures(**row) for row in json.loads(file.read_text())]


def compared(before: Sequence[Figures], after: Sequence[Figures]) -> Iterator[str]:
    """Of what both have: floors, CPU and statements then and now; a sign where it is a tenth worse or better."""
    known = {(one.database, one.tickets, one.page, one.clients): one for one in before}
    yield f"{'page':<54} {'cl':>2} {'× F':>15} {'CPU ms':>15} {'SQL':>9}"
    for now in after:
        then = known.get((now.database, now.tickets, now.page, now.clients))
        if then is not None:
            cpu = then.web_cpu + then.database_cpu, now.web_cpu + now.database_cpu
            ratio = cpu[1] / cpu[0] if cpu[0] else 1
            sign = "worse" if ratio > WORSE else "better" if ratio < BETTER else ""
            yield (
                f"{f'{now.database} {now.tickets} {now.page}':<54} {now.clients:>2} {then.floors:>6.1f} → {now.floors:<6.1f} "
                f"{cpu[0]:>6.1f} → {cpu[1]:<6.1f} {then.statements:>3} → {now.statements:<3} {sign}"
            )
