"""The learning-rate range test: it finds a good rate and does not change the trainer."""

from __future__ import annotations

import numpy as np
import pytest

from engine.training import checkpoint
from engine.training.rate_finder import find_rate


def test_looking_for_a_rate_changes_nothing(kind, build_trainer):
    trainer = build_trainer(kind)
    for _ in range(9):
        trainer.step()
    before, rate = checkpoint.capture(trainer), trainer.learning_rate
    find_rate(trainer, steps=20)
    after = checkpoint.capture(trainer)
    for name in before:
        np.testing.assert_array_equal(after[name], before[name], err_msg=name)
    assert trainer.learning_rate == rate


def test_the_suggested_rate_learns_and_lies_in_the_range(build_trainer):
    trainer = build_trainer(optimizer="sgd")
    found = find_rate(trainer)
    assert 1e-6 <= found.suggestion < 10
    assert found.rates.shape == found.losses.shape
    assert (np.diff(found.rates) > 0).all()
    trainer.set(learning_rate=found.suggestion)
    for _ in range(30):
        trainer.epoch()
    assert trainer.evaluate().train_loss < trainer.untrained_loss / 2


def test_the_test_ends_early_when_the_loss_explodes(build_trainer):
    found = find_rate(build_trainer(optimizer="sgd"), highest=1e20, steps=200)
    assert len(found.rates) < 200
    assert np.isfinite(found.losses).all()


def test_an_empty_range_is_refused(build_trainer):
    with pytest.raises(ValueError, match="0 < lowest < highest"):
        find_rate(build_trainer(), lowest=1.0, highest=0.1)


@pytest.mark.parametrize(("validates", "part"), [(False, "train"), (True, "validation")])
def test_the_losses_are_those_of_the_selecting_part(validates, part, build_trainer):
    trainer = build_trainer(optimizer="sgd", validates=validates)
    loss, _ = trainer.evaluate().of(part)
    found = find_rate(trainer, lowest=1e-30, highest=2e-30, steps=2)
    assert found.part == part
    assert found.losses[0] == pytest.approx(loss, rel=1e-6)
