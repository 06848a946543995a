"""The state of a training run that the next steps depend on: the position in the data and everything learned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from engine.formulas.optimizers import Optimizer
from engine.network.network import Network


class Snapshot(NamedTuple):
    """A copy of the state that the next steps depend on."""

    parameters: np.ndarray  # (P,)
    state: dict[str, np.ndarray]  # running statistics
    slots: dict[str, np.ndarray]  # of the optimizer, each (P,)
    counters: tuple[int, int, int, int]  # steps, epochs, position, steps of the optimizer
    order: np.ndarray  # (N,)
    rngs: list[Mapping[str, Any]]  # states of the generators


Permutations = Callable[[np.random.Generator, int, int], np.ndarray]
"""(generator, N, n) -> (n, N), the n next `permutation(N)` of the generator."""


class Progress:
    """Counters, the order of the samples, and the generators that training draws from.

    position: where the next batch begins in `order` (N,). batch: sample numbers of the latest batch.
    revision: incremented whenever something other than a step replaces parameters.

    The last batch of an epoch may be smaller than the others. One of a single sample is joined to the batch before it
    if the network couples samples, because batch normalization has no spread to learn from there.
    """

    def __init__(self, network: Network, optimizer: Optimizer, rng: np.random.Generator, samples: int) -> None:
        self.network, self.optimizer, self.rng, self.samples = network, optimizer, rng, samples
        self.steps = self.epochs = self.position = self.revision = 0
        self.order = np.arange(samples)
        self.batch = self.order[:0]
        self._smallest = 2 if network.couples_samples else 1  # batch
        self._last_end = samples - self._smallest + 1  # a batch that reaches this far takes all that is left

    @property
    def rngs(self) -> dict[str, np.random.Generator]:
        """Every generator that training draws from."""
        return {"batches": self.rng, **self.network.rngs}

    @property
    def fractional_epoch(self) -> float:
        """Completed epochs plus the completed share of the current one."""
        return self.epochs + self.position / self.samples

    def next_batch(self, size: int) -> np.ndarray:
        """The numbers (n,) of the next samples, n <= size or size + 1. Shuffles them at the start of an epoch."""
        position = self.position
        if position == 0:
            samples = self.samples
            self.order = self.rng.permutation(samples) if size < samples else np.arange(samples)
        stop = position + size
        self.batch = self.order[position:stop] if stop < self._last_end else self.order[position:]
        return self.batch

    def take_batches(self, size: int, count: int, permutations: Permutations) -> tuple[np.ndarray, np.ndarray]:
        """`count` steps on the next batches, counted in advance. Returns sample numbers and the size of each batch."""
        samples, start = self.samples, self.position
        sizes = self._sizes(size, start)[:count]
        if (more := count - len(sizes)) > 0:
            of_an_epoch = self._sizes(size, 0)
            sizes = np.concatenate([sizes, np.tile(of_an_epoch, -(-more // len(of_an_epoch)))[:more]])
        stop = start + int(sizes.sum())
        new = -(-stop // samples) - (start > 0)  # epochs that begin
        parts = [self.order[start:stop]] if start else []
        if new:
            shuffled = size < samples
            orders = permutations(self.rng, samples, new) if shuffled else np.tile(np.arange(samples), (new, 1))
            parts, self.order = [*parts, *orders], orders[-1]
        taken = np.concatenate(parts)[: stop - start]
        self.batch = taken[len(taken) - sizes[-1] :]
        self.steps += count
        self.epochs += stop // samples
        self.position = stop % samples
        return taken, sizes

    def _sizes(self, size: int, position: int) -> np.ndarray:
        """(n,) the sizes of the batches from `position` to the end of an epoch."""
        count = self.batches(size, position)
        sizes = np.full(count, size)
        sizes[-1] = self.samples - position - (count - 1) * size
        return sizes

    def batches(self, size: int, position: int = 0) -> int:
        """How many batches `next_batch` returns from `position` to the end of an epoch."""
        return max(1, -(-(self.samples - position - self._smallest + 1) // size))

    def advance(self, size: int) -> bool:
        """Count a step on `size` samples. Returns whether it has completed an epoch."""
        self.steps += 1
        self.position += size
        if self.position < self.samples:
            return False
        self.position = 0
        self.epochs += 1
        return True

    def parameters_changed(self) -> None:
        """Must be called after something other than a step has changed parameters."""
        self.revision += 1

    def snapshot(self) -> Snapshot:
        """A copy of the state that the next steps depend on. The executor must be synchronized."""
        return Snapshot(
            *self.network.get_state(),
            {name: slot.copy() for name, slot in self.optimizer.slots.items()},
            (self.steps, self.epochs, self.position, self.optimizer.t),
            self.order,
            [rng.bit_generator.state for rng in self.rngs.values()],
        )

    def restart(self, first: Snapshot) -> None:
        """Return to the state before the first step."""
        self.restore(first)
        self.batch = self.order[:0]

    def restore(self, snapshot: Snapshot) -> None:
        """Return to a snapshot, to the bit."""
        self.network.set_state(snapshot.parameters, snapshot.state)
        for name, slot in self.optimizer.slots.items():
            slot[:] = snapshot.slots[name]
        self.steps, self.epochs, position, self.optimizer.t = snapshot.counters
        self.position = min(position, self.samples - self._smallest)  # an old file may be at the last sample
        self.order = snapshot.order
        for rng, state in zip(self.rngs.values(), snapshot.rngs, strict=True):
            rng.bit_generator.state = state
        self.parameters_changed()
