"""The loss landscape of a run: the loss as a height over a plane in the space of the weights.

The plane contains the current weights. Its two directions are two chosen weights, two random directions whose length is
matched unit by unit to the weights (filter-normalized: Li et al. 2018, Visualizing the Loss Landscape of
Neural Nets), or the two principal directions of the training path.

Everything is computed with a second trainer of the same experiment and data, so the run can continue. A page requests
the work in pieces.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from engine import OPTIMIZERS
from engine.network.layers import Dropout
from engine.network.normalization import BatchNorm
from engine.step.executor import TimeSlice
from engine.tape.recording import RecordedEvaluation
from engine.tape.tape import Tape
from engine.training.trainer import Trainer
from lab.protocol.messages import Answer
from lab.race.optimizer_race import race
from lab.training.build import build
from lab.training.run import Run

LOSS_SAMPLES = 1000  # first training examples, whose mean loss is the height
QUERY_BUDGET_S = 0.04
TRAINING_S = 0.002  # before the budget is looked at
COMPILING_S = 0.004
MAX_RACE_S = 0.3
UNTRAINED_PATH_EPOCHS = 30  # of the path if the network has not been trained yet
MAX_PATH_POINTS = 60
MAX_PATH_NUMBERS = 6_000_000  # in all points of the path
LISTED_UNITS = 8  # inputs and outputs of a layer whose weights can be chosen
PLANE_SIDES = (15, 25, 41)  # points along an edge of the plane
PLANE_KINDS = {
    "path": "Training path",
    "random": "Two random directions",
    "weights": "Two chosen weights",
}


class Landscape:
    """A plane through the weights of a run, and its heights computed so far.

    kind: of PLANE_KINDS. first, second: names of weights, from `weight_names`. reach: distance from the center to the
    edges, in lengths of the directions. side: points along an edge. Raises ValueError.
    """

    def __init__(self, run: Run, kind: str, *, seed: int = 0, first: str = "", second: str = "", reach: float = 1.0,
                 side: int = 25) -> None:  # fmt: skip
        if kind not in PLANE_KINDS or not 0 < reach <= 100 or side not in PLANE_SIDES:
            raise ValueError("landscape: there is no such plane.")
        self.kind, self.reach, self.side, self.build_number = kind, reach, side, run.build_number
        self.twin = build(run.experiment.change(device="cpu"), dataset=run.dataset).trainer
        self.way = run.trainer.executor.way
        self.center, self.state = run.trainer.network.get_state()
        self.epoch, self.now = run.trainer.epochs, run.trainer.steps
        self.epochs = self.epoch or UNTRAINED_PATH_EPOCHS
        self.x, self.t = self.twin.x_train[:LOSS_SAMPLES], self.twin.t_train[:LOSS_SAMPLES]
        self.snapshots: list[np.ndarray] = [self.twin.network.parameters.copy()]
        self.snapshot_epochs = [0]
        self.directions = np.zeros((0, self.center.size))
        if kind == "random":
            self.directions = random_directions(self.twin, self.center, seed)
        elif kind == "weights":
            self.directions = np.stack([_only(self.twin, name) for name in (first, second)])
            if first == second:
                raise ValueError("Choose two different weights: a plane needs two directions.")
        self.twin.network.set_state(self.snapshots[0], self.twin.network.get_state()[1])
        self.heights = np.full((side, side), np.nan)
        self.done, self.total, self._work = 0, self.epochs + side * side, self._all()

    # Computation -----------------------------------------------------------------------------------------------------

    def work(self, seconds: float = QUERY_BUDGET_S) -> None:
        """Continue for about this many seconds."""
        ends = time.monotonic() + seconds
        for done in self._work:
            self.done = done
            if time.monotonic() > ends:
                break

    @property
    def finished(self) -> bool:
        return self.done == self.total

    def _all(self) -> Iterator[int]:
        yield from self._train()
        for _, layer in self.twin.network.walk():
            if isinstance(layer, Dropout):
                layer.rate = 0.0  # for the loss of the whole network
            if isinstance(layer, BatchNorm):
                layer.frozen = True  # the statistics of the run are part of its loss
        if self.kind == "path":
            self.directions = main_directions(np.stack(self.snapshots) - self.center)
        points = np.stack(np.meshgrid(self.axis, self.axis), axis=-1).reshape(-1, 2)
        for number, point in enumerate(points):
            self.heights.flat[number] = self.height(point)
            yield self.epochs + number + 1

    def _train(self) -> Iterator[int]:
        """Repeat the training of the run on the twin, from the initial weights and in the same way."""
        twin, size = self.twin, self.center.size
        twin.executor.choose(self.way or "tape")
        while not twin.is_ready():
            time.sleep(COMPILING_S)
            yield 0
        every = max(1, -(-self.epochs // int(np.clip(MAX_PATH_NUMBERS // size, 3, MAX_PATH_POINTS))))
        while twin.epochs < self.epochs and twin.divergence is None:
            with np.errstate(all="ignore"):
                ended = twin.advance(twin.steps_per_epoch, TimeSlice(TRAINING_S, time.monotonic))
            if not ended:
                yield min(twin.epochs, self.epochs - 1)
                continue
            if twin.epochs % every == 0 or twin.epochs == self.epochs:
                if not twin.guard.is_finite():
                    break
                self.snapshots.append(twin.network.parameters.copy())
                self.snapshot_epochs.append(twin.epochs)
            yield twin.epochs

    # Results ---------------------------------------------------------------------------------------------------------

    @property
    def axis(self) -> np.ndarray:
        """(side,) coordinates along an edge, 0 in the middle."""
        return np.linspace(-self.reach, self.reach, self.side)

    @property
    def reproduced(self) -> bool:
        """Whether the path ends at the weights of the run, which fails if settings were changed during training."""
        return self.epoch > 0 and np.array_equal(self.snapshots[-1], self.center)

    def height(self, point: np.ndarray) -> float:
        """The mean loss at one point (2,) of the plane."""
        self._go(point)
        with np.errstate(all="ignore"):
            if self._is_small:
                return self._look()[1]
            return float(self.twin.objective.value(self.twin.network.forward(self.x), self.t))

    def slopes(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """points (K, 2) -> heights (K,) and, by the engine's backward pass, gradients in the plane (K, 2)."""
        network = self.twin.network
        heights, gradients = np.full(len(points), np.nan), np.full((len(points), 2), np.nan)
        for number, point in enumerate(points):
            if np.isfinite(point).all():
                self._go(point)
                heights[number] = self._descend()
                gradients[number] = self.directions @ network.gradients
        return heights, gradients

    @cached_property
    def _is_small(self) -> bool:
        return len(self.x) <= self.twin.network.max_batch

    @cached_property
    def _look(self) -> RecordedEvaluation:
        return RecordedEvaluation(self.twin.network, self.twin.objective, self.x, self.t)

    @cached_property
    def _descend(self) -> Callable[[], float]:
        """Fills the network's gradients and returns the loss; recorded, like a step of training."""
        tape = Tape() if self._is_small else None
        network, objective = self.twin.network, self.twin.objective

        def compute_gradients(x: Any, t: Any) -> Any:
            z = network.forward(x, train=True)
            loss = objective.value(z, t)
            network.backward(objective.gradient(z, t))
            return loss

        if tape is None:
            return lambda: float(compute_gradients(self.x, self.t))
        loss = compute_gradients(tape.wrap(self.x), tape.wrap(self.t)).array

        def replay() -> float:
            tape.play()
            return float(loss)

        return replay

    def path(self) -> np.ndarray:
        """(n, 2) the points of the training path, projected onto the plane."""
        offsets = np.stack(self.snapshots) - self.center
        return np.linalg.lstsq(self.directions.T, offsets.T, rcond=None)[0].T

    def in_plane(self) -> float:
        """The share of the path, in squared distances from the center, that lies in the plane."""
        offsets = np.stack(self.snapshots) - self.center
        return float((self.path() @ self.directions).ravel() @ offsets.ravel() / max(float((offsets**2).sum()), 1e-30))

    def _go(self, point: np.ndarray) -> None:
        self.twin.network.set_state(self.center + np.asarray(point) @ self.directions, self.state)


# Directions ----------------------------------------------------------------------------------------------------------


def random_directions(trainer: Trainer, center: np.ndarray, seed: int) -> np.ndarray:
    """(2, P) random directions; the weights of each unit have their length at `center`, and biases do not change.

    Raises ValueError if all weights are zero.
    """
    network, rng, rows = trainer.network, np.random.default_rng(seed), []
    network.parameters[:] = center
    for _ in range(2):
        network.gradients[:] = 0
        for W, dW in network.weights:
            noise = rng.standard_normal(W.shape)
            dW[:] = noise * np.linalg.norm(W, axis=0) / np.linalg.norm(noise, axis=0)
        rows.append(network.gradients.astype(float))
    if not all(np.any(row) for row in rows):
        raise ValueError("All weights are zero, so random directions have no length. Press Step first.")
    return np.stack(rows)


def main_directions(offsets: np.ndarray) -> np.ndarray:
    """offsets (n, P) from the center -> (2, P) principal directions, scaled by the largest offset along each.

    Raises ValueError if all offsets are zero.
    """
    parts, sizes, rows = np.linalg.svd(np.asarray(offsets, float), full_matrices=False)
    lengths = np.abs(parts[:, :2] * sizes[:2]).max(axis=0)
    if len(lengths) < 2 or not lengths[0] > 1e-12:
        raise ValueError("Training has not moved the weights, so its path has no directions.")
    return rows[:2] * np.maximum(lengths, 0.1 * lengths[0])[:, None] / 0.8  # so that the path fills most of the plane


def weight_names(trainer: Trainer) -> list[str]:
    """Names such as "0.W 1 3" (layer, which parameter, from, to) or "0.b 3" of the weights that can be chosen."""
    return [
        " ".join((name, *map(str, place)))
        for name, array in trainer.network.named.items()
        for place in np.ndindex(*(min(size, LISTED_UNITS) for size in array.shape))
    ]


def _only(trainer: Trainer, name: str) -> np.ndarray:
    """(P,) the direction of a single weight. Raises ValueError for an unknown name."""
    if name not in weight_names(trainer):
        raise ValueError("landscape: there is no such weight in this network.")
    parameter, *place = name.split()
    trainer.network.parameters[:] = 0
    trainer.network.named[parameter][tuple(map(int, place))] = 1
    return trainer.network.parameters.astype(float)


# Queries -------------------------------------------------------------------------------------------------------------


def begin(run: Run, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """Start a new plane through the current weights."""
    run.query_cache["landscape"] = plane = Landscape(run, **options)
    return {"epoch": plane.epoch, "samples": len(plane.x), "parameters": plane.center.size}, {}


def continue_work(run: Run, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """The next piece of work, or the whole landscape once it is finished."""
    plane = _plane(run)
    plane.work()
    header: dict[str, Any] = {"share": plane.done / plane.total, "finished": plane.finished}
    if not plane.finished:
        return header, {}
    header |= {
        "kind": plane.kind, "epoch": plane.epoch, "epochs": plane.snapshot_epochs[-1], "samples": len(plane.x),
        "reproduced": bool(plane.reproduced), "in_plane": plane.in_plane(), "center": plane.height(np.zeros(2)),
    }  # fmt: skip
    answer = {"axis": plane.axis, "heights": plane.heights, "path": plane.path()}
    return header, {**answer, "path_epochs": np.array(plane.snapshot_epochs)}


def run_race(run: Run, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """A race over the plane. options: names, start (two numbers), rate, steps."""
    plane = _plane(run)
    names = [name for name in options["names"] if name in OPTIMIZERS]
    rates, (x, y) = [float(options["rate"])] * len(names), options["start"]
    result = race(
        plane.slopes, names, (float(x), float(y)), rates, min(int(options["steps"]), 1000), seconds=MAX_RACE_S
    )
    return {"names": result.names, "rates": result.rates}, {"points": result.points, "heights": result.heights}


def choices(run: Run, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """Names of the weights that can span a plane."""
    return {"weights": weight_names(run.trainer), "epoch": run.trainer.epochs, "build": run.build_number}, {}


def _plane(run: Run) -> Landscape:
    plane = run.query_cache.get("landscape")
    if plane is None or plane.build_number != run.build_number:
        raise ValueError("This landscape belongs to an earlier network. Compute it again.")
    return plane
