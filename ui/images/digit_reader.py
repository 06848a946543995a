"""The built-in network that recognizes drawings before the visitor has trained one.

It is trained when it is first needed, as a run like a visitor's, so that no page waits for it, and kept.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from lab.experiment.experiment import Experiment
from lab.protocol.errors import Gone
from lab.protocol.messages import Answer, GetFrame, Play
from lab.queries import gallery
from lab.server.pool import Pool
from lab.training.build import Built, build

BUNDLED = Experiment(dataset="digits", conv=(32,), hidden=(64,), noise=0.3, dropout=0.3, activations="relu",
                     initializer="he_normal", optimizer="adam", learning_rate=0.003, batch_size=32, train_share=0.9,
                     epochs=40)  # fmt: skip
LARGER = Experiment(dataset="mnist", samples=20_000, scaling="unit", hidden=(64,), dropout=0.1, activations="relu",
                    initializer="he_normal", optimizer="adam", learning_rate=0.003, batch_size=64,
                    epochs=5)  # fmt: skip


class Reader:
    """One per process, for all visitors. A page that waits calls `advance` repeatedly until it returns 1."""

    def __init__(self, experiment: Experiment | None = None) -> None:
        self.experiment = experiment or (LARGER if LARGER.source.available() else BUNDLED)
        self._lock = threading.Lock()
        self._token = ""
        self._built: Built | None = None

    @property
    def ready(self) -> bool:
        return self._built is not None

    def advance(self, pool: Pool) -> float:
        """Start the training or check it; returns the share that is done, 0 to 1. Raises Unreachable."""
        with self._lock:
            if self._built:
                return 1.0
            try:
                return self._advance(pool)
            except Gone:
                self._token = ""  # the next call starts again
                return 0.0

    def _advance(self, pool: Pool) -> float:
        if not self._token:
            token = pool.open(self.experiment, "max")
            pool.do(token, Play())
            self._token = token
        state = pool.do(self._token, GetFrame()).state  # asking for frames keeps a run alive
        if state is not None and state.status == "running":
            return state.epoch / self.experiment.epochs
        _, arrays = pool.ask(self._token, "weights")
        self._built = self._rebuilt(dict(arrays))
        pool.close(self._token)
        return 1.0

    def _rebuilt(self, arrays: dict[str, np.ndarray]) -> Built:
        """The trained network in this process, with clean test pictures and without the training part's memory."""
        trained = self.experiment
        # The scaling of pixels must not depend on how many images are loaded.
        samples = trained.samples if trained.scaling == "standard" else 100
        built = build(trained.change(noise=0.0, samples=samples, device="cpu"))
        network = built.trainer.network
        network.set_state(arrays["parameters"], {name: arrays[f"state.{name}"] for name in network.state})
        built.trainer.parameters_changed()
        return built

    def drawing(self, ink: np.ndarray) -> Answer:
        """The prediction for a drawing; see lab.queries.gallery.read."""
        return self._answer(gallery.read, ink)

    def picture(self, facts: dict[str, Any]) -> Answer:
        """One of its own test pictures, transformed; see lab.queries.gallery.changed."""
        return self._answer(gallery.changed, facts)

    def _answer(self, question: Any, argument: Any) -> Answer:
        assert self._built is not None, "advance until it is ready"
        dataset, trainer = self._built
        with self._lock:  # layers share their work space
            return question(dataset, trainer, argument)
