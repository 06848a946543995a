"""A report on a trained network: layers, metrics and diagnostics."""

from __future__ import annotations

from typing import Any

from data import Dataset
from engine.formulas import metrics
from engine.step.data import Part
from engine.training.diagnostics import diagnose
from engine.training.gradient_check import check
from engine.training.rate_finder import find_rate
from engine.training.trainer import Trainer
from lab.training import probes


def report(trainer: Trainer, dataset: Dataset) -> dict[str, Any]:
    """A report as plain values for JSON: metrics of the test part, and of the validation part if there is one.

    Figures without a value (0/0) are NaN. The trainer does not change.
    """
    trainer.synchronize()
    trainer.evaluate()
    return {
        "summary": [line._asdict() for line in trainer.network.summary()],
        "metrics": _metrics(trainer, dataset, "test"),
        "validation_metrics": _metrics(trainer, dataset, "validation"),
        "layers": [layer._asdict() for layer in diagnose(trainer)],
        "suggested_learning_rate": find_rate(trainer, from_start=True).suggestion,
    }


def _metrics(trainer: Trainer, dataset: Dataset, part: str) -> dict[str, Any] | None:
    if part not in trainer.data.parts:
        return None
    if dataset.classes:
        return _classification(trainer, trainer.data.parts[part])
    errors = probes.errors(trainer, dataset, part)
    return {"r2": trainer.evaluate().of(part)[1], "mae": errors["mae"], "rmse": errors["rmse"]}


def _classification(trainer: Trainer, part: Part) -> dict[str, Any]:
    labels, classes = part.labels, trainer.objective.classes
    z = trainer.network.forward(part.x)
    p = trainer.objective.probabilities(z)
    matrix = metrics.confusion_matrix(trainer.objective.predict(z), labels, classes)
    scores = metrics.class_scores(matrix)
    return {
        "confusion": matrix.tolist(),
        "precision": scores.precision.tolist(),
        "recall": scores.recall.tolist(),
        "f1": scores.f1.tolist(),
        "macro_precision_recall_f1": list(scores.macro),
        "top_3": metrics.top_k(p, labels, min(3, classes)),
        "auc": metrics.roc_curve(p[:, 1], labels).auc if classes == 2 else None,
    }


def gradient_check(trainer: Trainer, samples: int = 8, entries: int = 40) -> dict[str, Any]:
    """Backpropagation against central differences on a few samples: number of entries, and the worst one.

    Only useful in float64: rounding in float32 exceeds the differences.
    """
    x, t = trainer.x_train[:samples], trainer.t_train[:samples]
    checks = check(trainer.network, trainer.objective, x, t, entries=entries)
    worst = max(checks, key=lambda c: c.error)
    return {"checked": len(checks), "worst": worst._asdict()}
