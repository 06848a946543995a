"""Marks in formulas for state and calls that a recorder must know about.

Layers, losses and optimizers are written for arrays. A recorder (the tape in engine/tape, the sketch in
engine/lowering) calls them with traced arrays instead, and every operation on those is recorded. Three things need a
mark: state that outlives the step (slots, running statistics, parameters), calls that are not array operations
(drawing random numbers, counting steps), and operations on maps, for which a target may have kernels of its own. The
functions below are these marks; with plain arrays they do almost nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np


class Recorded:
    """Base of traced arrays. `tape` records their operations; it has the methods `wrap` and `call`."""

    __slots__ = ()
    tape: Any
    dtype: Any
    array: Any  # the value itself


def trace_like(reference: Any, array: np.ndarray) -> Any:
    """`array` itself, or traced on the tape of `reference` if that is traced."""
    return reference.tape.wrap(array) if isinstance(reference, Recorded) else array


def untraced(value: Any) -> Any:
    """The array behind a value, for operations that are not recorded."""
    return value.array if isinstance(value, Recorded) else value


def zeros_like(reference: Any, shape: tuple[int, ...]) -> Any:
    """Zeros with the dtype of `reference`, on its device and, if it is traced, on its tape."""
    if isinstance(reference, Recorded):
        return reference.tape.wrap(np.zeros(shape, reference.dtype))
    return np.zeros_like(reference, order="C", shape=shape)  # CuPy handles the call if the reference is its array


def record_call(reference: Any, function: Callable, *arguments: Any) -> None:
    """Call a function now and, if `reference` is traced, on every replay."""
    if isinstance(reference, Recorded):
        reference.tape.call(function, *arguments)
    else:
        function(*arguments)


def kernel(shape_of: Callable[..., tuple[int, ...]]) -> Callable[[Callable], Callable]:
    """Marks a function of arrays, followed by whole numbers, that a sketch takes as one operation.

    shape_of: the same arguments -> shape of the result
    """

    def mark(function: Callable) -> Callable:
        @wraps(function)
        def called(*arguments: Any) -> Any:
            traced = next((argument for argument in arguments if isinstance(argument, Recorded)), None)
            sketch = getattr(traced.tape, "kernel", None) if traced is not None else None
            if sketch is None:
                return function(*arguments)
            return sketch(function.__name__, shape_of(*arguments), arguments)

        return called

    return mark
