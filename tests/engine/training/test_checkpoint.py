"""Checkpoints: a restored run continues the same curve; checkpoints of other networks are refused."""

from __future__ import annotations

import io

import numpy as np
import pytest

from engine.training import checkpoint
from tests.engine.helpers import make_infinite


def same(one, other):
    assert one.keys() == other.keys()
    for name in one.keys() - {"numbers"}:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)
    np.testing.assert_array_equal(one["numbers"][1:], other["numbers"][1:])  # all but the elapsed time


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("steps", [0, 7, 24])
def test_a_restored_run_continues_the_same_curve(kind, optimizer, steps, build_trainer):
    trainer, heir = (build_trainer(kind, optimizer=optimizer, patience=50, schedule="cosine") for _ in range(2))
    for _ in range(steps):
        trainer.step()
    heir.epoch()  # with different training before
    checkpoint.restore(heir, checkpoint.capture(trainer))
    for t in (trainer, heir):
        t.epoch()
        t.epoch()
        t.step()
    same(checkpoint.capture(trainer), checkpoint.capture(heir))


def test_a_float32_curve_of_an_older_checkpoint_is_accepted(build_trainer):
    trainer, heir = build_trainer(dtype=np.float64), build_trainer(dtype=np.float64)
    trainer.epoch()
    arrays = checkpoint.capture(trainer)
    checkpoint.restore(heir, {**arrays, "history.values": arrays["history.values"].astype(np.float32)})
    assert heir.history.values.dtype == np.float64
    np.testing.assert_array_equal(heir.network.parameters, trainer.network.parameters)


def test_a_checkpoint_survives_a_file_without_pickle(build_trainer):
    trainer, heir = build_trainer("everything", patience=3), build_trainer("everything", patience=3)
    trainer.run_for(60)
    file = io.BytesIO()
    np.savez(file, **checkpoint.capture(trainer))
    file.seek(0)
    checkpoint.restore(heir, dict(np.load(file, allow_pickle=False)))
    same(checkpoint.capture(trainer), checkpoint.capture(heir))
    assert heir.stopped == trainer.stopped != ""
    assert heir.evaluate() == trainer.evaluate()


def test_a_checkpoint_is_a_copy(build_trainer):
    trainer = build_trainer()
    arrays = checkpoint.capture(trainer)
    kept = {name: array.copy() for name, array in arrays.items()}
    trainer.epoch()
    same(arrays, kept)
    other = build_trainer()
    checkpoint.restore(other, arrays)
    other.epoch()
    same(arrays, kept)


def test_a_checkpoint_keeps_how_the_run_ended(build_trainer):
    trainer, heir = (build_trainer(optimizer="sgd", learning_rate=1e38, epochs=9) for _ in range(2))
    trainer.run_for(60)
    checkpoint.restore(heir, checkpoint.capture(trainer))
    assert heir.divergence == trainer.divergence is not None


def test_a_disabled_rule_stays_disabled(build_trainer):
    trainer, heir = build_trainer(epochs=1), build_trainer(epochs=1)
    trainer.run_for(60)
    trainer.resume()
    checkpoint.restore(heir, checkpoint.capture(trainer))
    heir.epoch()
    assert (heir.epochs, heir.stopped) == (2, "")


def test_a_checkpoint_never_holds_overflowed_numbers(build_trainer):
    trainer = build_trainer()
    make_infinite(trainer)
    trainer.step()
    assert not np.isfinite(trainer.network.parameters).all()
    assert np.isfinite(checkpoint.capture(trainer)["parameters"]).all()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda a: a.pop("order"), "order is not in both"),
        (lambda a: a.update(extra=np.zeros(1)), "extra is not in both"),
        (lambda a: a.update(parameters=a["parameters"][:-1]), "has shape"),
        (lambda a: a.update(parameters=a["parameters"].astype(np.float64)), "should hold float32"),
        (lambda a: a.update(parameters=a["parameters"] * np.nan), "not all finite"),
        (lambda a: a.update(order=a["order"] * 0), "each sample once"),
        (lambda a: a.update(counters=a["counters"] + 1000), "out of range"),
        (lambda a: a.update(counters=a["counters"] - 1000), "out of range"),
        (lambda a: a.update({"history.stride": np.array(0)}), "out of range"),
        (lambda a: a.update({"history.epochs": np.zeros(5, np.int32)}), "curve"),
        (lambda a: a.update(stopped=np.array(3)), "should hold"),
        (lambda a: a.update(version=np.array(99)), "version 99"),
        (lambda a: a.clear(), "not in both"),
    ],
)
def test_a_damaged_checkpoint_is_refused(damage, words, build_trainer):
    source, trainer = build_trainer(), build_trainer()
    source.epoch()
    arrays = checkpoint.capture(source)
    damage(arrays)
    before = checkpoint.capture(trainer)
    with pytest.raises(ValueError, match=words):
        checkpoint.restore(trainer, arrays)
    same(checkpoint.capture(trainer), before)


def test_a_checkpoint_of_another_network_is_refused(build_trainer):
    for other in (build_trainer("batch norm"), build_trainer(optimizer="sgd"), build_trainer(dtype=np.float64)):
        with pytest.raises(ValueError, match="checkpoint"):
            checkpoint.restore(build_trainer(), checkpoint.capture(other))
