"""Whether the accuracy that is shown after early stopping is that of new data: shown minus fresh accuracy, over seeds.

Early stopping chooses the epoch that was best on the validation part, so the accuracy there is too good by chance. The
test part took no part in the choice: its accuracy differs from that of fresh points of the same distribution by chance
alone, with mean 0.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from engine.step.settings import MONITORS
from lab.experiment.experiment import Experiment
from lab.training.build import build
from lab.training.headless import train

BASE = Experiment(optimizer="adam", learning_rate=0.01, patience=100, validation_share=0.2)
WORKLOADS = {
    "circle": BASE.change(dataset="circle", samples=80, label_noise=0.5),  # labels are coin flips
    "moons": BASE.change(dataset="moons", samples=80, noise=0.3),
    "spiral": BASE.change(dataset="spiral", samples=120, noise=0.3),
    "gauss": BASE.change(dataset="gauss", samples=60, noise=0.3),
}
SEEDS = 100
FRESH_SAMPLES, OTHER_SEED = 4000, 7777


def measure(workloads: Sequence[str], seeds: int = SEEDS) -> list[dict[str, Any]]:
    """One row per data set and monitor: mean accuracies over the seeds 1 to `seeds`, and their differences."""
    return [_row(name, monitor, range(1, seeds + 1)) for name, monitor in product(workloads, MONITORS)]


def _row(name: str, monitor: str, seeds: Sequence[int]) -> dict[str, Any]:
    validation, test, fresh = np.transpose(
        [_accuracies(WORKLOADS[name].change(monitor=monitor, seed=s)) for s in seeds]
    )
    return {
        "data": name,
        "monitor": monitor,
        "validation": validation.mean(),
        "test": test.mean(),
        "fresh": fresh.mean(),
        **_difference("validation", validation - fresh),
        **_difference("test", test - fresh),
        "seeds": len(seeds),
    }


def _accuracies(experiment: Experiment) -> tuple[float, float, float]:
    """Of the chosen weights: on the validation part, on the test part, and on fresh points."""
    _, dataset, trainer = train(experiment)
    fresh = build(experiment.change(samples=FRESH_SAMPLES, seed=experiment.seed + OTHER_SEED, validation_share=0.0))[0]
    assert dataset.encode is not None
    points, labels = (np.concatenate([fresh.part(field, part) for part in fresh.parts]) for field in ("points", "y"))
    predicted = trainer.objective.predict(trainer.network.forward(dataset.encode(points)))
    scores = trainer.evaluate()
    return scores.validation_score, scores.test_score, float(np.mean(predicted == labels))


def _difference(part: str, values: np.ndarray) -> dict[str, float]:
    """Mean and standard error of the accuracy on a part minus that on fresh points."""
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return {f"{part}_minus_fresh": values.mean(), f"{part}_error": error}
