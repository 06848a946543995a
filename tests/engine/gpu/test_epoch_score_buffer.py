"""Scores that a device records are read together and equal those of an evaluation after each epoch."""

from __future__ import annotations

import numpy as np
import pytest

from engine.formulas.losses import Objective
from engine.formulas.optimizers import OPTIMIZERS
from engine.gpu import cuda
from engine.network.layers import Activation, Dense
from engine.network.network import Network
from engine.step.settings import Settings
from engine.training.trainer import Trainer
from tests.engine.gpu.fake_cupy import CARD
from tests.engine.helpers import compiled

pytestmark = compiled
EPOCH = 7  # steps: 50 samples in batches of 8


def stepped(trainers, steps):
    for trainer in trainers:
        for _ in range(steps):
            trainer.step()


def same_curve(trainers, rtol=1e-6):
    for trainer in trainers:
        trainer.synchronize()
    here, there = (trainer.history for trainer in trainers)
    np.testing.assert_array_equal(there.epochs, here.epochs)
    np.testing.assert_allclose(there.values, here.values, rtol=rtol)


@pytest.mark.parametrize("kind", ["dense", "dropout", "batch norm", "conv", "same", "pool", "everything"])
def test_scores_are_recorded_without_waiting(build_trainer, backend, kind):
    here, there = (build_trainer(kind, np.float64, "sgd", backend=where, validates=True) for where in (None, backend))

    stepped((here, there), 3 * EPOCH)
    same_curve((here, there))
    CARD.waits = CARD.allocations = 0
    stepped((here, there), 5 * EPOCH)
    assert (CARD.waits, CARD.allocations) == (0, 0)
    same_curve((here, there))
    assert CARD.waits == 1 + len(there.executor.replica.pairs())  # one for all scores, one for each array
    assert len(there.history.epochs) == 9


def of(objective, targets, backend, optimizer="sgd", learning_rate=0.05, **settings):
    x = np.random.default_rng(5).normal(size=(60, 4))
    y = targets(x)
    network = Network([Dense(6), Activation("tanh"), Dense(objective.units)], (4,), rng=np.random.default_rng(6),
                      dtype=np.float64)  # fmt: skip
    settings = Settings(**({"learning_rate": learning_rate, "batch_size": 16} | settings))
    return Trainer(network, objective, OPTIMIZERS[optimizer](learning_rate, network.parameters.size, np.float64),
                   (x[:40], y[:40]), (x[40:], y[40:]), settings=settings, rng=np.random.default_rng(7),
                   backend=backend)  # fmt: skip


def classes(x):
    return (x[:, 0] > 0).astype(np.int64)


PROBLEMS = {
    "two classes, one unit": (lambda: Objective("classification", 2, "sigmoid", "binary_crossentropy"), classes),
    "two units": (lambda: Objective("classification", 2, "softmax", "categorical_crossentropy"), classes),
    "weights": (lambda: Objective("classification", 2, "softmax", "categorical_crossentropy", class_weights=[1, 3.0]),
                classes),
    "regression": (lambda: Objective("regression", 0, "linear", "mse"), lambda x: x[:, 0] * x[:, 1]),
    "regression of constants": (lambda: Objective("regression", 0, "linear", "mse"), lambda x: np.full(len(x), 0.1)),
    "regression with tanh": (lambda: Objective("regression", 0, "tanh", "huber"), lambda x: np.sin(x[:, 0])),
}  # fmt: skip


@pytest.mark.parametrize("problem", PROBLEMS)
def test_losses_accuracy_and_r2_are_those_of_the_processor(backend, problem):
    objective, targets = PROBLEMS[problem]
    trainers = [of(objective(), targets, where) for where in (None, backend)]
    stepped(trainers, 15)
    assert trainers[1].executor.scores
    same_curve(trainers)


def test_of_equal_outputs_the_first_is_the_prediction(build_trainer, backend):
    trainers = [build_trainer(dtype=np.float64, backend=where, learning_rate=0.0) for where in (None, backend)]
    for trainer in trainers:
        trainer.network.parameters[:] = 0
        trainer.parameters_changed()
    stepped(trainers, 3 * EPOCH)
    assert trainers[1].executor.scores
    same_curve(trainers)


def regression(backend, rate, **settings):
    objective, targets = PROBLEMS["regression"]
    return of(objective(), targets, backend, learning_rate=rate, **settings)


@pytest.mark.parametrize("rate", [0.8, 1e200])
def test_an_exploded_loss_ends_the_run_in_its_epoch(backend, rate):
    trainers = [regression(where, rate) for where in (None, backend)]
    for trainer in trainers:
        trainer.run_for(10, epochs=60)
    here, there = trainers
    assert here.divergence is not None
    assert there.divergence is not None
    assert there.divergence == here.divergence
    assert ("the loss rose" in here.divergence.where) == (rate < 10)
    assert there.steps == here.steps
    np.testing.assert_allclose(there.network.parameters, here.network.parameters, rtol=1e-6)
    same_curve(trainers)


@pytest.mark.parametrize("rule", [{"patience": 2, "min_delta": 0.01}, {"target_accuracy": 0.6}])
def test_a_rule_on_scores_judges_every_epoch(build_trainer, backend, rule):
    trainers = [build_trainer(dtype=np.float64, backend=where, **rule) for where in (None, backend)]
    for trainer in trainers:
        trainer.run_for(10, epochs=200)
    here, there = trainers
    assert here.stopped == there.stopped != ""
    assert here.epochs == there.epochs < 200
    same_curve(trainers)


@pytest.mark.parametrize("rule", [{"patience": 2}, {"patience": 99, "epochs": 5}])
def test_the_best_weights_are_those_of_their_epoch(build_trainer, backend, rule):
    trainers = [
        build_trainer(dtype=np.float64, learning_rate=0.05, backend=where, validates=True, **rule)
        for where in (None, backend)
    ]
    for trainer in trainers:
        trainer.history.stride = 3  # without a point of the curve, the device is not asked for the weights
        trainer.run_for(10, epochs=200)
        trainer.synchronize()
    here, there = trainers
    assert here.stopped == there.stopped != ""
    np.testing.assert_allclose(there.network.parameters, here.network.parameters, rtol=1e-9)
    for name, slot in here.optimizer.slots.items():
        np.testing.assert_allclose(there.optimizer.slots[name], slot, rtol=1e-7, atol=1e-12)


def test_recorded_scores_that_differ_are_not_used(build_trainer, backend, monkeypatch):
    monkeypatch.setattr(cuda, "KEEP", cuda.KEEP.replace("now[k]", "now[k] * 2"))
    trainers = [build_trainer(dtype=np.float64, backend=where) for where in (None, backend)]
    stepped(trainers, 3 * EPOCH)
    assert trainers[1].executor.scores is None
    same_curve(trainers)


def test_resets_and_edits_keep_the_curve_correct(build_trainer, backend):
    trainers = [build_trainer(dtype=np.float64, backend=where) for where in (None, backend)]
    stepped(trainers, 3 * EPOCH)
    for trainer in trainers:
        trainer.check()
        trainer.network.named["0.W"][:] = 0.1
        trainer.parameters_changed()
    stepped(trainers, 2 * EPOCH)
    same_curve(trainers)
    for trainer in trainers:
        trainer.reset()
    stepped(trainers, EPOCH)
    same_curve(trainers)
    assert len(trainers[1].history.epochs) == 2
