"""Exports agree with the playground: scripts print our losses, the ONNX model gives our predictions."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from engine import ACTIVATIONS, INITIALIZERS, OPTIMIZERS, SCHEDULES
from engine.formulas.losses import valid_losses, valid_outputs
from lab.experiment.experiment import Experiment
from lab.export import SCRIPTS, ExportError, gather, plan_of, zipped
from lab.queries.table import ask
from lab.training.model_file import Model
from lab.training.run import Run

BASE = Experiment(samples=60, hidden=(5, 4), epochs=6, learning_rate=0.05, batch_size=8)
SEVERAL = BASE.change(dataset="iris", learning_rate=0.02)
PAIRS = [
    (name, output, loss)
    for name, kind, classes in (
        ("circle", "classification", 2),
        ("iris", "classification", 3),
        ("plane", "regression", 0),
    )
    for output in valid_outputs(kind, classes)
    for loss in valid_losses(kind, output)
]
EXPERIMENTS = {
    **{f"activation {name}": BASE.change(activations=name) for name in ACTIVATIONS},
    **{f"{n} {o} {k}": BASE.change(dataset=n, output=o, loss=k, learning_rate=0.02) for n, o, k in PAIRS},
    **{f"optimizer {name}": BASE.change(optimizer=name, weight_decay=0.1) for name in OPTIMIZERS},
    **{f"initializer {name}": BASE.change(initializer=name, epochs=1) for name in INITIALIZERS},
    **{f"schedule {name}": BASE.change(schedule=name) for name in SCHEDULES},
    "penalties": BASE.change(l1=0.003, l2=0.01),
    "longest weights": BASE.change(max_norm=0.8),
    "clipped": BASE.change(clip_norm=0.05),
    "clipped values": BASE.change(clip_value=0.01),
    "both clipped": BASE.change(clip_norm=0.02, clip_value=0.01, l2=0.01),
    "class weights": SEVERAL.change(class_weights="balanced", label_smoothing=0.1),
    "class weights of two": BASE.change(class_weights="balanced", balance=0.3),
    "dropout": BASE.change(dropout=0.3),
    "batch normalization": BASE.change(batch_norm=True),
    "a validation part": BASE.change(validation_share=0.3),
    "both": BASE.change(batch_norm=True, dropout=0.2, optimizer="adam", dtype="float32"),
    "skip connections": BASE.change(hidden=(4, 4, 3, 3), residual=True),
    "skip connections from the input": BASE.change(hidden=(2, 2), residual=True, max_norm=1.0, l2=0.01),
    "skip connections with both": BASE.change(hidden=(4, 4, 4), residual=True, batch_norm=True, dropout=0.2),
    "full batch": BASE.change(batch_size=0),
    "other weights": BASE.change(weight_seed=7),
    "no hidden layer": BASE.change(hidden=()),
    "mixed layers": BASE.change(activations=("sine", "elu"), features=("x1", "x2", "sin_x1")),
    "pixels": BASE.change(dataset="digits", samples=80, optimizer="adam", learning_rate=0.01),
    "numbers from a table": BASE.change(dataset="diabetes", loss="huber"),
}
FILTERS = BASE.change(dataset="digits", samples=80, conv=(3,), activations="tanh", hidden=(5,))


def ours(experiment: Experiment) -> np.ndarray:
    """(epochs + 1, 2) train and test losses."""
    run = Run(experiment)
    for _ in range(experiment.epochs):
        run.trainer.epoch()
    return run.trainer.history.values[:2].T


def unpacked(experiment: Experiment, folder) -> str:
    """Unpack the zip; returns its note."""
    run = Run(experiment)
    question = partial(_ask, run)
    examples = gather(question)
    plan = plan_of(experiment, question("rows", {"part": "train", "start": 0})[0])
    with zipfile.ZipFile(io.BytesIO(zipped(plan, examples))) as archive:
        archive.extractall(folder)
    return (folder / "README.txt").read_text()


def _ask(run, question, facts):
    return ask(run, question, facts, {})


def losses(printed: str) -> np.ndarray:
    rows = np.array([line.split() for line in printed.splitlines()], np.float64)
    np.testing.assert_array_equal(rows[:, 0], np.arange(len(rows)))
    return rows[:, 1:]


QUIET = {**os.environ, "KERAS_BACKEND": "torch", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
RUNNER = """
import runpy, sys
for folder in sys.argv[2:]:
    print("in", folder)
    runpy.run_path(f"{folder}/{sys.argv[1]}")
"""


def run_scripts(python: str, script: str, folders, warnings="error") -> dict[str, np.ndarray]:
    """The output of the script in each folder, from one process, because importing takes longer than training."""
    words = [python, "-W", warnings, "-I", "-c", RUNNER, script, *map(str, folders)]
    done = subprocess.run(words, capture_output=True, text=True, env=QUIET)
    assert done.returncode == 0, done.stderr[-2000:]
    parts = done.stdout.split("in ")[1:]
    return {part.partition("\n")[0]: losses(part.partition("\n")[2]) for part in parts}


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """The export of every experiment of the table in float64: folder -> name."""
    folder = tmp_path_factory.mktemp("export")
    exact = {name: e.change(dtype="float64") for name, e in EXPERIMENTS.items()}
    for name, experiment in exact.items():
        unpacked(experiment, folder / name)
    return {str(folder / name): experiment for name, experiment in exact.items()}


def test_numpy_scripts_of_all_functions_print_our_losses(packages):
    printed = run_scripts(sys.executable, "train_numpy.py", packages)
    assert len(printed) == len(EXPERIMENTS)
    for folder, found in printed.items():
        np.testing.assert_allclose(found, ours(packages[folder]), rtol=0, atol=1e-6, err_msg=folder)


DIGITS = Experiment(dataset="digits", hidden=(32,), activations="relu", optimizer="adam", learning_rate=0.01, epochs=5)
USUAL = [Experiment(epochs=20), DIGITS.change(dtype="float64")]  # float32 results diverge where Adam takes long steps


@pytest.mark.parametrize("experiment", USUAL, ids=lambda e: e.dataset)
def test_a_usual_numpy_script_is_short(tmp_path, experiment):
    unpacked(experiment, tmp_path)
    text = (tmp_path / "train_numpy.py").read_text()
    assert len([line for line in text.splitlines() if line.strip()]) <= 65
    assert max(map(len, text.splitlines())) <= 120
    imported = {line.split()[1] for line in text.splitlines() if line.startswith(("import", "from"))}
    assert imported == {"pathlib", "numpy"}
    (found,) = run_scripts(sys.executable, "train_numpy.py", [tmp_path]).values()
    np.testing.assert_allclose(found, ours(experiment), rtol=0, atol=1e-6)


def test_the_note_explains_a_missing_script(tmp_path):
    note = unpacked(FILTERS, tmp_path)
    assert not (tmp_path / "train_numpy.py").exists()
    assert "train_numpy.py is not here: The NumPy script covers dense networks only" in note
    run = Run(FILTERS)
    with pytest.raises(ExportError, match="dense networks only"):
        SCRIPTS["numpy"].make(plan_of(FILTERS, ask(run, "rows", {"part": "train", "start": 0}, {})[0]))


def other_python(package: str) -> str:
    """A Python that has the package: TORCH_PYTHON, or this one. Skips the test without one."""
    python = os.environ.get("TORCH_PYTHON", sys.executable)
    if subprocess.run([python, "-c", f"import {package}"], capture_output=True, env=QUIET).returncode:
        pytest.skip(f"{package} is not installed; TORCH_PYTHON may name a Python that has it")
    return python


@pytest.mark.timeout(400)  # some fifty scripts, if PyTorch is installed
def test_the_pytorch_script_prints_our_losses(packages, tmp_path):
    python = other_python("torch")
    unpacked(FILTERS.change(dtype="float64"), tmp_path)
    folders = {name: e for name, e in packages.items() if not e.dropout}
    printed = run_scripts(python, "train_pytorch.py", [*folders, tmp_path])
    assert len(printed) == len(folders) + 1
    for folder, found in printed.items():
        expected = ours(packages.get(folder, FILTERS.change(dtype="float64")))
        np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5, err_msg=folder)


def test_the_pytorch_script_with_dropout_learns_too(packages):
    python = other_python("torch")
    folders = [name for name, e in packages.items() if e.dropout]
    for found in run_scripts(python, "train_pytorch.py", folders).values():
        assert found.shape == (7, 2)
        assert found[-1, 0] < found[0, 0]


def test_the_keras_scripts_are_code(packages):
    for folder in packages:
        if (file := Path(folder) / "train_keras.py").exists():
            compile(file.read_text(), str(file), "exec")
    note = (next(Path(folder) for folder in packages if folder.endswith("both clipped")) / "README.txt").read_text()
    assert "train_keras.py is not here: Keras clips gradients by norm or by value" in note


@pytest.mark.timeout(400)
def test_the_keras_script_prints_our_losses(packages):
    python = other_python("keras")
    folders = {
        name: e for name, e in packages.items() if not (e.dropout or e.batch_norm or (e.clip_norm and e.clip_value))
    }
    printed = run_scripts(python, "train_keras.py", folders, warnings="default")
    assert len(printed) == len(folders)
    for folder, found in printed.items():
        np.testing.assert_allclose(found, ours(packages[folder]), rtol=0, atol=2e-4, err_msg=folder)


# ONNX ----------------------------------------------------------------------------------------------------------------

MODELS = {
    **{f"activation {name}": BASE.change(activations=name) for name in ACTIVATIONS},
    **{f"{name} {e.output_name}": e for name, e in EXPERIMENTS.items() if name in ("pixels", "numbers from a table")},
    "three classes": SEVERAL,
    "two of softmax": BASE.change(output="softmax"),
    "hinge": BASE.change(loss="hinge", features=("x1^2", "x2^2", "x1*x2")),
    "tanh of a number": BASE.change(dataset="plane", output="tanh"),
    "batch normalization": BASE.change(batch_norm=True, dropout=0.2),
    "skip connections": BASE.change(hidden=(4, 4, 4), residual=True, batch_norm=True, dropout=0.2, activations="gelu"),
    "no hidden layer": BASE.change(hidden=()),
    "filters": FILTERS,
    "two blocks of filters": Experiment(dataset="digits", samples=60, conv=(3,), hidden=(), activations="relu"),
    "float64": BASE.change(dtype="float64"),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_onnx_model_gives_our_answers_to_raw_inputs(name):
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    from lab.export.onnx_model import onnx_model

    run = Run(MODELS[name])
    for _ in range(3):
        run.trainer.epoch()
    dataset, trainer = run.dataset, run.trainer
    raw = dataset.x_test.astype(np.float64) * dataset.x_scale + dataset.x_mean
    raw = (np.rint(raw) if dataset.image_shape else raw).astype(trainer.network.dtype)
    session = runtime.InferenceSession(
        onnx_model(Model(*ask(run, "model", {}, {}))), providers=["CPUExecutionProvider"]
    )
    (found,) = session.run(None, {"raw": raw})
    z = trainer.network.forward(trainer.x_test)
    if dataset.kind == "classification":
        assert session.get_outputs()[0].name == "probabilities"
        np.testing.assert_allclose(found, trainer.objective.probabilities(z), rtol=0, atol=1e-5)
    else:
        assert session.get_outputs()[0].name == "value"
        np.testing.assert_allclose(found[:, 0], dataset.to_units(trainer.objective.predict(z)), rtol=1e-5, atol=1e-6)
    facts = session.get_modelmeta().custom_metadata_map
    assert Experiment.from_json(facts["experiment"]) == MODELS[name]


def test_every_activation_has_its_onnx_form():
    from lab.export import onnx_model

    assert onnx_model.ACTIVATIONS.keys() == ACTIVATIONS.keys()
