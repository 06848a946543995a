"""Training on a device: a strict fake of CuPy counts the operations of a card."""

from __future__ import annotations

import numpy as np
import pytest

from engine.backend import Backend, available_devices
from engine.formulas.optimizers import OPTIMIZERS
from engine.gpu.executor import CudaExecutor
from engine.training import checkpoint
from tests.engine.gpu.fake_cupy import CARD
from tests.engine.helpers import compiled

FLOAT32 = 2e-5  # relative: sums have different orders, and rounding accumulates over 200 steps


@pytest.fixture(params=["fake", pytest.param("cuda:0", marks=pytest.mark.gpu)])
def backend(request):
    """The fake, and a real card if there is one."""
    if request.param == "fake":
        return request.getfixturevalue("pretended")
    card = available_devices()[1]
    if not card.usable:
        pytest.skip(card.reason)
    return Backend("cuda:0")


def losses(trainer, steps):
    seen = []
    for _ in range(steps):
        trainer.step()
        seen.append(trainer.evaluate().train_loss)
    return np.array(seen)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_losses_on_the_device_and_the_processor_are_equal(build_trainer, backend, optimizer):
    here, there = (build_trainer(optimizer=optimizer, backend=where) for where in (None, backend))
    np.testing.assert_array_equal(there.network.parameters, here.network.parameters)
    np.testing.assert_allclose(losses(there, 200), losses(here, 200), rtol=FLOAT32)
    np.testing.assert_array_equal(there.order, here.order)


def test_every_kind_of_layer_runs_on_the_device(kind, build_trainer, backend):
    # Not with Adam: before BatchNorm, the gradient of a bias is only rounding errors, which Adam enlarges.
    here, there = (build_trainer(kind, np.float64, "sgd", backend=where) for where in (None, backend))
    np.testing.assert_allclose(losses(there, 20), losses(here, 20), rtol=1e-9)
    there.synchronize()
    for name, array in here.network.state.items():
        np.testing.assert_allclose(there.network.state[name], array, rtol=1e-9)


def test_every_setting_of_a_step_acts_on_the_device(build_trainer, backend):
    settings = {"l1": 1e-3, "l2": 1e-2, "max_norm": 1.0, "clip_norm": 0.5, "clip_value": 0.1, "schedule": "cosine"}
    here, there = (build_trainer(dtype=np.float64, backend=where, **settings) for where in (None, backend))
    np.testing.assert_allclose(losses(there, 40), losses(here, 40), rtol=1e-9)
    for trainer in (here, there):
        trainer.set(learning_rate=0.5, batch_size=0, l1=0.1)
    np.testing.assert_allclose(losses(there, 10), losses(here, 10), rtol=1e-9)


def test_a_last_single_sample_joins_its_batch_on_the_device(build_trainer, backend):
    here, there = (
        build_trainer("batch norm", np.float64, "sgd", backend=where, batch_size=7) for where in (None, backend)
    )
    np.testing.assert_allclose(losses(there, 15), losses(here, 15), rtol=1e-9)
    assert (there.epochs, there.position) == (here.epochs, here.position) == (2, 7)


@compiled
@pytest.mark.parametrize(("kind", "launches"), [("dense", 2), ("conv", 40)])
def test_a_warm_step_neither_waits_nor_allocates(build_trainer, pretended, kind, launches):
    trainer = build_trainer(kind, backend=pretended, batch_size=10)
    for _ in range(12):
        trainer.advance()
    CARD.launches = CARD.graphs = CARD.waits = CARD.allocations = 0
    for _ in range(25):  # five epochs, each with its own order
        trainer.advance()
    assert (CARD.waits, CARD.allocations) == (0, 0)
    assert CARD.launches + CARD.graphs <= 25 * launches


@compiled
@pytest.mark.parametrize("kind", ["dense", "batch norm", "dropout", "residual"])
def test_kernels_pass_verification_and_become_a_graph(build_trainer, backend, kind):
    trainer = build_trainer(kind, backend=backend)
    for _ in range(40):
        trainer.advance()
    executor = trainer.executor
    assert (executor.refusal, None in executor.programs.values()) == ("", False)
    with backend.device:
        assert backend.captured(executor.programs[8].launches) is not None


def test_dropping_units_does_not_make_the_host_wait(build_trainer, pretended):
    trainer = build_trainer("dropout", backend=pretended, batch_size=10)
    for _ in range(12):
        trainer.advance()
    CARD.waits = 0
    for _ in range(10):
        trainer.advance()
    assert CARD.waits == 0


def test_only_synchronize_copies_parameters_to_the_host(build_trainer, pretended):
    trainer = build_trainer(backend=pretended)
    for _ in range(5):
        trainer.advance()
    CARD.waits = 0
    before = trainer.network.parameters.copy()
    assert CARD.waits == 0
    trainer.synchronize()
    assert CARD.waits == 3  # parameters and both slots of Adam
    assert (trainer.network.parameters != before).any()
    trainer.synchronize()
    assert CARD.waits == 3


def test_changes_on_the_host_reach_the_device(build_trainer, backend):
    here, there = (build_trainer(dtype=np.float64, backend=where) for where in (None, backend))
    for trainer in (here, there):
        losses(trainer, 3)
        trainer.synchronize()
        trainer.network.named["0.W"][:] = 0.25
        trainer.parameters_changed()
    assert there.evaluate().test_loss == pytest.approx(here.evaluate().test_loss, rel=1e-12)
    np.testing.assert_allclose(losses(there, 5), losses(here, 5), rtol=1e-9)


def test_a_checkpoint_moves_between_devices(build_trainer, backend):
    here, there = (build_trainer("everything", np.float64, "sgd", backend=where) for where in (None, backend))
    losses(there, 9)
    checkpoint.restore(here, checkpoint.capture(there))
    np.testing.assert_allclose(losses(there, 9), losses(here, 9), rtol=1e-9)


def test_a_divergence_on_the_device_names_the_layer(build_trainer, backend):
    here, there = (build_trainer(optimizer="sgd", learning_rate=1e30, backend=where) for where in (None, backend))
    for trainer in (here, there):
        trainer.run_for(10, epochs=20)
    assert there.divergence is not None
    assert there.divergence == here.divergence
    assert np.isfinite(there.network.parameters).all()


def test_a_slice_ends_when_the_device_is_done(build_trainer, pretended):
    trainer = build_trainer(backend=pretended)
    trainer.run_for(10, lambda: 0.0, steps=7)  # of which 1, 2 and 4 may be queued on the device
    CARD.waits = 0
    trainer.run_for(10, lambda: 0.0, steps=10)
    assert CARD.waits == 1
    assert trainer.steps == 10


def test_slices_stay_short_on_a_slow_device(build_trainer, pretended, monkeypatch):
    trainer = build_trainer(backend=pretended, batch_size=0)
    now, done, slices = [0.0], [0], []

    def wait():
        now[0] += (trainer.steps - done[0]) * 0.003
        done[0] = trainer.steps

    def clock():
        now[0] += 1e-5  # starting a step
        return now[0]

    monkeypatch.setattr(pretended, "wait", wait)
    for _ in range(10):
        begin = now[0]
        trainer.run_for(0.0025, clock)
        slices.append(now[0] - begin)
    assert max(slices) < 0.0025 + 0.003
    assert trainer.steps == 10


def test_a_fast_device_is_rarely_waited_for(build_trainer, pretended, monkeypatch):
    trainer = build_trainer(backend=pretended, batch_size=0)
    waits, now = [], [0.0]
    monkeypatch.setattr(pretended, "wait", lambda: waits.append(1))

    def clock():
        now[0] += 1e-7
        return now[0]

    trainer.run_for(10, clock, steps=200)
    assert len(waits) < 12


def test_memory_of_old_batch_sizes_is_dropped(build_trainer, pretended):
    trainer = build_trainer(backend=pretended)
    for size in range(5, 13):
        trainer.set(batch_size=size)
        losses(trainer, 14)
    assert len(trainer.executor.replica.gathered) <= 4
    assert len(trainer.executor.programs) <= 4


def test_a_reset_starts_the_same_run_again(build_trainer, backend):
    trainer = build_trainer("dropout", backend=backend)
    first = losses(trainer, 12)
    trainer.reset()
    np.testing.assert_array_equal(losses(trainer, 12), first)


def test_the_memory_estimate_is_close(build_trainer, pretended):
    trainer = build_trainer("everything", backend=pretended, batch_size=10)
    losses(trainer, 12)
    needs = CudaExecutor.bytes_needed(trainer.network, trainer.optimizer, 70, 10, 3)
    assert 0.3 * needs < CARD.used < 1.2 * needs


def test_the_memory_of_a_deleted_run_is_freed(build_trainer, pretended):
    trainer = build_trainer(backend=pretended)
    losses(trainer, 3)
    assert CARD.used > 1000
    del trainer
    pretended.release()
    assert CARD.used == 0
