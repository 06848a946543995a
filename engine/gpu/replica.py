"""Network, optimizer and data on a device.

The data are sent once, the order of the samples once per epoch. Steps are computed operation by operation; the executor
synchronizes with the host.
"""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np

from engine.backend import Backend
from engine.gpu.quantized_inputs import inputs_on
from engine.step.data import Data
from engine.step.gradient import differentiate
from engine.step.progress import Progress
from engine.step.update import StepFormulas, update

MAX_BATCH_NUMBERS = 1 << 28  # that the samples of one pass may need on the device: 1 GB in float32

State = tuple[list[np.ndarray], int, list]


class Replica:
    """A copy of the host's layers and optimizer with arrays on the device.

    parts: samples and targets of every part; whole: those of the training part. positions: the order of the samples.
    levels: the values of samples stored as bytes; None: samples are stored unchanged.
    """

    def __init__(self, backend: Backend, data: Data, formulas: StepFormulas, progress: Progress) -> None:
        self.backend, self.data, self.formulas, self.progress = backend, data, formulas, progress
        self.objective = formulas.objective
        with backend.device:
            self.network = formulas.network.to_device(backend.send)
            self.optimizer = self._optimizer(formulas.optimizer)
            self.inputs = inputs_on(backend, *(part.x for part in data.parts.values()))
            self.levels = self.inputs.levels
            targets = (backend.send(part.t) for part in data.parts.values())
            self.parts = dict(zip(data.parts, zip(self.inputs.parts, targets, strict=True), strict=True))
            self.whole = self.parts["train"]
            self.positions = backend.send(progress.order)
        self.order = progress.order
        self.network.max_batch = self.network.part_size = max(1, MAX_BATCH_NUMBERS // formulas.network.workspace)
        self.gathered: dict[int, tuple[Any, Any]] = {}  # batch size -> memory for its samples and targets

    def _optimizer(self, host: Any) -> Any:
        """The optimizer with its slots on the device. Its numbers are those of the host, sent as arguments."""
        moved = copy(host)
        moved.slots = {name: self.backend.send(slot) for name, slot in host.slots.items()}
        moved.decays = None if host.decays is None else self.backend.send(host.decays)
        moved.block = self.formulas.network.parameters.size
        numbers = [name for name, value in vars(host).items() if isinstance(value, np.ndarray) and value.ndim == 0]

        def advance() -> None:
            host.advance()
            for name in numbers:
                setattr(moved, name, getattr(host, name)[()])

        moved.advance = advance
        return moved

    # Steps, operation by operation -----------------------------------------------------------------------------------

    def learn(self, size: int) -> None:
        """One step on `size` samples at the current position."""
        self.differentiate(size)
        penalties = {name: penalty[()] for name, penalty in self.formulas.penalties.items()}
        update(self.network, self.optimizer, self.formulas.settings, penalties, self.whole[0])

    def differentiate(self, size: int) -> None:
        """Fill the gradients from `size` samples at the current position."""
        start, place = self.progress.position, self.place(size)
        if place is not self.whole:
            for source, part in zip(self.whole, place, strict=True):
                self.backend.xp.take(source, self.positions[start : start + size], axis=0, out=part)
        differentiate(self.network, self.objective, self.values(place[0]), place[1])

    def values(self, x: Any) -> Any:
        """Stored samples -> samples for the formulas."""
        return x if self.levels is None else self.backend.xp.take(self.levels, x, axis=0)

    def place(self, size: int) -> tuple[Any, Any]:
        """The memory for samples and targets of a step. A full batch is not gathered: its order does not matter."""
        x, t = self.whole
        if size == len(x):
            return self.whole
        if size not in self.gathered:
            empty = self.backend.xp.empty
            self.gathered[size] = empty((size, *x.shape[1:]), x.dtype), empty((size, *t.shape[1:]), t.dtype)
        return self.gathered[size]

    def part(self, name: str) -> tuple[Any, Any]:
        """Samples and targets of one of Data.evaluated."""
        shown = len(self.data.evaluated[name].x)
        x, t = self.parts[name]
        return x[:shown], t[:shown]

    # Copies between host and device ----------------------------------------------------------------------------------

    def pairs(self) -> list[tuple[Any, np.ndarray]]:
        """(array on the device, same array on the host) for everything that training changes."""
        network, optimizer = self.formulas.network, self.formulas.optimizer
        state = self.network.state
        return [
            (self.network.parameters, network.parameters),
            *((state[name], array) for name, array in network.state.items()),
            *((self.optimizer.slots[name], slot) for name, slot in optimizer.slots.items()),
        ]

    def send(self) -> None:
        for on_device, on_host in self.pairs():
            self.backend.write(on_device, on_host)

    def fetch(self) -> None:
        for on_device, on_host in self.pairs():
            on_host[...] = self.backend.fetch(on_device)

    def send_order(self) -> None:
        self.order = self.progress.order
        self.backend.write(self.positions, self.order)

    def get_state(self) -> State:
        """The state that a step changes: arrays (gradients and parameters first), optimizer steps, generators."""
        network, optimizer = self.formulas.network, self.formulas.optimizer
        arrays = [self.backend.fetch(array) for array in self._changed()]
        return arrays, optimizer.t, [rng.bit_generator.state for rng in network.rngs.values()]

    def set_state(self, state: State) -> None:
        arrays, self.formulas.optimizer.t, drawn = state
        for on_device, array in zip(self._changed(), arrays, strict=True):
            self.backend.write(on_device, array)
        for rng, rng_state in zip(self.formulas.network.rngs.values(), drawn, strict=True):
            rng.bit_generator.state = rng_state

    def _changed(self) -> list[Any]:
        return [self.network.gradients, *(on_device for on_device, _ in self.pairs())]
