"""How the epochs went, noted by the device itself: losses and scores stay there until somebody looks at the curve.

What a note consists of is made from the formulas, as a step is (program.py), and has to give what the trainer's own
evaluation gives before it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.backend import poisoned
from engine.formulas.metrics import Scores
from engine.gpu import cuda
from engine.gpu.cuda import Launch
from engine.lowering.fusion import Plan
from engine.lowering.sketch import Sketch, Unsketchable

if TYPE_CHECKING:
    from engine.gpu.accelerator import Accelerator

ROWS = 1024  # epochs that can wait
PARTS = 2  # training samples, test samples; for each of them two numbers: the loss, and what the score is made of
CLOSE = {np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-9}  # relative, of losses


class Ring:
    """Notes on the epochs of an accelerator's trainer. `waiting`: (epoch, steps) of those nobody has looked at.

    Raises what the device raises, ArithmeticError if its kernels do not give what the formulas give.
    """

    def __init__(self, accelerator: Accelerator, known: Scores) -> None:
        """known: the scores of now."""
        self.accelerator, self.backend = accelerator, accelerator.backend
        self.waiting: list[tuple[int, int]] = []
        empty, dtype = self.backend.xp.empty, accelerator.network.dtype
        self.now, self.rows = empty((1, 2 * PARTS), dtype), empty((ROWS, 2 * PARTS), dtype)
        self.count, self.noted = self.backend.send(np.zeros(1, np.int32)), 0
        self.logits = [empty((len(accelerator.part(n)[0]), accelerator.trainer.objective.units), dtype)
                       for n in range(PARTS)]  # fmt: skip
        keep = Launch(cuda.prelude(dtype) + cuda.KEEP, "keep", 1, (self.now, self.rows, self.count, np.int32(ROWS)))
        ends = [*(launch for number in range(PARTS) for launch in self._counted(number)), keep]
        try:
            self.launches = [*(launch for number in range(PARTS) for launch in self._sketched(number)), *ends]
            self.backend.start(self.launches)
            self.act = self.backend.captured(self.launches) or (lambda: self.backend.start(self.launches))
        except (Unsketchable, AttributeError):  # operation by operation, as the formulas say
            self.launches = ends
            self.act: Callable[[], None] = self._by_formulas
            self.act()
        self.noted += 1
        found, close = self._scores(self.backend.fetch(self.rows)[0]), CLOSE[dtype]
        if not np.allclose(found[:PARTS], known[:PARTS], rtol=close) or not np.allclose(found, known, atol=0.01):
            raise ArithmeticError("a note of the device differs from its formulas")

    # What a note consists of -----------------------------------------------------------------------------------------

    def _sketched(self, number: int) -> list[Launch]:
        accelerator = self.accelerator
        sketch = Sketch(self.backend.xp.ndarray, accelerator.network.dtype, accelerator.shades)
        x, t = map(sketch.wrap, accelerator.part(number))
        self._judge(number, accelerator.network.forward(x), t, sketch.wrap)
        empty = self.backend.xp.empty
        return Plan(sketch, lambda shape: empty(shape, sketch.dtype), None).launches

    def _by_formulas(self) -> None:
        accelerator = self.accelerator
        for number in range(PARTS):
            x, t = accelerator.part(number)
            self._judge(number, accelerator.network.forward(accelerator.numbers(x)), t, lambda array: array)
        self.backend.start(self.launches)

    def _judge(self, number: int, z: Any, t: Any, wrap: Callable[[Any], Any]) -> None:
        """Logits, loss and, of a regression, squared differences into their memory."""
        objective = self.accelerator.trainer.objective
        wrap(self.logits[number])[:] = z
        wrap(self.now)[:, 2 * number : 2 * number + 1] = objective.value(z, t)
        if objective.kind == "regression":
            difference = objective.output.forward(z) - t
            wrap(self.now)[:, 2 * number + 1 : 2 * number + 2] = (difference * difference).sum()

    def _counted(self, number: int) -> list[Launch]:
        """How many samples of a part are in the class that they are taken for."""
        trainer = self.accelerator.trainer
        if trainer.objective.kind == "regression":
            return []
        z, labels = self.logits[number], trainer.parts()[number][2]
        body = ["const real *row = z + k * classes;", "int best = classes == 1 ? row[0] > 0 : 0;",
                "for (int j = 1; j < classes; j++) if (row[j] > row[best]) best = j;"]  # fmt: skip
        parameters = "const real *z, const int *labels, int classes, real *out, int count"
        source = cuda.prelude(z.dtype) + cuda.total(parameters, body, "real(best == labels[k])")
        place = self.now[0, 2 * number + 1 : 2 * number + 2]
        sizes = np.int32(z.shape[1]), np.int32(len(z))
        return [Launch(source, "total", 1, (z, self.backend.send(labels.astype(np.int32)), sizes[0], place, sizes[1]))]

    # Notes -----------------------------------------------------------------------------------------------------------

    def note(self, epoch: int, steps: int) -> None:
        """The device writes down how the network of now does. Nobody waits for it."""
        self.act()
        self.noted += 1
        self.waiting.append((epoch, steps))

    @property
    def full(self) -> bool:
        return len(self.waiting) == ROWS

    def read(self) -> list[tuple[int, int, Scores]]:
        """What was noted since: (epoch, steps, scores). Waits for the device, once."""
        if not self.waiting:
            return []
        rows, first = self.backend.fetch(self.rows), self.noted - len(self.waiting)
        read = [(*when, self._scores(rows[(first + n) % ROWS])) for n, when in enumerate(self.waiting)]
        self.waiting = []
        return read

    def _scores(self, row: np.ndarray) -> Scores:
        losses, parts = row[::2].tolist(), self.accelerator.trainer.parts()
        scores = [self._score(float(sum), labels) for sum, (_, _, labels) in zip(row[1::2], parts, strict=True)]
        return Scores(*losses, *scores)

    def _score(self, sum: float, labels: np.ndarray) -> float:
        if self.accelerator.trainer.objective.kind == "classification":
            return sum / len(labels)
        spread = float(np.sum((labels - labels.mean()) ** 2))
        return 1 - sum / spread if spread > 0 else float("nan")


def made(accelerator: Accelerator, known: Scores) -> Ring | None:
    """A ring; None where the device's notes cannot be trusted or had, and the trainer has to look at every epoch."""
    try:
        return Ring(accelerator, known)
    except Exception as problem:  # no compiler, no memory
        if poisoned(problem):
            raise
        return None
