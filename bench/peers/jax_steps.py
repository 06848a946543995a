"""JAX: one compiled call per step, or one for a scan over many steps."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np

from bench.peers import batches
from bench.workloads import Workload
from engine.step.data import MAX_EVALUATED_SAMPLES

SCAN_STEPS = 50  # in one call


def draw(workload: Workload) -> list:
    """Pairs of weights and biases."""
    rng = np.random.default_rng(0)
    shapes = list(pairwise(workload.sizes))
    if workload.kind == "conv":
        shapes = [(3, 3, 1, 8), (3, 3, 8, 16), (400, 10)]
    scales = [1 / np.sqrt(np.prod(shape[:-1])) for shape in shapes]
    return [
        (jnp.asarray(rng.normal(0, scale, shape), jnp.float32), jnp.zeros(shape[-1], jnp.float32))
        for shape, scale in zip(shapes, scales, strict=True)
    ]


def convolutions(parameters, x):
    for W, b in parameters:
        x = jax.lax.conv_general_dilated(x, W, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")) + b
        x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        x = jax.nn.relu(x)
    return x.reshape(len(x), -1)


def units(workload: Workload, parameters, x):
    """The output of every dense layer, logits last."""
    seen = []
    for number, (W, b) in enumerate(parameters):
        x = x @ W + b
        if number < len(parameters) - 1:
            x = jnp.tanh(x) if workload.binary else jax.nn.relu(x)
        seen.append(x)
    return seen


def loss_of(workload: Workload, z, y):
    """The mean loss of logits z (N, O)."""
    if workload.binary:
        z = z[:, 0]
        return jnp.mean(jnp.maximum(z, 0) - z * y + jnp.log1p(jnp.exp(-jnp.abs(z))))
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], 1))


def scores_of(workload: Workload, parameters, x, y):
    """Loss and accuracy."""
    z = units(workload, parameters, x)[-1]
    guess = z[:, 0] > 0 if workload.binary else z.argmax(1)
    return jnp.stack([loss_of(workload, z, y), jnp.mean(guess == y)])


def learner(workload: Workload, X, Y):
    """(state, sample indices) -> state after one step; None as indices uses all samples."""
    rate, tree = workload.learning_rate, jax.tree.map

    def loss(parameters, x, y):
        if workload.kind == "conv":
            x, parameters = convolutions(parameters[:-1], x), parameters[-1:]
        return loss_of(workload, units(workload, parameters, x)[-1], y)

    def learn(state, part):
        p, m, v, t = state
        g = jax.grad(loss)(p, X, Y) if part is None else jax.grad(loss)(p, X[part], Y[part])
        if workload.optimizer == "sgd":
            return tree(lambda p, g: p - rate * g, p, g), m, v, t
        t = t + 1
        m = tree(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = tree(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        size, root = rate / (1 - 0.9**t), jnp.sqrt(1 - 0.999**t)
        return tree(lambda p, m, v: p - size * m / (jnp.sqrt(v) / root + 1e-8), p, m, v), m, v, t

    return learn


def make(workload: Workload, x: np.ndarray, y: np.ndarray, variant: str = "") -> Callable[[int], int]:
    parameters = draw(workload)
    X = jnp.asarray(x.reshape(-1, 28, 28, 1) if workload.kind == "conv" else x)
    if workload.kind == "grid":
        forward = jax.jit(lambda p, x: [*(seen := units(workload, p, x)), jax.nn.sigmoid(seen[-1])])
        return synchronized(
            batches(1, 1, lambda: None, lambda epoch, number: store(forward(parameters, X))), lambda: latest
        )
    Y = jnp.asarray(y.astype(np.float32) if workload.binary else y)
    learn, scores = learner(workload, X, Y), []
    parts = slice(MAX_EVALUATED_SAMPLES), slice(workload.tests)
    look = jax.jit(lambda p: jnp.stack([scores_of(workload, p, X[part], Y[part]) for part in parts]))
    zeros = [jax.tree.map(jnp.zeros_like, parameters) if workload.optimizer == "adam" else () for _ in range(2)]
    store((parameters, *zeros, jnp.float32(0)))
    rng, size = np.random.default_rng(1), workload.batch

    def evaluate():
        scores.append(np.asarray(look(latest[0][0])))

    end = evaluate if workload.peers_evaluate else int
    if workload.full:
        once = jax.jit(lambda state: learn(state, None), donate_argnums=0)
        return synchronized(batches(1, 1, lambda: None, lambda epoch, number: store(once(latest[0]))), lambda: latest)
    if variant == "scan":
        scan = jax.jit(
            lambda state, parts: jax.lax.scan(lambda s, part: (learn(s, part), None), state, parts)[0], donate_argnums=0
        )
        count = len(x) // (SCAN_STEPS * size) or 1
        steps = min(SCAN_STEPS, len(x) // size)

        def call(order, number):
            store(scan(latest[0], order[number * steps * size : (number + 1) * steps * size].reshape(steps, size)))

        many = synchronized(batches(count, 1, lambda: rng.permutation(len(x)), call, end), lambda: latest)
        return lambda wanted: many(max(1, round(wanted / steps))) * steps
    one = jax.jit(learn, donate_argnums=0)

    def step(order, number):
        store(one(latest[0], order[number * size : (number + 1) * size]))

    return synchronized(batches(len(x), size, lambda: rng.permutation(len(x)), step, end), lambda: latest)


latest: list = []  # JAX computes asynchronously; a run ends only when its latest result is ready


def store(result) -> None:
    latest[:] = [result]


def synchronized(run: Callable[[int], int], result: Callable[[], object]) -> Callable[[int], int]:
    def whole(steps: int) -> int:
        done = run(steps)
        jax.block_until_ready(result())
        return done

    return whole
