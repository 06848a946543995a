"""The optimisers once more, as CUDA kernels: one launch for all parameters, where the formulas need two to fourteen.

optimizers.py stays the truth. A kernel is used only on a card, and only after it has given the same numbers there as
the formula did here; if it cannot be compiled, cannot be started or differs, the formula itself runs on the card.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any, NamedTuple

import numpy as np

from engine.backend import Backend, poisoned
from engine.optimizers import Optimizer

THREADS, BLOCKS = 256, 1024  # of a launch; more parameters than threads go round again
TRIED = 1000  # parameters on which a kernel has to prove itself
AGREES = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-12}


class Kernel(NamedTuple):
    """The body for parameter p[i] with gradient g[i]. Slots are named as the optimiser names them."""

    numbers: tuple[str, ...]  # attributes of the optimiser that the body reads
    body: str
    decays: bool = False  # whether it reads decays[i]


ADAM = """
    mean[i] = beta1 * mean[i] + (1 - beta1) * g[i];
    square[i] = beta2 * square[i] + (1 - beta2) * g[i] * g[i];
    p[i] -= corrected_rate * mean[i] / (sqrt(square[i]) + corrected_epsilon);"""
ADAM_NUMBERS = ("beta1", "beta2", "corrected_rate", "corrected_epsilon")

KERNELS = {
    "sgd": Kernel(("rate",), """
    p[i] -= rate * g[i];"""),
    "momentum": Kernel(("rate", "beta"), """
    velocity[i] = beta * velocity[i] + g[i];
    p[i] -= rate * velocity[i];"""),
    "nesterov": Kernel(("rate", "beta"), """
    velocity[i] = beta * velocity[i] + g[i];
    p[i] -= rate * (g[i] + beta * velocity[i]);"""),
    "adagrad": Kernel(("rate", "epsilon"), """
    square[i] += g[i] * g[i];
    p[i] -= rate * g[i] / (sqrt(square[i]) + epsilon);"""),
    "rmsprop": Kernel(("rate", "alpha", "epsilon"), """
    square[i] = alpha * square[i] + (1 - alpha) * g[i] * g[i];
    p[i] -= rate * g[i] / (sqrt(square[i]) + epsilon);"""),
    "adam": Kernel(ADAM_NUMBERS, ADAM),
    "adamw": Kernel((*ADAM_NUMBERS, "share"), """
    p[i] -= share * decays[i] * p[i];""" + ADAM, decays=True),
}  # fmt: skip


def source(optimizer: Optimizer) -> str:
    """CUDA C++ of the kernel for this optimiser and its kind of number."""
    kernel = KERNELS[optimizer.name]
    arrays = ["real *p", "const real *g", *(f"real *{name}" for name in optimizer.slots)]
    arrays += ["const real *decays"] if kernel.decays else []
    arguments = ", ".join([*arrays, "long long size", *(f"real {name}" for name in kernel.numbers)])
    return f"""typedef {"double" if optimizer.rate.dtype == np.float64 else "float"} real;
extern "C" __global__ void {optimizer.name}({arguments}) {{
  long long first = (long long)blockIdx.x * blockDim.x + threadIdx.x, threads = (long long)gridDim.x * blockDim.x;
  for (long long i = first; i < size; i += threads) {{
{kernel.body.strip(chr(10))}
  }}
}}
"""


Update = Callable[[Any, Any, Any], None]  # (optimiser with arrays on the device, p, g)


def fused(backend: Backend, optimizer: Optimizer) -> Update | None:
    """The update as one launch; None where there is no kernel that can be trusted. Tried once for each kind."""
    key = optimizer.name, optimizer.rate.dtype
    if key not in backend.kernels:
        backend.kernels[key] = _trusted(backend, optimizer)
    return backend.kernels[key]


def _trusted(backend: Backend, optimizer: Optimizer) -> Update | None:
    try:
        update = _compiled(backend, optimizer)
        return update if _agrees(backend, update, optimizer) else None
    except Exception as problem:  # no compiler, no headers, a card too old: the formula does it all
        if poisoned(problem):
            raise
        return None


def _compiled(backend: Backend, optimizer: Optimizer) -> Update:
    kernel, real = KERNELS[optimizer.name], optimizer.rate.dtype.type
    launch = backend.xp.RawKernel(source(optimizer), optimizer.name)

    def update(moved: Any, p: Any, g: Any) -> None:
        arrays = [p, g, *moved.slots.values(), *([moved.decays] if kernel.decays else [])]
        numbers = [real(getattr(moved, name)) for name in kernel.numbers]
        launch((min(BLOCKS, -(-len(p) // THREADS)),), (THREADS,), (*arrays, np.int64(len(p)), *numbers))

    return update


def _agrees(backend: Backend, update: Update, optimizer: Optimizer) -> bool:
    """Whether three steps on drawn numbers give on the device what the formula gives here."""
    rng, dtype = np.random.default_rng(0), optimizer.rate.dtype
    here = copy(optimizer)
    here.slots = {name: rng.random(TRIED).astype(dtype) for name in optimizer.slots}
    here.decays = rng.integers(0, 2, TRIED).astype(dtype)
    p, there = rng.normal(size=TRIED).astype(dtype), copy(here)
    there.slots = {name: backend.send(slot) for name, slot in here.slots.items()}
    there.decays, moved = backend.send(here.decays), backend.send(p)
    for _ in range(3):
        g = rng.normal(size=TRIED).astype(dtype)
        here.step(p, g)  # sets the numbers that both read, too
        update(there, moved, backend.send(g))
    pairs = [(moved, p), *((there.slots[name], slot) for name, slot in here.slots.items())]
    close = AGREES[dtype]
    return all(np.allclose(backend.fetch(other), own, rtol=close, atol=close) for other, own in pairs)
