"""A program is trusted with a batch size only after it has left on this very device what the formulas leave there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.backend import poisoned
from engine.gpu.cuda_graph import Program
from engine.lowering.sketch import Unsketchable

if TYPE_CHECKING:
    from engine.gpu.accelerator import Accelerator

TRIED = (1, 2)  # steps in which a program has to prove itself: a single one, then a graph of several
AGREES = {np.dtype(np.float32): 2e-3, np.dtype(np.float64): 1e-8}  # of the length; one unit at a kink may fall over it
MATTERS = 1e-3  # of the largest gradient: what is smaller may be rounding errors alone, which an optimiser enlarges

Standing = tuple[list[np.ndarray], int, list]


def trusted(accelerator: Accelerator, size: int) -> tuple[Program | None, str]:
    """The program for so many samples; and why there is none, or not one for the whole step."""
    before = _standing(accelerator)
    try:
        program, why = _sketched(accelerator, size)
        _stand(accelerator, before)
        program.compile()
        done = []
        for step in (accelerator.operate, lambda size: program.step(accelerator.trainer.position)):
            _stand(accelerator, before)
            for steps in TRIED:
                for _ in range(steps):
                    step(size)
                program.launch()
                done.append(_standing(accelerator)[0])
        first, last, own_first, own_last = done
        if not (agree(first, own_first) and agree(last[:2], own_last[:2])):
            raise ArithmeticError("its kernels differ from its formulas on this device")
        return program, why
    except Exception as problem:  # no kernels for such a layer, no compiler, no memory: the formulas do it all
        if poisoned(problem):
            raise
        return None, str(problem) or type(problem).__name__
    finally:
        _stand(accelerator, before)


def _sketched(accelerator: Accelerator, size: int) -> tuple[Program, str]:
    try:
        return Program(accelerator, size), ""
    except (Unsketchable, AttributeError) as reason:
        return Program(accelerator, size, whole=False), f"only the update is fused: {reason}"


def _standing(accelerator: Accelerator) -> Standing:
    """Gradients, parameters and all else that a step changes; how many there were; where the generators stand."""
    changed = (accelerator.network.gradients, *(there for there, _ in accelerator.pairs()))
    drawn = [rng.bit_generator.state for rng in accelerator.host.rngs.values()]
    return [accelerator.backend.fetch(there) for there in changed], accelerator.optimizer_of_host.t, drawn


def _stand(accelerator: Accelerator, before: Standing) -> None:
    arrays, accelerator.optimizer_of_host.t, drawn = before
    changed = (accelerator.network.gradients, *(there for there, _ in accelerator.pairs()))
    for there, array in zip(changed, arrays, strict=True):
        accelerator.backend.write(there, array)
    for rng, state in zip(accelerator.host.rngs.values(), drawn, strict=True):
        rng.bit_generator.state = state


def agree(formulas: list[np.ndarray], program: list[np.ndarray]) -> bool:
    """Whether both have left the same: gradients (P,), parameters (P,), and whatever else a step changes."""
    gradient, close = np.abs(formulas[0]), AGREES[formulas[0].dtype]
    matters = gradient >= MATTERS * gradient.max(initial=0)
    pairs = [
        (own[matters], other[matters]) if number == 1 else (own, other)
        for number, (own, other) in enumerate(zip(formulas, program, strict=True))
    ]
    return all(np.linalg.norm(own - other) <= close * np.linalg.norm(own) for own, other in pairs)
