"""Queries for downloads: model, curves, confusion matrix, examples and predictions.

Each is short enough for a worker that also trains other runs. `load` continues a saved model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from data.dataset import Dataset
from data.scaling import PER_IMAGE
from engine.formulas import metrics
from lab.experiment.experiment import Experiment
from lab.protocol.messages import Answer
from lab.training import model_file
from lab.training.build import build
from lab.training.model_file import Model
from lab.training.run import Run

MAX_NUMBERS = 4_000_000  # in the arrays of one query or answer
MAX_MULTIPLY_ADDS = 500_000_000  # of one query, some 50 ms


def model(run: Run, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """The content of a model file; see lab/training/model_file.py."""
    return model_file.capture(run.experiment, run.dataset, run.trainer)


def load(run: Run, model: Model, experiment: Experiment | None) -> None:
    """Continue a saved run of that experiment; None: start a run of the current experiment with the saved weights.

    Raises ValueError, and leaves the run unchanged, for a file that does not fit.
    """
    built = build(experiment or run.experiment)
    (model_file.restore if experiment else model_file.take_weights)(built.trainer, model)
    run.rebuild(experiment or run.experiment, built)
    if reason := run.trainer.stopped:
        run.status, run.notice = "stopped", reason
    elif run.trainer.steps:
        run.status = "paused"
    if experiment and model.metadata.get("acted_on_test"):
        run.notice = f"{run.notice} {model_file.ACTED_ON_TEST}".lstrip()
    if model_file.is_rescaled(run.dataset, model):
        run.notice = model_file.RESCALED


def curves(run: Run, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """epochs (n,) and values (columns, n): train loss, test loss, train score, test score.

    With a validation part, its loss and score follow.
    """
    history = run.trainer.history
    return {"score": run.trainer.score_name}, {"epochs": history.epochs, "values": history.values}


def confusion(run: Run, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """counts (C, C) of the test part: true classes in rows, predicted ones in columns. ValueError for regression."""
    if run.dataset.kind != "classification":
        raise ValueError("This data has no classes; a confusion matrix is for classification.")
    run.trainer.evaluate()
    counts = metrics.confusion_matrix(run.trainer.predicted["test"], run.dataset.y_test, run.dataset.classes)
    return {"classes": list(run.dataset.class_names)}, {"counts": counts}


def inputs(run: Run, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """The recipe for new examples, and the maximum number of examples in a query."""
    dataset, width = run.dataset, run.dataset.x_train.shape[1]
    numbers = MAX_NUMBERS // max(width, len(dataset.recipe.columns))
    rows = max(1, min(numbers, MAX_MULTIPLY_ADDS // max(1, run.frames.multiply_adds)))
    header = {"recipe": dataset.recipe.to_values(), "rows": rows}
    return header | {"kind": dataset.kind, "classes": list(dataset.class_names), "epoch": run.trainer.epochs}, {}


def predict(run: Run, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """x (N, columns) in the units of the data -> answers (N,): class numbers, or values in their units."""
    x = as_inputs(run.dataset, arrays["x"]).astype(run.trainer.network.dtype, copy=False)
    answers = run.trainer.objective.predict(run.trainer.network.forward(x))
    return {}, {"answers": run.dataset.to_units(answers) if run.dataset.kind == "regression" else answers}


def as_inputs(dataset: Dataset, raw: np.ndarray) -> np.ndarray:
    """Examples (N, columns) in the units of the data -> inputs (N, D) float32, transformed like the test part."""
    return dataset.encode(raw) if dataset.encode else dataset.inputs(raw)


def rows(run: Run, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """A slice of the examples as inputs of the network: options {part: train | validation | test, start}.

    x (n, D) in float32, or as uint8 pixels if those are equivalent; t (n, O) targets, with class weights (n, O + 2).
    The header has the total number of examples, the number sent, and their properties for a script.
    """
    trainer, dataset = run.trainer, run.dataset
    x, t, _ = trainer.data.parts[options["part"]]
    start, width = int(options["start"]), x.shape[1]
    piece = slice(start, start + max(1, MAX_NUMBERS // width))
    found, pixels = x[piece].astype(np.float32, copy=False), _are_pixels(run)
    if pixels:
        found = np.rint(found * dataset.x_scale + dataset.x_mean).astype(np.uint8)
    header = {"total": len(x), "sent": len(found), "pixels": pixels, "epoch": trainer.epochs}
    header |= {
        "tests": len(trainer.data.test.x),
        "weighted": trainer.objective.class_weights is not None,
        "table": _is_table(dataset),
    }
    return header, {"x": found, "t": t[piece]}


def _are_pixels(run: Run) -> bool:
    """Whether every input can be converted back to a whole pixel value, which noise prevents."""
    dataset = run.dataset
    return dataset.image_shape is not None and not run.experiment.noise and dataset.scaling != PER_IMAGE


def _is_table(dataset: Dataset) -> bool:
    return dataset.encode is None and dataset.image_shape is None


def scaling(run: Run, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """mean (D,) and scale (D,): input = (raw - mean) / scale. The header has what new rows of a table need besides."""
    dataset = run.dataset
    header = {"recipe": dataset.recipe.to_values() if _is_table(dataset) else None, "y_mean": dataset.y_mean,
              "y_scale": dataset.y_scale, "classes": list(dataset.class_names)}  # fmt: skip
    return header, {"mean": dataset.x_mean, "scale": dataset.x_scale}
