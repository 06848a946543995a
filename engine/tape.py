"""A tape remembers the array operations of one training step and plays them again without Python's overhead.

Layers, losses and optimisers are written as formulas on arrays. Given plain arrays a formula computes its value. Given
`Traced` arrays it does the same and also writes every operation, with its output buffer, on the tape. All buffers of a
step are fixed by the batch size, so playing the tape is a plain loop over prebound array calls that allocates nothing.
Every trick that buys speed lives in this file; the formulas know nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin


class Tape:
    """A list of calls, each with fixed arguments and fixed output buffers."""

    def __init__(self) -> None:
        self.calls: list[tuple[Callable, tuple]] = []

    def __len__(self) -> int:
        return len(self.calls)

    def play(self) -> None:
        for function, arguments in self.calls:
            function(*arguments)

    def wrap(self, array: np.ndarray) -> Traced:
        """The same memory, with every further operation on it recorded."""
        return Traced(array, self)

    def call(self, function: Callable, *arguments: Any) -> Any:
        """Run a function now and on every replay. It must write into its arguments, not return new memory."""
        self.calls.append((function, arguments))
        return function(*arguments)

    def matmul(self, a: np.ndarray, b: np.ndarray, out: np.ndarray | None) -> np.ndarray:
        """a @ b into `out`. New results are stored feature by feature (the samples of one unit are neighbours)."""
        if a.ndim != 2 or b.ndim != 2:
            if out is None:
                out = np.empty((*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1]), a.dtype)
            self.call(np.matmul, a, b, out)
            return out
        if out is None:
            out = np.empty((b.shape[1], a.shape[0]), a.dtype).T
        if out.flags.c_contiguous:
            self.call(a.dot, b, out)  # ndarray.dot costs half of what np.matmul costs on tiny matrices
        elif out.flags.f_contiguous:
            self.call(b.T.dot, a.T, out.T)
        else:
            self.call(np.matmul, a, b, out)
        return out


class Traced(NDArrayOperatorsMixin):
    """An array on a tape. Behaves like the array for arithmetic, ufuncs, views, sums and maxima."""

    __slots__ = ("array", "tape")

    def __init__(self, array: np.ndarray, tape: Tape) -> None:
        self.array, self.tape = array, tape

    shape = property(lambda self: self.array.shape)
    dtype = property(lambda self: self.array.dtype)
    ndim = property(lambda self: self.array.ndim)
    size = property(lambda self: self.array.size)
    T = property(lambda self: Traced(self.array.T, self.tape))

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, key: Any) -> Traced:
        return Traced(self.array[key], self.tape)  # basic slices only: views, so nothing needs recording

    def __setitem__(self, key: Any, value: Any) -> None:
        source = plain(value)
        if source is not self.array[key] and not _same_memory(source, self.array[key]):  # `x[k] += y` is done already
            self.tape.call(np.copyto, self.array[key], source)

    def reshape(self, *shape: int) -> Traced:
        view = self.array.reshape(*shape)
        if not np.may_share_memory(view, self.array):
            view = np.empty(view.shape, self.dtype)
            self.tape.call(np.copyto, view.reshape(self.shape), self.array)
        return Traced(view, self.tape)

    def transpose(self, *axes: int) -> Traced:
        return Traced(self.array.transpose(*axes), self.tape)

    def sum(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False, out: Any = None) -> Any:
        if axis == 0 and self.ndim == 2 and not keepdims:
            out = np.empty(self.shape[1], self.dtype) if out is None else plain(out)
            self.tape.call(self.array.T.dot, np.ones(len(self), self.dtype), out)  # faster than np.add.reduce
            return Traced(out, self.tape)
        return self._reduce(np.add, axis, keepdims, out)

    def max(self, axis: int | None = None, keepdims: bool = False) -> Traced:
        return self._reduce(np.maximum, axis, keepdims, None)

    def mean(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Traced:
        total = self.sum(axis, keepdims)
        total *= total.size / self.size
        return total

    def _reduce(self, ufunc: np.ufunc, axis: Any, keepdims: bool, out: Any) -> Traced:
        result = ufunc.reduce(self.array, axis=axis, keepdims=keepdims, out=None if out is None else plain(out))
        result = np.asarray(result, self.dtype) if out is None else plain(out)
        self.tape.call(ufunc.reduce, self.array, axis, None, result, keepdims)
        return Traced(result, self.tape)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        if method != "__call__" or options:
            raise TypeError(f"{ufunc.__name__}.{method} with {list(options)} cannot be put on a tape")
        arrays = [plain(value, self.dtype) for value in inputs]
        target = plain(out[0]) if out else None
        if ufunc is np.matmul:
            result = self.tape.matmul(arrays[0], arrays[1], target)
        else:
            if any(array.ndim > 1 for array in arrays):  # a single number is cheaper without a shape to stretch
                arrays = [array.reshape(()) if array.shape == (1,) else array for array in arrays]
            result = ufunc(*arrays) if target is None else ufunc(*arrays, out=target)
            result = np.asarray(result)
            replay = _keyword_out(ufunc, result) if ufunc in (np.maximum, np.minimum) else ufunc
            self.tape.calls.append((replay, tuple(arrays) if replay is not ufunc else (*arrays, result)))
        return out[0] if out else Traced(result, self.tape)


def plain(value: Any, dtype: np.dtype | None = None) -> np.ndarray:
    """The array behind a value. Numbers become 0-d arrays: a ufunc takes them twice as fast as Python's numbers."""
    if isinstance(value, Traced):
        return value.array
    if isinstance(value, np.ndarray):
        return value
    return np.asarray(value, dtype if dtype is not None and dtype.kind == "f" else None)


def follow(reference: Any, array: np.ndarray) -> Any:
    """`array`, traced if `reference` is: how state that outlives a step joins the step's formulas."""
    return reference.tape.wrap(array) if isinstance(reference, Traced) else array


def perform(reference: Any, function: Callable, *arguments: Any) -> None:
    """Run a function now and, if `reference` is traced, on every replay: for what is no formula (draws, counters)."""
    if isinstance(reference, Traced):
        reference.tape.call(function, *arguments)
    else:
        function(*arguments)


def _same_memory(a: np.ndarray, b: np.ndarray) -> bool:
    same_start = a.__array_interface__["data"][0] == b.__array_interface__["data"][0]
    return same_start and a.shape == b.shape and a.strides == b.strides


def _keyword_out(ufunc: np.ufunc, out: np.ndarray) -> Callable:
    """NumPy 2.4 refuses a positional output for maximum and minimum."""

    def call(*arrays: np.ndarray) -> None:
        ufunc(*arrays, out=out)

    return call
