"""Advice: each rule applies to its run and to no other, and its change helps."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from engine.network.layers import Dense
from engine.training.trainer import Trainer
from lab.experiment.experiment import Experiment
from lab.experiment.presets import PRESETS
from lab.protocol.frames import unpack
from lab.training.advice import ADVICE_INTERVAL_S, RULES, Adviser, RunView, advise
from lab.training.build import build
from lab.training.run import Run

# A convex loss, because chaotic training depends on the rounding of the processor.
JUMPING = Experiment(dataset="circle", hidden=(), learning_rate=3.0)
CASES = {
    "copies": (PRESETS["zeros"].experiment, 10),
    "dead": (PRESETS["dead_relu"].experiment, 20),
    "vanishing": (PRESETS["vanishing"].experiment, 60),
    "jumps": (JUMPING, 60),
    "overfits": (PRESETS["overfitting"].experiment, 200),
    "linear": (PRESETS["linear"].experiment, 60),
    "slow": (Experiment(learning_rate=0.001), 60),
    "underfits": (Experiment(hidden=(1,)), 200),
    "done": (Experiment(), 60),
}


@cache
def trained(experiment: Experiment, epochs: int) -> Trainer:
    trainer = build(experiment).trainer
    for _ in range(epochs):
        trainer.epoch()
    return trainer


@pytest.mark.parametrize("name", CASES)
def test_each_rule_applies_first_to_its_run(name):
    experiment, epochs = CASES[name]
    trainer = trained(experiment, epochs)
    advice = RULES[name].advise(RunView(experiment, trainer))
    assert advice is not None
    assert advice.text.endswith(".")
    assert advice == advise(experiment, trainer)


@pytest.mark.parametrize("name", CASES)
def test_offered_changes_are_valid_and_new(name):
    experiment, epochs = CASES[name]
    advice = advise(experiment, trained(experiment, epochs))
    assert advice is not None
    assert advice.label
    assert experiment.change(**advice.changes or {}) != experiment


@pytest.mark.parametrize("name", ["copies", "dead", "vanishing", "linear", "slow", "underfits"])
def test_what_is_offered_makes_the_training_loss_lower(name):
    experiment, epochs = CASES[name]
    before = trained(experiment, epochs)
    advice = advise(experiment, before)
    assert advice is not None
    after = trained(experiment.change(**advice.changes or {}), epochs)
    assert after.evaluate().train_loss < 0.9 * before.evaluate().train_loss


def test_l2_makes_the_test_loss_of_an_overfitting_run_lower():
    experiment, epochs = CASES["overfits"]
    advice = advise(experiment, trained(experiment, epochs))
    assert advice is not None
    assert (advice.label, advice.changes) == ("Try L2 0.001", {"l2": 0.001})
    after = trained(experiment.change(l2=0.001), epochs)
    assert after.evaluate().test_loss < trained(experiment, epochs).evaluate().test_loss


def test_advice_speaks_of_the_validation_part_where_there_is_one():
    experiment, epochs = CASES["overfits"]
    experiment = experiment.change(train_share=0.5, validation_share=0.3)
    advice = advise(experiment, trained(experiment, epochs))
    assert advice is not None
    assert advice.text.startswith("Validation loss has risen for ")
    experiment, epochs = CASES["done"]
    advice = advise(experiment.change(validation_share=0.2), trained(experiment.change(validation_share=0.2), epochs))
    assert advice is not None
    assert "validation points are classified correctly" in advice.text


def test_saturated_units_are_seen_when_their_weights_are_large():
    experiment = Experiment(dataset="spiral", learning_rate=0.001, seed=4)
    trainer = build(experiment).trainer
    next(layer for layer in trainer.network.layers if isinstance(layer, Dense)).W *= 100
    for _ in range(60):
        trainer.epoch()
    advice = RULES["saturated"].advise(RunView(experiment, trainer))
    assert advice is not None
    assert advice.changes == {"batch_norm": True}


def test_a_healthy_run_hears_nothing_but_that_it_is_done():
    trainer = build(Experiment()).trainer
    heard = []
    for _ in range(60):
        trainer.epoch()
        heard.append(advise(Experiment(), trainer))
    texts = {advice.text for advice in heard if advice}
    assert heard[0] is None
    assert texts
    assert all("classified correctly" in text for text in texts)


@pytest.mark.parametrize("dataset", ["iris", "digits", "plane", "spiral3"])
def test_a_beginning_run_on_any_data_is_not_criticised(dataset):
    experiment = Experiment(dataset=dataset, samples=100)
    for epochs in (0, 1, 5, 20):
        advice = advise(experiment, trained(experiment, epochs))
        assert advice is None or advice.changes is None


def test_a_full_batch_that_crawls_is_offered_batches():
    experiment = PRESETS["full_batch"].experiment
    advice = advise(experiment, trained(experiment, 60))
    assert advice is not None
    assert advice.changes == {"batch_size": 10}


def test_nothing_is_said_about_a_run_that_diverged():
    experiment = Experiment(learning_rate=10.0)
    trainer = trained(experiment, 60)
    assert trainer.divergence is not None
    assert advise(experiment, trainer) is None


def test_advice_changes_nothing_about_the_run():
    experiment = PRESETS["vanishing"].experiment.change(samples=100, dropout=0.1)
    alone, advised = build(experiment).trainer, build(experiment).trainer
    for _ in range(50):
        alone.epoch()
        advised.epoch()
        advise(experiment, advised)
    np.testing.assert_array_equal(alone.network.parameters, advised.network.parameters)
    np.testing.assert_array_equal(alone.history.values, advised.history.values)


def test_an_adviser_updates_only_at_intervals_after_changes():
    experiment = PRESETS["zeros"].experiment
    trainer, adviser = build(experiment).trainer, Adviser()
    assert adviser.update(0.0, experiment, trainer) is None
    for _ in range(10):
        trainer.epoch()
    advice = adviser.update(0.0, experiment, trainer)
    assert advice is not None
    assert advice["fix"] == {"label": "Try Glorot", "changes": {"initializer": "glorot_uniform"}}
    trainer.reset()
    trainer.epoch()
    assert adviser.update(0.5 * ADVICE_INTERVAL_S, experiment, trainer) == advice
    assert adviser.update(1.5 * ADVICE_INTERVAL_S, experiment, trainer) is None


def test_advice_rides_in_the_header_of_a_frame():
    run = Run(PRESETS["zeros"].experiment, clock=lambda: 100.0)
    assert unpack(run.frame())[0]["advice"] is None
    for _ in range(10):
        run.step()
    advice = unpack(run.frame())[0]["advice"]
    assert "copies" in advice["text"]
    assert advice["fix"]["changes"] == {"initializer": "glorot_uniform"}
    run.reset()
    assert unpack(run.frame())[0]["advice"] is None


def test_a_changed_setting_removes_advice_about_earlier_ones():
    run = Run(PRESETS["zeros"].experiment, clock=lambda: 100.0)
    for _ in range(10):
        run.step()
    assert unpack(run.frame())[0]["advice"] is not None
    run.change(run.experiment.change(learning_rate=0.1))
    assert unpack(run.frame())[0]["advice"] is None


def test_jumping_statistics_alone_do_not_blame_the_rate():
    experiment = Experiment(batch_norm=True, learning_rate=0.0001)
    trainer = build(experiment).trainer
    for _ in range(3):
        trainer.epoch()
    jumping = np.tile(np.array([0.5, 1.0], trainer.history.values.dtype), (4, 30))
    trainer.history.replace(np.arange(60), jumping, 1)
    assert trainer.training_loss_ratio() < 1
    assert RULES["jumps"].advise(RunView(experiment, trainer)) is None
    trainer.network.parameters *= -20
    trainer.parameters_changed()
    advice = RULES["jumps"].advise(RunView(experiment, trainer))
    assert advice is not None
    assert "learning rate is too high" in advice.text


@pytest.mark.parametrize("hidden", [(), (8,)])
def test_a_convolution_that_does_not_learn_still_has_frames(hidden):
    slow = Experiment(dataset="digits", conv=(2,), hidden=hidden, learning_rate=1e-6)
    advise(slow, trained(slow, 4))
