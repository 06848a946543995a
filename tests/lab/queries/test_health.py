"""The health of layers: values of the engine, their verdicts, and a comparison of two deep networks."""

from __future__ import annotations

import numpy as np
import pytest

from engine.training.diagnostics import diagnose
from lab.experiment.experiment import Experiment
from lab.queries.health import HEALTHY_RATIO, layer_verdict, percent, verdict
from lab.worker.local_pool import LocalPool

NAN = float("nan")


def test_the_table_holds_the_figures_of_the_engine():
    pool = LocalPool()
    token = pool.open(Experiment(hidden=(6, 5), batch_norm=True))
    header, arrays = pool.ask(token, "health")
    reports = diagnose(pool.scheduler.runs[token].trainer)  # Dense, BatchNorm, Activation, twice, and Dense
    first, second, output = header["layers"]
    assert (first["name"], second["name"], output["name"]) == (
        "Hidden layer 1 (6 neurons)",
        "Hidden layer 2 (5 neurons)",
        "Output layer",
    )
    assert first["update"] == reports[0].update_to_weight
    assert first["dead"] == reports[2].dead
    assert second["gradient"] == reports[5].gradient_std
    assert output["signal"] == reports[6].activation_std
    assert np.isnan(output["dead"])
    np.testing.assert_array_equal(arrays["counts"].sum(axis=1), [256 * 6, 256 * 5, 256])
    assert (np.diff(arrays["edges"], axis=1) > 0).all()
    np.testing.assert_array_less(arrays["gradient_counts"].sum(axis=1), arrays["counts"].sum(axis=1) + 1)


def test_asking_does_not_disturb_training():
    pool = LocalPool()
    asked, alone = (pool.open(Experiment()) for _ in range(2))
    for token in (asked, alone):
        for _ in range(3):
            if token == asked:
                pool.ask(token, "health")
            pool.scheduler.runs[token].trainer.epoch()
    one, other = (pool.scheduler.runs[token].trainer.network.parameters for token in (asked, alone))
    np.testing.assert_array_equal(one, other)


def test_each_layer_with_weights_has_a_row():
    pool = LocalPool()
    token = pool.open(Experiment(dataset="digits", conv=(2,), hidden=(4,), activations="relu"))
    header, arrays = pool.ask(token, "health")
    assert len(header["layers"]) == len(arrays["counts"]) == 3
    assert all(np.isnan(layer["saturated"]) for layer in header["layers"])  # ReLU has one end only


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ((0.6, 0.9, 1e-3), "mostly dead"),
        ((0.1, 0.0, 1e-3), "some dead neurons"),
        ((0.0, 0.7, 1e-3), "saturated"),
        ((0.0, 0.1, HEALTHY_RATIO[0] / 2), "hardly moves"),
        ((NAN, NAN, HEALTHY_RATIO[1] * 2), "moves fast"),
        ((0.0, 0.0, 1e-3), "healthy"),
        ((NAN, NAN, NAN), "healthy"),
    ],
)
def test_the_verdict_names_the_problem_of_a_layer(facts, words):
    assert layer_verdict(*facts).startswith(words)


@pytest.mark.parametrize(
    ("gradients", "words"),
    [
        ([1e-6, 1e-4, 1e-2], "Vanishing: only 0.010%"),
        ([1.0, 1e-3], "Exploding: the gradient is 1,000 times"),
        ([0.5, 1.0], "Healthy flow: the first hidden layer gets 50%"),
        ([NAN, 1.0], "Exploding: gradients are not finite"),
        ([3.03, 1.0], "Healthy flow: the first hidden layer gets 3 times the last one's gradient."),
        ([0.0, 0.0], "No gradient: either"),
        ([1.0], "With fewer than two"),
    ],
)
def test_the_verdict_compares_first_and_last_hidden_layer(gradients, words):
    assert verdict(gradients).startswith(words)


@pytest.mark.parametrize(("score", "words"), [(0.97, "Converged: the updates are tiny"), (0.5, "Hardly moving:")])
def test_tiny_updates_of_all_layers_change_the_one_verdict(score, words):
    tiny = [HEALTHY_RATIO[0] / 2] * 3
    assert verdict([3.03, 1.0], tiny, score).startswith(words)
    assert verdict([3.03, 1.0], [*tiny, 1e-3], score).startswith("Healthy flow")


def test_small_percentages_have_more_digits():
    assert [percent(share) for share in (2.5, 0.5, 0.05, 0.001, 0.000001, 0)] == [
        "250%", "50%", "5.0%", "0.100%", "less than 0.001%", "0.000%"]  # fmt: skip
