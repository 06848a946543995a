"""A training step as kernels that the card repeats by itself: up to STEPS of them are one CUDA graph, one launch.

What differs from step to step (where its samples begin, the rate, Adam's corrections, strengths) stands in a table on
the device, one row a step; the last kernel of a step moves on to the next row. So the host only fills rows, with the
very formulas that it uses for itself, and sends them off when there are enough or when somebody wants to look.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.backend import Backend
from engine.gpu import cuda
from engine.gpu.cuda import Launch
from engine.gpu.device_rng import TOLD, Draw, drawable
from engine.lowering.fusion import Plan
from engine.lowering.sketch import Sketch
from engine.training.gradient import differentiate
from engine.training.update import update

if TYPE_CHECKING:
    from engine.gpu.accelerator import Accelerator

STEPS = 32  # that wait at most; a power of two


class Program:
    """The steps of an accelerator's trainer with `size` samples. Raises Unsketchable for what it has no kernels for.

    whole: otherwise the gradients are computed operation by operation, and only the update of the parameters is ours.
    """

    def __init__(self, accelerator: Accelerator, size: int, whole: bool = True) -> None:
        self.backend: Backend = accelerator.backend
        self.feeds: list[tuple[Any, np.ndarray]] = []  # (on the device, here): what the host draws anew for each step
        self.before = None if whole else lambda: accelerator.differentiate(size)
        sketch = self._sketched(accelerator, *accelerator.place(size))
        self.calls, self.varying = sketch.calls, sketch.numbers
        drawn = self._drawn()
        told = 1 + len(self.varying)
        self.width = told + TOLD * len(drawn)
        self.table = np.ones(1 + STEPS * self.width)  # its first number: where the row of the present step begins
        self.numbers = self.backend.send(self.table)
        empty = self.backend.xp.empty
        self.draws = [Draw(self.backend, rng, there, self.numbers, told + TOLD * number)
                      for number, (rng, there) in enumerate(drawn)]  # fmt: skip
        plan = Plan(sketch, lambda shape: empty(shape, sketch.dtype), self.numbers)
        advance = Launch(cuda.ADVANCE, "advance", 1, (self.numbers, np.int32(self.width)))
        gather = [] if self.before else self._gathered(accelerator, size)
        self.launches = [*gather, *(draw.launch for draw in self.draws), *plan.launches, advance]
        self.waiting, self.graphs = 0, {}

    def _sketched(self, accelerator: Accelerator, x: Any, t: Any) -> Sketch:
        trainer, network = accelerator.trainer, accelerator.network
        sketch = Sketch(self.backend.xp.ndarray, network.dtype, accelerator.shades)
        optimizer = copy(accelerator.optimizer_of_host)
        optimizer.slots, optimizer.decays = accelerator.optimizer.slots, accelerator.optimizer.decays
        optimizer.block, optimizer.advance = len(network.parameters), accelerator.optimizer_of_host.advance
        for _, layer in network.walk():
            layer.send = self._feed
        try:
            samples = sketch.wrap(x)
            if not self.before:
                differentiate(network, trainer.objective, samples, sketch.wrap(t))
            update(network, optimizer, trainer.settings, trainer.strengths, samples)
        finally:
            for _, layer in network.walk():
                layer.send = self.backend.send
        return sketch

    def _feed(self, array: np.ndarray) -> Any:
        """What a layer sends to the device in a step, it sends in all of them."""
        self.feeds.append((self.backend.send(array), array))
        return self.feeds[-1][0]

    def _drawn(self) -> list[tuple[np.random.Generator, Any]]:
        """Generators whose numbers the device can draw itself, and where it puts them: those need not be sent."""
        if self.before:
            return []
        fills = {id(arguments[0]): function for function, arguments in self.calls if arguments}
        found, sent = [], []
        for there, here in self.feeds:
            rngs = list(getattr(getattr(fills.get(id(here)), "__self__", None), "rngs", {}).values())
            if len(rngs) == 1 and drawable(rngs[0]):
                found.append((rngs[0], there))
                self.calls = [call for call in self.calls if not call[1] or call[1][0] is not here]
            else:
                sent.append((there, here))
        self.feeds = sent
        return found

    def _gathered(self, accelerator: Accelerator, size: int) -> list[Launch]:
        place, whole = accelerator.place(size), accelerator.whole
        if place is whole:  # a full batch
            return []
        columns = [int(np.prod(array.shape[1:])) for array in place]
        kind = "real" if accelerator.shades is None else "unsigned char"
        source = cuda.prelude(accelerator.network.dtype) + cuda.gather(kind)
        blocks = min(cuda.BLOCKS, -(-size * sum(columns) // cuda.THREADS))
        sizes = map(np.int32, (*columns, size))
        return [Launch(source, "gather", blocks, (*whole, accelerator.positions, self.numbers, *place, *sizes))]

    # Steps -----------------------------------------------------------------------------------------------------------

    def step(self, start: int) -> None:
        """One more step, on the samples from this position of the order on. It is done at the next launch."""
        for function, arguments in self.calls:
            function(*arguments)
        for there, here in self.feeds:
            self.backend.write(there, here)
        if self.before:
            self.before()
        row = 1 + self.waiting * self.width
        told = (number for draw in self.draws for number in draw.tell())
        self.table[row : row + self.width] = [start, *map(float, self.varying), *told]
        self.waiting += 1
        if self.waiting == STEPS or self.feeds or self.before:
            self.launch()

    def launch(self) -> None:
        """Let the device do all steps that wait."""
        if self.waiting:
            self.backend.write(self.numbers, self.table)
        while self.waiting:
            steps = 1 << self.waiting.bit_length() - 1
            self._graph(steps)()
            self.waiting -= steps

    def _graph(self, steps: int) -> Callable[[], None]:
        """So many steps as one graph; where there can be none, as the same kernels one after the other."""
        if steps not in self.graphs:
            launches = self.launches * steps
            self.graphs[steps] = self.backend.captured(launches) or (lambda: self.backend.start(launches))
        return self.graphs[steps]

    def compile(self) -> None:
        """Start each kernel once: what a graph consists of has run before. Spoils what a step changes."""
        self.backend.write(self.numbers, self.table)
        self.backend.start(self.launches)
