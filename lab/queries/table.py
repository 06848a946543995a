"""The queries that a page can send about a run: one table, name -> function. A query does not change the run.

An answer is a header of plain values and a dictionary of arrays, as in a frame. It should take 50 ms at most, because
other runs of the process wait meanwhile; longer work is split into several queries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from engine.training import checkpoint
from lab.protocol.messages import GROUP, PAIR, Answer
from lab.queries import downloads, examples, gallery, health, landscape, rate_test
from lab.queries.function_values import batch_outputs, plane, pre_activations
from lab.queries.gradient_check import gradient_check, gradient_sweep
from lab.queries.group import group, pair
from lab.queries.keep import keep, replay
from lab.queries.one_step import one_step
from lab.training.run import Run

Query = Callable[[Run, Mapping[str, Any], Mapping[str, np.ndarray]], Answer]


def weights(run: Run, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """The complete state of the trainer, as engine/training/checkpoint.py captures it."""
    return {"epoch": run.trainer.epochs}, checkpoint.capture(run.trainer)


QUERIES: dict[str, Query] = {
    "weights": weights,
    "points": examples.points,
    "model": downloads.model,
    "curves": downloads.curves,
    "confusion": downloads.confusion,
    "keep": keep,
    "replay": replay,
    "inputs": downloads.inputs,
    "predict": downloads.predict,
    "rows": downloads.rows,
    "scaling": downloads.scaling,
    "pre_activations": pre_activations,
    "batch_outputs": batch_outputs,
    "plane": plane,
    "one_step": one_step,
    "gradient_check": gradient_check,
    "gradient_sweep": gradient_sweep,
    **gallery.QUERIES,
    GROUP: group,
    PAIR: pair,
    "health": health.health,
    "rate_test": rate_test.rate_test,
    "landscape": landscape.begin,
    "landscape_more": landscape.continue_work,
    "landscape_race": landscape.run_race,
    "landscape_weights": landscape.choices,
}


def ask(run: Run, query: str, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """The answer to a query about a run. Raises ValueError for one that is not in the table."""
    if query not in QUERIES:
        raise ValueError(f"{query[:40]} is not a query; allowed: {', '.join(QUERIES)}.")
    run.watch()
    run.trainer.synchronize()
    with np.errstate(all="ignore"):
        return QUERIES[query](run, options, arrays)
