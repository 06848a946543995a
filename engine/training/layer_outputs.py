"""The outputs of layers on samples that stay the same, for display: compiled if the run is, else from a tape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine.c.forward import Forward
from engine.network.network import Network
from engine.network.observe import observe
from engine.step.executor import Executor
from engine.tape.evaluation_tape import EvaluationTape


class LayerOutputs:
    """Outputs of the layers `names` of a network on samples x (N, D).

    read: logits -> output (N, O). executor: of the run whose way is taken. None: too rarely wanted to be compiled.
    """

    def __init__(self, network: Network, x: np.ndarray, names: Sequence[str], read: Callable[[Any], Any],
                 executor: Executor | None = None) -> None:  # fmt: skip
        self.network, self.x, self.names, self.read, self.executor = network, x, names, read, executor
        self._forward: Forward | None = None
        self._tape: EvaluationTape | None = None
        self._recorded: list[np.ndarray] = []

    def __call__(self) -> list[np.ndarray]:
        """Outputs (N, units) of the layers and of the network, now; valid until the next call."""
        if self.executor is not None and self.executor.way == "compiled":
            self._forward = self._forward or Forward(self.network, self.x, self.names, self.read)
            if self._forward.is_ready():
                self._tape, self._recorded = None, []
                return self._forward()
        if self._tape:
            self._tape.play()
        else:
            self._record()
        return self._recorded

    def _record(self) -> None:
        """The samples are the same at every call, so the forward pass is recorded once."""
        self._tape = EvaluationTape()
        with observe(self.network, self.names) as seen:
            y = self.read(self.network.chain.forward(self._tape.fixed(self.x), train=False))
        self._recorded = [*(seen.outputs[name].array for name in self.names), y.array]
