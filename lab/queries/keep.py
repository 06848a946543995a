"""The query for what is kept of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lab.protocol.messages import Answer
from lab.queries.gallery import first_layer
from lab.training.change_log import fingerprint
from lab.training.probes import PlaneMap
from lab.training.run import Run

MAP_SIDE = 40  # points along a side of a map
GRID = 2  # pictures along a side of a thumbnail of several
MAX_PICTURE_SIDE = 32  # of one of them, in pixels


def keep(run: Run, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """What a run has reached, and how to repeat it; epochs and values of its curve, and a thumbnail if it has one.

    replay: None for a run that cannot be repeated.
    """
    trainer = run.trainer
    found, history = trainer.evaluate()._asdict(), trainer.history
    replay = run.log.replay(trainer, run.experiment)
    header = {
        "replay": replay and replay.to_values(),
        "status": run.status, "epoch": trainer.epochs, "steps": trainer.steps, "seconds": trainer.seconds,
        "score": trainer.score_name, "last": found, "fingerprint": fingerprint(trainer),
        "way": trainer.executor.way, "dtype": str(trainer.network.dtype),
        "device": trainer.backend.name if trainer.backend else "cpu",
    }  # fmt: skip
    kind, levels = _thumbnail(run)
    pictures = {} if levels is None else {"thumbnail": levels}
    return {**header, "thumbnail": kind}, {"epochs": history.epochs, "values": history.values, **pictures}


def replay(run: Run, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """How to repeat a run up to here, or None where that cannot be, and its status."""
    found = run.log.replay(run.trainer, run.experiment)
    return {"replay": found and found.to_values(), "status": run.status}, {}


def _thumbnail(run: Run) -> tuple[str, np.ndarray | None]:
    """A map of the plane, or the weights of the first units as pictures: its encoding, and (height, width) bytes."""
    if run.dataset.encode:
        plane = PlaneMap(run.dataset, run.trainer, MAP_SIDE)
        return plane.encoding, plane()
    if run.dataset.images_test is None:
        return "", None
    weights = first_layer(run, {}, {})[1]["weights"][: GRID * GRID]
    every = -(-max(weights.shape[1:]) // MAX_PICTURE_SIDE)
    tiles = np.concatenate([weights, np.full((GRID * GRID - len(weights), *weights.shape[1:]), 128, np.uint8)])
    tiles = tiles[:, ::every, ::every]
    return "value", np.block([[tiles[row * GRID + column] for column in range(GRID)] for row in range(GRID)])
