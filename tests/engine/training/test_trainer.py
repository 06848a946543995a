"""The training loop: batches, stop rules, and divergence."""

from __future__ import annotations

import numpy as np
import pytest

from engine.formulas.losses import Objective
from engine.formulas.optimizers import OPTIMIZERS
from engine.formulas.schedules import SCHEDULES
from engine.network.layers import Activation, Dense
from engine.network.network import Network
from engine.tape.executor import TapeExecutor
from engine.training.trainer import Settings, Trainer
from tests.engine.helpers import make_infinite


def test_each_epoch_uses_every_sample_once(build_trainer):
    trainer = build_trainer(batch_size=8)
    orders = []
    for _ in range(2):
        batches = []
        for _ in range(7):
            trainer.step()
            batches.append(trainer.batch.copy())
        assert [len(batch) for batch in batches] == [8, 8, 8, 8, 8, 8, 2]
        orders.append(np.concatenate(batches))
        np.testing.assert_array_equal(np.sort(orders[-1]), np.arange(50))
    assert (trainer.epochs, trainer.steps) == (2, 14)
    assert (orders[0] != orders[1]).any()


def test_batch_size_zero_uses_the_whole_training_part(build_trainer):
    trainer = build_trainer(batch_size=0)
    trainer.step()
    assert (trainer.epochs, len(trainer.batch)) == (1, 50)


def test_recorded_steps_equal_plain_ones(kind, build_trainer):
    rules = {"l1": 0.001, "l2": 0.01, "clip_norm": 0.5, "clip_value": 0.1, "max_norm": 1.5}
    recorded, plain = (build_trainer(kind, np.float64, "momentum", **rules) for _ in range(2))
    for _ in range(20):
        recorded.step()
        plain.formulas.learn(plain.x_train[recorded.batch], plain.t_train[recorded.batch])
    np.testing.assert_allclose(recorded.network.parameters, plain.network.parameters, rtol=1e-9, atol=1e-11)


def test_two_equal_trainers_are_equal_to_the_bit(kind, build_trainer):
    one, other = build_trainer(kind), build_trainer(kind)
    for _ in range(3):
        one.epoch()
    for _ in range(21):
        other.step()
    np.testing.assert_array_equal(one.network.parameters, other.network.parameters)
    np.testing.assert_array_equal(one.history.values, other.history.values)


def test_the_rate_can_change_while_the_network_runs(build_trainer):
    trainer = build_trainer(optimizer="sgd")
    trainer.step()
    trainer.set(learning_rate=0.0)
    before = trainer.network.parameters.copy()
    trainer.step()
    np.testing.assert_array_equal(trainer.network.parameters, before)
    assert trainer.steps == 2


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_sets_the_rate_of_every_step(name, build_trainer):
    trainer = build_trainer(schedule=name, schedule_span=3.0, learning_rate=0.1)
    for step in range(25):
        trainer.step()
        factor = SCHEDULES[name].factor(step // 7 + (step % 7) * 8 / 50, 3.0)
        assert trainer.learning_rate == pytest.approx(0.1 * factor, rel=1e-6)


def test_an_unknown_schedule_or_monitor_is_refused(build_trainer):
    trainer = build_trainer()
    with pytest.raises(ValueError, match="allowed: constant, step"):
        trainer.set(schedule="moon")
    with pytest.raises(ValueError, match="allowed: validation_loss, validation_score"):
        trainer.set(monitor="beauty")
    assert trainer.settings.schedule == "constant"


def test_l2_penalizes_weights_but_not_biases(build_trainer):
    with_l2, without = (build_trainer(dtype=np.float64, optimizer="sgd", l2=l2) for l2 in (0.1, 0.0))
    with_l2.step()
    without.step()
    weights = with_l2.guard.safe.parameters * with_l2.network.weight_mask
    np.testing.assert_allclose(with_l2.network.gradients - without.network.gradients, 0.1 * weights, atol=1e-14)


def test_clipping_limits_the_gradient(build_trainer):
    trainer = build_trainer(clip_norm=0.01)
    trainer.step()
    assert np.linalg.norm(trainer.network.gradients) == pytest.approx(0.01, rel=1e-5)
    trainer.set(clip_norm=0.0, clip_value=0.002)
    trainer.step()
    assert np.abs(trainer.network.gradients).max() == pytest.approx(0.002)


def test_max_norm_bounds_the_weights_of_every_unit(kind, build_trainer):
    trainer = build_trainer(kind, max_norm=0.3)
    trainer.epoch()
    lengths = np.concatenate([np.linalg.norm(W, axis=0) for W, _ in trainer.network.weights])
    assert lengths.max() <= 0.3 + 1e-6
    assert lengths.max() > 0.29


def test_reset_starts_the_same_run_again(kind, build_trainer):
    trainer = build_trainer(kind)
    for _ in range(10):
        trainer.step()
    first = trainer.network.parameters.copy(), trainer.history.values.copy()
    for _ in range(5):
        trainer.epoch()
    trainer.reset()
    assert (trainer.steps, trainer.epochs, trainer.history.count, trainer.seconds) == (0, 0, 1, 0)
    for _ in range(10):
        trainer.step()
    np.testing.assert_array_equal(trainer.network.parameters, first[0])
    np.testing.assert_array_equal(trainer.history.values, first[1])


def test_reset_keeps_the_current_settings(build_trainer):
    trainer = build_trainer()
    trainer.set(learning_rate=0.5)
    trainer.reset()
    assert trainer.learning_rate == 0.5


# The end of a run


def test_a_run_stops_at_its_last_epoch_until_resumed(build_trainer):
    trainer = build_trainer(epochs=3)
    trainer.run_for(60)
    assert (trainer.epochs, trainer.stopped) == (3, "Stopped after 3 epochs.")
    trainer.resume()
    assert trainer.stopped == ""
    trainer.epoch()
    assert (trainer.epochs, trainer.stopped) == (4, "")


def test_a_changed_setting_or_a_reset_enables_a_rule_again(build_trainer):
    trainer = build_trainer(epochs=2)
    trainer.run_for(60)
    trainer.set(epochs=4)
    assert trainer.stopped == ""
    trainer.run_for(60)
    assert trainer.epochs == 4
    trainer.resume()
    trainer.reset()
    trainer.run_for(60)
    assert (trainer.epochs, trainer.stopped) == (4, "Stopped after 4 epochs.")


def test_a_run_stops_when_the_target_is_reached(build_trainer):
    trainer = build_trainer(target_accuracy=0.5, validates=True)
    trainer.run_for(60)
    assert trainer.stopped == "The validation accuracy has reached 0.5."
    assert trainer.evaluate().validation_score >= 0.5
    assert (trainer.history.values[5, :-1] < 0.5).all()


def test_without_a_validation_part_the_target_is_a_training_score(build_trainer):
    trainer = build_trainer(target_accuracy=0.9)
    trainer.run_for(60)
    assert trainer.stopped == "The training accuracy has reached 0.9."
    assert trainer.evaluate().train_score >= 0.9
    assert (trainer.history.values[2, :-1] < 0.9).all()


@pytest.mark.parametrize(("validates", "part", "column"), [(True, "validation", 4), (False, "training", 0)])
def test_a_run_stops_when_the_target_loss_is_reached(validates, part, column, build_trainer):
    start = build_trainer(validates=validates).history.values[column, 0]
    target = float(f"{0.9 * start:.3g}")
    trainer = build_trainer(target_loss=target, learning_rate=0.05, validates=validates)
    trainer.run_for(60)
    assert trainer.stopped == f"The {part} loss has reached {target:g}."
    losses = trainer.history.values[column]
    assert (losses[:-1] > target).all()
    assert losses[-1] <= np.float32(target)


@pytest.mark.parametrize("validates", [False, True])
@pytest.mark.parametrize(
    "rules",
    [
        {"patience": 4, "epochs": 60},
        {"patience": 4, "monitor": "validation_score"},
        {"target_accuracy": 0.6},
        {"target_loss": 1.15},
    ],
)
def test_no_stop_rule_looks_at_the_test_part(rules, validates, build_trainer):
    labels = np.zeros(20, int), np.ones(20, int)
    one, other = (build_trainer(validates=validates, test_labels=test_labels, **rules) for test_labels in labels)
    for trainer in (one, other):
        trainer.run_for(60)
    assert one.stopped == other.stopped != ""
    assert one.evaluate().test_loss != other.evaluate().test_loss
    np.testing.assert_array_equal(one.network.parameters, other.network.parameters)


def test_a_validation_part_changes_no_step(build_trainer):
    without, with_part = (build_trainer("everything", validates=validates) for validates in (False, True))
    for trainer in (without, with_part):
        trainer.run_for(60, epochs=3)
    np.testing.assert_array_equal(without.network.parameters, with_part.network.parameters)
    np.testing.assert_array_equal(without.history.values, with_part.history.values[:4])
    assert without.evaluate()[:4] == with_part.evaluate()[:4]
    assert np.isnan(without.evaluate()[4:]).all()
    assert np.isfinite(with_part.evaluate()[4:]).all()


def test_a_run_stops_when_its_time_is_over(build_trainer):
    trainer = build_trainer(max_seconds=5.0, executor=TapeExecutor)
    trainer.run_for(60, clock=lambda: float(trainer.steps))  # each step seems to take a second
    assert (trainer.stopped, trainer.steps, trainer.seconds) == ("Stopped after 5 seconds of training.", 5, 5.0)


def test_run_for_follows_the_clock(build_trainer):
    trainer = build_trainer(executor=TapeExecutor)
    trainer.run_for(3, clock=lambda: float(trainer.steps))
    assert (trainer.steps, trainer.seconds, trainer.stopped) == (3, 3.0, "")


@pytest.mark.parametrize(
    ("monitor", "validates", "column", "sign", "what"),
    [
        ("validation_loss", True, 4, 1, "validation loss"),
        ("validation_score", True, 5, -1, "validation accuracy"),
        ("validation_score", False, 2, -1, "training accuracy"),
    ],
)
@pytest.mark.parametrize("kind", ["dense", "everything"])
def test_early_stopping_restores_the_best_network(monitor, validates, column, sign, what, kind, build_trainer):
    trainer = build_trainer(kind, learning_rate=0.05, patience=4, monitor=monitor, validates=validates)
    trainer.run_for(60)
    assert trainer.stopped.startswith(f"The {what} has not improved for 4 epochs; ")
    values = sign * trainer.history.values[column, 1:]
    best = int(np.argmin(values)) + 1
    assert trainer.epochs == best + 4
    assert f"of epoch {best}," in trainer.stopped
    assert (
        np.float32(trainer.evaluate()[column]) == trainer.history.values[column, best]
    )  # including running statistics


ENDS = {
    "epochs": {"epochs": 40},
    "seconds": {"max_seconds": 300.0},
    "target": {"target_accuracy": 0.45},
    "target_loss": {"target_loss": 1.15},
}


@pytest.mark.parametrize("rule", ENDS)
def test_with_patience_every_end_restores_the_best_weights(rule, build_trainer):
    trainer = build_trainer(learning_rate=0.05, patience=1000, validates=True, **ENDS[rule])
    trainer.run_for(1e9, clock=lambda: float(trainer.steps))  # each step seems to take a second
    assert trainer.stopped_by == rule
    best = int(np.argmin(trainer.history.values[4, 1:])) + 1
    assert best < trainer.epochs or rule in ("target", "target_loss")
    assert trainer.stopped.endswith(f"; the best weights, of epoch {best}, are restored.")
    assert np.float32(trainer.evaluate().validation_loss) == trainer.history.values[4, best]


def test_without_patience_the_last_weights_are_kept(build_trainer):
    trainer, twin = (build_trainer(epochs=epochs, validates=True) for epochs in (5, 0))
    trainer.run_for(60)
    twin.run_for(60, epochs=5)
    assert trainer.stopped == "Stopped after 5 epochs."
    np.testing.assert_array_equal(trainer.network.parameters, twin.network.parameters)


def test_an_end_before_the_first_epoch_keeps_the_weights(build_trainer):
    trainer = build_trainer(patience=5, max_seconds=2.0, executor=TapeExecutor)
    trainer.run_for(60, clock=lambda: float(trainer.steps))
    assert trainer.stopped == "Stopped after 2 seconds of training."
    assert not np.array_equal(trainer.network.parameters, trainer.rules.best.parameters)


def test_an_improvement_smaller_than_min_delta_does_not_count(build_trainer):
    trainer = build_trainer(patience=2, min_delta=100.0)
    trainer.run_for(60)
    assert trainer.epochs == 3  # the first epoch is the best so far by definition


def test_after_early_stopping_the_run_can_go_on(build_trainer):
    trainer = build_trainer(learning_rate=0.05, patience=2, validates=True)
    trainer.run_for(60)
    stopped_at = trainer.epochs
    trainer.resume()
    for _ in range(5):
        trainer.epoch()
    assert (trainer.epochs, trainer.stopped) == (stopped_at + 5, "")


# Divergence


@pytest.mark.parametrize("kind", ["dense", "dropout", "batch norm", "everything"])
def test_the_guard_restores_the_last_finite_step(kind, build_trainer):
    trainer, twin = (build_trainer(kind, optimizer="sgd", learning_rate=0.01) for _ in range(2))
    for t in (trainer, twin):
        make_infinite(t, 0)
    finite = twin.network.parameters.copy()
    with np.errstate(all="ignore"):
        while np.isfinite(twin.network.parameters).all():
            finite = twin.network.parameters.copy()
            twin.advance()
        for _ in range(twin.steps + 4):
            trainer.advance()
    assert not trainer.check()
    assert trainer.divergence.step == twin.steps
    np.testing.assert_array_equal(trainer.network.parameters, finite)
    assert 0 in trainer.batch
    first = f"hidden layer 1 ({trainer.network.layers[0]!r})"
    assert trainer.divergence.where == f"what leaves {first} is too large for a number"


def test_the_guard_names_the_first_layer_that_overflows():
    rng = np.random.default_rng(0)
    network = Network([Dense(4), Activation("linear"), Dense(4), Dense(1)], (2,), rng=rng)
    x, y = rng.normal(size=(20, 2)), rng.normal(size=20)
    objective, optimizer = Objective("regression", 0, "linear", "mse"), OPTIMIZERS["sgd"](0.01, network.parameters.size)
    settings = Settings(learning_rate=0.01, batch_size=0)
    trainer = Trainer(network, objective, optimizer, (x, y), (x, y), settings=settings, rng=rng)
    network.named["2.W"][:] = 3e38
    trainer.parameters_changed()
    trainer.epoch()
    assert trainer.divergence.where == "what leaves hidden layer 2 (Dense(4)) is too large for a number"
    assert trainer.divergence.step == 1


def test_a_divergence_leaves_finite_numbers(kind, build_trainer):
    trainer = build_trainer(kind, optimizer="sgd", learning_rate=1e30)
    trainer.run_for(60)
    assert trainer.divergence is not None
    assert np.isfinite(trainer.network.parameters).all()
    assert np.isfinite(trainer.history.values).all()
    steps = trainer.steps
    trainer.run_for(60)
    assert trainer.steps == steps


def test_a_lower_rate_continues_after_a_divergence(build_trainer):
    trainer = build_trainer(optimizer="sgd", learning_rate=1e38)
    trainer.run_for(60)
    trainer.reset()
    trainer.set(learning_rate=0.05)
    for _ in range(20):
        trainer.epoch()
    assert trainer.divergence is None
    assert trainer.evaluate().train_loss < trainer.untrained_loss


def test_changed_settings_do_not_confuse_the_guard(build_trainer):
    trainer = build_trainer(optimizer="sgd")
    make_infinite(trainer)
    trainer.step()
    trainer.step()
    trainer.set(learning_rate=0.01)
    assert trainer.divergence is not None
    assert np.isfinite(trainer.network.parameters).all()


def test_a_loss_that_explodes_without_overflowing_is_reported(build_trainer):
    trainer = build_trainer(optimizer="sgd", learning_rate=300.0)
    trainer.run_for(60)
    assert "the loss rose to" in trainer.divergence.where
