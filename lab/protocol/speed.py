"""How fast a watched run trains: from one batch per second to as fast as possible."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Speed(NamedTuple):
    name: str
    label: str
    epochs_per_frame: float  # how much training one frame allows; infinity: no limit
    steps_per_second: float
    rest: int = 0  # least ms from frame to frame: painting takes time from training
    finishes: bool = False  # whether Play and every change train to the end of a run (epochs_to_finish) at once


SPEEDS = {
    s.name: s
    for s in (
        Speed("slow", "1 batch/second", np.inf, 1),
        Speed("batch", "10 batches/second", np.inf, 10),
        Speed("calm", "100 batches/second", np.inf, 100),
        Speed("epoch", "1 epoch/frame", 1, np.inf),
        Speed("fast", "10 epochs/frame", 10, np.inf),
        Speed("max", "Full speed", np.inf, np.inf, rest=33),
        Speed("instant", "Instant", np.inf, np.inf, rest=33, finishes=True),
    )
}


def speed_named(name: str) -> Speed:
    """Raises ValueError for a name that the table does not have."""
    if name not in SPEEDS:
        raise ValueError(f"speed: {name[:40]} is not allowed; allowed: one of {', '.join(SPEEDS)}.")
    return SPEEDS[name]
