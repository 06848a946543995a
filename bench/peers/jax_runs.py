"""JAX: whole runs in one compiled call, an evaluation at each epoch included, for many seeds at once with vmap."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from bench.peers.jax_steps import draw, learner, scores_of
from bench.workloads import RUN_EPOCHS, Workload

TRAINED, TESTED = 375, 125  # samples of the default experiment


def make(workload: Workload, x: np.ndarray, y: np.ndarray, variant: str = "") -> Callable[[int], int]:
    """A step is a run of each seed. The last batch of an epoch, which is smaller, is skipped."""
    rng = np.random.default_rng(0)
    X = jnp.asarray(rng.uniform(-1, 1, (workload.samples, TRAINED + TESTED, 2)), jnp.float32)
    Y = jnp.asarray(X[..., 0] * X[..., 1] > 0, jnp.float32)
    size = workload.batch
    count = TRAINED // size

    def whole(key, x, y):
        learn = learner(workload, x[:TRAINED], y[:TRAINED])

        def epoch(state, key):
            order = jax.random.permutation(key, TRAINED)[: count * size].reshape(count, size)
            state = jax.lax.scan(lambda s, part: (learn(s, part), None), state, order)[0]
            parts = slice(TRAINED), slice(TRAINED, None)
            return state, jnp.stack([scores_of(workload, state[0], x[part], y[part]) for part in parts])

        return jax.lax.scan(epoch, (draw(workload), (), (), jnp.float32(0)), jax.random.split(key, RUN_EPOCHS))[1]

    runs = jax.jit(jax.vmap(whole) if workload.samples > 1 else lambda *values: whole(*(v[0] for v in values))[None])
    keys = jax.random.split(jax.random.key(0), workload.samples)

    def run(steps: int) -> int:
        for _ in range(steps):
            jax.block_until_ready(runs(keys, X, Y))
        return steps

    return run
