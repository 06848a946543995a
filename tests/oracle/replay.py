"""The same training twice, by the engine and by PyTorch, and the largest difference between them.

From the engine come only the arrays of data, the first weights, the members of each batch and the uniform noise behind
dropout. Both trainings then run freely. Some experiments amplify rounding: Adam divides a gradient that is 0 but for
rounding by itself, and small differences grow over many steps. Where the free runs drift apart, the comparison is
repeated in lockstep: before each step PyTorch gets the engine's parameters, slots and running statistics. In each step
the gradient must agree, and, from the engine's gradient, the update.

An error is the largest difference of two arrays divided by the largest number in them, or by SMALLEST.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from engine.network.layers import Dropout
from engine.network.network import Network
from lab.experiment.experiment import Experiment
from lab.training.build import build
from tests.oracle.experiments import data_of
from tests.oracle.training import Training

EPOCHS = 3
LIMIT = 1e-9  # of an error
SMALLEST = 1e-6  # arrays of smaller numbers may be what rounding leaves of sums that cancel: compared absolutely

torch.set_num_threads(1)  # the arrays are small, and tests run side by side


class Comparison(NamedTuple):
    """error: of the free runs. step_error: the largest of a single step in lockstep; None if that was not needed."""

    steps: int
    error: float
    step_error: float | None = None
    way: str = ""  # of the engine's steps

    @property
    def agrees(self) -> bool:
        return (self.error if self.step_error is None else self.step_error) <= LIMIT


def compare(e: Experiment) -> Comparison:
    """Train an experiment twice for EPOCHS epochs, or until the loss overflows."""
    free = Replay(e)
    steps, error = free.run()
    step_error = None if error <= LIMIT else Replay(e).run_in_lockstep()
    return Comparison(steps, error, step_error, free.ours.executor.way)


def agrees(e: Experiment) -> bool:
    return compare(e).agrees


class Replay:
    """One experiment, built for the engine (`ours`) and for PyTorch (`theirs`)."""

    def __init__(self, e: Experiment) -> None:
        data = data_of(e)
        self.ours, self.theirs = build(e, dataset=data).trainer, Training(e, data)
        self.noise = [record_noise(layer) for _, layer in self.ours.network.walk() if isinstance(layer, Dropout)]
        copy_into(self.theirs.parameters, by_parameter(self.ours.network, self.ours.network.parameters))

    def run(self) -> tuple[int, float]:
        """Number of steps, and the error of scores, parameters and running statistics after free runs."""
        error = self.evaluation_error()
        for samples in self.steps():
            self.theirs.update(samples)
            self.copy_biases_before_norm()
        if np.isfinite(self.ours.network.parameters).all():
            error = max(error, self.state_error(), self.evaluation_error())
        return self.ours.steps, error

    def run_in_lockstep(self) -> float:
        """The largest error of a single step."""
        network, theirs, error = self.ours.network, self.theirs, 0.0
        for samples in self.steps():
            ours = list(by_parameter(network, network.gradients))
            gradients = [p.grad for p in theirs.parameters]
            difference = max(largest(a - b.numpy()) for a, b in zip(ours, gradients, strict=True))
            error = max(error, difference / max(largest(network.gradients), SMALLEST))
            copy_into(gradients, ours)
            theirs.update(samples)
            error = max(error, self.state_error(), self.slots_error())
            self.copy_state()
        return max(error, self.evaluation_error())

    def steps(self) -> Iterator[int]:
        """The number of samples of each batch, when the engine has taken the step and PyTorch has the gradient."""
        ours = self.ours
        with np.errstate(all="ignore"):
            while ours.epochs < EPOCHS:
                generators = deepcopy(ours.network.rngs)
                ours.advance()
                if not np.isfinite(ours.network.parameters).all():
                    return
                if ours.executor.way == "compiled":
                    self.draw_again(generators)
                self.theirs.differentiate(ours.batch, [np.concatenate(parts) for parts in self.noise])
                for parts in self.noise:
                    parts.clear()
                yield len(ours.batch)

    def draw_again(self, generators: dict[str, np.random.Generator]) -> None:
        """Note the noise of a compiled step, which it has drawn for all layers at once from these generators."""
        network, samples = self.ours.network, len(self.ours.batch)
        dropouts = [layer for _, layer in network.walk() if isinstance(layer, Dropout)]
        for parts, layer, rng in zip(self.noise, dropouts, generators.values(), strict=True):
            parts.append(rng.random((layer.output_shape[0], samples), network.dtype).T.copy())

    # Errors ----------------------------------------------------------------------------------------------------------

    def state_error(self) -> float:
        """Of the parameters, each array by itself, and of the running statistics together: a mean may be nearly 0."""
        network, theirs = self.ours.network, self.theirs
        error = largest_error(by_parameter(network, network.parameters), theirs.parameters)
        if theirs.statistics:
            statistics = np.concatenate(list(network.state.values())), torch.cat(theirs.statistics).numpy()
            error = max(error, relative_error(*statistics))
        return error

    def slots_error(self) -> float:
        network = self.ours.network
        pairs = zip(self.ours.optimizer.slots.values(), self.theirs.slots, strict=True)
        errors = (largest_error(by_parameter(network, slot), theirs, SMALLEST**2) for slot, theirs in pairs)
        return max(errors, default=0.0)  # slots may hold squares

    def evaluation_error(self) -> float:
        """Of the losses, and of the scores where no prediction is a tie."""
        scores, error = self.ours.evaluate(), 0.0
        for part, (loss, score) in self.theirs.evaluate().items():
            error = max(error, relative_error(getattr(scores, f"{part}_loss"), loss))
            if not np.isnan(score):  # R2 is a small difference of large numbers
                error = max(error, abs(getattr(scores, f"{part}_score") - score) / max(abs(score), 1))
        return error

    # Copies from the engine to PyTorch -------------------------------------------------------------------------------

    def copy_state(self) -> None:
        """Parameters, running statistics and slots."""
        network, theirs = self.ours.network, self.theirs
        copy_into(theirs.parameters, by_parameter(network, network.parameters))
        copy_into(theirs.statistics, network.state.values())
        for slot, tensors in zip(self.ours.optimizer.slots.values(), theirs.slots, strict=True):
            copy_into(tensors, by_parameter(network, slot))

    def copy_biases_before_norm(self) -> None:
        """Such a bias changes nothing: its gradient is 0 but for rounding, which Adam divides by itself."""
        ours = list(by_parameter(self.ours.network, self.ours.network.parameters))
        for number in self.theirs.biases_before_norm:
            copy_into([self.theirs.parameters[number]], [ours[number]])


def record_noise(layer: Dropout) -> list[np.ndarray]:
    """A list to which the layer adds the noise (N, O) of every pass: several in a step whose batch is split."""
    parts: list[np.ndarray] = []
    draw = layer.draw

    def recorded(noise: np.ndarray) -> None:  # (O, N)
        draw(noise)
        parts.append(noise.T.copy())

    layer.draw = recorded
    return parts


def by_parameter(network: Network, flat: np.ndarray) -> Iterator[np.ndarray]:
    """A flat array (P,) of the engine -> an array for each parameter, with the axes of PyTorch."""
    start = 0
    for array in network.named.values():
        order = "C" if array.flags.c_contiguous else "F"
        part = flat[start : start + array.size].reshape(array.shape, order=order)
        # dense (I, O) -> (O, I); convolution (3, 3, I, O) -> (O, I, 3, 3); vectors stay
        yield part.transpose(3, 2, 0, 1) if part.ndim == 4 else part.T
        start += array.size


@torch.no_grad()
def copy_into(tensors: Iterable[Tensor], arrays: Iterable[np.ndarray]) -> None:
    for tensor, array in zip(tensors, arrays, strict=True):
        tensor.copy_(torch.tensor(np.ascontiguousarray(array)))


def largest_error(ours: Iterable[np.ndarray], theirs: Iterable[Tensor], smallest: float = SMALLEST) -> float:
    pairs = zip(ours, theirs, strict=True)
    return max(relative_error(a, b.detach().numpy(), smallest) for a, b in pairs)


def relative_error(ours: np.ndarray | float, theirs: np.ndarray | float, smallest: float = SMALLEST) -> float:
    return largest(np.subtract(ours, theirs)) / max(largest(ours), largest(theirs), smallest)


def largest(array: np.ndarray | float) -> float:
    return float(np.abs(array).max())
