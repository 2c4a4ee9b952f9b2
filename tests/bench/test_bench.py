"""The bench itself: that it counts what it says, and says when something became slower."""

import dataclasses as dc
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.bench import pages, table
from app.bench.measuring import Figures, quantile
from app.bench.processes import cpu_ms, memory_mib

FIGURES = Figures("sqlite", 1000, "list, agent", 1, 8.0, 11.0, 9.5, 120.0, 8, 7.0, 0.0, 0.8, 0, 10, 8)


def test_a_page_over_its_statements_or_its_aim_is_marked() -> None:
    kept = "\n".join(table.written([FIGURES]))
    broken = "\n".join(table.written([dc.replace(FIGURES, floors=10.5, statements=9)]))

    assert "!" not in kept
    assert "10.5!" in broken and "9!" in broken


def test_refused_requests_are_never_hidden_in_a_fast_figure() -> None:
    assert "3 REFUSED" in "\n".join(table.written([dc.replace(FIGURES, refused=3)]))


def test_two_files_are_compared_page_by_page(tmp_path: Path) -> None:
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    table.save([FIGURES, dc.replace(FIGURES, page="gone")], before)
    table.save([dc.replace(FIGURES, web_cpu=14.0)], after)

    lines = list(table.compared(table.read(before), table.read(after)))

    assert len(lines) == 2
    assert lines[1].endswith("worse") and "list, agent" in lines[1]


@pytest.mark.parametrize(("percent", "found"), [(50, 51.0), (95, 96.0), (100, 100.0)])
def test_a_quantile_is_one_of_the_values(percent: int, found: float) -> None:
    assert quantile([float(n) for n in range(1, 101)], percent) == found


def test_processor_time_and_memory_are_of_the_whole_tree() -> None:
    burning = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\nprint(1, flush=True)\ninput()"
    with subprocess.Popen(
        ["/bin/sh", "-c", f"{sys.executable} -c '{burning}'; true"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as shell:
        assert shell.stdout is not None and shell.stdin is not None
        shell.stdout.readline()

        assert cpu_ms(shell.pid) >= 250
        assert memory_mib(shell.pid) > memory_mib(os.getpid()) / 1000
        shell.stdin.close()


def test_pages_are_chosen_by_the_beginning_of_their_names() -> None:
    assert [page.name for page in pages.chosen("portal, API")] == ["portal list", "API list", "API create"]
    assert len(list(pages.chosen(""))) == len(pages.PAGES)


def test_a_small_desk_is_made_served_measured_and_written_down(tmp_path: Path) -> None:
    """The word itself, on 60 tickets."""
    words = (
        "--tickets",
        "60",
        "--database",
        "sqlite",
        "--clients",
        "2",
        "--runs",
        "1",
        "--seconds",
        "0.1",
        "--pages",
        "dashboard,reply,API create",
    )
    environment = {**os.environ, "DESKHAND_BENCH": str(tmp_path), "DESKHAND_DATA": str(tmp_path / "none")}
    command = [sys.executable, "-P", "-m", "app.run", "bench", *words, "--json", str(tmp_path / "found.json")]

    ran = subprocess.run(
        command, env={**environment, "PYTHONPATH": str(Path.cwd())}, capture_output=True, text=True, timeout=240
    )

    assert ran.returncode == 0, ran.stderr[-2000:]
    found = {row["page"]: row for row in json.loads((tmp_path / "found.json").read_text())}
    assert set(found) == {"dashboard, agent", "dashboard, supervisor", "reply", "API create"}
    assert all(row["refused"] == 0 and row["floors"] > 0 and row["statements"] > 3 for row in found.values())
    assert (tmp_path / "desks/sqlite-60/loaded").exists()
