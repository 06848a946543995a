"""Training steps and evaluations that are recorded on a tape when they are first computed, and replayed afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.formulas.losses import Objective
from engine.network.network import Network
from engine.tape.tape import Tape

TAKE_MODE = "clip"  # of np.take: "raise" would use a second buffer
MAX_JOINED_WIDTH = 32  # numbers of a sample and its targets that are gathered together; wider ones are faster apart


class BatchRecorder:
    """Records steps on batches of samples x (S, D) with targets t (S, O), which it gathers into fixed memory."""

    def __init__(self, x: np.ndarray, t: np.ndarray) -> None:
        self.whole, self.width = (x, t), x.shape[1]
        self.joined = x.shape[1] + t.shape[1] <= MAX_JOINED_WIDTH
        self.axis = int(self.joined)  # of the samples: joined ones are stored feature by feature, contiguous for matmul
        ones = np.ones((1, len(x)), x.dtype)
        self.sources = [np.ascontiguousarray(np.concatenate([x.T, ones, t.T]))] if self.joined else [x, t]

    def record(self, learn: Callable[[Any, Any], None], batch: np.ndarray) -> Callable[[np.ndarray], None]:
        """Call learn(x, t) on the samples with numbers (N,). Returns a function that repeats it for N other numbers."""
        tape = Tape()
        if len(batch) == len(self.whole[0]):  # a full batch: nothing to gather, and its order does not matter
            learn(*map(tape.wrap, self.whole))
            return lambda batch: tape.play()
        memory = [source.take(batch, self.axis) for source in self.sources]
        x, t = memory if not self.joined else (memory[0][: self.width].T, memory[0][self.width + 1 :].T)
        if self.joined:
            tape.mark(memory[0][self.width])
        learn(tape.wrap(x), tape.wrap(t))
        takes, axis = [(source.take, target) for source, target in zip(self.sources, memory, strict=True)], self.axis

        def replay(batch: np.ndarray) -> None:
            for take, target in takes:
                take(batch, axis, target, TAKE_MODE)
            tape.play()

        return replay


class RecordedEvaluation:
    """A call returns the logits (N, O) and the mean loss of fixed samples x (N, D) with targets t (N, O).

    Every call returns the same array of logits.
    """

    def __init__(self, network: Network, objective: Objective, x: np.ndarray, t: np.ndarray) -> None:
        self.tape = Tape()
        z = network.forward(self.tape.fixed(x) if x.shape[1] <= MAX_JOINED_WIDTH else self.tape.wrap(x))
        self.z, self.loss = z.array, objective.value(z, self.tape.wrap(t)).array

    def __call__(self) -> tuple[np.ndarray, float]:
        self.tape.play()
        return self.z, float(self.loss)
