"""Builds the data set and the trainer of an Experiment. Only this module turns names into objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data import Dataset
from engine import OPTIMIZERS
from engine.backend import Backend, available_devices, is_out_of_memory
from engine.formulas.losses import Objective, balanced_weights
from engine.gpu.executor import CudaExecutor
from engine.network.convolution import Conv2D, Flatten, Image, MaxPool2D
from engine.network.layers import Activation, Dense, Dropout, Layer, Residual
from engine.network.network import Network
from engine.network.normalization import BatchNorm
from engine.training.trainer import Trainer
from lab.experiment.architecture import LayerSpec, architecture_of
from lab.experiment.datasets import examples
from lab.experiment.experiment import Experiment, ExperimentError

LAYERS: dict[str, Callable[..., Layer]] = {
    "image": Image, "conv": Conv2D, "max_pool": MaxPool2D, "flatten": Flatten,
    "dense": Dense, "batch_norm": BatchNorm, "activation": Activation, "dropout": Dropout,
    "residual": Residual,
}  # fmt: skip
USABLE_SHARE = 0.8  # of a card's free memory
MEMORY_ADVICE = "Choose a smaller batch, fewer units, fewer samples or the CPU."
MEMORY_FULL = f"The memory of the device is full. {MEMORY_ADVICE}"


class Built(NamedTuple):
    dataset: Dataset
    trainer: Trainer


def build(experiment: Experiment, data_dir: Path | None = None, dataset: Dataset | None = None) -> Built:
    """The data and the trainer of an experiment.

    data_dir: the folder of picture files; see data.load. dataset: the data of an earlier `build`, if it is the same.
    Raises ExperimentError if the device or the files of the data set are missing, or the memory does not suffice.
    """
    e = experiment
    backend = processor(e)
    for_weights, for_batches, for_dropout = generators(e)
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
    specs, inputs = architecture_of(e).layers, dataset.x_train.shape[1:]
    network = Network(layers(specs, for_dropout), inputs, rng=for_weights, dtype=e.dtype)
    optimizer = OPTIMIZERS[e.optimizer](
        e.learning_rate, network.parameters.size, network.dtype, decays=network.weight_mask
    )
    train, test = (dataset.x_train, dataset.y_train), (dataset.x_test, dataset.y_test)
    validation = dataset.x_validation, dataset.y_validation
    if network.couples_samples and min(e.batch_size or len(dataset.x_train), len(dataset.x_train)) < 2:
        allowed = "at least two in each batch; choose more samples, a larger training share or a larger batch"
        raise ExperimentError([f"batch_norm: a single training sample is not enough; allowed: {allowed}."])
    if backend is not None:
        samples = sum(len(x) for x, _ in (train, validation, test))
        batch = min(e.batch_size or len(train[0]), len(train[0]))
        _fits(backend, CudaExecutor.bytes_needed(network, optimizer, samples, batch, objective.units))
    try:
        trainer = Trainer(
            network, objective, optimizer, train, test, validation=validation,
            settings=e.settings(), rng=for_batches, backend=backend,
        )  # fmt: skip
    except Exception as problem:
        if not is_out_of_memory(problem):
            raise
        raise ExperimentError([f"device: {MEMORY_FULL}"]) from None
    return Built(dataset, trainer)


def generators(e: Experiment) -> tuple[np.random.Generator, np.random.Generator, np.random.Generator]:
    """For the initial weights, the order of the samples, and dropout."""
    _, for_weights, for_batches, for_dropout = np.random.default_rng(e.seed).spawn(4)  # the first draws the data
    if e.weight_seed:
        for_weights = np.random.default_rng(e.weight_seed).spawn(4)[1]
    return for_weights, for_batches, for_dropout


def processor(e: Experiment) -> Backend | None:
    """The backend of the device of an experiment; None for the CPU. Raises ExperimentError if it is not usable."""
    if e.device == "cpu":
        return None
    device = next((d for d in available_devices() if d.name == e.device), None)
    if device is None or not device.usable:
        why = f"{device.reason} {device.fix}".strip() if device else "There is no such device."
        raise ExperimentError([f"device: {e.device} cannot be used here. {why}"])
    return backend_named(e.device)


@cache
def backend_named(name: str) -> Backend:
    """The backend of a card, shared by all runs of the process."""
    return Backend(name)


def _fits(backend: Backend, needed: int) -> None:
    if needed > USABLE_SHARE * backend.memory()[0]:
        backend.release()  # memory of finished runs may not have been returned yet
    if needed > (free := int(USABLE_SHARE * backend.memory()[0])):
        mega = [f"{size / 2**20:,.0f} MB" for size in (needed, free)]
        raise ExperimentError(
            [f"device: this takes about {mega[0]} on the GPU, and {mega[1]} are free. {MEMORY_ADVICE}"]
        )


def layers(specs: Iterable[LayerSpec], rng: np.random.Generator) -> list[Layer]:
    """The layers of an architecture. rng: the generator for dropout."""
    return [_layer(spec, rng) for spec in specs]


def _layer(spec: LayerSpec, rng: np.random.Generator) -> Layer:
    chance = {"rng": rng} if spec.kind == "dropout" else {}
    return LAYERS[spec.kind](*layers(spec.layers, rng), **spec.settings, **chance)
