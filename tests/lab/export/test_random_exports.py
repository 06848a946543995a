"""Every export of random experiments, run by its own library, agrees as far as it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine import ACTIVATIONS, LOSSES, OPTIMIZERS, OUTPUTS, SCHEDULES
from lab.export import ONNX_WITHIN, SCRIPTS
from lab.queries.table import ask
from lab.training.model_file import Model
from lab.training.run import Run
from tests.lab.export.random_experiments import CASES, random_experiment
from tests.lab.export.scripts import (
    plan_for,
    require,
    require_compiler,
    run_program,
    run_scripts,
    trained,
    unpacked,
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[Path, Run]:
    """Trained runs by the folder of their exports."""
    found = {tmp_path_factory.mktemp("random"): trained(random_experiment(seed)) for seed in range(len(CASES))}
    for folder, run in found.items():
        unpacked(run.experiment, folder, run)
    return found


def test_the_experiments_have_what_exports_must_spell(runs):
    experiments = [run.experiment for run in runs.values()]
    assert {name for e in experiments for name in np.atleast_1d(e.activations)} == set(ACTIVATIONS)
    for field, table in {"optimizer": OPTIMIZERS, "schedule": SCHEDULES, "output": OUTPUTS, "loss": LOSSES}.items():
        assert {getattr(e, field) for e in experiments} >= set(table), field
    single = [e for e in experiments if e.batch_norm and e.batch_size and int(e.samples * 0.75) % e.batch_size == 1]
    assert single
    for field in ("conv", "dropout", "residual", "max_norm", "clip_norm", "clip_value", "label_smoothing", "l1", "l2"):
        assert any(getattr(e, field) for e in experiments), field


def check_losses(name: str, runs: dict[Path, Run], warnings: str = "error") -> None:
    """Run all scripts of a kind. Each must agree within the difference that the page states."""
    script = SCRIPTS[name]
    runs = {folder: run for folder, run in runs.items() if (folder / script.file).exists()}
    printed = run_scripts(script.file, runs, warnings)
    assert len(printed) == len(runs) > len(CASES) / 2
    for folder, run in runs.items():
        ours, within = run.trainer.history.values[:2].T, plan_for(run).agreement(script.label).within
        np.testing.assert_allclose(printed[str(folder)], ours, rtol=within, atol=within, err_msg=str(run.experiment))


def test_numpy_scripts_agree_as_far_as_they_say(runs):
    check_losses("numpy", runs)


def test_c_programs_agree_as_far_as_they_say(runs):
    require_compiler()
    chosen = [pair for number, pair in enumerate(runs.items()) if number % 2 or pair[1].experiment.conv]
    runs = {folder: run for folder, run in chosen if (folder / "train.c").exists()}
    assert len(runs) > len(CASES) / 4
    assert any(run.experiment.conv for run in runs.values())
    for folder, run in runs.items():
        ours, within = run.trainer.history.values[:2].T, plan_for(run).agreement("C").within
        np.testing.assert_allclose(run_program(folder), ours, rtol=within, atol=within, err_msg=str(run.experiment))


@pytest.mark.timeout(400)
def test_pytorch_scripts_agree_as_far_as_they_say(runs):
    require("torch")
    check_losses("pytorch", runs)


@pytest.mark.timeout(400)
def test_keras_scripts_agree_as_far_as_they_say(runs):
    require("keras")
    check_losses("keras", runs, warnings="default")


def test_onnx_models_agree_as_far_as_they_say(runs):
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    from lab.export.onnx_model import onnx_model

    for run in runs.values():
        dataset, trainer = run.dataset, run.trainer
        raw = dataset.x_test.astype(np.float64) * dataset.x_scale + dataset.x_mean
        raw = (np.rint(raw) if dataset.image_shape else raw).astype(trainer.network.dtype)
        model = onnx_model(Model(*ask(run, "model", {}, {})))
        (found,) = runtime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, {"raw": raw})
        z = trainer.network.forward(trainer.x_test)
        if dataset.kind == "classification":
            ours = trainer.objective.probabilities(z)
        else:
            ours = dataset.to_units(trainer.objective.predict(z))[:, None]
        atol = ONNX_WITHIN * np.abs(ours).max()
        np.testing.assert_allclose(found, ours, rtol=0, atol=atol, err_msg=str(run.experiment))
