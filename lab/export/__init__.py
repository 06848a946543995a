"""Exports of an experiment: scripts for NumPy, PyTorch, Keras and C, an ONNX model, and a zip of all."""

from __future__ import annotations

import inspect
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from data.files.table_files import gap_words
from data.recipe import Recipe
from lab.experiment.experiment import Experiment
from lab.export import new_rows
from lab.export.c_script import c_script, c_step, data_file
from lab.export.common import USUAL_EPOCHS, ExportError, Plan
from lab.export.keras_script import keras_script
from lab.export.numpy_script import numpy_script
from lab.export.pytorch_script import pytorch_script

__all__ = [
    "ONNX_WITHIN",
    "SCRIPTS",
    "Examples",
    "ExportError",
    "Plan",
    "Script",
    "c_step",
    "gather",
    "plan_of",
    "zipped",
]

Ask = Callable[..., tuple[dict[str, Any], dict[str, np.ndarray]]]  # ask(query, options) -> answer


@dataclass(frozen=True)
class Script:
    """A kind of script that an experiment can be exported to."""

    label: str  # the name of the library, of WITHIN in common.py
    file: str
    make: Callable[[Plan], str]  # raises ExportError
    sentence: str
    language: str = "python"


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
    "c": Script(
        "C", "train.c", c_script,
        "One file that needs only a compiler: the loops that this playground makes of the formulas.", language="c"),
}  # fmt: skip
NOTE = """Contents

train_numpy.py, train_pytorch.py, train_keras.py  the experiment as code; each needs data.npz beside it
data.npz         the examples, prepared for the network: x_train, t_train, x_test, t_test
train.c          the same in C; its first line says how to compile and run it. It needs data.bin beside it
data.bin         what train.c reads: initial parameters, examples, and the learning rate of each step
experiment.json  the settings; python -m lab run experiment.json trains them in Backprop Playground without a browser,
                 on uploaded data with --table FILE --target COLUMN
"""
NEW_ROWS = """
python train_numpy.py NEW.csv (or another script) trains and predicts the rows of NEW.csv into predictions.csv:
new_rows.py      prepares a row, a dictionary from names of columns to text, as the training data was
recipe.json      how: words, gaps, scaling and labels. Numbers are read as the training file spells them
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
    recipe: dict[str, Any] | None = None  # how new rows of a table are prepared; see new_rows.py

    def to_npz(self) -> bytes:
        file = io.BytesIO()
        arrays: dict[str, Any] = {name: a for name, a in vars(self).items() if isinstance(a, np.ndarray)}
        np.savez_compressed(file, **arrays)
        return file.getvalue()


def plan_of(experiment: Experiment, header: dict[str, Any]) -> Plan:
    """The plan of an experiment. header: of the answer to the query "rows" about its training part."""
    return Plan(
        experiment,
        experiment.epochs or header["epoch"] or USUAL_EPOCHS,
        header["total"],
        pixels=header["pixels"],
        tests=header["tests"],
        weighted=header["weighted"],
        table=header["table"],
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
    header, arrays = ask("scaling", {})
    pixels = parts["x_train"].dtype == np.uint8
    return Examples(**parts, **(arrays if pixels else {}), recipe=_recipe(header, arrays))


def _recipe(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> dict[str, Any] | None:
    """The content of recipe.json; None if the data is no table. header, arrays: of the answer to "scaling"."""
    if header["recipe"] is None:
        return None
    recipe = Recipe.from_values(header["recipe"])
    return {
        **vars(recipe),
        **{name: array.tolist() for name, array in arrays.items()},
        **{name: header[name] for name in ("classes", "y_mean", "y_scale")},
        "columns": [vars(column) for column in recipe.columns],
        "encoding": "utf-8-sig" if recipe.encoding == "utf-8" else recipe.encoding,
        "decimal": recipe.decimal or ".",
        "missing": sorted(gap_words(recipe.missing)[0]),
        "target": recipe.target or ("Label" if header["classes"] else "Value"),
    }


def zipped(plan: Plan, examples: Examples) -> bytes:
    """A zip file of all exports. A script that does not cover the experiment is left out; the note says why."""
    file, left_out = io.BytesIO(), []
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for script in SCRIPTS.values():
            try:
                archive.writestr(script.file, script.make(plan))
            except ExportError as problem:
                left_out.append(f"{script.file} is not here: {problem}\n")
            else:
                if script.language == "c":
                    archive.writestr("data.bin", data_file(plan, examples))
        archive.writestr("data.npz", examples.to_npz(), zipfile.ZIP_STORED)
        archive.writestr("experiment.json", plan.experiment.to_json())
        if examples.recipe:
            recipe = examples.recipe | {"output": plan.experiment.output_name}
            archive.writestr("recipe.json", json.dumps(recipe, ensure_ascii=False, indent=1))
            archive.writestr("new_rows.py", inspect.getsource(new_rows))
        archive.writestr("README.txt", NOTE + (NEW_ROWS if examples.recipe else "") + "".join(left_out))
    return file.getvalue()
