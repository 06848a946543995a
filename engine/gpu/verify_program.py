"""Verification of a program: its first steps on this device must agree with the formulas."""

from __future__ import annotations

import numpy as np

from engine.backend import has_lost_context
from engine.gpu.cuda_graph import Program
from engine.gpu.replica import Replica
from engine.lowering.sketch import Unsketchable

TRIAL_STEPS = (1, 2)  # a single step, then a graph of several
STEP_TOLERANCE = {
    np.dtype(np.float32): 2e-3,
    np.dtype(np.float64): 1e-8,
}  # relative to the norm; a unit at a kink may flip
MIN_GRADIENT = 1e-3  # relative to the largest: smaller ones may be rounding errors, which an optimizer enlarges


def verified_program(replica: Replica, size: int) -> tuple[Program | None, str]:
    """The program for steps on `size` samples, or None; and why it is missing or covers only the update."""
    before = replica.get_state()
    try:
        program, refusal = _program(replica, size)
        replica.set_state(before)
        program.compile()
        states = []
        for step in (replica.learn, lambda size: program.step(replica.progress.position)):
            replica.set_state(before)
            for steps in TRIAL_STEPS:
                for _ in range(steps):
                    step(size)
                program.launch()
                states.append(replica.get_state()[0])
        first, last, own_first, own_last = states
        if not (agree(first, own_first) and agree(last[:2], own_last[:2])):
            raise ArithmeticError("its kernels differ from its formulas on this device")
        return program, refusal
    except Exception as problem:  # no kernels for a layer, no compiler, no memory: steps run operation by operation
        if has_lost_context(problem):
            raise
        return None, str(problem) or type(problem).__name__
    finally:
        replica.set_state(before)


def _program(replica: Replica, size: int) -> tuple[Program, str]:
    try:
        return Program(replica, size), ""
    except (Unsketchable, AttributeError) as reason:
        return Program(replica, size, whole=False), f"only the update is fused: {reason}"


def agree(formulas: list[np.ndarray], program: list[np.ndarray]) -> bool:
    """Whether both have the same gradients (P,), parameters (P,) and other arrays that a step changes."""
    gradient, tolerance = np.abs(formulas[0]), STEP_TOLERANCE[formulas[0].dtype]
    matters = gradient >= MIN_GRADIENT * gradient.max(initial=0)
    pairs = [
        (own[matters], other[matters]) if number == 1 else (own, other)
        for number, (own, other) in enumerate(zip(formulas, program, strict=True))
    ]
    return all(np.linalg.norm(own - other) <= tolerance * np.linalg.norm(own) for own, other in pairs)
