"""The outputs of layers on fixed samples, such as the points of a map, compiled like the steps of a run."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence

import numpy as np

from engine.c.build import Build
from engine.c.compiler import is_waited_for, library
from engine.c.program import (
    Function,
    HostSketch,
    Memory,
    address_of,
    beginning,
    blas_product,
    launches_of,
    shared,
    twin_of,
)
from engine.network.network import Network
from engine.network.observe import observe

BLOCK = 256  # samples at a time: what their layers store stays in the processor's cache


class Forward:
    """Compiled in the background. `is_ready` says whether it can be called."""

    def __init__(self, network: Network, x: np.ndarray, names: Sequence[str]) -> None:
        """x: (N, D) samples; names: of layers."""
        self.network, self.x, self.names = network, np.ascontiguousarray(x), names
        self.build = Build(self, _compiled)
        self.build.start()

    def is_ready(self) -> bool:
        return (is_waited_for() or self.build.is_done()) and self.build.result()[0] is not None

    def __call__(self) -> list[np.ndarray]:
        """Outputs (N, units) of the layers, and logits (N, O), now; valid until the next call."""
        return self.build.result()[0]()


class Output(ctypes.Structure):
    _fields_ = (("block", ctypes.c_void_p), ("all", ctypes.c_void_p), ("width", ctypes.c_int64))


def _compiled(wanted: Forward) -> Callable[[], list[np.ndarray]]:
    """Raises Unsketchable and NoCompiler."""
    network, x = wanted.network, wanted.x
    twin, size, dtype = twin_of(network), min(BLOCK, len(x)), network.dtype
    sketch, samples = HostSketch(Memory, dtype), np.zeros((size, x.shape[1]), dtype)
    with observe(twin, wanted.names) as seen:
        z = twin.chain.forward(sketch.wrap(shared(samples)), train=False)
    found = [*(seen.outputs[name] for name in wanted.names), z]
    blocks = [np.zeros(y.shape, dtype) for y in found]
    for block, y in zip(blocks, found, strict=True):
        sketch.wrap(shared(block))[:] = y
    kernels: dict[str, str] = {}
    launches = launches_of(sketch, None)
    function = Function("forward", [launches], kernels)
    compiled = library("\n".join([beginning(dtype, kernels), function.text, FORWARD]))
    compiled.outputs.argtypes = [ctypes.c_void_p] * 5 + [ctypes.c_int64] * 3 + [ctypes.c_void_p, ctypes.c_int64]
    tables, kept = function.table(launches)
    outputs = [np.zeros((len(x), block.shape[1]), dtype) for block in blocks]
    pairs = zip(blocks, outputs, strict=True)
    places = (Output * len(outputs))(*((address_of(b), address_of(o), b.shape[1]) for b, o in pairs))
    arrays, sizes = (address_of(x), address_of(samples)), (len(x), size, x.shape[1])

    def play(kept: tuple = (kept, x, samples, blocks, twin)) -> list[np.ndarray]:
        compiled.outputs(blas_product(dtype), *tables[:2], *arrays, *sizes, places, len(outputs))
        return outputs

    return play


FORWARD = """typedef struct { const real *block; real *all; int64_t width; } Output;

/* Outputs of layers on all samples x, block by block. A sample may be in two blocks, as it depends on no other. */
void outputs(blas *product, void *const *p, const int *n, const real *x, real *block, int64_t samples, int64_t size,
             int64_t inputs, const Output *outputs, int64_t count) {
  gemm = product;
  for (int64_t done = 0; done < samples; done += size) {
    int64_t first = done < samples - size ? done : samples - size;
    memcpy(block, x + first * inputs, size * inputs * sizeof(real));
    forward(p, n, 0);
    for (const Output *o = outputs; o < outputs + count; o++)
      memcpy(o->all + first * o->width, o->block, size * o->width * sizeof(real));
  }
}
"""
