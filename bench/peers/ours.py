"""Our engine as the playground runs it: in slices, with the curve and the divergence guard."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np

from bench.workloads import RUN_EPOCHS, Workload
from engine import OPTIMIZERS
from engine.backend import Backend
from engine.c import executor as compiled
from engine.c.compiler import SWITCH_VARIABLE, TIMEOUT_S
from engine.formulas.losses import Objective
from engine.network.convolution import Conv2D, Flatten, Image, MaxPool2D
from engine.network.layers import Activation, Dense, Layer
from engine.network.network import Network
from engine.step.settings import Settings
from engine.training.layer_outputs import LayerOutputs
from engine.training.trainer import Trainer
from lab.experiment.experiment import Experiment
from lab.training import build as experiments

SLICE_S = 0.0025  # as in the worker processes


def layers(workload: Workload) -> list[Layer]:
    if workload.kind == "conv":
        first = [Image(28, 28), Conv2D(8, 3), MaxPool2D(2), Activation("relu")]
        return [*first, Conv2D(16, 3), MaxPool2D(2), Activation("relu"), Flatten(), Dense(10)]
    row: list[Layer] = []
    for units in workload.sizes[1:-1]:
        row += [Dense(units), Activation("tanh" if workload.binary else "relu")]
    return [*row, Dense(workload.sizes[-1])]


def build(
    workload: Workload, x: np.ndarray, y: np.ndarray, test: tuple[np.ndarray, np.ndarray] | None = None,
    backend: Backend | None = None,
) -> Trainer:  # fmt: skip
    """A trainer; without `test` it is tested on the first samples."""
    output, loss = ("sigmoid", "binary_crossentropy") if workload.binary else ("softmax", "categorical_crossentropy")
    objective = Objective("classification", 2 if workload.binary else 10, output, loss)
    network = Network(layers(workload), x.shape[1:], rng=np.random.default_rng(0))
    optimizer = OPTIMIZERS[workload.optimizer](workload.learning_rate, network.parameters.size)
    settings = Settings(learning_rate=workload.learning_rate, batch_size=0 if workload.full else workload.batch)
    test = test or (x[: workload.tests], y[: workload.tests])
    rng = np.random.default_rng(1)
    return Trainer(network, objective, optimizer, (x, y), test, settings=settings, rng=rng, backend=backend)


def make(
    workload: Workload, x: np.ndarray, y: np.ndarray, variant: str = "", backend: Backend | None = None
) -> Callable[[int], int]:
    os.environ[SWITCH_VARIABLE] = "off" if variant else "on"
    compiled.FIRST_STEP_WAIT_S = TIMEOUT_S
    if workload.kind == "run":
        return whole_runs(workload)
    trainer = build(workload, x, y, backend=backend)
    return look(trainer, x) if workload.kind == "grid" else training(trainer)


def whole_runs(workload: Workload) -> Callable[[int], int]:
    """Runs of the default experiment through the trainer, with every point of their curves. A step is a run of each."""
    trainers = [experiments.build(Experiment(seed=seed)).trainer for seed in range(workload.samples)]

    def run(steps: int) -> int:
        for _ in range(steps):
            for trainer in trainers:
                trainer.reset()
                trainer.run_for(np.inf, epochs=RUN_EPOCHS)
        return steps

    return run


def training(trainer: Trainer) -> Callable[[int], int]:
    """A run in slices until the requested steps are done."""

    def run(steps: int) -> int:
        first = trainer.steps
        while trainer.steps < first + steps:
            trainer.run_for(SLICE_S)
            if trainer.divergence or trainer.stopped:
                raise RuntimeError(f"training ended: {trainer.divergence or trainer.stopped}")
        return trainer.steps - first

    return run


def look(trainer: Trainer, x: np.ndarray) -> Callable[[int], int]:
    """Evaluate every unit over the plane, as for a live frame."""
    trainer.step()  # decides whether it is compiled
    names = [name for name, layer in trainer.network.walk() if isinstance(layer, Activation)]
    outputs = LayerOutputs(trainer.network, x, names, trainer.objective.output.forward, trainer.executor)

    def run(looks: int) -> int:
        for _ in range(looks):
            outputs()
        return looks

    return run
