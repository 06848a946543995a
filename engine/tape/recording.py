"""Steps and looks that are computed once while a tape listens, and played from then on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.formulas.losses import Objective
from engine.network.network import Network
from engine.tape.tape import Tape

MODE = "clip"  # of gathering: "raise" would go through another buffer
JOINED = 32  # numbers of one sample that are gathered in one go with its targets; wider samples are quicker in rows


class Batches:
    """Gathers samples x (S, D) with their targets t (S, O) into the fixed memory that a recorded step reads."""

    def __init__(self, x: np.ndarray, t: np.ndarray) -> None:
        self.whole, self.width = (x, t), x.shape[1]
        self.joined = x.shape[1] + t.shape[1] <= JOINED
        self.axis = int(self.joined)  # of the samples: joined ones stand feature by feature, without gaps for matmul
        ones = np.ones((1, len(x)), x.dtype)
        self.sources = [np.ascontiguousarray(np.concatenate([x.T, ones, t.T]))] if self.joined else [x, t]

    def record(self, learn: Callable[[Any, Any], None], batch: np.ndarray) -> Callable[[np.ndarray], None]:
        """learn(x, t) on these samples (N,) numbers now; returns what does it again on N others."""
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
                take(batch, axis, target, MODE)
            tape.play()

        return replay


class Look:
    """The logits (N, O) and the mean loss of fixed samples x (N, D) with targets t (N, O), recorded."""

    def __init__(self, network: Network, objective: Objective, x: np.ndarray, t: np.ndarray) -> None:
        self.tape = Tape()
        z = network.forward(self.tape.fixed(x) if x.shape[1] <= JOINED else self.tape.wrap(x))
        self.z, self.loss = z.array, objective.value(z, self.tape.wrap(t)).array

    def again(self) -> tuple[np.ndarray, float]:
        """Both, for the weights of now."""
        self.tape.play()
        return self.z, float(self.loss)
