"""Chooses the executor of a trainer. A new one is added here only."""

from __future__ import annotations

from engine.backend import Backend
from engine.gpu.executor import CudaExecutor
from engine.step.data import Data
from engine.step.executor import Executor
from engine.step.progress import Progress
from engine.step.update import StepFormulas
from engine.tape.executor import TapeExecutor


def create_executor(data: Data, formulas: StepFormulas, progress: Progress, backend: Backend | None) -> Executor:
    """CUDA with a backend; without one, the tape on this processor."""
    if backend is not None:
        return CudaExecutor(backend, data, formulas, progress)
    return TapeExecutor(data, formulas, progress)
