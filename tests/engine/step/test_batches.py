"""The batches of an epoch, and the running statistics that batch normalization takes from them."""

from __future__ import annotations

import numpy as np
import pytest

from engine.formulas.losses import Objective
from engine.formulas.optimizers import OPTIMIZERS
from engine.network.layers import Activation, Dense
from engine.network.network import Network
from engine.network.normalization import BatchNorm
from engine.training.trainer import Settings, Trainer

SIZES = [(41, 10), (41, 8), (41, 40), (40, 10), (42, 10), (41, 2), (3, 2), (2, 2), (41, 0)]


def trainer_of(samples: int, size: int, *layers) -> Trainer:
    rng = np.random.default_rng(0)
    x, y = rng.normal(2, 3, (samples + 5, 3)), rng.integers(0, 2, samples + 5)
    network = Network([*layers, Dense(1)], (3,), rng=rng, dtype=np.float64)
    objective = Objective("classification", 2, "sigmoid", "binary_crossentropy")
    optimizer = OPTIMIZERS["sgd"](0.1, network.parameters.size, np.float64)
    parts = (x[:samples], y[:samples]), (x[samples:], y[samples:])
    return Trainer(network, objective, optimizer, *parts, settings=Settings(0.1, size), rng=rng)


def batches_of(trainer: Trainer) -> list[np.ndarray]:
    """The batches of the next epoch."""
    found, epoch = [], trainer.epochs
    while trainer.epochs == epoch:
        trainer.step()
        found.append(trainer.batch.copy())
    return found


@pytest.mark.parametrize(("samples", "size"), SIZES)
def test_a_last_single_sample_joins_the_batch_before(samples, size):
    trainer = trainer_of(samples, size, BatchNorm())
    for _ in range(2):
        found = batches_of(trainer)
        assert sorted(np.concatenate(found)) == list(range(samples))
        assert min(map(len, found)) >= 2
        assert max(map(len, found)) <= (size or samples) + 1
        assert len(found) == trainer.steps_per_epoch


def test_other_networks_train_on_a_last_single_sample():
    trainer = trainer_of(41, 10, Activation("tanh"))
    assert [len(batch) for batch in batches_of(trainer)] == [10, 10, 10, 10, 1]
    assert trainer.steps_per_epoch == 5


def test_a_changed_batch_size_leaves_no_single_sample():
    trainer = trainer_of(41, 10, BatchNorm())
    for _ in range(3):
        trainer.step()
    trainer.set(batch_size=5)
    assert [len(batch) for batch in batches_of(trainer)] == [5, 6]


def test_a_file_that_ends_before_a_single_sample_can_continue():
    trainer = trainer_of(41, 10, BatchNorm())
    trainer.step()
    before = trainer.progress.snapshot()
    steps, epochs, _, t = before.counters
    trainer.progress.restore(before._replace(counters=(steps, epochs, 40, t)))
    assert [len(batch) for batch in batches_of(trainer)] == [2]


@pytest.mark.parametrize(("samples", "size"), SIZES)
def test_running_statistics_are_those_of_pytorch(samples, size):
    trainer = trainer_of(samples, size, BatchNorm())
    mean, variance = np.zeros(3), np.ones(3)  # torch.nn.BatchNorm1d: momentum 0.1, unbiased running variance
    for _ in range(3):
        for batch in batches_of(trainer):
            x = trainer.x_train[batch]
            mean = 0.9 * mean + 0.1 * x.mean(axis=0)
            variance = 0.9 * variance + 0.1 * x.var(axis=0, ddof=1)
    np.testing.assert_allclose(trainer.network.state["0.mean"], mean, rtol=1e-12)
    np.testing.assert_allclose(trainer.network.state["0.variance"], variance, rtol=1e-12)


def test_statistics_that_lag_are_no_divergence():
    trainer = trainer_of(41, 10, BatchNorm())
    trainer.network.state["0.mean"][:] = 1e6  # so that the evaluated loss is far above that of the untrained network
    trainer.parameters_changed()
    trainer.epoch()
    assert trainer.evaluate().train_loss > 100 * trainer.untrained_loss
    assert trainer.divergence is None
    before = trainer.progress.snapshot()
    assert trainer.training_loss_ratio() < 1
    assert before.counters == trainer.progress.snapshot().counters
    np.testing.assert_array_equal(before.state["0.mean"], trainer.network.state["0.mean"])


def test_a_training_loss_that_explodes_is_a_divergence_with_batch_norm():
    trainer = trainer_of(41, 10, BatchNorm())
    trainer.set(learning_rate=1e3)
    for _ in range(5):
        trainer.epoch()
    assert trainer.divergence is not None
    assert trainer.training_loss_ratio() > 5
