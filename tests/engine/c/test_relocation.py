"""Programs for runs of a structure that has been sketched before."""

from __future__ import annotations

import numpy as np
import pytest

from engine.c import program, relocation
from engine.c.executor import CompiledExecutor
from lab.experiment.experiment import Experiment
from lab.training.build import build

pytestmark = pytest.mark.usefixtures("c")
EXPERIMENTS = (
    {}, {"dataset": "plane", "dtype": "float64"}, {"batch_size": 0, "optimizer": "adam", "schedule": "cosine"},
    {"dropout": 0.3, "batch_norm": True, "optimizer": "adamw", "l2": 0.01, "max_norm": 1.0, "clip_norm": 0.1},
    {"dataset": "digits", "conv": (3,), "hidden": (5,), "batch_norm": True, "dropout": 0.2, "dtype": "float64"},
    {"dataset": "spiral3", "residual": True, "hidden": (6, 6, 6), "class_weights": "balanced", "validation_share": 0.2},
)  # fmt: skip


@pytest.fixture
def sketched(monkeypatch):
    """The sizes of the batches of every program that was sketched; none is known at first."""
    sizes, program = [], relocation.Program
    monkeypatch.setattr(relocation, "_recent", relocation.OrderedDict())
    monkeypatch.setattr(relocation, "Program", lambda *given: sizes.append(given[-1]) or program(*given))
    return sizes


def trained(trainer, epochs):
    trainer.wait_for_compiler()
    trainer.run_for(60, epochs=epochs)
    assert trainer.executor.way == "compiled", trainer.executor.reason
    return trainer


def same(one, other):
    for name in ("parameters", "gradients"):
        np.testing.assert_array_equal(getattr(one.network, name), getattr(other.network, name))
    np.testing.assert_array_equal(one.history.values, other.history.values)
    for name, slot in one.optimizer.slots.items():
        np.testing.assert_array_equal(slot, other.optimizer.slots[name])


@pytest.mark.parametrize("fields", EXPERIMENTS, ids=str)
def test_another_seed_is_not_sketched_and_has_the_same_bits(fields, sketched):
    trainers = []
    for _ in range(2):
        relocation._recent.clear()
        trainers.append(trained(build(Experiment(samples=60, seed=2, **fields)).trainer, 3))
        trained(build(Experiment(samples=60, seed=1, **fields)).trainer, 3)
        trainers.append(trained(build(Experiment(samples=60, seed=2, **fields)).trainer, 3))
    assert len(sketched) == 2
    for trainer in trainers[1:]:
        same(trainer, trainers[0])


def test_runs_of_one_structure_share_no_memory(sketched):
    one, other, alone = (build(Experiment(seed=seed, dropout=0.2)).trainer for seed in (1, 2, 1))
    for epochs in (1, 2, 3):
        trained(one, epochs)
        trained(other, epochs)
    relocation._recent.clear()
    same(one, trained(alone, 3))


@pytest.mark.parametrize(
    "change",
    [{"activations": "relu"}, {"loss": "mse"}, {"optimizer": "momentum"}, {"dropout": 0.3}, {"clip_value": 0.2},
     {"hidden": (8, 7)}, {"batch_size": 11}, {"train_share": 0.6}, {"validation_share": 0.1}, {"dtype": "float64"}],
    ids=str,
)  # fmt: skip
def test_other_structures_are_sketched(change, sketched):
    first = Experiment(samples=60, dropout=0.2, clip_value=0.1)
    trained(build(first).trainer, 1)
    changed = trained(build(first.change(**change)).trainer, 2)
    assert len(sketched) == 2
    relocation._recent.clear()
    same(changed, trained(build(first.change(**change)).trainer, 2))


def test_a_known_program_holds_no_data_of_a_run(build_trainer, sketched):
    trainer = build_trainer(executor=CompiledExecutor)
    trainer.run_for(60, epochs=2)
    (template,) = relocation._recent.values()
    assert not any(array.any() for array in template.arrays)
    assert not {"data", "formulas", "inputs", "targets", "library"} & vars(template.program).keys()


def test_few_small_programs_are_known(sketched, monkeypatch, build_trainer):
    monkeypatch.setattr(relocation, "MAX_PROGRAMS", 2)
    for size in (7, 8, 9):
        build_trainer(executor=CompiledExecutor, batch_size=size).step()
    assert len(relocation._recent) == 2
    monkeypatch.setattr(relocation, "MAX_BYTES", max(each.bytes for each in relocation._recent.values()))
    build_trainer(executor=CompiledExecutor, batch_size=6).step()
    assert len(relocation._recent) == 1
    monkeypatch.setattr(relocation, "MAX_PROGRAM_BYTES", 100)
    build_trainer(executor=CompiledExecutor, batch_size=10).step()
    build_trainer(executor=CompiledExecutor, batch_size=10).step()
    assert len(sketched) == 6


def test_templates_hold_no_large_data(sketched, monkeypatch):
    monkeypatch.setattr(program, "WHOLE_EVALUATION", 0)  # the examples are arguments of no kernel
    monkeypatch.setattr(relocation, "MAX_PROGRAM_BYTES", 100_000)
    trained(build(Experiment(dataset="digits", samples=900, hidden=(4,))).trainer, 1)
    assert not relocation._recent
    trained(build(Experiment(dataset="digits", samples=100, hidden=(4,))).trainer, 1)
    assert len(relocation._recent) == 1
