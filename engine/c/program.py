"""The C of one network: a function for a training step and one for an evaluation; runtime.c calls them.

One text serves several batch sizes: what differs between them (numbers of elements, literals such as 1 / N) is looked
up in a table, and so are the addresses of all arrays. What does not differ is a constant of the text.
"""

from __future__ import annotations

import ctypes
from collections import Counter
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from engine.c import language
from engine.c.runtime import BatchTable, Kernels, PartTable, load_program, moving
from engine.formulas.losses import Objective
from engine.lowering.fusion import Plan
from engine.lowering.sketch import Node, Operation, Sketch, Symbol, Unsketchable, grid_shape
from engine.lowering.target import Launch
from engine.network.network import Network
from engine.step.data import Data, Part
from engine.step.gradient import differentiate
from engine.step.update import StepFormulas, update
from engine.tape.tape import address_of

NOTED = 128  # added to the place of a batch size: the parts are evaluated after this step
MAX_TAPS = 4096  # of a convolution or its gradient, whose places are on the stack
WHOLE_EVALUATION = 1 << 23  # numbers that are needed for the samples of a part; more are evaluated in blocks
BLOCK_NUMBERS, BLOCK_STEP = 1 << 19, 64  # of those blocks, and a divisor of their samples

# Sketches of steps and evaluations on the memory of the host ---------------------------------------------------------


class Memory(np.ndarray):
    """An array of the host as an array of a device, so that its operations are sketched and not computed."""

    data = property(lambda self: self)  # has the address `ptr`, as in CuPy  # pyrefly: ignore
    ptr = cached_property(lambda self: address_of(self))


def shared(array: np.ndarray) -> Memory:
    """The same memory as an array of the device."""
    return array.view(Memory)


class HostSketch(Sketch):
    """A sketch without side effects: what the host does in each step (counting, drawing) is left to the executor."""

    def __init__(self, device_array: type, dtype: np.dtype) -> None:
        super().__init__(device_array, dtype)
        self._turned: dict[Node, Node] = {}  # value -> its transposed one, computed once

    def call(self, function: Callable, *arguments: Any) -> Any:
        if any(isinstance(argument, self.device_array) for argument in arguments):
            return super().call(function, *arguments)
        return None

    def kernel(self, name: str, shape: tuple, arguments: tuple) -> Symbol:
        """Kernels that read patches find them in the maps, because they also get the size of the filters."""
        arrays = [argument for argument in arguments if not isinstance(argument, (int, np.integer))]
        nodes, sizes = [self.node(array) for array in arrays], [length for array in arrays for length in array.shape]
        sizes += map(int, arguments[len(arrays) :])
        for place, node in enumerate(nodes):
            if node.op == "operation" and node.what.name == "patches_of":
                nodes[place] = node.args[0]
                sizes.append(node.what.sizes[-1])
        taps, scratch = _convolution_memory(name, sizes)
        if taps > MAX_TAPS:
            raise Unsketchable("its filters see too many numbers at a time")
        operation = Operation(name, tuple(sizes), scratch, language.operation)
        return Symbol(self, shape, Node("operation", grid_shape(shape), tuple(nodes), operation))

    def turned(self, node: Node) -> Node:
        if node not in self._turned:
            rows, columns = node.shape
            operation = Operation("maps_of", (rows, columns, columns, 1, 1), 1, language.operation)
            turned = Node("operation", (columns, rows), (node,), operation)
            self._turned[node] = super().turned(node) if node.op == "product" else turned
        return self._turned[node]


def _convolution_memory(name: str, sizes: Sequence[int]) -> tuple[int, int]:
    """How many places a function of convolution.c keeps on its stack, and the numbers of its scratch memory."""

    def wide(count: int) -> int:
        return count + -count % language.FILTERS

    if name == "convolved":
        _, taps, *_, filters, _, _, _ = sizes
        return taps, taps * wide(filters)
    if name == "input_gradient":
        rows, outputs, columns, samples, _, taps, size, border = sizes
        around = size - 1 - border
        padded = (rows + 2 * around) * outputs * (columns + 2 * around) * samples
        return outputs * size**2, outputs * size**2 * wide(taps // size**2) + padded
    return sizes[-1] ** 2 if "pool" in name else 0, 1


class Batch(NamedTuple):
    """The kernels of a step on samples x (N, D) with targets t (N, O) in this memory.

    noise: (n,) for the dropout of one step, layer by layer. numbers: 0-d arrays that may change from step to step;
    row: (1 + n,) float64, a zero and the values of the numbers.
    """

    launches: list[Launch]
    x: np.ndarray
    t: np.ndarray
    noise: np.ndarray
    numbers: list[np.ndarray]
    row: np.ndarray


class Block(NamedTuple):
    """The kernels from samples x (B, D) to logits z (B, O)."""

    launches: list[Launch]
    x: np.ndarray
    z: np.ndarray


class Evaluation(NamedTuple):
    """The kernels of an evaluation: logits z (N, O), predicted values y (N, 1) for regression, mean loss (1, 1).

    block: from which the logits come, block by block; without it they come from the kernels as well.
    """

    launches: list[Launch]
    z: np.ndarray
    y: np.ndarray
    loss: np.ndarray
    block: Block | None


def twin_of(network: Network) -> Network:
    """The same layers on the same memory, for sketches."""
    twin = network.to_device(shared)
    for (_, layer), (_, original) in zip(twin.walk(), network.walk(), strict=True):
        if original.state:
            layer.state = {name: shared(array) for name, array in original.state.items()}
    return twin


def sketch_step(twin: Network, formulas: StepFormulas, x: np.ndarray, t: np.ndarray) -> Batch:
    """Raises Unsketchable for operations without a kernel."""
    sketch = HostSketch(Memory, twin.dtype)
    noise = np.zeros(len(x) * noise_width(twin), twin.dtype)
    fed: list[int] = [0]

    def feed(array: np.ndarray) -> Memory:
        fed.append(fed[-1] + array.size)
        return shared(noise[fed[-2] : fed[-1]].reshape(array.shape))

    for _, layer in twin.walk():
        layer.send = feed
    optimizer = copy(formulas.optimizer)
    optimizer.slots = {name: shared(slot) for name, slot in optimizer.slots.items()}
    optimizer.decays = None if optimizer.decays is None else shared(optimizer.decays)
    optimizer.block = len(twin.parameters)
    samples = sketch.wrap(shared(x))
    differentiate(twin, formulas.objective, samples, sketch.wrap(shared(t)))
    update(twin, optimizer, formulas.settings, formulas.penalties, samples)
    row = np.zeros(1 + len(sketch.numbers))
    return Batch(plan_of(sketch, shared(row)).launches, x, t, noise, sketch.numbers, row)


def with_other_limits(formulas: StepFormulas) -> StepFormulas:
    """The same formulas with other limits of the gradient, as far as it has some."""
    s, changed = formulas.settings, copy(formulas)
    changed.settings = replace(s, clip_value=0.75 * s.clip_value, clip_norm=0.75 * s.clip_norm)
    return changed


def noise_width(network: Network) -> int:
    """Uniform numbers that the dropout of one sample needs."""
    return sum(int(np.prod(layer.output_shape)) for _, layer in network.walk() if layer.rngs)


def sketch_evaluation(twin: Network, objective: Objective, part: Part) -> Evaluation:
    """Raises Unsketchable for operations without a kernel."""
    sketch = HostSketch(Memory, twin.dtype)
    z, y, loss = (np.zeros(shape, twin.dtype) for shape in ((len(part.x), objective.units), (len(part.x), 1), (1, 1)))
    if len(part.x) * twin.workspace > WHOLE_EVALUATION:
        block, logits = sketch_block(twin, part, objective.units), sketch.wrap(shared(z))
    else:
        block, logits = None, twin.chain.forward(sketch.wrap(shared(part.x)), train=False)
        sketch.wrap(shared(z))[:] = logits
    if objective.kind == "regression":
        sketch.wrap(shared(y))[:] = objective.output.forward(logits)
    sketch.wrap(shared(loss))[:] = objective.value(logits, sketch.wrap(shared(part.t)))
    return Evaluation(plan_of(sketch, None).launches, z, y, loss, block)


def sketch_block(twin: Network, part: Part, units: int) -> Block:
    """Raises Unsketchable for operations without a kernel."""
    size = max(BLOCK_NUMBERS // twin.workspace // BLOCK_STEP, 1) * BLOCK_STEP
    sketch, count = HostSketch(Memory, twin.dtype), min(size, len(part.x))
    x, z = np.zeros((count, part.x.shape[1]), part.x.dtype), np.zeros((count, units), twin.dtype)
    sketch.wrap(shared(z))[:] = twin.chain.forward(sketch.wrap(shared(x)), train=False)
    return Block(plan_of(sketch, None).launches, x, z)


def plan_of(sketch: Sketch, numbers: Any) -> Plan:
    return Plan(sketch, lambda shape: shared(np.zeros(shape, sketch.dtype)), numbers, language)


# From kernels to one text --------------------------------------------------------------------------------------------


class Function:
    """One C function for several lists of kernels with the same texts."""

    def __init__(self, name: str, examples: Sequence[list[Launch]], kernels: dict[str, str]) -> None:
        """kernels: text of a kernel or its call -> its name in the program, completed here."""
        self.constants: list[list[str]] = []  # of each kernel: the text of each argument, empty where it varies
        starts, lines = dict.fromkeys("pnc", 0), []
        for launches in zip(*examples, strict=True):
            words, counts = [], Counter[str]()
            self.constants.append([])
            for arguments in zip(*(launch.arguments for launch in launches), strict=True):
                texts, kind = {_constant(argument) for argument in arguments}, _kind(arguments[0])
                self.constants[-1].append(constant := texts.pop() if len(texts) == 1 else "")
                words.append(constant or f"{kind}[{counts[kind]}]")
                counts[kind] += not constant
            kernel = kernels.setdefault(launches[0].source, f"{launches[0].name}_{len(kernels) + 1}")
            keyword = "PRODUCT_CALL" if launches[0].name == "product" else "SHARED"
            source = f"{keyword} void call(TABLES) {{ {kernel}({', '.join(words)}); }}\n"
            call = kernels.setdefault(source, f"call_{len(kernels) + 1}")
            lines.append(f"  {call}({', '.join(f'{kind} + {start}' for kind, start in starts.items())});")
            starts = {kind: start + counts[kind] for kind, start in starts.items()}
        self.text = "\n".join([f"static void {name}(TABLES) {{", *lines, "}\n"])

    def table(self, launches: list[Launch]) -> tuple[list[int], list[Any]]:
        """Addresses of what the function looks up for these kernels, and the arrays there."""
        found: dict[str, list] = {"p": [], "n": [], "c": []}
        for launch, constants in zip(launches, self.constants, strict=True):
            for argument, constant in zip(launch.arguments, constants, strict=True):
                if not constant:
                    found[_kind(argument)].append(address_of(argument) if _kind(argument) == "p" else argument)
        types = {"p": np.uintp, "n": np.int32, "c": np.float64}
        arrays = [np.array(values or [0], types[kind]) for kind, values in found.items()]
        return list(map(address_of, arrays)), [arrays, launches]


class Functions:
    """As few functions as can carry out all examples: a single sample, say, has kernels of its own."""

    def __init__(self, name: str, examples: Sequence[list[Launch]], kernels: dict[str, str]) -> None:
        groups: dict[tuple[str, ...], list[list[Launch]]] = {}
        for launches in examples:
            groups.setdefault(_sources(launches), []).append(launches)
        names = [f"{name}_{place}" for place in range(len(groups))]
        functions = [Function(one, group, kernels) for one, group in zip(names, groups.values(), strict=True)]
        self.all = dict(zip(groups, functions, strict=True))
        self.name, table = name, f"void (*const {name}[])(TABLES) = {{{', '.join(names)}}};\n"
        self.text = "\n".join([*(function.text for function in functions), table])

    def kernels(self, launches: list[Launch], library: ctypes.CDLL) -> tuple[Kernels, list[Any]]:
        """The function and the tables for an example, and arrays that they refer to. library: the compiled program."""
        sources, calls = _sources(launches), (ctypes.c_void_p * len(self.all)).in_dll(library, self.name)
        addresses, kept = self.all[sources].table(launches)
        return Kernels(calls[list(self.all).index(sources)], *addresses), kept


def _sources(launches: list[Launch]) -> tuple[str, ...]:
    return tuple(launch.source for launch in launches)


def _kind(argument: Any) -> str:
    return "p" if isinstance(argument, np.ndarray) else "n" if isinstance(argument, np.integer) else "c"


def _constant(argument: Any) -> str:
    """The text of a number; empty for an array."""
    return "" if isinstance(argument, np.ndarray) else repr(argument.item())


def program_text(dtype: np.dtype, kernels: dict[str, str], functions: Sequence[Functions]) -> str:
    """Definitions, kernels, and the functions that call them."""
    texts = [source.replace(f" {name.partition('_')[0]}(", f" {name}(", 1) for source, name in kernels.items()]
    return "\n".join([language.definitions(dtype), *texts, *(function.text for function in functions)])


# A program and its tables --------------------------------------------------------------------------------------------


class Program:
    """The text of a network's steps under fixed rules, and after `load` the compiled functions."""

    def __init__(self, twin: Network, formulas: StepFormulas, data: Data, sizes: frozenset[int]) -> None:
        """sizes: of the batches of an epoch. Raises Unsketchable."""
        self.formulas, self.data = formulas, data
        self.inputs, self.targets = (np.ascontiguousarray(array) for array in data.train[:2])
        usual = max(sizes)
        self.batches = {size: self._sketch(twin, formulas, size) for size in sorted(sizes)}
        examples = [batch.launches for batch in self.batches.values()]
        s, alike = formulas.settings, sizes - {1}  # a single sample has kernels of its own
        if len(alike) == 1 or (alike and (s.clip_value or s.clip_norm)):
            # What differs in another size, or with other limits, is not a constant of the text.
            other = usual - 1 if usual > 3 else usual + 1
            examples.append(self._sketch(twin, with_other_limits(formulas), other).launches)
        self.evaluations = {
            name: sketch_evaluation(twin, formulas.objective, part) for name, part in data.evaluated.items()
        }
        kernels: dict[str, str] = {}
        self.step = Functions("step", examples, kernels)
        evaluations = self.evaluations.values()
        blocks = [e.block.launches for e in evaluations if e.block]
        self.evaluation = Functions("evaluate", [*blocks, *(e.launches for e in evaluations)], kernels)
        self.numbers = self.batches[usual].numbers
        self.text = program_text(twin.dtype, kernels, (self.step, self.evaluation))
        self.places = np.zeros(usual + 1, np.uint8)  # size of a batch -> its place in the table
        self.places[list(self.batches)] = range(len(self.batches))

    def _sketch(self, twin: Network, formulas: StepFormulas, size: int) -> Batch:
        if size == len(self.inputs):
            return sketch_step(twin, formulas, self.inputs, self.targets)
        x, t = (np.zeros((size, array.shape[1]), array.dtype) for array in (self.inputs, self.targets))
        return sketch_step(twin, formulas, x, t)

    def load(self) -> None:
        """Compile the text, or find it compiled. Raises NoCompiler."""
        loaded = load_program(self.text, self.inputs.dtype)
        library, self.runtime = loaded.program, loaded.runtime
        self._kept: list[Any] = [loaded]  # and arrays that the tables refer to
        steps, parts = [], []
        for size, batch in self.batches.items():
            kernels, kept = self.step.kernels(batch.launches, library)
            counts = size, self.inputs.shape[1], self.targets.shape[1], batch.noise.size, len(self.numbers)
            steps.append(BatchTable(kernels, *counts, *map(address_of, (batch.x, batch.t, batch.noise, batch.row))))
            self._kept.append(kept)
        objective = self.formulas.objective
        for name, found in self.evaluations.items():
            kernels, kept = self.evaluation.kernels(found.launches, library)
            labels = np.array(self.data.evaluated[name].labels, np.float64)
            predicted, units = (found.y, 0) if objective.kind == "regression" else (found.z, objective.units)
            table = PartTable(kernels, len(labels), units, *map(address_of, (predicted, found.loss, labels)))
            if block := found.block:
                table.forward, tables = self.evaluation.kernels(block.launches, library)
                x = np.ascontiguousarray(self.data.evaluated[name].x)
                moved = moving(tables, {address_of(block.x): x, address_of(block.z): found.z})
                table.block, table.moving, table.moved = len(block.x), ctypes.addressof(moved), len(moved)
                self._kept += [tables, x, moved]
            parts.append(table)
            self._kept += [kept, labels]
        self._steps, self._parts = (BatchTable * len(steps))(*steps), (PartTable * len(parts))(*parts)

    def run(self, kinds: np.ndarray, order: np.ndarray, numbers: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """Take steps. Returns loss and score sum of each part after those that ask for it: (n, parts, 2) float64.

        kinds (S,) uint8: the place of each step's batch size, plus NOTED; order: sample numbers of all steps;
        numbers (S, n) float64; noise: uniform numbers of all steps.
        """
        scores = np.empty((np.count_nonzero(kinds >= NOTED), len(self._parts), 2))
        arrays = map(address_of, (self.inputs, self.targets, order, numbers, noise))
        end = self._parts, len(self._parts), address_of(scores)
        self.runtime.run(self._steps, address_of(kinds), len(kinds), *arrays, *end)
        return scores

    def permutations(self, rng: np.random.Generator, samples: int, count: int) -> np.ndarray:
        """(count, samples) int64, as from `rng.permutation(samples)` again and again."""
        orders, source = np.empty((count, samples), np.int64), rng.bit_generator.ctypes
        self.runtime.permute(source.state_address, source.next_uint32, address_of(orders), count, samples)
        return orders

    def evaluate(self) -> dict[str, tuple[np.ndarray, float]]:
        """Logits (N, O) and mean loss of each part. The logits are valid until the next call."""
        scores = np.empty((len(self._parts), 2))
        self.runtime.evaluate_parts(self._parts, len(self._parts), address_of(scores))
        return {
            name: (part.z, loss)
            for (name, part), loss in zip(self.evaluations.items(), scores[:, 0].tolist(), strict=True)
        }
