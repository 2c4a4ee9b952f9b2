"""How much is tried at random. The same seed each time, so that what fails once fails again; more with DESKHAND_FUZZ=20."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

TIMES = float(os.environ.get("DESKHAND_FUZZ", "1"))
"""1 fits into the suite; a night may have 100."""


def bounded(examples: int) -> settings:
    return settings(
        max_examples=max(1, int(examples * TIMES)),
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
