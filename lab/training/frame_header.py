"""The figures of a frame: how a run stands, as plain numbers and words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab.training.run import Run


def facts(run: Run) -> dict[str, Any]:
    t, d, scores = run.trainer, run.dataset, run.shown_scores
    classify = d.kind == "classification"
    return {
        "status": run.status,
        "notice": run.notice,
        "epoch": t.epochs,
        "step": t.steps,
        "kind": d.kind,
        "inputs": d.x_train.shape[1],
        "train_loss": scores.train_loss,
        "test_loss": scores.test_loss,
        "train_accuracy": scores.train_score if classify else None,
        "test_accuracy": scores.test_score if classify else None,
        "train_r2": None if classify else scores.train_score,
        "test_r2": None if classify else scores.test_score,
        "learning_rate": float(run.experiment.learning_rate),
        "batch_size": t.batch_size,
        "steps_per_second": run.rate if run.status == "running" else 0.0,
        "seconds": t.seconds,
        "device": t.backend.name.replace("cuda:", "GPU ") if t.backend else "CPU",
        "dtype": str(t.network.dtype),
        "parameters": t.network.parameters.size,
        "build": run.build_number,
        "frame": run.frame_number,
        "classes": list(d.class_names),
        "class_numbers": run.class_numbers,
        "multiply_adds": run.multiply_adds,
        "epoch_ms": run.epoch_ms,
        "rest": run.speed.rest,
    }
