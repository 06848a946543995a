"""Small networks of every kind, and trainers for them on synthetic data of 36 numbers per sample (6 x 6 pixels)."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from engine.formulas.losses import Objective
from engine.formulas.optimizers import OPTIMIZERS
from engine.network.convolution import Conv2D, Flatten, Image, MaxPool2D
from engine.network.layers import Activation, Dense, Dropout, Residual
from engine.network.network import Network
from engine.network.normalization import BatchNorm
from engine.training.trainer import Settings, Trainer
from tests.engine.gpu.fake_backend import FakeBackend
from tests.engine.gpu.fake_cupy import CARD


def layers_of(kind: str):
    """New layers with 36 inputs and 3 outputs."""
    rng = np.random.default_rng(11)
    middle = {
        "dense": lambda: [Dense(6), Activation("tanh")],
        "dropout": lambda: [Dense(6), Activation("tanh"), Dropout(0.4, rng=rng)],
        "batch norm": lambda: [Dense(6), BatchNorm(), Activation("tanh")],
        "batch norm first": lambda: [BatchNorm(), Dense(6), Activation("tanh")],
        "conv": lambda: [Image(6, 6), Conv2D(4), Activation("tanh"), Flatten()],
        "same": lambda: [Image(3, 4, 3), Conv2D(4, padding="same"), Activation("tanh"), Conv2D(3, 2), Flatten()],
        "pool": lambda: [Image(6, 6), MaxPool2D(), Conv2D(2, 2), Activation("tanh"), Flatten()],
        "residual": lambda: [Dense(6), Residual(Dense(6), BatchNorm(), Activation("tanh"), Dropout(0.3, rng=rng)),
                             Residual(Dense(6), Activation("relu"))],
        "everything": lambda: [Image(6, 6), Conv2D(3, padding="same"), BatchNorm(), Activation("relu"), MaxPool2D(),
                               Dropout(0.2, rng=rng), Conv2D(4, 2), Activation("tanh"), Flatten(), Dense(5),
                               BatchNorm(), Activation("tanh"), Dropout(0.3, rng=rng.spawn(1)[0])],
    }[kind]  # fmt: skip
    return [*middle(), Dense(3)]


KINDS = ("dense", "dropout", "batch norm", "batch norm first", "conv", "same", "pool", "residual", "everything")


@pytest.fixture(params=KINDS)
def kind(request):
    """The name of every small network in turn."""
    return request.param


@pytest.fixture
def build_network():
    def build(kind="dense", dtype=np.float64, seed=0):
        network = Network(layers_of(kind), (36,), rng=np.random.default_rng(seed), dtype=dtype)
        network.parameters += np.random.default_rng(1).normal(0, 0.1, network.parameters.size).astype(dtype)
        return network

    return build


@pytest.fixture
def objective():
    return Objective("classification", 3, "softmax", "categorical_crossentropy")


@pytest.fixture
def batch(objective):
    """(x, t): 7 samples"""
    rng = np.random.default_rng(2)
    return rng.normal(size=(7, 36)), objective.targets(rng.integers(0, 3, 7), np.float64)


@pytest.fixture
def build_trainer(build_network, objective):
    """Trainers on 50 training and 20 test samples of learnable classes; one kind has equal initial weights.

    validates: whether there is a validation part, of 15 samples. test_labels: replace those of the test part.
    """

    def build(kind="dense", dtype=np.float32, optimizer="adam", learning_rate=0.02, backend=None, executor=None,
              validates=False, test_labels=None, **settings):  # fmt: skip
        rng = np.random.default_rng(3)
        x = rng.normal(size=(70, 36))
        weights = rng.normal(size=(36, 3))
        y = (x @ weights).argmax(axis=1)
        x_more = rng.normal(size=(15, 36))
        validation = (x_more, (x_more @ weights).argmax(axis=1)) if validates else None
        test = x[50:], y[50:] if test_labels is None else test_labels
        network = build_network(kind, dtype)
        settings = Settings(**({"learning_rate": learning_rate, "batch_size": 8} | settings))
        return Trainer(
            network, objective, OPTIMIZERS[optimizer](learning_rate, network.parameters.size, dtype),
            (x[:50], y[:50]), test, validation=validation, settings=settings, rng=np.random.default_rng(4),
            backend=backend, executor=executor,
        )  # fmt: skip

    return build


@pytest.fixture
def pretended():
    """The strict fake of CuPy as a card with free memory."""
    gc.collect()
    CARD.reset()
    return FakeBackend()


@pytest.fixture
def backend(pretended):
    return pretended
