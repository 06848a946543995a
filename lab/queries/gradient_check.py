"""The gradient check, asked from a page: the visitor's network, or a small one, and a famous bug to be found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.formulas.losses import Objective
from engine.network.layers import Dense, Layer
from engine.network.network import Network
from engine.training.gradient_check import check, sweep
from lab.experiment.experiment import Experiment
from lab.training.build import layers
from lab.training.run import Run

MOST = 400  # parameters that are all checked in one answer; beyond that a small network stands in
POINTS = 8  # training points whose mean loss is checked
ENTRIES = 3  # of each parameter, in a sweep over epsilons
EPSILONS = tuple(10.0**-k for k in range(12))
EPSILON = 1e-5  # the usual distance in float64
SMALL = Experiment(hidden=(4, 3), samples=40)

Answer = tuple[dict[str, Any], dict[str, np.ndarray]]


class WrongAxis(Dense):
    """The bug that four of five tutorials share: the bias gradient is summed over samples and units alike."""

    def backward(self, dz):  # (N, O)
        dx = super().backward(dz)
        self.db[:] = dz.sum()  # without an axis: one number for all units
        return dx


def gradient_check(run: Run, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """Backpropagation against central differences, for every parameter of a float64 copy of the network.

    facts: bug, number of the dense layer in which the bug is planted, or -1. Of the answer's arrays each has one entry
    a parameter: analytic, numeric, error (relative), group (number of its name in header["groups"]).
    """
    subject = _subject(run, int(facts["bug"]), np.float64)
    found = check(*subject.problem, EPSILON)
    names = list(dict.fromkeys((c.layer, c.parameter) for c in found))
    columns = {name: np.array([getattr(c, name) for c in found]) for name in ("analytic", "numeric", "error")}
    groups = np.array([names.index((c.layer, c.parameter)) for c in found])
    header = {"groups": [[subject.name(number), parameter] for number, parameter in names], "epsilon": EPSILON}
    return header | subject.facts, {**columns, "group": groups}


def gradient_sweep(run: Run, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """The largest relative error for each epsilon. facts: bug, as above; dtype, "float32" or "float64"."""
    subject = _subject(run, int(facts["bug"]), np.float32 if facts["dtype"] == "float32" else np.float64)
    curve = np.array(sweep(*subject.problem, EPSILONS, ENTRIES))
    return subject.facts, {"epsilon": curve[:, 0], "error": curve[:, 1]}


class _Subject:
    """A copy of the network in another precision, with or without the bug, and the points it is checked on."""

    def __init__(self, run: Run, experiment: Experiment, bug: int, dtype: Any) -> None:
        trainer = run.trainer
        objective = trainer.objective
        row = layers(experiment, objective.units, np.random.default_rng(0))
        self.dense = [number for number, layer in enumerate(row) if isinstance(layer, Dense)]
        if 0 <= bug < len(self.dense):
            row[self.dense[bug]] = _with_bug(row[self.dense[bug]])
        rng = np.random.default_rng(0)
        self.network = Network(row, run.dataset.x_train.shape[1:], rng=rng, dtype=dtype)
        self.network.set_state(*trainer.network.get_state())
        x, t = trainer.x_train[:POINTS].astype(dtype), trainer.t_train[:POINTS].astype(dtype)
        self.problem: tuple[Network, Objective, np.ndarray, np.ndarray] = (self.network, objective, x, t)
        units = [row[number].units for number in self.dense]  # pyright: ignore[reportAttributeAccessIssue]
        self.facts = {"parameters": self.network.parameters.size, "points": len(x), "units": units,
                      "activations": list(experiment.activation_names)}  # fmt: skip

    def name(self, number: int) -> str:
        """What a layer is called on the page."""
        if number not in self.dense:
            return f"Layer {number + 1}, {self.network.layers[number]!r}"
        place = self.dense.index(number)
        return "Output layer" if place + 1 == len(self.dense) else f"Hidden layer {place + 1}"


def _with_bug(layer: Layer) -> Layer:
    assert isinstance(layer, Dense)
    return WrongAxis(layer.units, initializer=layer.initializer)


def _subject(run: Run, bug: int, dtype: Any) -> _Subject:
    own = run.trainer.network.parameters.size <= MOST
    if not own:
        run = Run(SMALL)
    subject = _Subject(run, run.experiment, bug, dtype)
    subject.facts["own"] = own
    return subject
