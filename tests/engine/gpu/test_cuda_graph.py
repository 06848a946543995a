"""A step as kernels made from its formulas, and many steps as one CUDA graph, on the fake CuPy."""

from __future__ import annotations

import numpy as np
import pytest

from engine.formulas.activations import ACTIVATIONS
from engine.formulas.losses import Objective
from engine.formulas.optimizers import OPTIMIZERS
from engine.gpu.cuda_graph import MAX_STEPS
from engine.gpu.verify_program import agree
from engine.lowering.sketch import ELEMENTWISE
from engine.network.layers import Activation, Dense
from engine.network.network import Network
from engine.step.settings import Settings
from engine.tape.executor import TapeExecutor
from engine.training.trainer import Trainer
from tests.engine.gpu import fake_cupy
from tests.engine.gpu.fake_cupy import CARD
from tests.engine.helpers import PAIRS, compiled

pytestmark = compiled


def pair(build_trainer, backend, kind="dense", **settings):
    """On the tape and on the device."""
    settings = {"kind": kind, "dtype": np.float64} | settings
    return build_trainer(executor=TapeExecutor, **settings), build_trainer(backend=backend, **settings)


def played(trainers, steps):
    for trainer in trainers:
        for _ in range(steps):
            trainer.advance()


def same(trainers, rtol=1e-9):
    here, there = trainers
    there.synchronize()
    np.testing.assert_allclose(there.network.parameters, here.network.parameters, rtol=rtol, atol=1e-12)


def names(trainer, size=8):
    return [launch.name for launch in trainer.executor.programs[size].launches]


def test_a_dense_step_is_nine_kernels(build_trainer, backend):
    trainers = pair(build_trainer, backend)
    played(trainers, 3)
    there = trainers[1]
    assert names(there) == ["gather", *["product"] * 2, "rows", *["product"] * 3, "map", "advance"]
    same(trainers)


def test_many_steps_are_one_graph_without_allocations_or_waits(build_trainer, backend):
    trainer = build_trainer(backend=backend, batch_size=0)
    played([trainer], 2 + MAX_STEPS)
    trainer.executor.wait()
    CARD.launches = CARD.waits = CARD.allocations = CARD.graphs = 0
    played([trainer], 2 * MAX_STEPS)
    assert (CARD.graphs, CARD.launches, CARD.waits, CARD.allocations) == (2, 0, 0, 0)


def test_waiting_steps_run_before_a_synchronization(build_trainer, backend):
    trainers = pair(build_trainer, backend)
    played(trainers, 2)
    CARD.graphs = 0
    played(trainers, 3)
    assert CARD.graphs == 0
    same(trainers)
    assert CARD.graphs == 1  # of four steps


def test_changes_on_the_host_reach_the_graph(build_trainer, backend):
    trainers = pair(build_trainer, backend, schedule="cosine")
    played(trainers, 17)  # 50 samples in batches of 8: two batches of 2
    for trainer in trainers:
        trainer.set(learning_rate=0.3)
    played(trainers, 9)
    for trainer in trainers:
        trainer.synchronize()
        trainer.network.named["0.W"][:] = 0.25
        trainer.parameters_changed()
    played(trainers, 9)
    same(trainers)
    assert set(trainers[1].executor.programs) == {8, 2}


def test_a_full_batch_is_not_gathered(build_trainer, backend):
    trainers = pair(build_trainer, backend, batch_size=0)
    played(trainers, 40)
    assert "gather" not in names(trainers[1], 50)
    same(trainers)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_optimizer_is_one_kernel_made_from_its_formula(build_trainer, backend, optimizer):
    trainers = pair(build_trainer, backend, "conv", optimizer=optimizer)
    played(trainers, 9)
    assert names(trainers[1]) == ["map", "advance"]
    same(trainers)


def test_penalties_are_part_of_the_products(build_trainer, backend):
    trainers = pair(build_trainer, backend, l1=1e-3, l2=1e-2)
    played(trainers, 9)
    assert len(names(trainers[1])) == 9
    same(trainers)
    for trainer in trainers:
        trainer.set(max_norm=1.0, clip_norm=0.5, clip_value=0.1)
    played(trainers, 9)
    assert len(names(trainers[1])) > 9
    same(trainers)


@pytest.mark.parametrize("kind", ["dropout", "batch norm", "batch norm first"])
def test_a_program_includes_masks_and_running_statistics(build_trainer, backend, kind):
    trainers = pair(build_trainer, backend, kind, optimizer="sgd")
    played(trainers, 15)
    assert "product" in names(trainers[1])
    same(trainers)
    here, there = (trainer.network.state for trainer in trainers)
    for name, array in here.items():
        np.testing.assert_allclose(there[name], array, rtol=1e-9)


def test_only_the_update_of_a_convolution_is_fused(build_trainer, backend):
    trainers = pair(build_trainer, backend, "conv")
    played(trainers, 3)
    assert trainers[1].executor.refusal == "only the update is fused: there is no kernel for maps_of"


def of_formula(activation, output, loss, backend, classes=3):
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(20, 5)), rng.integers(0, classes, 20)
    objective = Objective("classification", classes, output, loss, class_weights=[1.0, 2.0, 3.0][:classes])
    layers = [Dense(4), Activation(activation), Dense(objective.units)]
    network = Network(layers, (5,), rng=np.random.default_rng(0), dtype=np.float64)
    optimizer = OPTIMIZERS["sgd"](0.1, network.parameters.size, np.float64)
    settings = Settings(learning_rate=0.1, batch_size=6)
    return Trainer(network, objective, optimizer, (x, y), (x, y), settings=settings, rng=np.random.default_rng(4),
                   backend=backend)  # fmt: skip


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_is_spelled_out(backend, activation):
    trainers = [of_formula(activation, "softmax", "categorical_crossentropy", where) for where in (None, backend)]
    played(trainers, 6)
    assert "product" in names(trainers[1], 6)
    same(trainers)


@pytest.mark.parametrize(("output", "loss"), [pair[2:] for pair in PAIRS if pair[1] == 3])
def test_every_loss_with_every_output_is_spelled_out(backend, output, loss):
    trainers = [of_formula("tanh", output, loss, where) for where in (None, backend)]
    played(trainers, 6)
    assert "product" in names(trainers[1], 6)
    same(trainers)


@pytest.mark.parametrize("sizes", [(70, 40, 3), (300, 5, 90)])
def test_large_products_are_tiled_and_deep_ones_divided(backend, sizes):
    inputs, units, batch = sizes
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2 * batch + 1, inputs)), rng.integers(0, 3, 2 * batch + 1)
    trainers = []
    for where in (None, backend):
        objective = Objective("classification", 3, "softmax", "categorical_crossentropy")
        network = Network([Dense(units), Activation("relu"), Dense(3)], (inputs,), rng=np.random.default_rng(1),
                          dtype=np.float64)  # fmt: skip
        optimizer = OPTIMIZERS["sgd"](0.05, network.parameters.size, np.float64)
        settings = Settings(learning_rate=0.05, batch_size=batch)
        trainers.append(Trainer(network, objective, optimizer, (x, y), (x, y), settings=settings,
                                rng=np.random.default_rng(2), backend=where))  # fmt: skip
    played(trainers, 7)
    launches = trainers[1].executor.programs[batch].launches
    assert any(launch.blocks > 1 for launch in launches if launch.name == "product")
    assert any("parts[" in launch.source for launch in launches) == (inputs == 300)
    same(trainers)


# What goes wrong -----------------------------------------------------------------------------------------------------


def refusing(problem):
    def refuse(*_):
        raise problem

    return refuse


def test_kernels_that_cannot_be_captured_run_singly(build_trainer, backend, monkeypatch):
    monkeypatch.setattr(fake_cupy.cuda.Stream, "begin_capture", refusing(RuntimeError("an old driver")))
    trainers = pair(build_trainer, backend)
    played(trainers, 40)
    same(trainers)
    assert CARD.graphs == 0
    assert trainers[1].executor.programs[8] is not None


@pytest.mark.parametrize("problem", [OSError("no compiler"), RuntimeError("no NVRTC"), MemoryError("full")])
def test_without_kernels_the_formulas_run(build_trainer, backend, monkeypatch, problem):
    monkeypatch.setattr(fake_cupy.RawKernel, "__call__", refusing(problem))
    trainers = pair(build_trainer, backend)
    played(trainers, 15)
    same(trainers)
    assert trainers[1].executor.programs == {8: None, 2: None}
    assert trainers[1].executor.refusal == str(problem)


def test_kernels_that_differ_from_the_formulas_are_not_used(build_trainer, backend, monkeypatch):
    monkeypatch.setitem(ELEMENTWISE, "subtract", "{} - real(1.1) * {}")
    trainers = pair(build_trainer, backend)
    played(trainers, 9)
    same(trainers)
    assert trainers[1].executor.programs[8] is None
    assert "differ from its formulas" in trainers[1].executor.refusal


def test_a_card_lost_during_verification_is_not_a_bad_kernel(build_trainer, backend, monkeypatch):
    class Lost(RuntimeError):
        status = 700

    trainer = build_trainer(backend=backend)
    monkeypatch.setattr(fake_cupy.RawKernel, "__call__", refusing(Lost()))
    with pytest.raises(Lost):
        played([trainer], 2)


def test_only_differences_of_large_gradients_count():
    gradients, parameters = np.array([1.0, 1e-12]), np.array([0.5, 0.5])
    assert agree([gradients, parameters], [gradients, np.array([0.5, 0.6])])
    assert not agree([gradients, parameters], [gradients, np.array([0.6, 0.5])])
    assert not agree([gradients, parameters], [gradients + 1e-3, parameters])
    assert not agree([gradients, parameters], [gradients * np.nan, parameters])
