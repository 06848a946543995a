"""Queries about a network that classifies pictures: its wrong predictions, and its prediction for a drawing.

The size and cost of an answer are bounded, so queries can be sent during training.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from data import Dataset
from data.drawing_preparation import PreparedDrawing, moved, prepare_drawing
from engine.formulas import metrics
from engine.training.trainer import Trainer
from lab.protocol.messages import Answer
from lab.training.probes import as_bytes, confusion
from lab.training.run import Run

Options = Mapping[str, Any]
Arrays = Mapping[str, np.ndarray]

MAX_PICTURES = 24  # in one answer
MAX_FILTERS = 64  # or units of the first layer, in one answer
MAX_MULTIPLY_ADDS = 1e8  # of one answer, some 30 ms
PAD_SIDE = 84  # rows and columns of a drawing in pixels
MAX_SHIFT_PIXELS, MAX_TURN_DEGREES, MAX_THICKENING_PIXELS = 12, 60, 3
MAX_CHANGES = {
    "right": MAX_SHIFT_PIXELS, "down": MAX_SHIFT_PIXELS, "turn": MAX_TURN_DEGREES, "thicken": MAX_THICKENING_PIXELS,
}  # fmt: skip


def images(run: Run, options: Options, arrays: Arrays) -> Answer:
    """The test part at the latest evaluation: confusion (C, C), and scores (4, C): precision, recall, F1 and count."""
    dataset, trainer = _of_pictures(run), run.trainer
    scores = run.frames.scores(run.status)
    counts = confusion(trainer)
    header = {
        "status": run.status,
        "epoch": trainer.epochs,
        "build": run.build_number,
        "classes": list(dataset.shown_class_names),
        "test": len(dataset.x_test),
        "test_accuracy": scores.test_score,
    }
    return header, {"confusion": counts, "scores": np.array(metrics.class_scores(counts), dtype=np.float32)}


def cell(run: Run, options: Options, arrays: Arrays) -> Answer:
    """The first test pictures of the class `truth` that were predicted as the class `read`, with their predictions."""
    dataset, trainer = _of_pictures(run), run.trainer
    truth, read = (_whole(options, name, 0, dataset.classes - 1) for name in ("truth", "read"))
    rows = np.flatnonzero((dataset.y_test == truth) & (_predicted(trainer) == read))
    return {"count": len(rows)}, _shown(run, rows[:MAX_PICTURES])


def mistakes(run: Run, options: Options, arrays: Arrays) -> Answer:
    """The wrong predictions for test pictures with the highest probability, the highest first.

    `searched` of the `count` mistakes were compared, as many as MAX_MULTIPLY_ADDS allows.
    """
    dataset, trainer = _of_pictures(run), run.trainer
    rows = np.flatnonzero(_predicted(trainer) != dataset.y_test)
    searched = rows[: max(MAX_PICTURES, int(MAX_MULTIPLY_ADDS / max(run.frames.multiply_adds, 1)))]
    shares = _shares(trainer, trainer.x_test[searched])
    wrong = shares.argmax(axis=1) != dataset.y_test[searched]  # training has continued since the evaluation
    order = np.argsort(-np.where(wrong, shares.max(axis=1, initial=0), -1), kind="stable")
    order = order[: min(MAX_PICTURES, wrong.sum())]
    return {"count": len(rows), "searched": len(searched)}, _shown(run, searched[order])


def _predicted(trainer: Trainer) -> np.ndarray:
    """Predicted classes of the test pictures at the latest evaluation, (N,)."""
    if len(trainer.predicted["test"]) != len(trainer.y_test):
        trainer.evaluate()
    return trainer.predicted["test"]


def picture(run: Run, options: Options, arrays: Arrays) -> Answer:
    """One test picture with changes; see `changed`."""
    return changed(_of_pictures(run), run.trainer, options)


def drawing(run: Run, options: Options, arrays: Arrays) -> Answer:
    """The prediction for a drawing ink (PAD_SIDE, PAD_SIDE) uint8: `picture` is the input, `shares` (C,) the result."""
    ink = arrays.get("ink")
    if ink is None or ink.shape != (PAD_SIDE, PAD_SIDE) or ink.dtype != np.uint8:
        raise ValueError(f"A drawing has {PAD_SIDE} by {PAD_SIDE} bytes, 0 for paper and 255 for ink.")
    return read(_of_pictures(run), run.trainer, ink)


def first_layer(run: Run, options: Options, arrays: Arrays) -> Answer:
    """The weights of the first layer as pictures (F, rows, columns) uint8: 128 is zero, the ends are +-`largest`."""
    dataset, trainer = _of_pictures(run), run.trainer
    W = trainer.network.weights[0][0]  # (inputs of a unit, units)
    convolves = bool(run.experiment.conv)
    shape = (3, 3) if convolves else dataset.image_shape
    assert shape is not None
    tiles = W.T[:MAX_FILTERS].reshape(-1, *shape)
    largest = float(np.abs(tiles).max(initial=0))
    header = {
        "status": run.status,
        "epoch": trainer.epochs,
        "build": run.build_number,
        "units": W.shape[1],
        "largest": largest,
        "filters": convolves,
    }
    return header, {"weights": as_bytes(tiles / (largest or 1))}


QUERIES = {
    "images": images,
    "cell": cell,
    "mistakes": mistakes,
    "picture": picture,
    "drawing": drawing,
    "first_layer": first_layer,
}


# Prediction -----------------------------------------------------------------------------------------------------------


def read(dataset: Dataset, trainer: Trainer, ink: np.ndarray) -> Answer:
    """The prediction of a network for a drawing; see `drawing`. The header says whether it is `empty`."""
    prepared = _prepared(dataset, ink)
    shares = _shares(trainer, dataset.inputs(prepared.picture.reshape(1, -1)))[0]
    header = {"empty": prepared.empty, "box": prepared.box, "classes": list(dataset.shown_class_names)}
    return header, {"picture": prepared.picture, "shares": shares}


def _prepared(dataset: Dataset, ink: np.ndarray) -> PreparedDrawing:
    assert dataset.image_shape is not None
    assert dataset.images_test is not None
    prepared = prepare_drawing(ink, dataset.image_shape)
    if dataset.images_test[:100].mean() > 127:  # dark on light
        return prepared._replace(picture=255 - prepared.picture)
    return prepared


def changed(dataset: Dataset, trainer: Trainer, options: Options) -> Answer:
    """The test picture `row`, shifted `right` and `down` by pixels, turned by degrees and thickened by pixels.

    raw (rows, columns) uint8: without preparation; picture: prepared like a drawing. raw_shares and shares (C,): the
    predictions for both.
    """
    assert dataset.images_test is not None
    row = _whole(options, "row", 0, len(dataset.y_test) - 1)
    changes = {name: _whole(options, name, -most, most) for name, most in MAX_CHANGES.items()}
    original = dataset.images_test[row]
    # The padding keeps everything that leaves the picture; the unprepared input is cropped to it.
    edge = 2 * MAX_SHIFT_PIXELS
    wide = moved(np.pad(original, edge), **changes)
    raw, prepared = wide[edge:-edge, edge:-edge], _prepared(dataset, wide)
    inputs = dataset.inputs(np.stack([raw.ravel(), prepared.picture.ravel()]))
    raw_shares, shares = _shares(trainer, inputs)
    header = {
        "row": row,
        "truth": int(dataset.y_test[row]),
        "test": len(dataset.y_test),
        "classes": list(dataset.shown_class_names),
        "empty": prepared.empty,
    }
    return header, {"raw": raw, "raw_shares": raw_shares, "picture": prepared.picture, "shares": shares}


def _shares(trainer: Trainer, inputs: np.ndarray) -> np.ndarray:
    """(N, D) inputs -> (N, C) float32, the probability of each class."""
    z = trainer.network.forward(inputs.astype(trainer.network.dtype, copy=False))
    return np.nan_to_num(trainer.objective.probabilities(z)).astype(np.float32)


def _shown(run: Run, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Pictures, numbers, true classes and probabilities of some test rows."""
    dataset = run.dataset
    assert dataset.images_test is not None
    return {
        "rows": rows.astype(np.int32),
        "pictures": dataset.images_test[rows],
        "truth": dataset.y_test[rows].astype(np.int32),
        "shares": _shares(run.trainer, run.trainer.x_test[rows]),
    }


def _of_pictures(run: Run) -> Dataset:
    if run.dataset.images_test is None or not run.dataset.classes:
        raise ValueError("This network does not classify pictures: choose a data set of pictures first.")
    return run.dataset


def _whole(options: Options, name: str, low: int, high: int) -> int:
    value = options.get(name, 0)
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"{name}: allowed: a whole number from {low:,} to {high:,}.")
    return value
