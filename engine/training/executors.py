"""Which executor carries out the steps of a trainer. A new way of execution is added here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable

from engine.backend import Backend
from engine.gpu.executor import CudaExecutor
from engine.step.data import Data
from engine.step.executor import Executor
from engine.step.progress import Progress
from engine.step.update import StepFormulas
from engine.tape.executor import TapeExecutor

ExecutorFactory = Callable[[Data, StepFormulas, Progress], Executor]


def create_executor(data: Data, formulas: StepFormulas, progress: Progress, backend: Backend | None) -> Executor:
    """CUDA for a backend, the tape for this processor (None)."""
    if backend is not None:
        return CudaExecutor(backend, data, formulas, progress)
    return TapeExecutor(data, formulas, progress)
