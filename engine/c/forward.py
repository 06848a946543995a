"""The outputs of layers on fixed samples, such as the points of a map, compiled like the steps of a run."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine.c.build import Build
from engine.c.compiler import is_waited_for
from engine.c.program import Functions, HostSketch, Memory, plan_of, program_text, shared, twin_of
from engine.c.runtime import load_program, moving
from engine.lowering.sketch import Node, Unsketchable
from engine.network.network import Network
from engine.network.observe import observe
from engine.tape.tape import address_of

BLOCK = 256  # samples at a time: what their layers store stays in the processor's cache


class Forward:
    """Compiled in the background. `is_ready` says whether it can be called."""

    def __init__(self, network: Network, x: np.ndarray, names: Sequence[str], read: Callable[[Any], Any]) -> None:
        """x: (N, D) samples; names: of layers; read: logits -> output (N, O)."""
        self.x, self.names, self.read = np.ascontiguousarray(x), names, read
        self.twin = twin_of(network)  # made in the thread that may observe the layers later
        self.build = Build(self, _compiled)
        self.build.start()

    def is_ready(self) -> bool:
        return (is_waited_for() or self.build.is_done()) and self.build.result()[0] is not None

    def __call__(self) -> list[np.ndarray]:
        """Outputs (N, units) of the layers and of the network, now; valid until the next call."""
        return self.build.result()[0]()


def _compiled(wanted: Forward) -> Callable[[], list[np.ndarray]]:
    """Raises Unsketchable and NoCompiler."""
    twin, x, dtype = wanted.twin, wanted.x, wanted.twin.dtype
    if any(len(twin[name].output_shape) > 1 for name in wanted.names):
        raise Unsketchable("outputs that are maps are not compiled")
    size = min(BLOCK, len(x))
    sketch, samples = HostSketch(Memory, dtype), np.zeros((size, x.shape[1]), dtype)
    with observe(twin, wanted.names) as seen:
        z = twin.chain.forward(sketch.wrap(shared(samples)), train=False)
    found = [*(seen.outputs[name] for name in wanted.names), wanted.read(z)]
    stored: dict[Node, np.ndarray] = {}
    while True:  # an output that a product needs is in memory anyway
        plan = plan_of(sketch, None)
        blocks = plan.memory | stored
        missing = [y for y in found if y.node not in blocks]
        if not missing:
            break
        stored[missing[-1].node] = block = np.zeros(missing[-1].shape, dtype)
        sketch.wrap(shared(block))[:] = missing[-1]
    kernels: dict[str, str] = {}
    functions = Functions("forward", [plan.launches], kernels)
    loaded = load_program(program_text(dtype, kernels, [functions]), dtype)
    forward, kept = functions.kernels(plan.launches, loaded.program)
    whole = {address_of(blocks[y.node]): np.zeros((len(x), y.shape[1]), dtype) for y in found}
    outputs = [whole[address_of(blocks[y.node])] for y in found]  # layers may have the same, as dropout
    whole[address_of(samples)] = x
    moved = moving(kept, whole)

    def play(kept: tuple = (kept, x, twin, loaded)) -> list[np.ndarray]:
        loaded.runtime.forward_blocks(ctypes.byref(forward), len(x), size, moved, len(moved))
        return outputs

    return play
