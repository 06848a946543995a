"""Exports agree with the playground: scripts print our losses, the ONNX model gives our predictions."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from engine import ACTIVATIONS, INITIALIZERS, OPTIMIZERS, SCHEDULES
from engine.formulas.losses import valid_losses, valid_outputs
from lab.experiment.experiment import Experiment
from lab.export import SCRIPTS, ExportError, c_step, plan_of
from lab.queries.table import ask
from lab.training.model_file import Model
from lab.training.run import Run
from tests.lab.export.scripts import ours, plan_for, run_scripts, unpacked

BASE = Experiment(samples=60, hidden=(5, 4), epochs=3, learning_rate=0.05, batch_size=8)
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
    "batch normalization and a last single sample": BASE.change(batch_norm=True, samples=55, batch_size=10),
    "batch normalization with Adam": SEVERAL.change(dataset="wine", batch_norm=True, optimizer="adam"),
    "momentum with a schedule": SEVERAL.change(optimizer="momentum", schedule="one_cycle"),
    "Nesterov with a schedule": SEVERAL.change(optimizer="nesterov", schedule="step"),
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


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """The export of every experiment of the table in float64: folder -> name."""
    folder = tmp_path_factory.mktemp("export")
    exact = {name: e.change(dtype="float64") for name, e in EXPERIMENTS.items()}
    for name, experiment in exact.items():
        unpacked(experiment, folder / name)
    return {str(folder / name): experiment for name, experiment in exact.items()}


def test_numpy_scripts_of_all_functions_print_our_losses(packages):
    printed = run_scripts("train_numpy.py", packages)
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
    (found,) = run_scripts("train_numpy.py", [tmp_path]).values()
    np.testing.assert_allclose(found, ours(experiment), rtol=0, atol=1e-6)


def test_the_note_explains_a_missing_script(tmp_path):
    note = unpacked(FILTERS, tmp_path)
    assert not (tmp_path / "train_numpy.py").exists()
    assert "train_numpy.py is not here: The NumPy script covers dense networks only" in note
    run = Run(FILTERS)
    with pytest.raises(ExportError, match="dense networks only"):
        SCRIPTS["numpy"].make(plan_of(FILTERS, ask(run, "rows", {"part": "train", "start": 0}, {})[0]))


def test_a_c_program_that_needs_too_much_memory_is_not_offered(tmp_path, monkeypatch):
    monkeypatch.setattr(import_module("lab.export.c_script"), "MAX_BYTES", 1000)
    note = unpacked(FILTERS, tmp_path)
    assert not (tmp_path / "train.c").exists()
    assert "train.c is not here: The C program holds all examples at once" in note
    assert "convolved(" in c_step(plan_for(Run(FILTERS)))  # a step alone can still be read


def test_a_step_in_c_is_followed_by_the_functions_that_it_calls():
    known = {"real", "exp", "log", "log1p", "tanh", "sqrt", "sin", "cos", "fabs"}  # a cast, and functions of C
    for experiment in (*EXPERIMENTS.values(), FILTERS):
        text = re.sub("#pragma.*", "", c_step(plan_for(Run(experiment))))
        names = [name for name in re.findall(r"\b([a-z]\w*)\(", text) if name not in known]
        defined = re.findall(r"^static .*?(\w+)\(", text, re.MULTILINE)
        assert defined[0] == "step"
        assert set(defined) == set(names)
        assert len(set(defined)) == len(defined)
        assert all(names.count(name) > 1 for name in defined[1:])  # none is unused


def agreements(experiment: Experiment) -> list[str]:
    plan = plan_for(Run(experiment))
    return [str(plan.agreement(script.label)) for script in SCRIPTS.values()]


def test_a_script_says_how_far_its_losses_agree(packages):
    exact = BASE.change(dtype="float64")
    for text, most in zip(agreements(exact), ("0.0001%", "0.002%", "0.02%", "0.0001%"), strict=True):
        assert f"at most {most};" in text
    numpy, pytorch, keras, c = agreements(exact.change(dropout=0.2))
    assert "masks" not in numpy + c
    assert "at most 20% (the masks of dropout are drawn by PyTorch);" in pytorch
    assert "at most 20% (the masks of dropout are drawn by Keras);" in keras
    few = BASE.change(dtype="float64", optimizer="adam", batch_norm=True, batch_size=2)
    assert "normalization of few samples" in agreements(few)[-1]
    assert "normalization of few samples" not in agreements(few.change(batch_size=8))[-1]
    for text in agreements(BASE):
        assert "at most 0.1% (32-bit rounding errors);" in text
    for text in agreements(BASE.change(optimizer="adam")):
        assert "at most 20% (32-bit rounding errors, which the optimizer enlarges" in text
    folder = next(Path(folder) for folder in packages if folder.endswith("/dropout"))
    assert "masks of dropout are drawn by Keras" in " ".join((folder / "train_keras.py").read_text().split())


def test_the_keras_scripts_are_code(packages):
    for folder in packages:
        if (file := Path(folder) / "train_keras.py").exists():
            compile(file.read_text(), str(file), "exec")
    note = (next(Path(folder) for folder in packages if folder.endswith("both clipped")) / "README.txt").read_text()
    assert "train_keras.py is not here: Keras clips gradients by norm or by value" in note


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
    "filters in float64": FILTERS.change(dtype="float64"),
    **{f"float64 {name}": BASE.change(activations=name, dtype="float64") for name in ACTIVATIONS},
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
