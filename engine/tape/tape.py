"""A tape records the array operations of one training step and replays them with little overhead.

Layers, losses and optimizers are written as formulas on arrays. Given plain arrays a formula computes its value. Given
`Traced` arrays it does the same and also records every operation, with its output buffer, on the tape. The batch size
determines the size of every buffer, so a replay is a plain loop over bound array calls that allocates nothing.

Optimizations for speed are in this package. The formulas help in three ways only: they mark state and calls that
outlive a step (engine/formulas/tracing.py), the network stores a bias right after its weights (`Layer.order`), so that
both can be one matrix here, and large batches and parameters are processed in parts that fit the processor's cache.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.lib.stride_tricks import as_strided

from engine.formulas.tracing import Recorded


class Tape:
    """A list of calls, each with fixed arguments and fixed output buffers."""

    def __init__(self) -> None:
        self.calls: list[tuple[Callable, tuple]] = []
        self.free: defaultdict[tuple, list[np.ndarray]] = defaultdict(list)
        self.ones: dict[tuple[int, int], np.ndarray] = {}  # (address, length) -> row of ones after samples
        self.product: tuple = (None, None, None, 0)  # the latest a @ b into out, and the number of calls after it

    def __len__(self) -> int:
        return len(self.calls)

    def play(self) -> None:
        for function, arguments in self.calls:
            function(*arguments)

    def wrap(self, array: np.ndarray) -> Traced:
        """The same memory as a traced array, whose operations are recorded."""
        return Traced(array, self)

    def fixed(self, samples: np.ndarray) -> Traced:
        """A traced copy of samples (N, D), stored feature by feature and followed by a row of ones for a bias."""
        copy = self.lease(np.asfortranarray(samples))
        return self.wrap(copy.array)

    def call(self, function: Callable, *arguments: Any) -> Any:
        """Call a function now and on every replay. It must write its result into its arguments."""
        self.calls.append((function, arguments))
        return function(*arguments)

    def lease(self, result: np.ndarray) -> Traced:
        """A copy of a result in leased memory, which is reused after the last reference to the result is gone."""
        free = self.free[result.shape, result.strides, result.dtype]
        memory = free.pop() if free else self.memory(result)
        kept = np.ndarray(result.shape, result.dtype, memory, 0, result.strides)
        kept[...] = result
        return Traced(kept, self, Lease(memory, (result.shape, result.strides, result.dtype), self))

    def memory(self, result: np.ndarray) -> np.ndarray:
        """New memory for a result, followed by a row of ones if the result is stored feature by feature."""
        if result.ndim != 2 or not result.flags.f_contiguous:
            return np.empty(result.size, result.dtype)
        memory = np.ones(result.size + len(result), result.dtype)
        self.mark(memory[result.size :])
        return memory

    def mark(self, ones: np.ndarray) -> None:
        """Register a row of ones (N,) after samples. It is multiplied by the bias, which follows the weights."""
        self.ones[address_of(ones), len(ones)] = ones

    def ones_below(self, features: np.ndarray) -> np.ndarray | None:
        """Samples (I, N) together with the row of ones after them, (I + 1, N); None if there is no such row."""
        inputs, samples = features.shape
        ones = address_of(features) + features.nbytes, samples
        return _rows(features, inputs + 1) if features.flags.c_contiguous and ones in self.ones else None

    def apply(self, ufunc: np.ufunc, arrays: list[np.ndarray], out: np.ndarray) -> None:
        """ufunc(*arrays) into `out`."""
        ufunc(*arrays, out=out)
        if ufunc in (np.maximum, np.minimum):  # NumPy 2.4 refuses a positional output for these
            self.calls.append((partial(ufunc, out=out), tuple(arrays)))
        else:
            self.calls.append((ufunc, (*arrays, out)))

    def matmul(self, a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
        """a @ b into `out`."""
        if a.ndim != 2 or b.ndim != 2:
            self.call(np.matmul, a, b, out)
        elif out.flags.c_contiguous:
            self.call(a.dot, b, out)  # ndarray.dot costs half of what np.matmul costs on tiny matrices
        elif out.flags.f_contiguous:
            self.call(b.T.dot, a.T, out.T)
        else:
            self.call(np.matmul, a, b, out)
        self.product = a, b, out, len(self.calls)

    def add_bias(self, z: Traced, b: Any) -> Traced | None:
        """z + b as one product [x 1] [W; b], if z = x @ W was the latest call; None if the memory does not allow it."""
        x, W, out, calls = self.product
        if out is not z._array or z.lease is None or calls != len(self.calls) or out.ndim != 2:
            return None
        x1, Wb = self.ones_below(x.T), _with_bias(W, b)
        if x1 is None or Wb is None:
            return None
        result = self.lease(_feature_by_feature(x1.T, Wb))
        self.matmul(x1.T, Wb, result._array)
        z.lease.needless = calls - 1
        return result

    def sum_bias(self, dz: np.ndarray, db: np.ndarray) -> bool:
        """Try to sum dz over the samples into db as part of the latest product, x.T @ dz into dW."""
        x, factor, dW, calls = self.product
        if factor is not dz or calls != len(self.calls):
            return False
        x1, dWb = self.ones_below(x), _with_bias(dW, db)
        if x1 is None or dWb is None:
            return False
        self.calls.pop()
        self.matmul(x1, dz, dWb)
        return True


class Lease:
    """Reserves memory as long as anything refers to the value in it or to a view of that value.

    needless: number of the call that computed the value, if only the next call could have read it; else -1.
    """

    __slots__ = ("kept", "kind", "memory", "needless", "tape")

    def __init__(self, memory: np.ndarray, kind: tuple, tape: Tape) -> None:
        self.memory, self.kind, self.tape = memory, kind, tape
        self.kept, self.needless = False, -1

    def __del__(self) -> None:
        if not self.kept:
            self.tape.free[self.kind].append(self.memory)
            if 0 <= self.needless == len(self.tape.calls) - 2:
                del self.tape.calls[self.needless]


class Traced(Recorded, NDArrayOperatorsMixin):
    """An array on a tape. Supports arithmetic, ufuncs, views, sums and maxima."""

    __slots__ = ("_array", "lease", "tape")

    def __init__(self, array: np.ndarray, tape: Tape, lease: Lease | None = None) -> None:
        self._array, self.tape, self.lease = array, tape, lease

    shape = property(lambda self: self._array.shape)
    dtype = property(lambda self: self._array.dtype)
    ndim = property(lambda self: self._array.ndim)
    size = property(lambda self: self._array.size)
    T = property(lambda self: self._view(self._array.T))

    @property
    def array(self) -> np.ndarray:
        """The underlying array. It may be read after any replay, so its memory is never reused."""
        if self.lease is not None:
            self.lease.kept = True
        return self._array

    def _view(self, array: np.ndarray) -> Traced:
        return Traced(array, self.tape, self.lease)

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, key: Any) -> Traced:
        return self._view(self._array[key])  # basic slices only, so nothing needs recording

    def __setitem__(self, key: Any, value: Any) -> None:
        source = _inside(value)
        if source is not self._array[key] and not _same_memory(source, self._array[key]):  # `x[k] += y` is recorded
            self.tape.call(np.copyto, self._array[key], source)

    def reshape(self, *shape: int) -> Traced:
        view = self._array.reshape(*shape)
        if np.may_share_memory(view, self._array):
            return self._view(view)
        copy = np.empty(view.shape, self.dtype)
        self.tape.call(np.copyto, copy.reshape(self.shape), self._array)
        return Traced(copy, self.tape)

    def transpose(self, *axes: int) -> Traced:
        return self._view(self._array.transpose(*axes))

    def sum(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False, out: Any = None) -> Any:
        if axis == 0 and self.ndim == 2 and not keepdims:
            out = np.empty(self.shape[1], self.dtype) if out is None else _inside(out)
            if self.tape.sum_bias(self._array, out):
                return Traced(out, self.tape)
            self.tape.call(self._array.T.dot, np.ones(len(self), self.dtype), out)  # faster than np.add.reduce
            return Traced(out, self.tape)
        if axis == 2 and self.ndim == 3 and not keepdims and out is None:
            out = np.empty(self.shape[:2], self.dtype)
            self.tape.call(np.matmul, self._array, np.ones(self.shape[2], self.dtype), out)
            return Traced(out, self.tape)
        return self._reduce(np.add, axis, keepdims, out)

    def max(self, axis: int | None = None, keepdims: bool = False) -> Traced:
        return self._reduce(np.maximum, axis, keepdims, None)

    def mean(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Traced:
        total = self.sum(axis, keepdims)
        total *= total.size / self.size
        return total

    def _reduce(self, ufunc: np.ufunc, axis: Any, keepdims: bool, out: Any) -> Traced:
        result = ufunc.reduce(self._array, axis=axis, keepdims=keepdims, out=None if out is None else _inside(out))
        result = np.asarray(result, self.dtype) if out is None else _inside(out)
        self.tape.call(ufunc.reduce, self._array, axis, None, result, keepdims)
        return Traced(result, self.tape)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        if method != "__call__" or options:
            raise TypeError(f"{ufunc.__name__}.{method} with {list(options)} cannot be put on a tape")
        if ufunc is np.add and not out and inputs[0] is self:
            joined = self.tape.add_bias(self, inputs[1])
            if joined is not None:
                return joined
        arrays = [_inside(value, self.dtype) for value in inputs]
        if ufunc is not np.matmul and any(array.ndim > 1 for array in arrays):
            arrays = [array.reshape(()) if array.shape == (1,) else array for array in arrays]  # no shape to stretch
        if out:
            traced, target = out[0], _inside(out[0])
        else:
            compute = _feature_by_feature if ufunc is np.matmul else ufunc
            traced = self.tape.lease(np.asarray(compute(*arrays)))
            target = traced._array
        if ufunc is np.matmul:
            self.tape.matmul(arrays[0], arrays[1], target)
        else:
            self.tape.apply(ufunc, arrays, target)
        return traced


def _inside(value: Any, dtype: np.dtype | None = None) -> np.ndarray:
    """The array behind a value. Numbers become 0-d arrays, with which a ufunc is twice as fast."""
    if isinstance(value, Traced):
        return value._array
    if isinstance(value, np.ndarray):
        return value
    return np.asarray(value, dtype if dtype is not None and dtype.kind == "f" else None)


def address_of(array: np.ndarray) -> int:
    """Faster than `array.ctypes.data`."""
    return array.__array_interface__["data"][0]


def _rows(array: np.ndarray, count: int) -> np.ndarray:
    """`count` rows of the width of the array, starting at its first element."""
    width = array.shape[1]
    return as_strided(array, (count, width), (width * array.itemsize, array.itemsize))


def _with_bias(W: np.ndarray, b: Any) -> np.ndarray | None:
    """Weights (I, O) and the bias (O,) after them in memory as (I + 1, O); None if they are not contiguous."""
    near = isinstance(b, np.ndarray) and b.shape == W.shape[1:] and address_of(b) == address_of(W) + W.nbytes
    return _rows(W, len(W) + 1) if near and W.flags.c_contiguous and b.flags.c_contiguous else None


def _same_memory(a: np.ndarray, b: np.ndarray) -> bool:
    return address_of(a) == address_of(b) and a.shape == b.shape and a.strides == b.strides


def _feature_by_feature(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Uninitialized memory for a @ b in which the samples of one unit are contiguous."""
    if a.ndim == b.ndim == 2:
        return np.empty((b.shape[1], a.shape[0]), a.dtype).T
    return np.empty((*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1]), a.dtype)
