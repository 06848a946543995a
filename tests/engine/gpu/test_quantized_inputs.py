"""Pictures as bytes: each value is restored to the bit, other data is unchanged, and a device trains from the bytes."""

from __future__ import annotations

import numpy as np
import pytest

from data.preprocessing import standardize
from engine.formulas.losses import Objective
from engine.formulas.optimizers import OPTIMIZERS
from engine.gpu.quantized_inputs import inputs_on, quantize
from engine.network.layers import Activation, Dense
from engine.network.network import Network
from engine.step.settings import Settings
from engine.training.trainer import Trainer
from tests.engine.gpu import fake_cupy
from tests.engine.gpu.fake_cupy import CARD
from tests.engine.helpers import compiled

PIXELS = np.random.default_rng(0).integers(0, 256, (300, 16))


@pytest.mark.parametrize(("mean", "scale"), [(0, 255), (33.318421, 78.567489), (0, 1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_shade_comes_back_to_the_bit(mean, scale, dtype):
    parts = [standardize(part, mean, scale).astype(dtype) for part in (PIXELS[:200], PIXELS[200:])]
    found = quantize(parts)
    assert found
    values, numbers = found
    for part, number in zip(parts, numbers, strict=True):
        assert number.dtype == np.uint8
        np.testing.assert_array_equal(values[number], part)
        assert values.dtype == dtype


def changed(position, value):
    x = PIXELS / 255
    x[position] = value
    return x


@pytest.mark.parametrize(
    "x",
    [
        np.random.default_rng(0).normal(size=(300, 16)),
        np.zeros((300, 16)),
        changed((250, 3), 0.5001),
        changed((250, 3), 3.0),
        changed((250, 3), np.nan),
        changed((250, 3), np.inf),
        np.cumsum(np.full(300, 1.0))[:, None],
    ],
)
def test_other_data_is_left_alone(x):
    with np.errstate(all="ignore"):
        assert quantize([x[:200].astype(np.float32), x[200:].astype(np.float32)]) is None


def test_a_part_may_be_empty():
    found = quantize([PIXELS / 255, PIXELS[:0] / 255])
    assert found
    assert found[1][1].shape == (0, 16)


def trainer_on(backend, batch_size, layers=None):
    rng = np.random.default_rng(1)
    x, y = standardize(PIXELS, 127.0, 70.0), rng.integers(0, 3, len(PIXELS))
    network = Network(layers or [Dense(20), Activation("relu"), Dense(3)], (16,), rng=rng)
    return Trainer(
        network, Objective("classification", 3, "softmax", "categorical_crossentropy"),
        OPTIMIZERS["adam"](0.01, network.parameters.size), (x[:200], y[:200]), (x[200:], y[200:]),
        settings=Settings(learning_rate=0.01, batch_size=batch_size), rng=rng, backend=backend,
    )  # fmt: skip


@pytest.mark.parametrize("batch_size", [0, 32])
@pytest.mark.parametrize("fused", [pytest.param(True, marks=compiled), False])
def test_training_from_bytes_equals_the_processor(backend, monkeypatch, batch_size, fused):
    if not fused:
        monkeypatch.setattr(fake_cupy.RawKernel, "__call__", None)
    here, there = (trainer_on(where, batch_size) for where in (None, backend))
    for _ in range(15):
        for trainer in (here, there):
            trainer.advance()
        assert there.evaluate().test_loss == pytest.approx(here.evaluate().test_loss, rel=2e-5)
    replica = there.executor.replica
    arrays = replica.whole[0], replica.parts["test"][0], replica.place(32)[0]
    assert {array.dtype for array in arrays} == {np.dtype(np.uint8)}
    program = there.executor.programs[batch_size or 200]
    assert bool(program) == fused
    if program:
        kernels = [launch for launch in program.launches if "unsigned char" in launch.source]
        assert [launch.name for launch in kernels] == ["gather", "product", "product"][not batch_size :]


@compiled
def test_a_step_from_bytes_neither_allocates_nor_waits(backend):
    trainer = trainer_on(backend, 32)
    for _ in range(15):  # two epochs: each ends with a smaller batch
        trainer.advance()
    trainer.executor.wait()
    CARD.waits = CARD.allocations = 0
    for _ in range(20):
        trainer.advance()
    assert (CARD.waits, CARD.allocations) == (0, 0)


def test_runs_on_the_same_arrays_share_their_memory(backend):
    hosts = tuple(standardize(part, 0, 255) for part in (PIXELS[:200], PIXELS[200:]))
    own = [inputs_on(backend, *hosts) for _ in range(2)]
    assert own[0] is not own[1]  # writable arrays are not shared
    del own
    for host in hosts:
        host.setflags(write=False)
    first, second = (inputs_on(backend, *hosts) for _ in range(2))
    assert first is second
    assert inputs_on(backend, hosts[0]) is not first
    assert len(backend.resident) == 1
    del first, second
    backend.release()
    assert not backend.resident
    assert CARD.used == 0
