"""Helpers of several test modules."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import numpy as np
import pytest

from engine.formulas.losses import valid_losses, valid_outputs
from engine.tape.recording import BatchRecorder
from engine.training.gradient_check import slope
from engine.training.trainer import Trainer

compiled = pytest.mark.skipif(shutil.which("g++") is None, reason="there is no C++ compiler to replace NVRTC")
PAIRS = [  # every output with every compatible loss: (kind, classes, output, loss)
    (kind, classes, output, loss)
    for kind, classes in (("classification", 2), ("classification", 3), ("regression", 0))
    for output in valid_outputs(kind, classes)
    for loss in valid_losses(kind, output)
]


def make_infinite(trainer: Trainer, rows: int | slice = slice(None)) -> None:
    """Make training samples infinite, so that a batch with one of them overflows the parameters."""
    trainer.x_train[rows] = np.inf
    trainer.executor.recorder = BatchRecorder(trainer.x_train, trainer.t_train)  # pyrefly: ignore  # it holds a copy


def numerical_gradient(f: Callable[[], float], array: np.ndarray, epsilon: float = 1e-5) -> np.ndarray:
    """Gradient of f() by central differences with respect to every entry of `array`, which f reads. Same shape.

    The array is restored.
    """
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        gradient[index] = slope(f, array, index, epsilon)
    return gradient
