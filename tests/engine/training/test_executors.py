"""An executor from outside the engine: plain formulas, several epochs per call, deferred scores."""

from __future__ import annotations

import numpy as np
import pytest

from engine.step.data import scores_of
from engine.step.executor import NO_SCORES, EpochScores
from engine.training import checkpoint
from tests.engine.gpu.fake_cupy import CARD


class PlainExecutor:
    """Computes the formulas on plain arrays. `calls` counts the calls of `steps`."""

    way, is_remote = "tape", False
    min_check_interval = 1

    def __init__(self, data, formulas, progress):
        self.data, self.formulas, self.progress = data, formulas, progress
        self.calls, self.pending = 0, []

    def choose(self, way):
        pass

    def steps(self, limit, time_slice=None, evaluate_every=0):
        self.calls += 1
        progress, formulas, (x, t, _) = self.progress, self.formulas, self.data.train
        for _ in range(limit):
            batch = progress.next_batch(formulas.batch_size)
            formulas.set_rate(progress.fractional_epoch)
            formulas.learn(x[batch], t[batch])
            if progress.advance(len(batch)):
                if not evaluate_every:
                    return
                if progress.epochs % evaluate_every == 0:
                    scores, _ = scores_of(formulas.objective, self.data, self.evaluate())
                    self.pending.append((progress.epochs, progress.steps, scores))
            if time_slice and time_slice.is_over():
                return

    def evaluate(self):
        network, objective = self.formulas.network, self.formulas.objective
        logits = {name: network.forward(part.x) for name, part in self.data.evaluated.items()}
        return {name: (z, float(objective.value(z, self.data.evaluated[name].t))) for name, z in logits.items()}

    def defer_scores(self):
        return bool(self.pending) and self.pending[-1][0] == self.progress.epochs

    def pending_scores(self):
        pending, self.pending = self.pending, []
        return EpochScores(*map(np.array, zip(*pending, strict=True))) if pending else NO_SCORES

    def synchronize(self):
        pass

    def wait(self):
        pass


def both(build_trainer, **options):
    """A trainer on the tape and one on plain formulas."""
    return build_trainer(**options), build_trainer(executor=PlainExecutor, **options)


def same_run(tape, plain, rtol=1e-9):
    assert (tape.steps, tape.epochs, tape.stopped) == (plain.steps, plain.epochs, plain.stopped)
    assert (tape.divergence is None) == (plain.divergence is None)
    np.testing.assert_allclose(plain.network.parameters, tape.network.parameters, rtol=rtol, atol=1e-12)
    np.testing.assert_array_equal(plain.history.epochs, tape.history.epochs)
    np.testing.assert_allclose(plain.history.values, tape.history.values, rtol=1e-6)


@pytest.mark.parametrize("kind", ["dense", "dropout"])
@pytest.mark.parametrize("settings", [
    {"epochs": 12}, {"patience": 3, "epochs": 50}, {"target_accuracy": 0.6, "epochs": 80},
    {"schedule": "cosine", "schedule_span": 9.0, "epochs": 9}, {"batch_size": 0, "epochs": 30},
])  # fmt: skip
def test_a_new_executor_gives_the_same_run(kind, settings, build_trainer):
    trainers = both(build_trainer, kind=kind, dtype=np.float64, **settings)
    for trainer in trainers:
        trainer.run_for(60)
    same_run(*trainers)


def test_many_epochs_may_be_one_call(build_trainer):
    _, plain = both(build_trainer, dtype=np.float64, epochs=30)
    plain.run_for(60)
    assert plain.epochs == 30
    assert plain.executor.calls == 1
    assert plain.history.count == 31


def test_step_and_epoch_end_where_they_should(build_trainer):
    trainers = both(build_trainer, dtype=np.float64)
    for trainer in trainers:
        for _ in range(5):
            trainer.step()
        trainer.epoch()
        trainer.epoch()
    assert trainers[1].epochs == 2
    same_run(*trainers)


def test_an_explosion_found_late_is_undone_up_to_its_epoch(build_trainer):
    trainers = both(build_trainer, dtype=np.float64, optimizer="sgd", learning_rate=300.0)
    for trainer in trainers:
        trainer.run_for(60)
    tape, plain = trainers
    assert "the loss rose to" in tape.divergence.where
    assert plain.divergence == tape.divergence
    same_run(tape, plain, rtol=1e-7)  # an explosion enlarges differences, too


def test_an_overflow_is_found_by_repeating_the_steps(build_trainer):
    trainers = both(build_trainer, optimizer="sgd", learning_rate=1e30)
    for trainer in trainers:
        trainer.run_for(60)
    assert trainers[1].divergence == trainers[0].divergence is not None


def test_a_checkpoint_moves_from_one_executor_to_another(build_trainer):
    trainers = tape, plain = both(build_trainer, dtype=np.float64)
    for _ in range(9):
        tape.step()
    checkpoint.restore(plain, checkpoint.capture(tape))
    for trainer in trainers:
        trainer.epoch()
    same_run(tape, plain)


READABLE = (
    "network", "optimizer", "history", "steps", "epochs", "position", "order", "batch", "stopped", "stopped_by",
    "disabled_rules", "learning_rate", "generators", "batch_size", "divergence", "latest", "seconds",
)  # fmt: skip


def test_reading_a_property_has_no_effect(build_trainer, pretended):
    trainer = build_trainer(optimizer="sgd", learning_rate=300.0, backend=pretended)
    for _ in range(15):  # the exploded loss of the first epoch is still deferred
        trainer.step()
    CARD.waits = CARD.launches = CARD.graphs = 0
    before = trainer.progress.snapshot()
    for name in READABLE:
        getattr(trainer, name)
    assert (CARD.waits, CARD.launches, CARD.graphs) == (0, 0, 0)
    np.testing.assert_array_equal(trainer.network.parameters, before.parameters)
    assert trainer.progress.snapshot().counters == before.counters
    trainer.synchronize()
    assert CARD.waits > 0
