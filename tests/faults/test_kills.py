"""Processes of a real desk under load are killed at random moments: nothing is lost, nothing is doubled."""

import os
import random
import sys
import time
from pathlib import Path

import pytest

from tests.faults.real import processes_of
from tests.faults.storm import ShakySink, Storm
from tests.mail.smtp import serving

pytestmark = [pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc"), pytest.mark.timeout(1500)]

ROUNDS = int(os.environ.get("DESKHAND_KILL_ROUNDS") or "6")
SEED = int(os.environ.get("DESKHAND_KILL_SEED") or random.randrange(10**6))
"""Of the moments and the victims; the machine's own timing is never the same."""


def test_nothing_acknowledged_is_lost_or_doubled_whoever_is_killed(
    tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sink, began = ShakySink(random.Random(SEED)), time.monotonic()
    with serving(sink) as port:
        storm = Storm(tmp_path, database_url, sink, port, SEED)
        try:
            storm.begin()
            started = time.monotonic()
            for _ in range(ROUNDS):
                storm.round()
            ended = time.monotonic()
            storm.come_to_rest()
            assert storm.desk.stop() == 0
            assert processes_of(storm.desk.data) == []
            wrong = storm.wrong()
        finally:
            storm.desk.end()
            with capsys.disabled():
                print(f"\n{storm.desk.kind}: {storm.figures()}")

    with capsys.disabled():
        print(f"{(ended - started) / ROUNDS:.1f} s a round of {ROUNDS}, {time.monotonic() - began:.0f} s in all")
    assert wrong == [], f"seed {SEED}:\n" + "\n".join(wrong[:40])
