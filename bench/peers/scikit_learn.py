"""scikit-learn's MLPClassifier, epoch by epoch with partial_fit: float32 inputs, no penalty, no momentum."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.neural_network import MLPClassifier

from bench.workloads import Workload

BATCHES = 50  # per epoch: one call trains a whole epoch, so large data is truncated to keep a run short


def make(workload: Workload, x: np.ndarray, y: np.ndarray, variant: str = "") -> Callable[[int], int]:
    model = MLPClassifier(
        workload.sizes[1:-1],
        activation="tanh" if workload.binary else "relu",
        solver=workload.optimizer,  # pyrefly: ignore
        alpha=0,
        batch_size=workload.batch,
        learning_rate_init=workload.learning_rate or 0.1,
        momentum=0,
        nesterovs_momentum=False,
    )
    classes = np.arange(2 if workload.binary else 10)
    if workload.kind == "grid":
        model.partial_fit(x, y, classes=classes)

        def look(looks: int) -> int:
            for _ in range(looks):
                model.predict_proba(x)
            return looks

        return look

    count = min(BATCHES, len(x) // workload.batch)
    x, y = x[: count * workload.batch], y[: count * workload.batch]

    def run(steps: int) -> int:
        epochs = max(1, round(steps / count))
        for _ in range(epochs):
            model.partial_fit(x, y, classes=classes)
        return epochs * count

    return run
