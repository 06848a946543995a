"""The loss landscape of a run: equal to direct computation, and without effect on the run."""

from __future__ import annotations

import numpy as np
import pytest

from engine.training import checkpoint
from lab.experiment.experiment import Experiment, ExperimentError
from lab.protocol.messages import Change, Step
from lab.queries.landscape import PLANE_KINDS, Landscape, weight_names
from lab.training.build import build
from lab.training.run import Run
from lab.worker.local_pool import LocalPool

SMALL = Experiment(samples=80, hidden=(5, 4), dtype="float64")
CHOICE = {"path": {}, "random": {"seed": 4}, "weights": {"first": "0.W 1 2", "second": "2.b 3"}}


@pytest.fixture(scope="module")
def run():
    run = Run(SMALL)
    for _ in range(6):
        run.trainer.epoch()
    return run


def finished(run: Run, kind: str, **more) -> Landscape:
    plane = Landscape(run, kind, side=15, **{**CHOICE[kind], **more})
    while not plane.finished:
        plane.work()
    return plane


@pytest.mark.parametrize("kind", PLANE_KINDS)
def test_heights_at_three_points_are_the_losses_computed_directly(run, kind):
    plane = finished(run, kind)
    other = build(SMALL).trainer
    for i, j in ((7, 7), (0, 14), (11, 3)):
        a, b = plane.axis[j], plane.axis[i]
        other.network.parameters[:] = run.trainer.network.parameters + a * plane.directions[0] + b * plane.directions[1]
        loss = other.objective.value(other.network.forward(other.x_train), other.t_train)
        assert plane.heights[i, j] == pytest.approx(float(loss), rel=1e-12)
    assert plane.heights[7, 7] == pytest.approx(run.trainer.evaluate().train_loss, rel=1e-12)


def check_slopes(run: Run, kind: str) -> None:
    plane, h = finished(run, kind), 1e-5
    points = np.array([(0.0, 0.0), (0.3, -0.6), (-0.9, 0.2)])
    heights, gradients = plane.slopes(points)
    for point, height, gradient in zip(points, heights, gradients, strict=True):
        assert height == pytest.approx(plane.height(point), rel=1e-12)
        for axis, shift in enumerate(h * np.eye(2)):
            expected = (plane.height(point + shift) - plane.height(point - shift)) / (2 * h)
            assert gradient[axis] == pytest.approx(expected, rel=5e-6, abs=1e-8)


@pytest.mark.parametrize("kind", PLANE_KINDS)
def test_slopes_in_the_plane_are_those_of_central_differences(run, kind):
    check_slopes(run, kind)


@pytest.mark.parametrize("kind", ["path", "random"])
@pytest.mark.parametrize("changes", [{}, {"hidden": (4, 4), "residual": True, "dropout": 0.3}], ids=["plain", "more"])
def test_a_race_with_batch_norm_runs_on_the_drawn_surface(kind, changes):
    run = Run(SMALL.change(batch_norm=True, **changes))
    for _ in range(6):
        run.trainer.epoch()
    check_slopes(run, kind)
    plane = finished(run, kind)
    assert plane.height(np.zeros(2)) == pytest.approx(run.trainer.evaluate().train_loss, rel=1e-12)
    for name, array in run.trainer.network.state.items():
        np.testing.assert_array_equal(plane.twin.network.state[name], array)


def test_chosen_weights_move_alone(run):
    plane, names = finished(run, "weights"), weight_names(run.trainer)
    assert CHOICE["weights"]["first"] in names
    assert plane.directions.sum(axis=1).tolist() == [1, 1]
    network = build(SMALL).trainer.network
    network.parameters[:] = plane.directions[0] + 2 * plane.directions[1]
    assert (network.named["0.W"][1, 2], network.named["2.b"][3]) == (1, 2)


def test_random_directions_have_the_length_of_the_weights(run):
    plane = finished(run, "random")
    network = build(SMALL).trainer.network
    network.parameters[:] = run.trainer.network.parameters
    lengths = [np.linalg.norm(W, axis=0) for W, _ in network.weights]
    for direction in plane.directions:
        network.parameters[:] = direction
        for (W, _), expected in zip(network.weights, lengths, strict=True):
            np.testing.assert_allclose(np.linalg.norm(W, axis=0), expected)
        assert all(not network.named[name].any() for name in network.named if name.endswith("b"))


def test_the_path_goes_from_initial_to_current_weights(run):
    plane = finished(run, "path")
    assert plane.reproduced
    assert plane.snapshot_epochs == [0, 1, 2, 3, 4, 5, 6]
    np.testing.assert_array_equal(plane.snapshots[0], build(SMALL).trainer.network.parameters)
    np.testing.assert_allclose(plane.path()[-1], 0, atol=1e-9)
    assert plane.in_plane() > 0.95
    assert np.abs(plane.path()).max() == pytest.approx(0.8)
    for point, station in zip(plane.path(), plane.snapshots, strict=True):
        away = station - plane.center - point @ plane.directions
        np.testing.assert_allclose(plane.directions @ away, 0, atol=1e-9)


def test_a_run_with_changed_settings_is_not_reproduced():
    run = Run(SMALL)
    run.trainer.epoch()
    run.change(SMALL.change(learning_rate=0.3))
    run.trainer.epoch()
    assert not finished(run, "random").reproduced
    run.reset()
    assert not finished(run, "random").reproduced
    assert finished(run, "random").snapshot_epochs[-1] == 30


def test_the_run_is_left_as_it_was():
    pool = LocalPool()
    token = pool.open(SMALL.change(dropout=0.2))
    while pool.state(token).epoch < 2:
        pool.do(token, Step())
    trainer = pool.scheduler.runs[token].trainer
    before = checkpoint.capture(trainer)
    pool.ask(token, "landscape", {"kind": "random", "side": 15})
    header: dict = {"finished": False}
    while not header["finished"]:
        header, arrays = pool.ask(token, "landscape_more")
    race = {"names": ["sgd", "adam"], "start": [0.5, 0.5], "rate": 0.1, "steps": 5}
    facts, raced = pool.ask(token, "landscape_race", race)
    assert raced["heights"].shape == (2, 6)
    assert list(facts["names"]) == ["sgd", "adam"]
    assert header["center"] == pytest.approx(arrays["heights"][7, 7])
    after = checkpoint.capture(trainer)
    for name in before:
        np.testing.assert_array_equal(before[name], after[name], err_msg=name)


@pytest.mark.parametrize(
    ("experiment", "plan", "words"),
    [
        (SMALL, {"kind": "sideways"}, "no such plane"),
        (SMALL, {"kind": "random", "side": 1000}, "no such plane"),
        (SMALL, {"kind": "random", "reach": float("nan")}, "no such plane"),
        (SMALL, {"kind": "weights", "first": "0.W 1 2", "second": "0.W 1 2"}, "two different weights"),
        (SMALL, {"kind": "weights", "first": "0.W 1 2", "second": "9.W 0 0"}, "no such weight"),
        (SMALL.change(initializer="zeros"), {"kind": "random"}, "All weights are zero"),
    ],
)
def test_an_invalid_plane_is_refused(experiment, plan, words):
    pool = LocalPool()
    with pytest.raises(ExperimentError, match=words):
        pool.ask(pool.open(experiment), "landscape", plan)


def test_a_landscape_of_a_network_that_is_gone_is_refused():
    pool = LocalPool()
    token = pool.open(SMALL)
    pool.ask(token, "landscape", {"kind": "random", "side": 15})
    pool.do(token, Change(SMALL.change(seed=2)))
    with pytest.raises(ExperimentError, match="Compute it again"):
        pool.ask(token, "landscape_more")
