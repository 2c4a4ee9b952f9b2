"""How much work something takes, as a multiple of a piece of work done in the same breath.

Seconds would say how busy the machine is; a multiple says whether a text can make us work out of all proportion, which
is what the tests that use it ask.
"""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Callable

TRIES = 3
_PIECE = "On Monday, Kim <kim@example.org> wrote: " * 250


def _spent(deed: Callable[[], object]) -> float:
    began = time.process_time()
    deed()
    return time.process_time() - began


def _yardstick() -> None:
    """About 50 ms of what a desk does all day: text split, matched and counted, on a machine that does nothing else."""
    for _turn in range(80):
        counted: dict[str, int] = {}
        for word in re.split(r"[\s,<>@.]+", _PIECE):
            counted[word] = counted.get(word, 0) + 1
        re.sub(r"(\w+)@(\w+)\.(\w+)", r"\2", _PIECE)


def effort(deed: Callable[[], object], enough: float) -> float:
    """How many yardsticks of processor time `deed` takes: the least of a few tries, which end with one below `enough`.

    The collector leaves out what other tests made, as it does in the running desk with what was loaded before.
    """
    least = float("inf")
    gc.freeze()
    try:
        for _try in range(TRIES):
            before = _spent(_yardstick)
            spent = _spent(deed)
            least = min(least, spent / max(before, _spent(_yardstick)))
            if least < enough:
                break
    finally:
        gc.unfreeze()
    return least
