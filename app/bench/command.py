"""`run.py bench`: makes what it measures, measures it beside the floor, says it as a table and as JSON."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

from app.bench import footprint, mailing, pages, table
from app.bench.desks import Desk, Home, say
from app.bench.measuring import Figures, Measurement
from app.bench.pages import Scene
from app.run import folder

DATABASES = ("sqlite", "postgresql")


def run(*words: str) -> int:
    given = _read(words)
    if given.compare:
        before, after = (table.read(Path(name)) for name in given.compare)
        print("\n".join(table.compared(before, after)))
        return 0
    home = Home(Path(os.environ.get("DESKHAND_BENCH") or folder.path() / "bench").resolve())
    try:
        figures = []
        for tickets in _numbers(given.tickets):
            for database in given.database.split(","):
                figures += list(_of_desk(Desk(home, tickets, database), given))
                if given.json:  # after each desk: the largest may take an hour
                    table.save(figures, Path(given.json))
    finally:
        home.close()
    print("\n".join(table.written(figures)))
    return 0


def _of_desk(desk: Desk, given: argparse.Namespace) -> Iterator[Figures]:
    say(f"{desk.database}, {desk.tickets:,} tickets")
    desk.prepare()
    if not given.only:
        told = desk.scene()
        with desk.floor() as floor, desk.served() as web:
            measurement = Measurement(desk, Scene(told, desk.port), web, floor, given.seconds)
            yield from measurement.of(list(pages.chosen(given.pages)), _numbers(given.clients), given.runs)
    if given.only in ("", "mail") and not given.pages:
        print("\n".join(mailing.told(desk)))
    if given.only in ("", "memory") and not given.pages:
        print("\n".join(footprint.told(desk)))


def _numbers(words: str) -> list[int]:
    return [int(word) for word in words.split(",")]


def _read(words: tuple[str, ...]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.py bench", description="Measures the pages beside a floor.")
    parser.add_argument("--tickets", default="1000", help="how large the desks are, e.g. 1000,100000,1000000")
    parser.add_argument("--database", default="sqlite,postgresql", help="sqlite, postgresql or both")
    parser.add_argument("--clients", default="1,8", help="how many ask at once")
    parser.add_argument("--runs", type=int, default=3, help="the median of so many")
    parser.add_argument("--seconds", type=float, default=1.5, help="how long a run asks for one page")
    parser.add_argument("--pages", default="", help="beginnings of names: list,search; all for none")
    parser.add_argument("--only", default="", choices=("", "mail", "memory"), help="one part instead of the pages")
    parser.add_argument("--json", help="write the figures here")
    parser.add_argument("--compare", nargs=2, metavar="FILE", help="measure nothing, compare two such files")
    return parser.parse_args(words)
