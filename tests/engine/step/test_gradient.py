"""The gradient of a batch too large for the processor's cache is the sum over its parts."""

import numpy as np
import pytest

from engine.formulas.losses import Objective
from engine.network.layers import Activation, Dense
from engine.network.network import Network
from engine.network.normalization import BatchNorm
from engine.step.gradient import differentiate
from engine.tape.tape import Tape

RNG = np.random.default_rng(0)
X, LABELS = RNG.normal(size=(23, 5)), RNG.integers(0, 3, 23)


def network(*extra):
    layers = [Dense(7), *extra, Activation("tanh"), Dense(3)]
    return Network(layers, (5,), rng=np.random.default_rng(1), dtype=np.float64)


def gradient(built, max_batch, weights=None):
    objective = Objective("classification", 3, "softmax", "categorical_crossentropy", class_weights=weights)
    built.max_batch = built.part_size = max_batch
    differentiate(built, objective, X, objective.targets(LABELS, np.float64))
    return built.gradients.copy()


@pytest.mark.parametrize("weights", [None, (1.0, 2.0, 5.0)])
def test_parts_add_up_to_the_gradient_of_the_whole_batch(weights):
    whole, parts = (gradient(network(), max_batch, weights) for max_batch in (23, 4))
    np.testing.assert_allclose(parts, whole, rtol=1e-12, atol=1e-15)
    assert np.abs(whole).max() > 0.01


def test_a_batch_that_is_normalized_stays_whole():
    np.testing.assert_array_equal(gradient(network(BatchNorm()), 4), gradient(network(BatchNorm()), 23))


def test_recorded_parts_follow_the_parameters():
    built, objective, tape = network(), Objective("classification", 3, "softmax", "categorical_crossentropy"), Tape()
    built.max_batch = built.part_size = 4
    differentiate(built, objective, tape.wrap(X), tape.wrap(objective.targets(LABELS, np.float64)))
    built.parameters *= -2
    tape.play()
    replayed = built.gradients.copy()
    np.testing.assert_allclose(replayed, gradient(built, 23), rtol=1e-12, atol=1e-15)
