"""From an Experiment to a data set and a trainer: the only place where names become objects."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

import data
from data import Dataset
from engine import OPTIMIZERS
from engine.backend import available_devices
from engine.convolution import Conv2D, Flatten, Image, MaxPool2D
from engine.layers import Activation, Dense, Dropout, Layer
from engine.losses import Objective, balanced_weights
from engine.network import Network
from engine.normalization import BatchNorm
from engine.trainer import Trainer
from lab.experiment import Experiment, ExperimentError


class Built(NamedTuple):
    dataset: Dataset
    trainer: Trainer


def build(experiment: Experiment, data_dir: Path | None = None, dataset: Dataset | None = None) -> Built:
    """Raises ExperimentError when this machine cannot run it (the device or the files of the data set are missing).

    data_dir: where the files of a data set of pictures lie; see data.load. dataset: the data, where an earlier `build`
    of the same data set has drawn them.
    """
    e = experiment
    device = next((d for d in available_devices() if d.name == e.device), None)
    if device is None or not device.usable:
        raise ExperimentError(
            [f"device: {e.device} cannot be used here. {device.reason if device else 'There is no such device.'}"]
        )
    for_data, for_weights, for_batches, for_dropout = np.random.default_rng(e.seed).spawn(4)
    if e.weight_seed:
        for_weights = np.random.default_rng(e.weight_seed).spawn(4)[1]
    dataset = dataset or examples(e, for_data, data_dir)
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
    return Built(dataset, Trainer(network, objective, optimizer, train, test, settings=e.settings(), rng=for_batches))


def examples(e: Experiment, rng: np.random.Generator | None = None, data_dir: Path | None = None) -> Dataset:
    """The data of an experiment, as its network gets it. Raises ExperimentError."""
    rng = rng or np.random.default_rng(e.seed).spawn(4)[0]
    try:
        return data.load(e.dataset, samples=e.samples, noise=e.noise, train_share=e.train_share, features=e.features,
                         formula=e.formula, label_noise=e.label_noise, outliers=e.outliers, balance=e.balance,
                         points=e.points, own=e.own, scaling=e.scaling, rng=rng, data_dir=data_dir)  # fmt: skip
    except ValueError as problem:
        raise ExperimentError([f"dataset: {problem}"]) from None


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
