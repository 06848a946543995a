"""Each layer against an oracle: central differences for gradients, plain loops for values, a replayed tape for both."""

from __future__ import annotations

import numpy as np
import pytest

from engine.formulas.losses import Objective
from engine.network.convolution import Conv2D, Flatten, Image, MaxPool2D
from engine.network.layers import Activation, Dense, Dropout, Residual
from engine.network.network import Network
from engine.network.normalization import BatchNorm
from engine.network.observe import observe
from engine.tape.tape import Tape
from engine.training.gradient_check import check


def test_backprop_agrees_with_central_differences(kind, build_network, objective, batch):
    checks = check(build_network(kind), objective, *batch)
    assert len(checks) == build_network(kind).parameters.size
    assert max(c.error for c in checks) < 1e-6


def test_a_replayed_tape_agrees_with_plain_arrays(kind, build_network, objective, batch):
    plain, taped = build_network(kind), build_network(kind)
    tape = Tape()
    x, t = (array.copy() for array in batch)
    for step in range(3):
        x[:], t[:] = batch[0] * (step + 1), np.roll(batch[1], step, axis=0)
        z = plain.forward(x, train=True)
        plain.backward(objective.gradient(z, t))
        if step == 0:
            traced = taped.forward(tape.wrap(x), train=True)
            taped.backward(objective.gradient(traced, tape.wrap(t)))
        else:
            tape.play()
        np.testing.assert_allclose(traced.array, z, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(taped.gradients, plain.gradients, rtol=1e-10, atol=1e-13)
        for name, array in plain.state.items():
            np.testing.assert_allclose(taped.state[name], array, rtol=1e-12)


def test_everything_stays_in_float32(kind, build_network, objective, batch):
    network = build_network(kind, np.float32)
    x, t = (array.astype(np.float32) for array in batch)
    tape = Tape()
    z = network.forward(tape.wrap(x), train=True)
    network.backward(objective.gradient(z, tape.wrap(t)))
    arrays = [a for _, arguments in tape.calls for a in arguments if isinstance(a, np.ndarray) and a.dtype.kind == "f"]
    assert {a.dtype for a in arrays} == {np.dtype(np.float32)}
    assert network.forward(x).dtype == np.float32


def test_dense_adds_the_bias_of_each_unit(build_network):
    network = build_network("dense")
    x = np.random.default_rng(0).normal(size=(4, 36))
    dense = network.layers[0]
    expected = [[sum(x[n, i] * dense.W[i, o] for i in range(36)) + dense.b[o] for o in range(6)] for n in range(4)]
    np.testing.assert_allclose(dense.forward(x, train=False), expected)


@pytest.mark.parametrize(("padding", "size"), [("valid", 3), ("valid", 2), ("same", 3), ("same", 5)])
def test_a_convolution_slides_its_filters_over_rows_and_columns(padding, size):
    rng = np.random.default_rng(5)
    height, width, channels, filters, samples = 5, 6, 2, 3, 2
    layer = Conv2D(filters, size, padding=padding)
    image = Image(height, width, channels)
    network = Network([image, layer, Flatten(), Dense(1)], (height * width * channels,), rng=rng, dtype=np.float64)
    layer.b[:] = rng.normal(size=filters)
    pixels = rng.normal(size=(samples, height, width, channels))
    with observe(network) as seen:
        network.forward(pixels.reshape(samples, -1))
    z = seen.outputs["1"]
    frame = size // 2 if padding == "same" else 0
    framed = np.pad(pixels, ((0, 0), (frame, frame), (frame, frame), (0, 0)))
    assert z.shape == (height + 2 * frame - size + 1, filters, width + 2 * frame - size + 1, samples)
    for p, o, q, n in np.ndindex(z.shape):
        patch = framed[n, p : p + size, q : q + size]
        assert z[p, o, q, n] == pytest.approx((patch * layer.W[..., o]).sum() + layer.b[o])


def test_max_pool_ignores_incomplete_squares():
    pixels = np.array([[1.0, 5, 2, 0, 9], [4, 3, 8, 7, 9], [9, 9, 9, 9, 9]])
    pool = MaxPool2D()
    pool.build((3, 1, 5))
    y = pool.forward(pixels[:, None, :, None], train=True)
    np.testing.assert_array_equal(y[:, 0, :, 0], [[5, 8]])
    dx = pool.backward(np.array([[10.0, 20]]).reshape(1, 1, 2, 1))
    np.testing.assert_array_equal(dx[:, 0, :, 0], [[0, 10, 0, 0, 0], [0, 0, 20, 0, 0], [0, 0, 0, 0, 0]])


def test_of_equal_largest_inputs_only_the_first_gets_the_gradient():
    pool = MaxPool2D()
    pool.build((2, 1, 2))
    pool.forward(np.ones((2, 1, 2, 1)), train=True)
    np.testing.assert_array_equal(pool.backward(np.ones((1, 1, 1, 1)))[:, 0, :, 0], [[1, 0], [0, 0]])


def test_flatten_undoes_image_up_to_the_order_of_the_numbers():
    image, flatten = Image(2, 3, 2), Flatten()
    flatten.build(image.build((12,)))
    x = np.arange(24.0).reshape(2, 12)
    flat = flatten.forward(image.forward(x, train=True), train=True)
    np.testing.assert_array_equal(np.sort(flat, axis=1), x)
    np.testing.assert_array_equal(image.backward(flatten.backward(flat)), x)


def test_batch_norm_gives_mean_zero_and_variance_one():
    network = Network([BatchNorm(epsilon=0.0), Dense(1)], (4,), rng=np.random.default_rng(0), dtype=np.float64)
    y = network.layers[0].forward(np.random.default_rng(1).normal(3, 5, (50, 4)), train=True)
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(y.var(axis=0), 1)


def test_running_statistics_come_close_to_those_of_the_data():
    network = Network([BatchNorm(), Dense(1)], (2,), rng=np.random.default_rng(0), dtype=np.float64)
    norm, x = network.layers[0], np.random.default_rng(1).normal([1, -2], [3, 0.5], (200, 2))
    for _ in range(150):
        norm.forward(x, train=True)
    np.testing.assert_allclose(norm.state["mean"], x.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(norm.state["variance"], x.var(axis=0, ddof=1), rtol=1e-5)
    np.testing.assert_allclose(norm.forward(x, train=False).mean(axis=0), 0, atol=1e-4)


def test_batch_norm_refuses_to_train_on_one_sample():
    network = Network([BatchNorm(), Dense(2)], (3,), rng=np.random.default_rng(0), dtype=np.float32)
    with pytest.raises(ValueError, match="at least two"):
        network.forward(np.ones((1, 3), np.float32), train=True)
    assert network.forward(np.ones((1, 3), np.float32)).shape == (1, 2)


def test_dropout_drops_its_share_and_keeps_the_mean():
    layer = Dropout(0.3, rng=np.random.default_rng(0))
    a = layer.forward(np.ones((200, 100)), train=True)
    assert (a == 0).mean() == pytest.approx(0.3, abs=0.01)
    assert a.mean() == pytest.approx(1, abs=0.02)
    np.testing.assert_allclose(np.unique(a), [0, 1 / 0.7])
    np.testing.assert_array_equal(layer.backward(np.ones((200, 100))), a)


def test_dropout_does_nothing_outside_training():
    x = np.ones((5, 4))
    assert Dropout(0.5, rng=np.random.default_rng(0)).forward(x, train=False) is x


def test_a_recorded_dropout_draws_a_new_mask_on_every_replay():
    tape, layer, x = Tape(), Dropout(0.5, rng=np.random.default_rng(0)), np.ones((20, 20), np.float32)
    a = layer.forward(tape.wrap(x), train=True).array
    first = a.copy()
    tape.play()
    assert set(np.unique(a)) == {0, 2}
    assert (a != first).any()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Dropout(1.0, rng=np.random.default_rng(0)), "less than 1"),
        (lambda: Conv2D(3, padding="full"), "allowed: valid"),
        (lambda: Conv2D(3, 2, padding="same"), "odd"),
        (lambda: Conv2D(3, 5).build((4, 1, 4)), "larger than its input"),
        (lambda: MaxPool2D().build((1, 1, 4)), "larger than its input"),
        (lambda: Image(5, 5).build((24,)), "needs 25 numbers"),
    ],
)
def test_a_layer_that_cannot_be_is_refused_with_a_sentence(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_residual_block_adds_values_and_gradients():
    network = Network([Dense(2), Residual(Dense(2))], (2,), rng=np.random.default_rng(0), dtype=np.float64)
    network["0"].W[:], network["1.0"].W[:], network["1.0"].b[:] = np.eye(2), [[0, 3], [0, 0]], [1, 0]
    x, dy = np.array([[2.0, 5.0]]), np.array([[1.0, 10.0]])
    np.testing.assert_array_equal(network.forward(x, train=True), [[2 + 1, 5 + 3 * 2]])
    np.testing.assert_array_equal(network.layers[1].backward(dy), [[1 + 3 * 10, 10]])


def test_a_residual_block_that_changes_the_shape_is_refused():
    with pytest.raises(ValueError, match=r"Residual\(Dense\(3\)\) maps \(2,\) to \(3,\)"):
        Network([Residual(Dense(3)), Dense(1)], (2,), rng=np.random.default_rng(0))


def test_a_residual_block_at_the_input_learns():
    layers = [Residual(Dense(3), Activation("tanh")), Dense(1)]
    network = Network(layers, (3,), rng=np.random.default_rng(0), dtype=np.float64)
    objective = Objective("regression", 0, "linear", "mse")
    checks = check(network, objective, np.random.default_rng(1).normal(size=(5, 3)), np.ones((5, 1)))
    assert max(c.error for c in checks) < 1e-6
    assert network.layers[0].backward(np.ones((5, 3))) is None
