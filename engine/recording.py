"""Steps and looks that are computed once while a tape listens, and played from then on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.losses import Objective
from engine.network import Network
from engine.tape import Tape

JOINED = 64  # numbers of one sample that are gathered in one go with its targets; wider samples would only cost memory


class Batches:
    """Gathers samples x (S, D) with their targets t (S, O) into the fixed memory that a recorded step reads."""

    def __init__(self, x: np.ndarray, t: np.ndarray) -> None:
        self.sources = [np.concatenate([x, t], axis=1)] if x.shape[1] + t.shape[1] <= JOINED else [x, t]
        self.whole, self.width = (x, t), x.shape[1]

    def record(self, learn: Callable[[Any, Any], None], batch: np.ndarray) -> Callable[[np.ndarray], None]:
        """learn(x, t) on these samples (N,) numbers now; returns what does it again on N others."""
        tape = Tape()
        if len(batch) == len(self.whole[0]):  # a full batch: nothing to gather, and its order does not matter
            learn(*map(tape.wrap, self.whole))
            return lambda batch: tape.play()
        memory = [source.take(batch, 0) for source in self.sources]
        x, t = memory if len(memory) == 2 else (memory[0][:, : self.width], memory[0][:, self.width :])
        learn(tape.wrap(x), tape.wrap(t))
        takes = [(source.take, target) for source, target in zip(self.sources, memory, strict=True)]

        def replay(batch: np.ndarray) -> None:
            for take, target in takes:
                take(batch, 0, target, "clip")  # mode "raise" would go through another buffer
            tape.play()

        return replay


class Look:
    """The logits (N, O) and the mean loss of fixed samples x (N, D) with targets t (N, O), recorded."""

    def __init__(self, network: Network, objective: Objective, x: np.ndarray, t: np.ndarray) -> None:
        self.tape = Tape()
        z = network.forward(self.tape.wrap(x))
        self.z, self.loss = z.array, objective.value(z, self.tape.wrap(t)).array

    def again(self) -> tuple[np.ndarray, float]:
        """Both, for the weights of now."""
        self.tape.play()
        return self.z, float(self.loss)
