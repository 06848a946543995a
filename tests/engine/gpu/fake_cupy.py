"""A strict fake of CuPy on a machine without a graphics card: NumPy with the rules of CuPy.

It refuses operations that would mix host and device silently, and counts what costs time on a real card: kernel
launches, allocations that the memory pool cannot serve, and waits of the host for the device.
"""

from __future__ import annotations

import ctypes
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from tests.engine.gpu.cuda_in_c import compiled
from tests.engine.gpu.fake_card import CARD as CARD
from tests.engine.gpu.fake_card import Memory, stands_on_pinned
from tests.engine.gpu.fake_card import OutOfMemoryError as OutOfMemoryError
from tests.engine.gpu.fake_card import StreamCaptureError as StreamCaptureError
from tests.engine.gpu.fake_card import cuda as cuda
from tests.engine.gpu.fake_card import get_default_memory_pool as get_default_memory_pool


class ndarray(NDArrayOperatorsMixin):  # noqa: N801  CuPy calls it so
    """An array on the device."""

    __array_priority__ = 100

    def __init__(self, inside: np.ndarray, memory: Memory | None = None) -> None:
        self._inside = inside
        self._memory = memory if memory is not None else Memory(inside.nbytes)

    shape = property(lambda self: self._inside.shape)
    dtype = property(lambda self: self._inside.dtype)
    ndim = property(lambda self: self._inside.ndim)
    size = property(lambda self: self._inside.size)
    nbytes = property(lambda self: self._inside.nbytes)
    itemsize = property(lambda self: self._inside.itemsize)
    strides = property(lambda self: self._inside.strides)
    data = property(lambda self: SimpleNamespace(ptr=self._inside.ctypes.data))
    T = property(lambda self: self._view(self._inside.T))

    def _view(self, inside: np.ndarray) -> ndarray:
        return ndarray(inside, self._memory)

    # Operations that wait for the device

    def get(self) -> np.ndarray:
        CARD.wait()
        return self._inside.copy()

    def _ask(self, kind: Any) -> Any:
        CARD.wait()
        return kind(self._inside)

    def __float__(self) -> float:
        return self._ask(float)

    def __int__(self) -> int:
        return self._ask(int)

    def __bool__(self) -> bool:
        return self._ask(bool)

    def item(self) -> Any:
        return self._ask(np.ndarray.item)

    def set(self, array: np.ndarray, stream: Any = None) -> None:
        assert type(array) is np.ndarray
        assert (array.shape, array.dtype) == (self.shape, self.dtype)
        CARD.refuse_in_capture("a copy from the host")
        CARD.waits += not stands_on_pinned(array)
        self._inside[...] = array

    # Operations that CuPy refuses

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`")

    def __iter__(self) -> Any:
        raise TypeError("each step through a device array would be a kernel")

    # Operations that start a kernel

    def __len__(self) -> int:
        return len(self._inside)

    def __getitem__(self, key: Any) -> ndarray:
        assert not isinstance(key, (np.ndarray, ndarray, list)), "take() is what gathers"
        return self._view(self._inside[key])

    def __setitem__(self, key: Any, value: Any) -> None:
        CARD.launch()
        self._inside[key] = _on_device(value)

    def fill(self, value: float) -> None:
        CARD.launch()
        self._inside.fill(_on_device(value))

    def reshape(self, *shape: Any, order: str = "C") -> ndarray:
        inside = self._inside.reshape(*shape, order=order)
        if np.shares_memory(inside, self._inside) or not inside.size:
            return self._view(inside)
        CARD.launch()
        return ndarray(inside)

    def transpose(self, *axes: int) -> ndarray:
        return self._view(self._inside.transpose(*axes))

    def _call(self, name: str, *arguments: Any, out: ndarray | None = None, **options: Any) -> ndarray:
        CARD.launch()
        result = getattr(self._inside, name)(*map(_on_device, arguments), **options)
        if out is None:
            return ndarray(np.asarray(result))
        assert out.shape == np.shape(result)
        assert out.dtype == np.asarray(result).dtype
        out._inside[...] = result
        return out

    def sum(self, axis: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
        return self._call("sum", axis=axis, out=out, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> ndarray:
        return self._call("mean", axis=axis, keepdims=keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> ndarray:
        return self._call("max", axis=axis, keepdims=keepdims)

    def dot(self, other: ndarray) -> ndarray:
        return self._call("dot", other)

    def astype(self, dtype: Any) -> ndarray:
        return self._call("astype", dtype)

    def copy(self) -> ndarray:
        return self._call("copy")

    def argmax(self, axis: int) -> ndarray:
        return self._call("argmax", axis=axis)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        if method != "__call__" or options:
            raise NotImplementedError(f"{ufunc.__name__}.{method} with {list(options)}")
        CARD.launch()
        arrays = [_on_device(value) for value in inputs]
        if out is None:
            return ndarray(np.asarray(ufunc(*arrays)))
        (target,) = out
        if ufunc is np.matmul and not target._inside.flags.c_contiguous:
            raise ValueError("Output array must be C-contiguous")
        ufunc(*arrays, out=_on_device(target))
        return target

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        if function.__name__ not in FUNCTIONS:
            raise TypeError(f"the fake does not support {function.__name__}")
        return FUNCTIONS[function.__name__](*arguments, **options)


def _on_device(value: Any) -> Any:
    """The NumPy value behind an argument: device arrays and plain numbers are accepted, host arrays are not."""
    if isinstance(value, ndarray):
        return value._inside
    if isinstance(value, (np.ndarray, list, tuple)):
        raise TypeError(f"Unsupported type {type(value)}")
    return value


# Functions, under the names that NumPy hands over and that CuPy offers ------------------------------------------------


def empty(shape: Any, dtype: Any = float) -> ndarray:
    return ndarray(np.full(shape, 77, dtype))  # so that code which relies on zeros fails


def zeros_like(a: ndarray, dtype: Any = None, order: str = "K", shape: Any = None) -> ndarray:
    CARD.launch()
    return ndarray(np.zeros(a.shape if shape is None else shape, dtype or a.dtype))


def ones_like(a: ndarray) -> ndarray:
    CARD.launch()
    return ndarray(np.ones(a.shape, a.dtype))


def take(a: ndarray, indices: ndarray, axis: int, out: ndarray | None = None) -> ndarray:
    CARD.launch()
    if out is None:
        return ndarray(np.take(a._inside, indices._inside, axis))
    np.take(a._inside, indices._inside, axis, out=out._inside)
    return out


def concatenate(arrays: list[ndarray]) -> ndarray:
    CARD.launch()
    return ndarray(np.concatenate([array._inside for array in arrays]))


def clip(a: ndarray, low: float, high: float, out: ndarray) -> None:
    CARD.launch()
    np.clip(a._inside, low, high, out._inside)


def sliding_window_view(x: ndarray, shape: Any, axis: Any) -> ndarray:
    return x._view(np.lib.stride_tricks.sliding_window_view(x._inside, shape, axis))


FUNCTIONS = {f.__name__: f for f in (zeros_like, ones_like, concatenate, clip, sliding_window_view)}


# Kernels -------------------------------------------------------------------------------------------------------------


class RawKernel:
    """A kernel from source. Without a C++ compiler it fails, as CuPy does without NVRTC."""

    def __init__(self, source: str, name: str) -> None:
        self.source, self.name, self.loaded = source, name, False

    def __call__(self, blocks: tuple[int], threads: tuple[int], arguments: tuple[Any, ...]) -> None:
        if CARD.capturing is not None and not self.loaded:
            CARD.refuse_in_capture("loading a kernel")
        function, self.loaded = compiled(self.source, self.name), True
        words = [ctypes.c_int(*blocks), ctypes.c_int(*threads), *map(_in_c, arguments)]
        CARD.launch(lambda: function(*words))


def _in_c(value: Any) -> Any:
    if isinstance(value, ndarray):  # kernels on a view must use its strides
        return value._inside.ctypes.data_as(ctypes.c_void_p)
    kinds = {np.int32: ctypes.c_int, np.float32: ctypes.c_float, np.float64: ctypes.c_double}
    return kinds[type(value)](value)
