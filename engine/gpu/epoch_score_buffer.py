"""Scores at the end of each epoch, computed and stored on the device until the host needs them.

Their kernels are made from the formulas like those of a step (cuda_graph.py). Before use, their result is compared with
an evaluation operation by operation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.backend import has_lost_context
from engine.formulas.metrics import Scores
from engine.gpu import cuda
from engine.gpu.replica import Replica
from engine.lowering.fusion import Plan
from engine.lowering.sketch import Sketch, Unsketchable
from engine.lowering.target import Launch
from engine.step.executor import NO_SCORES, EpochScores

MAX_EPOCHS = 1024
NUMBERS = 2  # of a part: its loss, and the sum that its score is computed from
LOSS_TOLERANCE = {np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-9}  # relative, of losses


class ScoreBuffer:
    """A ring buffer of scores on the device. waiting: (epoch, steps) of the unread ones.

    Raises the errors of the device, and ArithmeticError if the result of its kernels differs from the formulas.
    """

    def __init__(self, replica: Replica, known: Scores) -> None:
        """known: the current scores."""
        self.replica, self.backend, self.objective = replica, replica.backend, replica.objective
        self.labels = {name: part.labels for name, part in replica.data.evaluated.items()}
        self.columns = {name: NUMBERS * number for number, name in enumerate(self.labels)}  # the first one of each part
        self.waiting: list[tuple[int, int]] = []
        empty, dtype = self.backend.xp.empty, replica.network.dtype
        width = NUMBERS * len(self.columns)
        self.now, self.rows = empty((1, width), dtype), empty((MAX_EPOCHS, width), dtype)
        self.count, self.recorded = self.backend.send(np.zeros(1, np.int32)), 0
        self.logits = {name: empty((len(y), self.objective.units), dtype) for name, y in self.labels.items()}
        arguments = self.now, self.rows, self.count, np.int32(MAX_EPOCHS), np.int32(width)
        keep = Launch(cuda.prelude(dtype) + cuda.KEEP, "keep", 1, arguments)
        ends = [*(launch for name in self.labels for launch in self._counted(name)), keep]
        try:
            self.launches = [*(launch for name in self.labels for launch in self._sketched(name)), *ends]
            self.backend.start(self.launches)
            self.start = self.backend.captured(self.launches) or (lambda: self.backend.start(self.launches))
        except (Unsketchable, AttributeError):  # then operation by operation
            self.launches = ends
            self.start: Callable[[], None] = self._by_formulas
            self.start()
        self.recorded += 1
        found, tolerance = Scores(*self._scores(self.backend.fetch(self.rows)[:1])[0]), LOSS_TOLERANCE[dtype]
        for name in self.labels:
            (loss, score), (known_loss, known_score) = (scores.of(name) for scores in (found, known))
            same = np.isclose(score, known_score, atol=0.01, equal_nan=True)
            if not (same and np.isclose(loss, known_loss, rtol=tolerance)):
                raise ArithmeticError("the scores of the device differ from its formulas")

    # Kernels ---------------------------------------------------------------------------------------------------------

    def _sketched(self, name: str) -> list[Launch]:
        replica = self.replica
        sketch = Sketch(self.backend.xp.ndarray, replica.network.dtype, replica.levels)
        x, t = map(sketch.wrap, replica.part(name))
        self._judge(name, replica.network.forward(x), t, sketch.wrap)
        empty = self.backend.xp.empty
        return Plan(sketch, lambda shape: empty(shape, sketch.dtype), None, cuda).launches

    def _by_formulas(self) -> None:
        replica = self.replica
        for name in self.labels:
            x, t = replica.part(name)
            self._judge(name, replica.network.forward(replica.values(x)), t, lambda array: array)
        self.backend.start(self.launches)

    def _judge(self, name: str, z: Any, t: Any, wrap: Callable[[Any], Any]) -> None:
        """Write logits, loss and, for regression, squared differences to their memory."""
        objective, column = self.objective, self.columns[name]
        wrap(self.logits[name])[:] = z
        wrap(self.now)[:, column : column + 1] = objective.value(z, t)
        if objective.kind == "regression":
            difference = objective.output.forward(z) - t
            wrap(self.now)[:, column + 1 : column + 2] = (difference * difference).sum()

    def _counted(self, name: str) -> list[Launch]:
        """A kernel that counts the correctly classified samples of a part."""
        if self.objective.kind == "regression":
            return []
        z, labels, column = self.logits[name], self.labels[name], self.columns[name]
        body = ["const real *row = z + i * classes;", "int best = classes == 1 ? row[0] > 0 : 0;",
                "for (int j = 1; j < classes; j++) if (row[j] > row[best]) best = j;"]  # fmt: skip
        parameters = "real *out, int count, int width, const real *z, const int *labels, int classes"
        source = cuda.prelude(z.dtype) + cuda.total(parameters, body, "real(best == labels[i])", (len(z), 1), True)
        place = self.now[0, column + 1 : column + 2]
        given = self.backend.send(labels.astype(np.int32)), np.int32(z.shape[1])
        return [Launch(source, "total", 1, (place, np.int32(len(z)), np.int32(1), z, *given))]

    # Scores ----------------------------------------------------------------------------------------------------------

    def record(self, epoch: int, steps: int) -> None:
        """Record the scores of the current network, without waiting for the device."""
        self.start()
        self.recorded += 1
        self.waiting.append((epoch, steps))

    @property
    def is_full(self) -> bool:
        return len(self.waiting) == MAX_EPOCHS

    def read(self) -> EpochScores:
        """The scores recorded since the last call. Waits for the device, once."""
        if not self.waiting:
            return NO_SCORES
        places = np.arange(self.recorded - len(self.waiting), self.recorded) % MAX_EPOCHS
        epochs, steps = np.array(self.waiting).T
        self.waiting = []
        return EpochScores(epochs, steps, self._scores(self.backend.fetch(self.rows)[places]))

    def _scores(self, rows: np.ndarray) -> np.ndarray:
        return self.replica.data.scores_from_sums(rows.astype(np.float64).reshape(len(rows), -1, NUMBERS))


def create_score_buffer(replica: Replica, known: Scores) -> ScoreBuffer | None:
    """A score buffer; None if the device cannot record scores or they are wrong, so that every epoch is evaluated."""
    try:
        return ScoreBuffer(replica, known)
    except Exception as problem:  # no compiler, no memory
        if has_lost_context(problem):
            raise
        return None
