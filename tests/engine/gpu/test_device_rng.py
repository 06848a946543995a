"""The device draws to the bit what NumPy draws, and leaves the host's generator in the same state."""

from __future__ import annotations

import numpy as np
import pytest

from engine.gpu.cuda_graph import MAX_STEPS
from engine.gpu.device_rng import STATE_NUMBERS, DeviceDraw, can_draw
from engine.network.layers import Activation, Dense, Dropout
from tests.engine.gpu.fake_cupy import CARD
from tests.engine.gpu.test_quantized_inputs import trainer_on
from tests.engine.helpers import compiled

pytestmark = compiled


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kept_back", [0, 1])
@pytest.mark.parametrize("count", [1, 2, 7, 5000])
def test_device_draws_equal_those_of_numpy(backend, dtype, kept_back, count):
    here, there = np.random.default_rng(8), np.random.default_rng(8)
    for rng in (here, there):
        rng.random(kept_back, np.float32)
    numbers, noise = backend.send(np.zeros(2 + STATE_NUMBERS)), backend.send(np.zeros(count, dtype))
    draw = DeviceDraw(backend, there, noise, numbers, 1)
    for _ in range(3):
        backend.write(numbers, np.array([1.0, 0.0, *draw.next_state()]))
        backend.start([draw.launch])
        np.testing.assert_array_equal(backend.fetch(noise), here.random(count, dtype))
        assert there.bit_generator.state == here.bit_generator.state


def test_another_generator_is_left_to_the_host():
    assert can_draw(np.random.default_rng(0))
    assert not can_draw(np.random.Generator(np.random.Philox(0)))


def test_every_dropout_layer_has_a_generator_of_its_own(backend):
    def trainer(where):
        rngs = np.random.default_rng(9).spawn(2)
        layers = [Dropout(0.2, rng=rngs[0]), Dense(6), Activation("tanh"), Dropout(0.4, rng=rngs[1]), Dense(3)]
        return trainer_on(where, 32, layers)

    trainers = here, there = trainer(None), trainer(backend)
    for _ in range(20):
        for each in trainers:
            each.advance()
    names = [launch.name for launch in there.executor.programs[32].launches]
    assert names.count("draw") == 2
    there.synchronize()
    np.testing.assert_allclose(there.network.parameters, here.network.parameters, rtol=1e-4, atol=1e-6)


def test_steps_with_dropout_run_as_one_graph(build_trainer, backend):
    here, there = (build_trainer("dropout", backend=where, batch_size=0) for where in (None, backend))
    for _ in range(2):
        for trainer in (here, there):
            trainer.advance()
    there.executor.wait()
    CARD.graphs = CARD.launches = CARD.waits = CARD.allocations = 0
    for _ in range(MAX_STEPS):
        there.advance()
        here.advance()
    assert (CARD.graphs, CARD.launches, CARD.waits, CARD.allocations) == (1, 0, 0, 0)
    there.synchronize()
    np.testing.assert_allclose(there.network.parameters, here.network.parameters, rtol=1e-4, atol=1e-6)
    assert [rng.bit_generator.state for rng in there.generators.values()] == [
        rng.bit_generator.state for rng in here.generators.values()
    ]
