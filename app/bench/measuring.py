"""Measures pages beside the floor, turn by turn, so that a busy moment of the machine strikes both."""

from __future__ import annotations

import dataclasses as dc
import statistics
from collections.abc import Iterator, Sequence

from app.bench.desks import Desk, get, say
from app.bench.line import Ask, Asked, ask_for
from app.bench.pages import Page, Scene
from app.bench.processes import cpu_ms

LEAST = 12
"""Requests of a run, however slow the page is."""
WARM_UP = 8


@dc.dataclass(frozen=True)
class Figures:
    """One page, asked for by so many clients: medians of the runs. Times are milliseconds."""

    database: str
    tickets: int
    page: str
    clients: int
    p50: float
    p95: float
    floors: float
    """p50 as a multiple of the floor's."""
    per_second: float
    statements: int
    web_cpu: float
    """Of the web server's processes, a request; with SQLite the database is in it."""
    database_cpu: float
    floor_cpu: float
    """Of web and database together, a request of the floor."""
    refused: int
    aim: float
    most_statements: int | None


@dc.dataclass(frozen=True)
class Run:
    page: Asked
    floor: Asked
    web_cpu: float
    database_cpu: float
    floor_cpu: float


class Measurement:
    """One desk, served, and its floor."""

    def __init__(self, desk: Desk, scene: Scene, web: int, floor: tuple[int, int], seconds: float) -> None:
        self.desk, self.scene, self.web, self.seconds = desk, scene, web, seconds
        self.floor_port, self.floor_web = floor
        self.database = [desk.home.server_id] if desk.database == "postgresql" else []

    def of(self, pages: Sequence[Page], clients: Sequence[int], runs: int) -> Iterator[Figures]:
        for page in pages:
            ask = page.make(self.scene)
            ask_for(self.desk.port, ask, 1, 0, WARM_UP)
            for count in clients:
                figures = self._figures(page, count, [self._run(_later(ask, place), count) for place in range(runs)])
                say(f"  {figures.page:<30} {figures.clients} × {figures.floors:5.1f} F  {figures.p50:6.1f} ms")
                yield figures

    def _run(self, ask: Ask, clients: int) -> Run:
        floor, floor_cpu = self._measured(self.floor_port, lambda client, turn: FLOOR, clients, self.floor_web)
        page, cpu = self._measured(self.desk.port, ask, clients, self.web)
        return Run(page, floor, cpu[0], cpu[1], sum(floor_cpu))

    def _measured(self, port: int, ask: Ask, clients: int, web: int) -> tuple[Asked, tuple[float, float]]:
        before = cpu_ms(web), cpu_ms(*self.database)
        asked = ask_for(port, ask, clients, self.seconds, LEAST)
        count = len(asked.ms)
        return asked, ((cpu_ms(web) - before[0]) / count, (cpu_ms(*self.database) - before[1]) / count)

    def _figures(self, page: Page, clients: int, runs: Sequence[Run]) -> Figures:
        middle = statistics.median
        return Figures(
            self.desk.database,
            self.desk.tickets,
            page.name,
            clients,
            p50=middle(quantile(run.page.ms, 50) for run in runs),
            p95=middle(quantile(run.page.ms, 95) for run in runs),
            floors=middle(quantile(run.page.ms, 50) / quantile(run.floor.ms, 50) for run in runs),
            per_second=middle(len(run.page.ms) / run.page.seconds for run in runs),
            statements=runs[-1].page.statements,
            web_cpu=middle(run.web_cpu for run in runs),
            database_cpu=middle(run.database_cpu for run in runs),
            floor_cpu=middle(run.floor_cpu for run in runs),
            refused=sum(run.page.refused for run in runs),
            aim=page.aim,
            most_statements=page.statements,
        )


FLOOR = get("/")


def _later(ask: Ask, run: int) -> Ask:
    """Turns of a later run are other turns: what a form sends is never the same twice."""
    return lambda client, turn: ask(client, turn + 1 + (run + 1) * 1_000_000 + client * 10_000)


def quantile(ms: Sequence[float], percent: int) -> float:
    """Of sorted values, the nearest one."""
    return ms[min(len(ms) * percent // 100, len(ms) - 1)]
