"""The gradient check of the page: it passes for a correct network and finds the planted bug."""

from __future__ import annotations

import numpy as np
import pytest

from engine import ACTIVATIONS
from lab.experiment.experiment import Experiment
from lab.queries.gradient_check import EPSILONS, MAX_PARAMETERS, gradient_check, gradient_sweep
from lab.training.run import Run

THREE = Experiment(dataset="spiral3", samples=60, hidden=(4, 3))


def run_of(**changes) -> Run:
    run = Run(THREE.change(**changes), clock=lambda: 0.0)
    run.trainer.epoch()
    return run


@pytest.mark.parametrize("changes", [{}, {"dropout": 0.3, "batch_norm": True}, {"optimizer": "adam"}], ids=str)
def test_every_parameter_of_the_network_is_checked_and_right(changes):
    run = run_of(**changes)
    header, arrays = gradient_check(run, {"bug": -1}, {})
    assert header["own"]
    assert len(arrays["error"]) == header["parameters"] == run.trainer.network.parameters.size
    assert arrays["error"].max() < 1e-5


@pytest.mark.parametrize("activation", [name for name, f in ACTIVATIONS.items() if not f.surrogate])
def test_the_check_passes_for_every_activation(activation):
    assert gradient_check(run_of(activations=activation), {"bug": -1}, {})[1]["error"].max() < 1e-5


@pytest.mark.parametrize(("bug", "name"), [(0, "Hidden layer 1"), (1, "Hidden layer 2"), (2, "Output layer")])
def test_the_bug_is_found_only_in_the_bias_of_its_layer(bug, name):
    header, arrays = gradient_check(run_of(), {"bug": bug}, {})
    wrong = {tuple(header["groups"][group]) for group in arrays["group"][arrays["error"] > 1e-3]}
    assert wrong == {(name, "b")}


def test_a_large_network_is_replaced_by_a_small_one():
    run = run_of(hidden=(64, 64))
    assert run.trainer.network.parameters.size > MAX_PARAMETERS
    header, arrays = gradient_check(run, {"bug": -1}, {})
    assert not header["own"]
    assert len(arrays["error"]) == header["parameters"] <= MAX_PARAMETERS


def test_the_error_has_a_minimum_lower_in_float64():
    curves = {}
    for dtype in ("float32", "float64"):
        _, arrays = gradient_sweep(run_of(), {"bug": -1, "dtype": dtype}, {})
        curves[dtype] = arrays["error"]
        np.testing.assert_allclose(arrays["epsilon"], EPSILONS)
        assert arrays["error"].argmin() not in (0, len(EPSILONS) - 1)
    assert curves["float64"].min() < 1e-7 < 1e-5 < curves["float32"].min()
    assert curves["float64"].argmin() > curves["float32"].argmin()


def test_the_check_changes_nothing_in_the_run():
    alone, watched = run_of(dropout=0.2), run_of(dropout=0.2)
    gradient_check(watched, {"bug": 0}, {})
    gradient_sweep(watched, {"bug": 0, "dtype": "float32"}, {})
    for run in (alone, watched):
        run.trainer.epoch()
    np.testing.assert_array_equal(alone.trainer.network.parameters, watched.trainer.network.parameters)
