"""A report on a trained network: layers, metrics and diagnostics."""

from __future__ import annotations

from typing import Any

from data import Dataset
from engine.formulas import metrics
from engine.training.diagnostics import diagnose
from engine.training.gradient_check import check
from engine.training.rate_finder import find_rate
from engine.training.trainer import Trainer
from lab.training import probes


def report(trainer: Trainer, dataset: Dataset) -> dict[str, Any]:
    """A report as plain values for JSON. The trainer does not change. Figures without a value (0/0) are NaN."""
    trainer.synchronize()
    scores = trainer.evaluate()
    of_kind = _classification(trainer) if dataset.classes else _regression(trainer, dataset, scores.test_score)
    return {
        "summary": [line._asdict() for line in trainer.network.summary()],
        "metrics": of_kind,
        "layers": [layer._asdict() for layer in diagnose(trainer)],
        "suggested_learning_rate": find_rate(trainer).suggestion,
    }


def _classification(trainer: Trainer) -> dict[str, Any]:
    labels, classes = trainer.y_test, trainer.objective.classes
    p = trainer.objective.probabilities(trainer.network.forward(trainer.x_test))
    matrix = probes.confusion(trainer)
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


def _regression(trainer: Trainer, dataset: Dataset, r2: float) -> dict[str, Any]:
    errors = probes.errors(trainer, dataset)
    return {"r2": r2, "mae": errors["mae"], "rmse": errors["rmse"]}


def gradient_check(trainer: Trainer, samples: int = 8, entries: int = 40) -> dict[str, Any]:
    """Backpropagation against central differences on a few samples: number of entries, and the worst one.

    Only useful in float64: rounding in float32 exceeds the differences.
    """
    x, t = trainer.x_train[:samples], trainer.t_train[:samples]
    checks = check(trainer.network, trainer.objective, x, t, entries=entries)
    worst = max(checks, key=lambda c: c.error)
    return {"checked": len(checks), "worst": worst._asdict()}
