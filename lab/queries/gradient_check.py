"""The gradient check as a query: of the visitor's network or a small one, with or without a famous bug."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.formulas.losses import Objective
from engine.network.layers import Dense
from engine.network.network import Network
from engine.training.gradient_check import check, sweep
from lab.experiment.architecture import architecture_of
from lab.experiment.experiment import Experiment
from lab.protocol.messages import Answer
from lab.training.build import layers
from lab.training.run import Run

MAX_PARAMETERS = 400  # a larger network is replaced by a small one
CHECKED_POINTS = 8  # training points of the checked loss
SWEPT_ENTRIES = 3  # of each parameter, in a sweep over epsilons
EPSILONS = tuple(10.0**-k for k in range(12))
EPSILON = 1e-5  # the usual distance in float64
SMALL_EXPERIMENT = Experiment(hidden=(4, 3), samples=40)


class WrongAxis(Dense):
    """A common bug of tutorials: the bias gradient is summed over the samples and over the units."""

    def backward(self, dz):  # (N, O)
        dx = super().backward(dz)
        self.db[:] = dz.sum()  # without an axis: one number for all units
        return dx


def gradient_check(run: Run, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """Backpropagation against central differences, for every parameter of a float64 copy of the network.

    options: bug, number of the dense layer with the bug, or -1. Each array of the answer has one entry per parameter:
    analytic, numeric, error (relative), group (index of its name in header["groups"]).
    """
    subject = _subject(run, int(options["bug"]), np.float64)
    found = check(*subject.problem, EPSILON)
    names = list(dict.fromkeys((c.layer, c.parameter) for c in found))
    columns = {name: np.array([getattr(c, name) for c in found]) for name in ("analytic", "numeric", "error")}
    groups = np.array([names.index((c.layer, c.parameter)) for c in found])
    header = {"groups": [[subject.title(name), parameter] for name, parameter in names], "epsilon": EPSILON}
    return header | subject.metadata, {**columns, "group": groups}


def gradient_sweep(run: Run, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """The largest relative error for each epsilon. options: bug, as above; dtype, "float32" or "float64"."""
    subject = _subject(run, int(options["bug"]), np.float32 if options["dtype"] == "float32" else np.float64)
    curve = np.array(sweep(*subject.problem, EPSILONS, SWEPT_ENTRIES))
    return subject.metadata, {"epsilon": curve[:, 0], "error": curve[:, 1]}


class _Subject:
    """A copy of the network in another precision, with or without the bug, and the points for the check."""

    def __init__(self, run: Run, bug: int, dtype: Any) -> None:
        trainer, self.architecture = run.trainer, architecture_of(run.experiment)
        row, blocks = layers(self.architecture.layers, np.random.default_rng(0)), self.architecture.dense
        self.network = Network(row, run.dataset.x_train.shape[1:], rng=np.random.default_rng(0), dtype=dtype)
        self.network.set_state(*trainer.network.get_state())
        if 0 <= bug < len(blocks):
            _plant_bug(self.network[blocks[bug].weights.name])
        x, t = trainer.x_train[:CHECKED_POINTS].astype(dtype), trainer.t_train[:CHECKED_POINTS].astype(dtype)
        self.problem: tuple[Network, Objective, np.ndarray, np.ndarray] = (self.network, trainer.objective, x, t)
        self.metadata = {"parameters": self.network.parameters.size, "points": len(x),
                         "units": [block.units for block in blocks],
                         "activations": list(run.experiment.activation_names)}  # fmt: skip

    def title(self, name: str) -> str:
        """The title on the page of the layer of this name."""
        block = next(b for b in self.architecture.blocks if name in (layer.name for layer in b.layers))
        layer = self.network[name]
        return block.title if isinstance(layer, Dense) else f"{block.title}, {layer!r}"


def _plant_bug(layer: Dense) -> None:
    layer.__class__ = WrongAxis


def _subject(run: Run, bug: int, dtype: Any) -> _Subject:
    own = run.trainer.network.parameters.size <= MAX_PARAMETERS
    if not own:
        run = Run(SMALL_EXPERIMENT)
    subject = _Subject(run, bug, dtype)
    subject.metadata["own"] = own
    return subject
