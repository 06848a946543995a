"""How fast a run goes while somebody watches: from one batch a second to as fast as it can."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Speed(NamedTuple):
    name: str
    label: str
    epochs_per_frame: float  # how far one frame lets the run go on; infinity: as far as the processor gets
    steps_per_second: float
    rest: int = 0  # ms from one frame to the next at least: a picture takes time that training could have


SPEEDS = {
    s.name: s
    for s in (
        Speed("slow", "1 batch a second", np.inf, 1),
        Speed("batch", "10 batches a second", np.inf, 10),
        Speed("epoch", "1 epoch a frame", 1, np.inf),
        Speed("fast", "10 epochs a frame", 10, np.inf),
        Speed("max", "As fast as it can", np.inf, np.inf, rest=33),
    )
}


def speed_named(name: str) -> Speed:
    """Raises ValueError for a name that the table does not have."""
    if name not in SPEEDS:
        raise ValueError(f"speed: {name[:40]} is not allowed; allowed: one of {', '.join(SPEEDS)}.")
    return SPEEDS[name]
