"""Exports of an experiment: scripts for NumPy, PyTorch and Keras, an ONNX model, and a zip of all."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lab.experiment.experiment import Experiment
from lab.export.common import USUAL_EPOCHS, ExportError, Plan
from lab.export.keras_script import keras_script
from lab.export.numpy_script import numpy_script
from lab.export.pytorch_script import pytorch_script

__all__ = ["ONNX_WITHIN", "SCRIPTS", "Examples", "ExportError", "Plan", "Script", "gather", "plan_of", "zipped"]

Ask = Callable[..., tuple[dict[str, Any], dict[str, np.ndarray]]]  # ask(query, options) -> answer


@dataclass(frozen=True)
class Script:
    """A kind of script that an experiment can be exported to."""

    label: str  # the name of the library, of WITHIN in common.py
    file: str
    make: Callable[[Plan], str]  # raises ExportError
    sentence: str


SCRIPTS = {
    "numpy": Script(
        "NumPy", "train_numpy.py", numpy_script,
        "Nothing but NumPy, with the formulas of this playground word for word."),
    "pytorch": Script(
        "PyTorch", "train_pytorch.py", pytorch_script,
        "The same network, weights and batches in PyTorch, where autograd finds the gradients."),
    "keras": Script(
        "Keras", "train_keras.py", keras_script,
        "The same network, weights and batches in Keras 3, with whichever backend it is set to."),
}  # fmt: skip
NOTE = """Contents

train_numpy.py, train_pytorch.py, train_keras.py  the experiment as code; each needs data.npz beside it
data.npz         the examples, prepared for the network: x_train, t_train, x_test, t_test
experiment.json  the settings; python -m lab run experiment.json trains them in Backprop Playground without a browser
"""
ONNX_WITHIN = 2e-5  # of the largest answer: how far those of the ONNX model agree with the network's


@dataclass(frozen=True)
class Examples:
    """All examples, prepared for the network. x: (N, D) float32, or uint8 pixels with mean, scale (D,); t: (N, O)."""

    x_train: np.ndarray
    t_train: np.ndarray
    x_test: np.ndarray
    t_test: np.ndarray
    mean: np.ndarray | None = None
    scale: np.ndarray | None = None

    def to_npz(self) -> bytes:
        file = io.BytesIO()
        np.savez_compressed(file, **{name: array for name, array in vars(self).items() if array is not None})
        return file.getvalue()


def plan_of(experiment: Experiment, header: dict[str, Any]) -> Plan:
    """The plan of an experiment. header: of the answer to the query "rows" about its training part."""
    return Plan(
        experiment,
        experiment.epochs or header["epoch"] or USUAL_EPOCHS,
        header["total"],
        pixels=header["pixels"],
        weighted=header["weighted"],
    )


def gather(ask: Ask) -> Examples:
    """All examples of a run, queried in pieces."""
    parts: dict[str, np.ndarray] = {}
    for part in ("train", "test"):
        pieces, done = [], 0
        while not pieces or done < pieces[0][0]["total"]:
            pieces.append(ask("rows", {"part": part, "start": done}))
            done += pieces[-1][0]["sent"]
        parts |= {f"{name}_{part}": np.concatenate([arrays[name] for _, arrays in pieces]) for name in "xt"}
    _, arrays = ask("scaling", {})
    pixels = parts["x_train"].dtype == np.uint8
    return Examples(**parts, **(arrays if pixels else {}))


def zipped(plan: Plan, examples: Examples) -> bytes:
    """A zip file of all exports. A script that does not cover the experiment is left out; the note says why."""
    file, left_out = io.BytesIO(), []
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for script in SCRIPTS.values():
            try:
                archive.writestr(script.file, script.make(plan))
            except ExportError as problem:
                left_out.append(f"{script.file} is not here: {problem}\n")
        archive.writestr("data.npz", examples.to_npz(), zipfile.ZIP_STORED)
        archive.writestr("experiment.json", plan.experiment.to_json())
        archive.writestr("README.txt", NOTE + "".join(left_out))
    return file.getvalue()
