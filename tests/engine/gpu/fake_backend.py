"""The fake card as a backend."""

from __future__ import annotations

from collections.abc import Iterable

from engine.backend import Backend
from tests.engine.gpu import fake_cupy
from tests.engine.gpu.cuda_in_c import compile_together


class FakeBackend(Backend):
    """A backend on the fake card. Kernels that start together are compiled together, which is several times as fast."""

    def __init__(self) -> None:
        super().__init__("cuda:0", fake_cupy)

    def start(self, launches: Iterable[tuple]) -> None:
        launches = list(launches)
        compile_together([(source, name) for source, name, *_ in launches if source not in self._compiled])
        super().start(launches)
