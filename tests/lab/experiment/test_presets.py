"""Every preset is run and must behave as its sentence says."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from engine.training.diagnostics import diagnose
from engine.training.trainer import Trainer
from lab.experiment.experiment import Experiment
from lab.experiment.presets import PRESETS
from lab.training.build import build


@cache
def trained(experiment: Experiment, epochs: int) -> Trainer:
    trainer = build(experiment).trainer
    while trainer.epochs < epochs and trainer.divergence is None:
        trainer.epoch()
    assert trainer.divergence is None
    return trainer


def preset(name: str, **changes) -> Experiment:
    return PRESETS[name].experiment.change(**changes)


def score_of(experiment: Experiment, epochs: int) -> float:
    return trained(experiment, epochs).evaluate().test_score


def jumpiness(experiment: Experiment) -> float:
    loss = trained(experiment, 100).history.values[0, -40:]
    return float(np.abs(np.diff(loss)).mean() / loss.mean())


def dead(experiment: Experiment) -> float:
    """The largest share of dead units in a layer."""
    return max(report.dead for report in diagnose(trained(experiment, 30)) if report.name.startswith("Activation"))


def test_an_easy_win_is_won_within_a_minute_of_frames():
    assert score_of(preset("easy_win"), 60) >= 0.97


def test_linear_stays_a_matter_of_guessing():
    assert score_of(preset("linear"), 200) < 0.65


def test_features_need_no_hidden_layer():
    assert preset("features").hidden == ()
    assert score_of(preset("features"), 60) >= 0.97


def test_the_spiral_is_unrolled():
    assert score_of(preset("spiral"), 100) >= 0.95


def test_vanishing_learns_with_tanh_only():
    trainer = trained(preset("vanishing"), 60)
    reports = [report for report in diagnose(trainer) if report.name.startswith("Activation")]
    assert trainer.evaluate().test_score < 0.65
    assert reports[0].gradient_std < 0.01 * reports[-1].gradient_std
    assert score_of(preset("vanishing", activations="tanh"), 60) >= 0.97


def test_dead_units_are_dead_and_leaky_ones_alive():
    assert dead(preset("dead_relu")) > 0.5
    assert dead(preset("dead_relu", activations="leaky_relu")) == 0


def test_too_high_a_rate_jumps_and_a_lower_one_settles():
    assert jumpiness(preset("high_rate")) > 3 * jumpiness(preset("high_rate", learning_rate=0.03))


def test_overfitting_raises_only_the_test_loss():
    train, test = trained(preset("overfitting"), 300).history.values[:2]
    middle = int(test.argmin())
    assert middle < 100
    assert test[-20:].mean() > 1.3 * test[middle]
    assert train[-20:].mean() < 0.8 * train[middle]


def test_l2_keeps_the_test_loss_of_the_same_run_low():
    changed = PRESETS["overfitting"].experiment.changed_fields(PRESETS["l2"].experiment)
    assert list(changed) == ["l2"]
    test = trained(preset("l2"), 300).history.values[1]
    assert test[-20:].mean() < 1.1 * test.min()
    assert test[-1] < 0.8 * trained(preset("overfitting"), 300).history.values[1, -1]


def test_the_chosen_part_looks_good_by_luck_and_the_test_part_does_not():
    scores = []
    for seed in range(1, 11):
        trainer = build(preset("fooled", seed=seed)).trainer
        trainer.run_for(np.inf)
        assert "the best weights, of epoch " in trainer.stopped
        scores.append(trainer.evaluate())
    validation, test = (np.array([score.of(part)[1] for score in scores]) for part in ("validation", "test"))
    assert validation[0] > 0.6  # of the seed that a visitor sees first
    assert abs(test[0] - 0.5) < 0.03
    assert validation.mean() > 0.55
    assert abs(test.mean() - 0.5) < 0.02


def test_zeros_stay_copies_and_learn_nothing():
    trainer = trained(preset("zeros"), 100)
    for W, _ in trainer.network.weights[:2]:
        assert np.ptp(W, axis=1).max() == 0
    assert trainer.evaluate().test_score < 0.65


def test_full_batches_are_smooth_but_learn_less():
    whole = trained(preset("full_batch"), 100)
    assert (whole.steps, whole.epochs) == (100, 100)
    assert (np.diff(whole.history.values[0]) < 0).all()
    assert whole.evaluate().train_loss > 3 * trained(preset("full_batch", batch_size=10), 100).evaluate().train_loss


def test_three_classes_are_told_apart():
    trainer = trained(preset("three_classes"), 100)
    assert trainer.objective.output.name == "softmax"
    assert trainer.evaluate().test_score >= 0.95


def test_the_surface_is_fitted():
    trainer = trained(preset("regression"), 200)
    assert trainer.score_name == "R2"
    assert trainer.evaluate().test_score >= 0.85


def test_every_preset_has_its_test_above_and_a_link():
    assert len(PRESETS) == 14
    for name, record in PRESETS.items():
        assert record.name == name
        assert record.sentence.endswith(".")
        assert Experiment.from_query(record.experiment.to_query()) == (record.experiment, [])


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_fits_the_diagram(name):
    experiment = PRESETS[name].experiment
    assert experiment.source.plane
    assert len(experiment.hidden) <= 6
