"""The values on the Functions page are those of the network."""

from __future__ import annotations

import numpy as np
import pytest

from engine.network.observe import observe
from lab.experiment.experiment import Experiment
from lab.queries.function_values import BINS, batch_outputs, plane, pre_activations
from lab.training.run import Run

SMALL = Experiment(samples=40, hidden=(6, 4))


def run_of(**changes) -> Run:
    run = Run(SMALL.change(**changes), clock=lambda: 0.0)
    run.trainer.epoch()
    return run


def test_the_histogram_counts_every_pre_activation():
    run = run_of(activations=("tanh", "relu"))
    header, arrays = pre_activations(run, {"point": 3}, {})
    with observe(run.trainer.network) as seen:
        run.trainer.network.forward(run.trainer.x_train)
    first, second = (seen.outputs[name] for name in ("0", "2"))
    assert [layer["activation"] for layer in header["layers"]] == ["tanh", "relu"]
    assert arrays["counts"].shape == (2, BINS)
    assert arrays["counts"].sum(axis=1).tolist() == [30 * 6, 30 * 4]
    np.testing.assert_allclose(arrays["z0"], first[3], rtol=1e-5)
    np.testing.assert_allclose(arrays["z1"], second[3], rtol=1e-5)
    inside = (first > arrays["edges"][0, 20]) & (first < arrays["edges"][0, 40])
    assert arrays["counts"][0, 20:40].sum() == inside.sum()


def test_dead_relus_and_saturated_sigmoids_are_detected():
    run = run_of(activations=("relu", "sigmoid"))
    first, second, _ = (layer for layer in run.trainer.network.layers if hasattr(layer, "W"))
    first.b[:3] = -100
    second.W[:] = 0
    second.b[:] = 0, 9, 9, -9
    header, _ = pre_activations(run, {"point": 0}, {})
    assert [layer["dead"] for layer in header["layers"]] == [0.5, 0]
    assert header["layers"][1]["saturated"] == 0.75


@pytest.mark.parametrize("changes", [{"hidden": ()}, {"dataset": "digits", "conv": (4,), "samples": 60}], ids=str)
def test_networks_without_hidden_layers_or_with_maps_work(changes):
    header, arrays = pre_activations(run_of(**changes), {"point": 10**6}, {})
    assert len(header["layers"]) == len(arrays.get("counts", ())) == (3 if "conv" in changes else 0)


def test_the_residuals_are_those_of_the_latest_batch():
    run = run_of(batch_size=7)
    header, arrays = batch_outputs(run, {}, {})
    trainer = run.trainer
    z = trainer.network.forward(trainer.x_train[trainer.batch])
    np.testing.assert_allclose(arrays["y"], 1 / (1 + np.exp(-z)), rtol=1e-5)
    np.testing.assert_array_equal(arrays["t"], trainer.t_train[trainer.batch])
    assert header["value"] == pytest.approx(float(trainer.objective.value(z, trainer.t_train[trainer.batch])))


def test_only_data_of_the_plane_has_points_to_click():
    header, arrays = plane(run_of(), {}, {})
    assert arrays["points_train"].shape == (30, 2)
    assert arrays["map"].shape == (100, 100)
    assert (header["train"], header["test"]) == (30, 10)
    header, arrays = plane(run_of(dataset="iris"), {}, {})
    assert header["extent"] is None
    assert not arrays
