"""Training steps as CUDA graphs: up to MAX_STEPS steps are one launch.

Numbers that differ from step to step (position of the samples, rate, Adam's corrections, penalties) are in a table on
the device with one row per step; the last kernel of a step advances to the next row. The host only fills rows, with the
same formulas as for its own steps, and sends them when the table is full or the result is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np

from engine.backend import Backend
from engine.gpu import cuda
from engine.gpu.device_rng import STATE_NUMBERS, DeviceDraw, can_draw
from engine.gpu.replica import Replica
from engine.lowering.fusion import Plan
from engine.lowering.sketch import Sketch
from engine.lowering.target import Launch
from engine.step.gradient import differentiate
from engine.step.update import update

MAX_STEPS = 32  # per launch; a power of two


class Program:
    """The steps of a replica with `size` samples. Raises Unsketchable for operations without a kernel.

    whole: False computes the gradients operation by operation and uses the program only for the update.
    """

    def __init__(self, replica: Replica, size: int, whole: bool = True) -> None:
        self.backend: Backend = replica.backend
        self.feeds: list[tuple[Any, np.ndarray]] = []  # (on the device, on the host): drawn by the host for each step
        self.before = None if whole else lambda: replica.differentiate(size)
        sketch = self._sketched(replica, *replica.place(size))
        self.calls, self.varying = sketch.calls, sketch.numbers
        drawn = self._drawn()
        first = 1 + len(self.varying)
        self.width = first + STATE_NUMBERS * len(drawn)
        self.table = np.ones(1 + MAX_STEPS * self.width)  # the first number is the index of the current step's row
        self.numbers = self.backend.send(self.table)
        empty = self.backend.xp.empty
        self.draws = [DeviceDraw(self.backend, rng, on_device, self.numbers, first + STATE_NUMBERS * number)
                      for number, (rng, on_device) in enumerate(drawn)]  # fmt: skip
        plan = Plan(sketch, lambda shape: empty(shape, sketch.dtype), self.numbers, cuda)
        advance = Launch(cuda.ADVANCE, "advance", 1, (self.numbers, np.int32(self.width)))
        gather = [] if self.before else self._gathered(replica, size)
        self.launches = [*gather, *(draw.launch for draw in self.draws), *plan.launches, advance]
        self.waiting, self.graphs = 0, {}

    def _sketched(self, replica: Replica, x: Any, t: Any) -> Sketch:
        formulas, network = replica.formulas, replica.network
        sketch = Sketch(self.backend.xp.ndarray, network.dtype, replica.levels)
        optimizer = copy(formulas.optimizer)
        optimizer.slots, optimizer.decays = replica.optimizer.slots, replica.optimizer.decays
        optimizer.block, optimizer.advance = len(network.parameters), formulas.optimizer.advance
        for _, layer in network.walk():
            layer.send = self._feed
        try:
            samples = sketch.wrap(x)
            if not self.before:
                differentiate(network, formulas.objective, samples, sketch.wrap(t))
            update(network, optimizer, formulas.settings, formulas.penalties, samples)
        finally:
            for _, layer in network.walk():
                layer.send = self.backend.send
        return sketch

    def _feed(self, array: np.ndarray) -> Any:
        """Send an array of a layer. The same array is sent again in every step."""
        self.feeds.append((self.backend.send(array), array))
        return self.feeds[-1][0]

    def _drawn(self) -> list[tuple[np.random.Generator, Any]]:
        """Generators whose numbers the device can draw, and their arrays on the device, which are then not sent."""
        if self.before:
            return []
        fills = {id(arguments[0]): function for function, arguments in self.calls if arguments}
        found, sent = [], []
        for on_device, on_host in self.feeds:
            rngs = list(getattr(getattr(fills.get(id(on_host)), "__self__", None), "rngs", {}).values())
            if len(rngs) == 1 and can_draw(rngs[0]):
                found.append((rngs[0], on_device))
                self.calls = [call for call in self.calls if not call[1] or call[1][0] is not on_host]
            else:
                sent.append((on_device, on_host))
        self.feeds = sent
        return found

    def _gathered(self, replica: Replica, size: int) -> list[Launch]:
        place, whole = replica.place(size), replica.whole
        if place is whole:  # a full batch
            return []
        columns = [int(np.prod(array.shape[1:])) for array in place]
        kind = "real" if replica.levels is None else "unsigned char"
        source = cuda.prelude(replica.network.dtype) + cuda.gather(kind)
        sizes = map(np.int32, (*columns, size))
        return [
            Launch(
                source,
                "gather",
                cuda.blocks(size * sum(columns)),
                (*whole, replica.positions, self.numbers, *place, *sizes),
            )
        ]

    # Steps -----------------------------------------------------------------------------------------------------------

    def step(self, start: int) -> None:
        """Add a step on the samples from position `start` of the order. It runs with the next launch."""
        for function, arguments in self.calls:
            function(*arguments)
        for on_device, on_host in self.feeds:
            self.backend.write(on_device, on_host)
        if self.before:
            self.before()
        row = 1 + self.waiting * self.width
        states = (number for draw in self.draws for number in draw.next_state())
        self.table[row : row + self.width] = [start, *map(float, self.varying), *states]
        self.waiting += 1
        if self.waiting == MAX_STEPS or self.feeds or self.before:
            self.launch()

    def launch(self) -> None:
        """Launch all waiting steps."""
        if self.waiting:
            self.backend.write(self.numbers, self.table)
        while self.waiting:
            steps = 1 << self.waiting.bit_length() - 1
            self._graph(steps)()
            self.waiting -= steps

    def _graph(self, steps: int) -> Callable[[], None]:
        """A number of steps as one graph or, if the card refuses that, as single kernels."""
        if steps not in self.graphs:
            launches = self.launches * steps
            self.graphs[steps] = self.backend.captured(launches) or (lambda: self.backend.start(launches))
        return self.graphs[steps]

    def compile(self) -> None:
        """Run each kernel once, which a graph requires. Changes what a step changes."""
        self.backend.write(self.numbers, self.table)
        self.backend.start(self.launches)
