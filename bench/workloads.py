"""The workloads: a table of networks and batches. Every implementation gets the same numbers.

The pictures are random and as sparse as handwritten digits (one pixel in five is not zero), or read from MNIST's files.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import NamedTuple

import numpy as np

INK_FRACTION = 0.2  # of the pixels are not zero
GRID_SIDE = 100  # points along one side of the decision map
GRID_POINTS = GRID_SIDE**2
RUN_EPOCHS = 100  # of a whole run


class Workload(NamedTuple):
    """kind: "train" a dense network, "grid" (all its units over the plane), "conv" (train a convolutional one), "run".

    A run trains the default experiment for RUN_EPOCHS epochs and evaluates both parts after each. `samples` counts its
    seeds, one after the other.
    """

    name: str
    label: str
    sizes: tuple[int, ...]  # inputs, hidden units, outputs
    samples: int
    batch: int
    optimizer: str
    learning_rate: float
    kind: str = "train"
    peers_evaluate: bool = False  # at the end of every epoch, as our engine always does

    @property
    def binary(self) -> bool:
        """One sigmoid output and tanh units; otherwise ten softmax outputs and ReLU units."""
        return self.sizes[-1] == 1

    @property
    def full(self) -> bool:
        """Whether every step uses all samples."""
        return self.batch == self.samples

    @property
    def tests(self) -> int:
        """Number of test samples: 1000 with full batches, otherwise one per six training samples, as in MNIST."""
        return 1000 if self.full else self.samples // 6


TINY, WIDE, DEEP = (2, 8, 8, 1), (784, 128, 10), (784, 512, 512, 10)

WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("W1-sgd", "2-8-8-1 tanh, batch 10, SGD", TINY, 500, 10, "sgd", 0.03),
        Workload("W1-adam", "2-8-8-1 tanh, batch 10, Adam", TINY, 500, 10, "adam", 0.001),
        Workload("W2", "784-10-10, all 41000 samples, gradient descent", (784, 10, 10), 41000, 41000, "sgd", 0.2),
        Workload("W3-sgd-64", "784-128-10, batch 64, SGD", WIDE, 60000, 64, "sgd", 0.01),
        Workload("W3-adam-64", "784-128-10, batch 64, Adam", WIDE, 60000, 64, "adam", 0.001),
        Workload("W3-sgd-32", "784-128-10, batch 32, SGD", WIDE, 60000, 32, "sgd", 0.01),
        Workload("W3-adam-32", "784-128-10, batch 32, Adam", WIDE, 60000, 32, "adam", 0.001),
        Workload("W4", "784-512-512-10, batch 128, Adam", DEEP, 60000, 128, "adam", 0.001),
        Workload("W5", "100 x 100 points through all of 2-8-8-1", TINY, GRID_POINTS, GRID_POINTS, "sgd", 0.0, "grid"),
        Workload("W7", "2-8-8-1, the default experiment, 100 epochs", TINY, 1, 10, "sgd", 0.03, "run"),
        Workload("W7-32", "the same for 32 seeds", TINY, 32, 10, "sgd", 0.03, "run"),
        Workload("W6", "28 x 28, 8 and 16 filters of 3 x 3, batch 64, SGD", (784, 10), 60000, 64, "sgd", 0.01, "conv"),
        Workload("W8", "2-7-5-1 tanh, batch 10, SGD", (2, 7, 5, 1), 500, 10, "sgd", 0.03),
    )
}  # fmt: skip

EVALUATED = ("W1-sgd", "W1-adam", "W3-sgd-64", "W3-adam-64", "W3-adam-32", "W4")
WORKLOADS |= {
    f"{name}+eval": WORKLOADS[name]._replace(
        name=f"{name}+eval", label=f"{WORKLOADS[name].label}; every peer evaluates at each epoch", peers_evaluate=True
    )
    for name in EVALUATED
}


def examples(workload: Workload, data_dir: str = "") -> tuple[np.ndarray, np.ndarray]:
    """(S, inputs) float32 and (S,) int64 class numbers. data_dir: a folder with the gzipped files of MNIST, or ""."""
    rng = np.random.default_rng(0)
    if workload.kind == "run":  # brings its own data
        return np.empty((0, 2), np.float32), np.empty(0, np.int64)
    if workload.kind == "grid":
        axis = np.linspace(-1, 1, GRID_SIDE, dtype=np.float32)
        x = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
        return x, (x[:, 0] * x[:, 1] > 0).astype(np.int64)
    if workload.binary:
        x = rng.uniform(-1, 1, (workload.samples, 2)).astype(np.float32)
        return x, (x[:, 0] * x[:, 1] > 0).astype(np.int64)
    if data_dir:
        return digits(Path(data_dir), workload.samples)
    x = rng.random((workload.samples, workload.sizes[0]), np.float32)
    x *= rng.random(x.shape, np.float32) < INK_FRACTION
    x = np.rint(255 * x) / np.float32(255)  # 256 gray values, as in pictures
    teacher = rng.normal(size=(workload.sizes[0], 10)).astype(np.float32)
    return x, ((x - x.mean(axis=0)) @ teacher).argmax(axis=1)


def digits(folder: Path, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """The first training pictures of MNIST, pixels 0 to 1. Raises OSError if the files are missing."""
    with gzip.open(folder / "train-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(16 + samples * 784), np.uint8, offset=16)
    with gzip.open(folder / "train-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(8 + samples), np.uint8, offset=8)
    return pixels.reshape(-1, 784).astype(np.float32) / 255, labels.astype(np.int64)
