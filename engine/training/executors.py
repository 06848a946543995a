"""Chooses the executor of a trainer. A new one is added here only."""

from __future__ import annotations

from engine.backend import Backend
from engine.c.compiler import is_switched_on
from engine.c.executor import CompiledExecutor
from engine.gpu.executor import CudaExecutor
from engine.step.data import Data
from engine.step.executor import Executor
from engine.step.progress import Progress
from engine.step.update import StepFormulas
from engine.tape.executor import TapeExecutor


def create_executor(data: Data, formulas: StepFormulas, progress: Progress, backend: Backend | None) -> Executor:
    """CUDA with a backend; without one this processor: compiled C where that is possible, or the tape."""
    if backend is not None:
        return CudaExecutor(backend, data, formulas, progress)
    if is_switched_on():
        return CompiledExecutor(data, formulas, progress)
    return TapeExecutor(data, formulas, progress)
