"""A program for another run of the same structure: the same kernels on that run's arrays, without another sketch."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from copy import copy
from typing import Any, NamedTuple

import numpy as np

from engine.c.program import Program
from engine.formulas.regularizers import REGULARIZERS
from engine.network.layers import Layer
from engine.network.network import Network
from engine.step.data import Data
from engine.step.update import StepFormulas
from engine.tape.tape import address_of

MAX_PROGRAMS, MAX_BYTES = 64, 8 << 20  # of all programs and of their arrays
MAX_PROGRAM_BYTES = 1 << 20  # of the arrays of one; sketching takes a notable part of the time of small runs only


class Template(NamedTuple):
    """A program on blank arrays: it holds neither the data nor the parameters of the run that it was made for."""

    program: Program
    arrays: list[np.ndarray]
    bytes: int


_recent: OrderedDict[str, Template] = OrderedDict()  # by structure; only changed in turns of `Build`


def program_for(twin: Network, formulas: StepFormulas, data: Data, sizes: frozenset[int]) -> Program:
    """A program as `Program` makes it, from a recent one if there is one of this structure. Raises Unsketchable."""
    arrays = arrays_of(twin, formulas, data)
    key = structure_of(twin, formulas, data, sizes, arrays)
    if key in _recent:
        _recent.move_to_end(key)
        program = _on_arrays(_recent[key].program, _recent[key].arrays, arrays)
        program.formulas, program.data = formulas, data
        program.inputs, program.targets = (np.ascontiguousarray(array) for array in data.train[:2])
        return program
    program = Program(twin, formulas, data, sizes)
    size = _bytes(program, arrays)
    if size <= MAX_PROGRAM_BYTES and all(array.flags.c_contiguous for array in arrays):
        blank = [np.zeros_like(array) for array in arrays]
        template = _on_arrays(program, arrays, blank)
        del template.formulas, template.data, template.inputs, template.targets
        _recent[key] = Template(template, blank, size)
        while len(_recent) > MAX_PROGRAMS or sum(each.bytes for each in _recent.values()) > MAX_BYTES:
            _recent.popitem(last=False)
    return program


def _bytes(program: Program, arrays: list[np.ndarray]) -> int:
    """Of the program's own memory and of these arrays."""
    evaluations = program.evaluations.values()
    made = (*program.batches.values(), *evaluations, *(e.block for e in evaluations if e.block))
    values = (value for one in made for launch in one.launches for value in launch.arguments)
    arrays = [*arrays, *(value for value in values if isinstance(value, np.ndarray))]
    return sum({address_of(array): array.nbytes for array in arrays}.values())


def arrays_of(twin: Network, formulas: StepFormulas, data: Data) -> list[np.ndarray]:
    """The arrays that outlive a step, in an order that only depends on the structure of the run."""
    optimizer = formulas.optimizer
    return [
        *(np.asarray(array) for array in (twin.parameters, twin.gradients)), *optimizer.slots.values(),
        *(value for value in vars(optimizer).values() if isinstance(value, np.ndarray)), *formulas.penalties.values(),
        *(np.asarray(array) for _, layer in twin.walk() for array in layer.state.values()),
        *(array for part in (data.train, *data.evaluated.values()) for array in part[:2]),
    ]  # fmt: skip


def structure_of(
    twin: Network, formulas: StepFormulas, data: Data, sizes: frozenset[int], arrays: list[np.ndarray]
) -> str:
    """What a sketch depends on other than the arrays themselves."""
    s, objective = formulas.settings, formulas.objective
    rules = [*(bool(getattr(s, name)) for name in REGULARIZERS), s.clip_value, s.clip_norm, *sorted(sizes)]
    layers = [(name, type(layer).__name__, _plain(vars(layer))) for name, layer in twin.walk()]
    shapes = [(array.shape, array.strides, array.dtype.str) for array in arrays]
    owner = {name: _plain(value) for name, value in vars(formulas.optimizer).items() if name != "t"}
    return repr(
        (rules, layers, shapes, type(formulas.optimizer).__name__, owner, _plain(vars(objective)), [*data.evaluated])
    )


def _plain(value: Any) -> Any:
    """A value without what differs between runs of one structure; unique where that is not known."""
    if isinstance(value, np.ndarray):
        return value.shape, value.strides
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, Layer):
        return type(value).__name__  # its own attributes are those of another layer of the network
    return None if callable(value) or isinstance(value, np.random.Generator) else value


def _on_arrays(known: Program, old: list[np.ndarray], new: list[np.ndarray]) -> Program:
    """The program with new arrays in the places of the old ones, and memory of its own for everything else."""
    identical = {id(array): place for place, array in enumerate(old)}  # numbers are known by their identity
    ranges: list[tuple[int, int, int]] = []  # start, end and place of old arrays, without those within others
    for start, size, place in sorted((address_of(a), -a.nbytes, place) for place, a in enumerate(old)):
        if not ranges or start - size > ranges[-1][1]:
            ranges.append((start, start - size, place))
    starts, flat = [start for start, _, _ in ranges], [array.reshape(-1) for array in new]
    own: dict[int, tuple[int, np.ndarray]] = {}  # by the identity of the old memory: its address, and the new one

    def moved(value: Any) -> Any:
        if isinstance(value, list):
            return [moved(each) for each in value]
        if isinstance(value, tuple):
            return type(value)(*map(moved, value)) if hasattr(value, "_fields") else tuple(map(moved, value))
        if not isinstance(value, np.ndarray) or not value.size:
            return value
        if (place := identical.get(id(value))) is not None:
            return new[place]
        address = address_of(value)
        start, end, place = ranges[bisect_right(starts, address) - 1]
        if start <= address < end:
            memory = flat[place]
        else:
            base = value
            while isinstance(base.base, np.ndarray):
                base = base.base
            if id(base) not in own:
                own[id(base)] = address_of(base), np.zeros(base.nbytes, np.uint8)
            start, memory = own[id(base)]
        return np.ndarray(value.shape, value.dtype, memory, address - start, value.strides)

    program = copy(known)
    program.batches = {size: moved(batch) for size, batch in known.batches.items()}
    program.evaluations = {name: moved(evaluation) for name, evaluation in known.evaluations.items()}
    program.numbers = moved(known.numbers)
    return program
