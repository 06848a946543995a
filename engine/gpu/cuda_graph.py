"""A training step as kernels that the card repeats by itself: up to MAX_STEPS of them are one CUDA graph, one launch.

What differs from step to step (where its samples begin, the rate, Adam's corrections, penalties) is in a table on the
device, one row a step; the last kernel of a step moves on to the next row. So the host only fills rows, with the same
formulas that it uses for itself, and sends them when there are enough or when the result is needed.
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

MAX_STEPS = 32  # that wait to be launched; a power of two


class Program:
    """The steps of a replica with `size` samples. Raises Unsketchable for what it has no kernels for.

    whole: otherwise the gradients are computed operation by operation, and the program only updates the parameters.
    """

    def __init__(self, replica: Replica, size: int, whole: bool = True) -> None:
        self.backend: Backend = replica.backend
        self.feeds: list[tuple[Any, np.ndarray]] = []  # (on the device, here): what the host draws for each step
        self.before = None if whole else lambda: replica.differentiate(size)
        sketch = self._sketched(replica, *replica.place(size))
        self.calls, self.varying = sketch.calls, sketch.numbers
        drawn = self._drawn()
        first = 1 + len(self.varying)
        self.width = first + STATE_NUMBERS * len(drawn)
        self.table = np.ones(1 + MAX_STEPS * self.width)  # its first number: the index of the current step's row
        self.numbers = self.backend.send(self.table)
        empty = self.backend.xp.empty
        self.draws = [DeviceDraw(self.backend, rng, there, self.numbers, first + STATE_NUMBERS * number)
                      for number, (rng, there) in enumerate(drawn)]  # fmt: skip
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
        """Send an array of a layer. What it sends in one step it sends in all of them."""
        self.feeds.append((self.backend.send(array), array))
        return self.feeds[-1][0]

    def _drawn(self) -> list[tuple[np.random.Generator, Any]]:
        """Generators whose numbers the device can draw itself, and where it puts them: those are not sent."""
        if self.before:
            return []
        fills = {id(arguments[0]): function for function, arguments in self.calls if arguments}
        found, sent = [], []
        for there, here in self.feeds:
            rngs = list(getattr(getattr(fills.get(id(here)), "__self__", None), "rngs", {}).values())
            if len(rngs) == 1 and can_draw(rngs[0]):
                found.append((rngs[0], there))
                self.calls = [call for call in self.calls if not call[1] or call[1][0] is not here]
            else:
                sent.append((there, here))
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
        """One more step, on the samples from this position in the order on. It runs with the next launch."""
        for function, arguments in self.calls:
            function(*arguments)
        for there, here in self.feeds:
            self.backend.write(there, here)
        if self.before:
            self.before()
        row = 1 + self.waiting * self.width
        states = (number for draw in self.draws for number in draw.next_state())
        self.table[row : row + self.width] = [start, *map(float, self.varying), *states]
        self.waiting += 1
        if self.waiting == MAX_STEPS or self.feeds or self.before:
            self.launch()

    def launch(self) -> None:
        """Start all steps that wait."""
        if self.waiting:
            self.backend.write(self.numbers, self.table)
        while self.waiting:
            steps = 1 << self.waiting.bit_length() - 1
            self._graph(steps)()
            self.waiting -= steps

    def _graph(self, steps: int) -> Callable[[], None]:
        """So many steps as one graph; if the card refuses that, as the same kernels one after the other."""
        if steps not in self.graphs:
            launches = self.launches * steps
            self.graphs[steps] = self.backend.captured(launches) or (lambda: self.backend.start(launches))
        return self.graphs[steps]

    def compile(self) -> None:
        """Start each kernel once: a graph may only contain kernels that have run. Changes what a step changes."""
        self.backend.write(self.numbers, self.table)
        self.backend.start(self.launches)
