"""Bugs of other networks from scratch, with one test each."""

from __future__ import annotations

import numpy as np
import pytest

from engine.formulas.losses import Objective
from engine.formulas.optimizers import OPTIMIZERS
from engine.network.layers import Activation, Dense
from engine.network.network import Network
from engine.training.trainer import Settings, Trainer


@pytest.fixture
def dense(build_network):
    return build_network("dense")


def test_the_bias_gradient_is_summed_over_samples_only(dense, objective, batch):
    x, t = batch
    dz = objective.gradient(dense.forward(x, train=True), t)
    dense.backward(dz)
    last = dense.layers[-1]
    np.testing.assert_allclose(last.db, [sum(dz[n, o] for n in range(7)) for o in range(3)])
    assert np.ptp(last.db) > 0.01  # the bug was one number for all units


def test_the_bias_of_a_softmax_layer_is_trained(build_trainer):
    trainer = build_trainer("dense")
    before = trainer.network.layers[-1].b.copy()
    trainer.epoch()
    assert np.ptp(trainer.network.layers[-1].b - before) > 0.001


def test_the_gradient_is_divided_by_the_size_of_the_batch(dense, objective, batch):
    x, t = batch
    gradients = []
    for repeat in (1, 4):  # the same samples four times have the same mean
        dense.backward(objective.gradient(dense.forward(np.tile(x, (repeat, 1)), train=True), np.tile(t, (repeat, 1))))
        gradients.append(dense.gradients.copy())
    np.testing.assert_allclose(gradients[1], gradients[0], rtol=1e-10, atol=1e-14)


def test_early_stopping_fires(build_trainer):
    trainer = build_trainer(learning_rate=0.05, patience=3, validates=True)
    trainer.run_for(60)
    assert trainer.epochs < 500
    assert "has not improved" in trainer.stopped


def test_a_fresh_trainer_continues_from_saved_weights(build_trainer):
    from engine.training import checkpoint

    trainer, fresh = build_trainer(), build_trainer()
    trainer.epoch()
    checkpoint.restore(fresh, checkpoint.capture(trainer))
    assert fresh.evaluate() == trainer.evaluate()


def test_test_scores_come_from_unseen_samples(build_trainer):
    trainer = build_trainer()
    (x_train, _, _), (x_test, _, y_test) = trainer.data.evaluated.values()
    assert not {tuple(x) for x in x_train} & {tuple(x) for x in x_test}
    predicted = trainer.objective.predict(trainer.network.forward(x_test))
    assert trainer.evaluate().test_score == np.mean(predicted == y_test)


def test_shown_probabilities_add_up_to_one(dense, objective, batch):
    p = objective.probabilities(dense.forward(batch[0]))
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert (p > 0).all()


def test_backward_uses_the_samples_it_is_given(dense, objective, batch):
    x, t = batch
    gradients = []
    for part in (slice(0, 3), slice(3, 7)):
        dense.backward(objective.gradient(dense.forward(x[part], train=True), t[part]))
        gradients.append(dense.gradients.copy())
    dense.backward(objective.gradient(dense.forward(x, train=True), t))
    np.testing.assert_allclose(dense.gradients, (3 * gradients[0] + 4 * gradients[1]) / 7, rtol=1e-10, atol=1e-14)


def test_the_batch_size_is_respected(build_trainer):
    for size, steps in ((1, 50), (8, 7), (50, 1), (0, 1)):
        trainer = build_trainer(batch_size=size)
        trainer.epoch()
        assert trainer.steps == steps


def test_the_curve_has_a_loss_for_every_epoch(build_trainer):
    trainer = build_trainer()
    for _ in range(5):
        trainer.epoch()
    np.testing.assert_array_equal(trainer.history.epochs, range(6))
    assert np.unique(trainer.history.values[0]).size == 6


def test_a_network_is_trained_by_backprop_until_it_solves_xor():
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
    y = np.array([0, 1, 1, 0])
    network = Network([Dense(8), Activation("tanh"), Dense(1)], (2,), rng=np.random.default_rng(0))
    objective = Objective("classification", 2, "sigmoid", "binary_crossentropy")
    optimizer = OPTIMIZERS["adam"](0.05, network.parameters.size)
    rng, settings = np.random.default_rng(0), Settings(learning_rate=0.05, batch_size=0)
    trainer = Trainer(network, objective, optimizer, (x, y), (x, y), settings=settings, rng=rng)
    for _ in range(300):
        trainer.epoch()
    assert trainer.evaluate().train_score == 1
    assert trainer.evaluate().train_loss < 0.05


def test_every_optimizer_lowers_the_loss(build_trainer):
    for name in OPTIMIZERS:
        trainer = build_trainer(optimizer=name)
        for _ in range(10):
            trainer.epoch()
        assert trainer.evaluate().train_loss < trainer.untrained_loss, name


def test_reported_figures_are_those_after_the_last_update(build_trainer):
    trainer = build_trainer()
    trainer.epoch()
    z = trainer.network.forward(trainer.x_train)
    assert trainer.evaluate().train_loss == pytest.approx(float(trainer.objective.value(z, trainer.t_train)))
    assert trainer.history.values[0, -1] == pytest.approx(trainer.evaluate().train_loss, rel=1e-6)
    trainer.step()
    z = trainer.network.forward(trainer.x_train)
    assert trainer.evaluate().train_loss == pytest.approx(float(trainer.objective.value(z, trainer.t_train)))


def test_the_seed_determines_the_weights(build_network):
    one, again, other = (build_network("dense", seed=seed).parameters for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_the_global_generator_is_not_used(build_trainer):
    curves = []
    for seed in (0, 1):
        np.random.seed(seed)
        trainer = build_trainer("everything")
        trainer.epoch()
        curves.append(trainer.network.parameters)
    np.testing.assert_array_equal(*curves)


def test_float64_data_is_trained_in_float32(build_trainer):
    trainer = build_trainer()
    assert trainer.x_train.dtype == trainer.t_train.dtype == trainer.network.forward(trainer.x_test).dtype == np.float32
