"""Properties of random networks from the menus."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import ACTIVATIONS, INITIALIZERS, OPTIMIZERS
from engine.formulas.losses import Objective, valid_losses, valid_outputs
from engine.formulas.schedules import SCHEDULES
from engine.network.convolution import Conv2D, Flatten, Image, MaxPool2D
from engine.network.layers import Activation, Dense, Dropout, Residual
from engine.network.network import Network
from engine.network.normalization import BatchNorm
from engine.network.observe import observe
from engine.training import checkpoint
from engine.training.gradient_check import check
from engine.training.trainer import Settings, Trainer

few = settings(max_examples=60, derandomize=True, database=None)


@st.composite
def architectures(draw):
    """A description of a run: plain values, so that it can be built twice."""
    kind = draw(st.sampled_from(["classification", "regression"]))
    classes = draw(st.integers(2, 4)) if kind == "classification" else 0
    output = draw(st.sampled_from(valid_outputs(kind, classes)))
    return {
        "kind": kind,
        "classes": classes,
        "output": output,
        "loss": draw(st.sampled_from(valid_losses(kind, output))),
        "hidden": draw(st.lists(st.tuples(st.integers(1, 5), st.sampled_from(list(ACTIVATIONS))), max_size=3)),
        "initializer": draw(st.sampled_from(list(INITIALIZERS))),
        "conv": draw(st.sampled_from(["", "valid", "same"])),
        "batch_norm": draw(st.booleans()),
        "residual": draw(st.booleans()),
        "dropout": draw(st.sampled_from([0.0, 0.3])),
        "optimizer": draw(st.sampled_from(list(OPTIMIZERS))),
        "dtype": draw(st.sampled_from([np.float32, np.float64])),
        "settings": {
            "batch_size": draw(st.integers(0, 12)),
            "schedule": draw(st.sampled_from(list(SCHEDULES))),
            "l1": draw(st.sampled_from([0.0, 0.01])),
            "l2": draw(st.sampled_from([0.0, 0.01])),
            "max_norm": draw(st.sampled_from([0.0, 1.0])),
            "clip_norm": draw(st.sampled_from([0.0, 1.0])),
            "clip_value": draw(st.sampled_from([0.0, 0.1])),
            "patience": draw(st.integers(0, 2)),
        },
    }


def build(a) -> Trainer:
    rng = np.random.default_rng(7)
    objective = Objective(a["kind"], a["classes"], a["output"], a["loss"])
    layers = []
    if a["conv"]:
        layers += [Image(4, 4), Conv2D(2, padding=a["conv"], initializer=a["initializer"]), MaxPool2D(), Flatten()]
    for units, activation in a["hidden"]:
        block = [Dense(units, initializer=a["initializer"])]
        block += [BatchNorm()] if a["batch_norm"] else []
        block.append(Activation(activation))
        block += [Dropout(a["dropout"], rng=rng.spawn(1)[0])] if a["dropout"] else []
        layers += [*block, Residual(Dense(units), Activation(activation))] if a["residual"] else block
    network = Network([*layers, Dense(objective.units)], (16,), rng=rng, dtype=a["dtype"])
    size = a["settings"]["batch_size"]
    sizes = {"batch_size": 2 if network.couples_samples and size == 1 else size}
    x = rng.normal(size=(25, 16))
    y = rng.integers(0, a["classes"], 25) if a["classes"] else rng.normal(size=25)
    optimizer = OPTIMIZERS[a["optimizer"]](0.01, network.parameters.size, a["dtype"])
    return Trainer(network, objective, optimizer, (x[:20], y[:20]), (x[20:], y[20:]),
                   settings=Settings(learning_rate=0.01, **a["settings"] | sizes), rng=rng.spawn(1)[0])  # fmt: skip


@few
@given(architectures())
def test_any_network_trains_an_epoch_in_its_own_precision(a):
    trainer = build(a)
    trainer.epoch()
    assert trainer.epochs == 1
    assert trainer.network.parameters.dtype == trainer.network.forward(trainer.x_test).dtype == a["dtype"]
    assert np.isfinite(trainer.network.parameters).all()
    assert np.isfinite(trainer.evaluate()[:2]).all()


@few
@given(architectures(), st.integers(1, 7))
def test_predictions_do_not_depend_on_the_batch_size(a, size):
    trainer = build(a)
    trainer.epoch()
    x = trainer.x_train
    whole = trainer.network.forward(x)
    parts = np.concatenate([trainer.network.forward(x[i : i + size]) for i in range(0, len(x), size)])
    np.testing.assert_allclose(parts, whole, rtol=1e-4 if a["dtype"] is np.float32 else 1e-10, atol=1e-5)


@few
@given(architectures(), st.integers(0, 9))
def test_a_checkpoint_round_trip_changes_nothing(a, steps):
    trainer, heir = build(a), build(a)
    for _ in range(steps):
        trainer.step()
    checkpoint.restore(heir, checkpoint.capture(trainer))
    for t in (trainer, heir):
        t.epoch()
        t.epoch()
    one, other = checkpoint.capture(trainer), checkpoint.capture(heir)
    for name in one.keys() - {"numbers"}:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


@few
@given(architectures())
def test_evaluating_never_disturbs_training(a):
    watched, alone = build(a), build(a)
    for trainer in (watched, alone):
        for _ in range(6):
            trainer.step()
            if trainer is watched:
                trainer.network.forward(trainer.x_test)
                with observe(trainer.network):
                    trainer.network.forward(trainer.x_test)
                trainer.evaluate()
    np.testing.assert_array_equal(watched.network.parameters, alone.network.parameters)
    for name, array in alone.network.state.items():
        np.testing.assert_array_equal(watched.network.state[name], array)


@few
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 2)), min_size=1, max_size=3), st.integers(0, 99))
def test_residual_gradients_agree_with_central_differences(blocks, seed):
    rng = np.random.default_rng(seed)

    def parts(has_norm, depth):
        return [part for _ in range(depth) for part in (Dense(3), *[BatchNorm()] * has_norm, Activation("tanh"))]

    layers = [Dense(3), *(Residual(*parts(*block)) for block in blocks), Dense(2)]
    network = Network(layers, (4,), rng=rng, dtype=np.float64)
    objective = Objective("classification", 2, "softmax", "categorical_crossentropy")
    t = objective.targets(rng.integers(0, 2, 6), np.float64)
    assert max(c.error for c in check(network, objective, rng.normal(size=(6, 4)), t, entries=4)) < 1e-5
