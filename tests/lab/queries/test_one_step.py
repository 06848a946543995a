"""Every number of one step equals the engine's gradient, a finite difference, and the product on the page."""

from __future__ import annotations

import numpy as np
import pytest

from engine import ACTIVATIONS, OPTIMIZERS
from engine.formulas.losses import valid_losses, valid_outputs
from lab.experiment.experiment import Experiment
from lab.queries.one_step import MAX_POINTS, MAX_SHOWN_UNITS, one_step
from lab.training.run import Run

EXACT = Experiment(samples=40, hidden=(4, 3), dtype="float64", optimizer="momentum", seed=3)
PAIRS = [
    (dataset, output, loss)
    for dataset, kind, classes in (("circle", "classification", 2), ("spiral3", "classification", 3),
                                   ("hills", "regression", 0))
    for output in valid_outputs(kind, classes)
    for loss in valid_losses(kind, output)
]  # fmt: skip
LOSSES = list({loss: (dataset, output, loss) for dataset, output, loss in PAIRS}.values())  # one output for each loss
ASKED = {"part": "train", "number": 1, "label": 0, "layer": 0, "source": 1, "target": 2, "first": 0}


def run_of(experiment=EXACT, epochs=1, **changes) -> Run:
    run = Run(experiment.change(**changes), clock=lambda: 0.0)
    for _ in range(epochs):
        run.trainer.epoch()
    return run


def ask(run, x=(), **facts):
    return one_step(run, {**ASKED, **facts}, {"x": np.array(x)})


def dense(run, layer):
    return [layer for _, layer in run.trainer.network.walk() if hasattr(layer, "W")][layer]


def central_difference(run, layer, source, target, number=1, e=1e-6):
    """Of the loss of one training point, with respect to one parameter."""
    trainer = run.trainer
    x, t = trainer.x_train[number : number + 1], trainer.t_train[number : number + 1]
    array, place = (dense(run, layer).b, target) if source < 0 else (dense(run, layer).W, (source, target))
    kept, losses = array[place], []
    for value in (kept + e, kept - e):
        array[place] = value
        losses.append(float(trainer.objective.value(trainer.network.forward(x), t)))
    array[place] = kept
    return (losses[0] - losses[1]) / (2 * e)


@pytest.mark.parametrize(("dataset", "output", "loss"), LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_gradient_is_a_finite_difference(activation, dataset, output, loss):
    run = run_of(epochs=0, dataset=dataset, activations=activation, output=output, loss=loss)
    trainer = run.trainer
    for layer, source, target in ((0, 1, 2), (1, -1, 1), (2, 2, 0)):
        header, _ = ask(run, layer=layer, source=source, target=target)
        x, t = trainer.x_train[1:2], trainer.t_train[1:2]
        trainer.network.backward(trainer.objective.gradient(trainer.network.forward(x, train=True), t))
        own = dense(run, layer).db[target] if source < 0 else dense(run, layer).dW[source, target]
        assert header["update"]["gradient"] == own
        if layer == 2 or not ACTIVATIONS[activation].surrogate:  # a surrogate slope differs from the derivative
            numeric = central_difference(run, layer, source, target)
            assert header["update"]["gradient"] == pytest.approx(numeric, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize(("dataset", "output", "loss"), PAIRS)
def test_the_displayed_factors_multiply_to_the_gradient(dataset, output, loss):
    run = run_of(dataset=dataset, output=output, loss=loss)
    header, seen = ask(run, source=0)
    delta = None
    for k in (2, 1, 0):
        stage = header["stages"][k]
        place = stage["place"]
        if k < 2:
            assert seen[f"{k}.row"] @ seen[f"{k}.back"] == pytest.approx(seen[f"{k}.da"][place])
            np.testing.assert_allclose(seen[f"{k}.da"] * seen[f"{k}.slope"], seen[f"{k}.dz"])
            np.testing.assert_array_equal(seen[f"{k}.back"], delta)
        assert seen[f"{k}.before"] @ seen[f"{k}.column"] + seen[f"{k}.b"][place] == pytest.approx(seen[f"{k}.z"][place])
        delta = seen[f"{k}.du"]
    product = seen["0.before"][0] * seen["0.du"][header["stages"][0]["place"]]
    assert header["update"]["gradient"] == pytest.approx(product)
    assert header["update"]["gradient"] == pytest.approx((seen["each.a"] * seen["each.delta"]).sum())


def test_input_and_label_are_those_of_the_point():
    run = run_of(dataset="hills")
    header, seen = ask(run, number=7)
    np.testing.assert_allclose(seen["raw"], run.dataset.points_train[7], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(seen["standardized"], run.dataset.x_train[7])
    assert header["label"] == pytest.approx(float(run.dataset.to_units(run.dataset.y_train[7])))


@pytest.mark.parametrize("dataset", ["circle", "hills", "iris", "digits"])
def test_a_typed_point_equals_the_same_data_point(dataset):
    run = run_of(dataset=dataset, samples=0 if dataset == "digits" else 40)
    chosen, _ = ask(run, part="test", number=5)
    d = run.dataset
    raw = d.x_test[5] * d.x_scale + d.x_mean if d.points_test is None else d.points_test[5]
    typed, _ = ask(run, part="typed", x=raw, label=chosen["label"])
    assert typed["update"]["gradient"] == pytest.approx(chosen["update"]["gradient"], rel=1e-3, abs=1e-9)
    assert typed["loss"] == pytest.approx(chosen["loss"], rel=1e-3)


def test_a_batch_gives_the_mean_over_its_points():
    run = run_of(batch_size=12)
    header, seen = ask(run, part="batch")
    rows = run.trainer.batch
    assert header["points"] == len(rows) > 1
    trainer = run.trainer
    x, t = trainer.x_train[rows], trainer.t_train[rows]
    trainer.network.backward(trainer.objective.gradient(trainer.network.forward(x, train=True), t))
    assert header["update"]["gradient"] == dense(run, 0).dW[1, 2]
    assert (seen["each.a"] * seen["each.delta"]).sum() == pytest.approx(dense(run, 0).dW[1, 2])
    alone = [ask(run, number=int(row))[0]["update"]["gradient"] for row in rows]
    assert np.mean(alone) == pytest.approx(header["update"]["gradient"])


def test_before_the_first_step_the_batch_is_the_first_points():
    run = run_of(epochs=0, samples=500, batch_size=0)
    header, seen = ask(run, part="batch")
    assert header["points"] == len(seen["each.a"]) == MAX_POINTS
    assert header["batch"] == 375  # the page says that a part of it is shown
    np.testing.assert_allclose(seen["standardized"], run.trainer.x_train[:MAX_POINTS].mean(axis=0))


def by_hand(name, o, u):
    """The published formula of an optimizer, with the numbers of the answer."""
    p, g, rate, before, after, t = u["parameter"], u["used"], u["rate"], u["slots"], u["slots_after"], u["t"]
    match name:
        case "sgd":
            return p - rate * g
        case "momentum" | "nesterov":
            v = 0.9 * before["velocity"] + g
            assert after["velocity"] == pytest.approx(v)
            return p - rate * (v if name == "momentum" else g + 0.9 * v)
        case "adagrad" | "rmsprop":
            s = before["square"] + g * g if name == "adagrad" else 0.99 * before["square"] + 0.01 * g * g
            assert after["square"] == pytest.approx(s)
            return p - rate * g / (np.sqrt(s) + o.epsilon)
    m, v = 0.9 * before["mean"] + 0.1 * g, 0.999 * before["square"] + 0.001 * g * g
    assert (after["mean"], after["square"]) == (pytest.approx(m), pytest.approx(v))
    step = rate * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + o.epsilon)
    return p - rate * u.get("decay", 0) * p - step


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("source", [1, -1])
def test_the_update_is_the_published_formula_for_every_optimizer(name, source):
    run = run_of(optimizer=name, learning_rate=0.02, l2=0.1, weight_decay=0.05)
    update = ask(run, source=source)[0]["update"]
    penalty = 0.1 * update["parameter"] if source >= 0 else 0  # biases are never penalized
    assert update["used"] == pytest.approx(update["gradient"] + penalty)
    assert update["after"] == pytest.approx(by_hand(name, run.trainer.optimizer, update), rel=1e-9)
    assert update["after"] != update["parameter"]


def test_the_loss_after_uses_the_new_weights():
    run = run_of(optimizer="sgd")
    header, _ = ask(run)
    trainer = run.trainer
    x, t = trainer.x_train[1:2], trainer.t_train[1:2]
    assert header["loss"] == pytest.approx(float(trainer.objective.value(trainer.network.forward(x), t)))
    trainer.formulas.learn(x, t)
    assert header["update"]["loss_after"] == float(trainer.objective.value(trainer.network.forward(x), t))
    assert header["update"]["loss_after"] < header["loss"]


@pytest.mark.parametrize(
    "changes",
    [{}, {"optimizer": "adam"}, {"dropout": 0.3}, {"batch_norm": True}, {"clip_norm": 0.01, "dropout": 0.2},
     {"dataset": "digits", "samples": 100, "conv": (4,), "batch_norm": True}, {"hidden": (3, 3), "residual": True}],
    ids=str,
)  # fmt: skip
def test_looking_at_a_step_changes_nothing_in_the_run(changes):
    alone, watched = (run_of(epochs=0, **changes) for _ in range(2))
    for _ in range(3):
        alone.trainer.epoch()
        watched.trainer.epoch()
        ask(watched)
        ask(watched, part="batch", layer=1)
    np.testing.assert_array_equal(alone.trainer.network.parameters, watched.trainer.network.parameters)
    np.testing.assert_array_equal(alone.trainer.history.values, watched.trainer.history.values)


@pytest.mark.parametrize("changes", [{}, {"dropout": 0.3}, {"batch_norm": True}], ids=str)
def test_skip_connections_add_values_and_gradients(changes):
    run = run_of(hidden=(4, 4, 4), residual=True, **changes)
    header, seen = ask(run, layer=0, source=0, target=1)
    assert [stage["skip"] for stage in header["stages"]] == [False, True, True, False]
    value = next(seen[name] for name in ("1.kept", "1.a") if name in seen)
    np.testing.assert_allclose(seen["1.sum"], seen["1.before"] + value)
    np.testing.assert_array_equal(seen["2.before"], seen["1.sum"])
    arrived = next(seen[name] for name in ("0.dkept", "0.da") if name in seen)
    place = header["stages"][0]["focus"]
    through = seen["0.row"] @ seen["0.back"]
    assert arrived[place] == pytest.approx(through + seen["0.around"][place])
    assert abs(seen["0.around"][place]) > 0


def test_skip_connection_gradients_are_finite_differences():
    run = run_of(epochs=0, hidden=(4, 4), residual=True)
    for layer, source, target in ((0, 1, 2), (1, -1, 1), (2, 2, 0)):
        header, _ = ask(run, layer=layer, source=source, target=target)
        assert header["update"]["gradient"] == pytest.approx(central_difference(run, layer, source, target), rel=1e-5)


def test_batch_normalization_shows_the_batch():
    header, seen = ask(run_of(batch_norm=True), part="train")
    assert header["part"] == "batch"
    assert header["stages"][0]["norm"]
    assert np.abs(seen["0.du"]).max() > 0


def test_a_dropped_unit_passes_no_value_and_no_gradient():
    header, seen = ask(run_of(hidden=(12,), dropout=0.5), layer=0)
    gone = seen["0.mask"] == 0
    assert header["stages"][0]["dropout"]
    assert 0 < gone.sum() < 12
    assert not seen["0.kept"][gone].any()
    assert not seen["0.dz"][gone].any()


@pytest.mark.parametrize("first", [0, 1, 40, 999])
def test_a_large_layer_shows_a_slice_with_the_chosen_weight(first):
    run = run_of(dataset="digits", samples=60, hidden=(50, 20))
    header, seen = ask(run, layer=1, source=7, target=13, first=first)
    assert 7 in seen["0.units"]
    assert 13 in seen["1.units"]
    assert len(seen["inputs"]) == len(seen["0.units"]) == len(seen["1.units"]) == MAX_SHOWN_UNITS
    assert seen["1.units"][header["stages"][1]["place"]] == 13
    np.testing.assert_array_equal(seen["1.W"], dense(run, 1).W[np.ix_(seen["0.units"], seen["1.units"])])
    if first == 40:
        assert {39, 40, 41} <= set(seen["0.units"])
    assert seen["picture"].shape == (8, 8)


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_without_a_source_the_largest_gradient_of_the_layer_is_chosen(layer):
    run = run_of()
    header, _ = ask(run, layer=layer, source=None, target=None)
    rows, columns = dense(run, layer).W.shape
    each = [ask(run, layer=layer, source=i, target=j)[0]["update"] for i in range(rows) for j in range(columns)]
    assert abs(header["update"]["gradient"]) == max(abs(update["gradient"]) for update in each)


def test_a_parameter_out_of_range_is_clipped():
    header, _ = ask(run_of(), layer=9, source=99, target=99, number=10**6)
    assert (header["layer"], header["source"], header["target"]) == (2, 2, 0)


@pytest.mark.parametrize("x", [(), (1.0,), (1.0, np.nan), (1.0, 2.0, 3.0)])
def test_a_typed_point_of_another_shape_is_refused(x):
    with pytest.raises(ValueError, match="A typed point needs 2 finite numbers"):
        ask(run_of(), part="typed", x=x)
