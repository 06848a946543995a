"""What a page may ask of a run between two steps: one table, name -> function. A question changes nothing.

An answer is a header of plain values and arrays, like a frame's. It should take some 50 ms at most, because the other
runs of the process wait for it: what takes longer is asked in pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from engine.training import checkpoint
from lab.queries import downloads, examples, gallery, health, landscape, rate_test
from lab.queries.function_values import batch_outputs, plane, pre_activations
from lab.queries.gradient_check import gradient_check, gradient_sweep
from lab.queries.one_step import one_step
from lab.training.run import Run

Answer = tuple[dict[str, Any], dict[str, np.ndarray]]
Question = Callable[[Run, Mapping[str, Any], Mapping[str, np.ndarray]], Answer]


def weights(run: Run, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """Everything that the trainer would need to go on elsewhere, as engine/training/checkpoint.py captures it."""
    return {"epoch": run.trainer.epochs}, checkpoint.capture(run.trainer)


QUESTIONS: dict[str, Question] = {
    "weights": weights,
    "points": examples.points,
    "model": downloads.model,
    "curves": downloads.curves,
    "confusion": downloads.confusion,
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
    **gallery.QUESTIONS,
    "health": health.health,
    "rate_test": rate_test.rate_test,
    "landscape": landscape.begin,
    "landscape_more": landscape.go_on,
    "landscape_race": landscape.run_race,
    "landscape_weights": landscape.choices,
}


def ask(run: Run, question: str, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """Answer a question about a run. Raises ValueError for one that is not in the table."""
    if question not in QUESTIONS:
        raise ValueError(f"{question[:40]} is no question; allowed: {', '.join(QUESTIONS)}.")
    run.watch()
    run.trainer.synchronize()
    with np.errstate(all="ignore"):
        return QUESTIONS[question](run, facts, arrays)
