"""From an Experiment to a data set and a trainer: the only place where names become objects."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data import Dataset
from engine import OPTIMIZERS
from engine.backend import Backend, available_devices, exhausted
from engine.formulas.losses import Objective, balanced_weights
from engine.gpu.executor import CudaExecutor
from engine.network.convolution import Conv2D, Flatten, Image, MaxPool2D
from engine.network.layers import Activation, Dense, Dropout, Layer
from engine.network.network import Network
from engine.network.normalization import BatchNorm
from engine.training.trainer import Trainer
from lab.experiment.datasets import examples
from lab.experiment.experiment import Experiment, ExperimentError

SHARE = 0.8  # of a card's free memory that may be promised
SMALLER = "Take a smaller batch, fewer units, fewer samples or the CPU."
FULL = f"The memory of the device is full. {SMALLER}"


class Built(NamedTuple):
    dataset: Dataset
    trainer: Trainer


def build(experiment: Experiment, data_dir: Path | None = None, dataset: Dataset | None = None) -> Built:
    """Raises ExperimentError when this machine cannot run it (the device or the files of the data set are missing).

    data_dir: where the files of a data set of pictures lie; see data.load. dataset: the data, where an earlier `build`
    of the same data set has drawn them.
    """
    e = experiment
    backend = processor(e)
    _, for_weights, for_batches, for_dropout = np.random.default_rng(e.seed).spawn(4)  # the first draws the data
    if e.weight_seed:
        for_weights = np.random.default_rng(e.weight_seed).spawn(4)[1]
    dataset = dataset or examples(e, data_dir)
    weights = (
        balanced_weights(dataset.y_train, dataset.classes)
        if e.class_weights == "balanced" and dataset.classes
        else None
    )
    objective = Objective(
        dataset.kind,
        dataset.classes,
        e.output_name,
        e.loss_name,
        label_smoothing=e.label_smoothing,
        class_weights=weights,
    )
    network = Network(
        layers(e, objective.units, for_dropout), dataset.x_train.shape[1:], rng=for_weights, dtype=e.dtype
    )
    optimizer = OPTIMIZERS[e.optimizer](
        e.learning_rate, network.parameters.size, network.dtype, decays=network.weight_mask
    )
    train, test = (dataset.x_train, dataset.y_train), (dataset.x_test, dataset.y_test)
    if backend is not None:
        samples, batch = len(train[0]) + len(test[0]), min(e.batch_size or len(train[0]), len(train[0]))
        _fits(backend, CudaExecutor.bytes_needed(network, optimizer, samples, batch, objective.units))
    try:
        trainer = Trainer(
            network, objective, optimizer, train, test, settings=e.settings(), rng=for_batches, backend=backend
        )
    except Exception as problem:
        if not exhausted(problem):
            raise
        raise ExperimentError([f"device: {FULL}"]) from None
    return Built(dataset, trainer)


def processor(e: Experiment) -> Backend | None:
    """The device that an experiment asks for; None is this processor. Raises ExperimentError if it cannot be used."""
    if e.device == "cpu":
        return None
    device = next((d for d in available_devices() if d.name == e.device), None)
    if device is None or not device.usable:
        why = f"{device.reason} {device.fix}".strip() if device else "There is no such device."
        raise ExperimentError([f"device: {e.device} cannot be used here. {why}"])
    return backend_named(e.device)


@cache
def backend_named(name: str) -> Backend:
    """One for each card and process: its memory is shared by all runs."""
    return Backend(name)


def _fits(backend: Backend, needed: int) -> None:
    if needed > SHARE * backend.memory()[0]:
        backend.release()  # what a run has left behind may not have been collected yet
    if needed > (free := int(SHARE * backend.memory()[0])):
        mega = [f"{size / 2**20:,.0f} MB" for size in (needed, free)]
        raise ExperimentError([f"device: this takes about {mega[0]} on the GPU, and {mega[1]} are free. {SMALLER}"])


def layers(e: Experiment, outputs: int, rng: np.random.Generator) -> list[Layer]:
    """Convolution blocks, hidden layers with their activations, and a last layer that the output function reads."""
    row: list[Layer] = []
    if e.conv and e.source.image_shape:
        row.append(Image(*e.source.image_shape, 1))
        for filters in e.conv:
            row += [Conv2D(filters, initializer=e.initializer), MaxPool2D(), Activation(e.conv_activation)]
        row.append(Flatten())
    for units, activation in zip(e.hidden, e.activation_names, strict=True):
        row.append(Dense(units, initializer=e.initializer))
        if e.batch_norm:
            row.append(BatchNorm())
        row.append(Activation(activation))
        if e.dropout:
            row.append(Dropout(e.dropout, rng=rng))
    return [*row, Dense(outputs, initializer=e.initializer)]
