"""What a run gives away and takes back: its model, its curve, its confusion matrix, its examples, its predictions.

Functions for the table of questions, each short enough for a worker that trains others; and how a model is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from data.dataset import Dataset
from data.scaling import PER_IMAGE
from engine.formulas import metrics
from lab.training import model_file
from lab.training.build import build
from lab.training.model_file import Model
from lab.training.run import Run

Answer = tuple[dict[str, Any], dict[str, np.ndarray]]
MOST_NUMBERS = 4_000_000  # that one question may carry, there or back
AT_ONCE = 500_000_000  # multiply-adds that one question may cost, some 50 ms


def model(run: Run, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """All of a model file (lab/training/model_file.py)."""
    return model_file.capture(run.experiment, run.dataset, run.trainer)


def load(run: Run, model: Model, weights_only: bool) -> None:
    """Make a run stand where a saved one stood, or with `weights_only` begin with its weights and the settings of now.

    Raises ValueError, and leaves the run as it was, for a file that does not fit.
    """
    experiment = run.experiment if weights_only else model.experiment
    built = build(experiment)
    (model_file.take_weights if weights_only else model_file.restore)(built.trainer, model)
    run.rebuild(experiment, built)
    if reason := run.trainer.stopped:
        run.status, run.notice = "stopped", reason
    elif run.trainer.steps:
        run.status = "paused"
    if model_file.is_rescaled(run.dataset, model):
        run.notice = model_file.RESCALED


def curves(run: Run, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """epochs (n,) and values (4, n): train loss, test loss, train score, test score."""
    history = run.trainer.history
    return {"score": run.trainer.score_name}, {"epochs": history.epochs, "values": history.values}


def confusion(run: Run, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """counts (C, C) over the test part, rows truth, columns prediction. Raises ValueError for regression."""
    if run.dataset.kind != "classification":
        raise ValueError("This data has no classes; a confusion matrix is for classification.")
    run.trainer.evaluate()
    counts = metrics.confusion_matrix(run.trainer.predicted[1], run.dataset.y_test, run.dataset.classes)
    return {"classes": list(run.dataset.class_names)}, {"counts": counts}


def inputs(run: Run, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """What the network wants of an example from outside, and how many examples one question may bring."""
    dataset, width = run.dataset, run.dataset.x_train.shape[1]
    columns = ["x1", "x2"] if dataset.encode else list(dataset.feature_names)
    rows = min(MOST_NUMBERS // max(width, len(columns)), AT_ONCE // max(1, run.multiply_adds))
    header = {"columns": columns, "picture": dataset.image_shape is not None, "rows": max(1, rows)}
    return header | {"kind": dataset.kind, "classes": list(dataset.class_names), "epoch": run.trainer.epochs}, {}


def predict(run: Run, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """x (N, columns) in the units of the data -> answers (N,): class numbers, or values in their units."""
    x = as_inputs(run.dataset, arrays["x"]).astype(run.trainer.network.dtype, copy=False)
    answers = run.trainer.objective.predict(run.trainer.network.forward(x))
    return {}, {"answers": run.dataset.to_units(answers) if run.dataset.kind == "regression" else answers}


def as_inputs(dataset: Dataset, raw: np.ndarray) -> np.ndarray:
    """Examples (N, columns) in the units of the data -> inputs (N, D) float32, as those of the test part were made."""
    return dataset.encode(raw) if dataset.encode else dataset.inputs(raw)


def rows(run: Run, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """A piece of the examples as the network sees them: facts {part: train | test, start}.

    x (n, D) in float32, or as uint8 pixels where all say the same; t (n, O) targets, with class weights (n, O + 1). The
    header says how many there are in all, how many were sent, and what a script must know of them.
    """
    trainer, dataset = run.trainer, run.dataset
    x, t = (trainer.x_train, trainer.t_train) if facts["part"] == "train" else (trainer.x_test, trainer.t_test)
    start, width = int(facts["start"]), x.shape[1]
    piece = slice(start, start + max(1, MOST_NUMBERS // width))
    found, pixels = x[piece].astype(np.float32, copy=False), _are_pixels(run)
    if pixels:
        found = np.rint(found * dataset.x_scale + dataset.x_mean).astype(np.uint8)
    header = {"total": len(x), "sent": len(found), "pixels": pixels, "epoch": trainer.epochs}
    return header | {"weighted": trainer.objective.class_weights is not None}, {"x": found, "t": t[piece]}


def _are_pixels(run: Run) -> bool:
    """Whether every input stands for a whole pixel, as it does unless noise was added."""
    dataset = run.dataset
    return dataset.image_shape is not None and not run.experiment.noise and dataset.scaling != PER_IMAGE


def scaling(run: Run, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """mean (D,) and scale (D,): input = (raw - mean) / scale."""
    return {}, {"mean": run.dataset.x_mean, "scale": run.dataset.x_scale}
